// The compiled half of Boost.Asio: every other unit sees only its declarations.
#include <boost/asio/impl/src.hpp>
