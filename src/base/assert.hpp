#pragma once

// Assertions for our own bugs: on in every build, abort with context, never reachable from input.

namespace grapevine::base {

[[noreturn]] void assertion_failed(const char* expression, const char* message, const char* file, int line) noexcept;

}  // namespace grapevine::base

#define GRAPEVINE_ASSERT(expression, message)                                              \
    do {                                                                                   \
        if (!(expression)) [[unlikely]]                                                    \
            ::grapevine::base::assertion_failed(#expression, message, __FILE__, __LINE__); \
    } while (false)
