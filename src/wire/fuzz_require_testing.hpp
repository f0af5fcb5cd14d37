#pragma once

// A property that a fuzz target checks: aborts, in every build, so that the fuzzer keeps the input.

#include <cstdlib>

namespace grapevine::wire::testing {

inline void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace grapevine::wire::testing
