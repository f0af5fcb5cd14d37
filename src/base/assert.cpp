#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace grapevine::base {

void assertion_failed(const char* expression, const char* message, const char* file, int line) noexcept {
    std::fprintf(stderr, "grapevine: internal error: %s (%s) at %s:%d\n", message, expression, file, line);
    std::abort();
}

}  // namespace grapevine::base
