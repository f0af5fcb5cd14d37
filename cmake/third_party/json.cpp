// The compiled half of Boost.JSON: every other unit sees only its declarations.
#include <boost/json/src.hpp>
