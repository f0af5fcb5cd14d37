// The compiled half of Boost.Beast (HTTP, without WebSocket's deflate): every other unit sees only its declarations.
#include <boost/beast/src.hpp>
