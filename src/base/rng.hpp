#pragma once

// A deterministic random number generator: xoshiro256** (Blackman and Vigna, 2021), seeded by SplitMix64.
// The same seed gives the same sequence on every platform, which std::*_distribution does not promise.
// Not for secrets: keys and tokens come from libsodium (base/ed25519.hpp) or from the edge.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/assert.hpp"
#include "base/time.hpp"

namespace grapevine::base {

class Rng {
public:
    explicit Rng(std::uint64_t seed);

    std::uint64_t next();

    // Uniform in [0, bound), without modulo bias (Lemire 2019). bound > 0.
    std::uint64_t below(std::uint64_t bound);

    // Uniform in [low, high). low < high.
    Duration between(Duration low, Duration high);

    // Uniform in [0, 1).
    double unit();

    // True with probability p in [0, 1].
    bool chance(double p) { return unit() < p; }

    // base varied by up to ± fraction (0 to 1) of itself.
    Duration jitter(Duration base, double fraction);

    void fill(std::span<std::uint8_t> out);

    // An independent generator derived from this one.
    Rng fork() { return Rng(next()); }

    template <typename Container>
    void shuffle(Container& items) {
        for (std::size_t i = items.size(); i > 1; --i)
            std::swap(items[i - 1], items[index(i)]);
    }

    // A uniform index into a container of `size` > 0 elements.
    std::size_t index(std::size_t size) {
        GRAPEVINE_ASSERT(size > 0, "index into nothing");
        return static_cast<std::size_t>(below(size));
    }

private:
    std::array<std::uint64_t, 4> state_{};
};

}  // namespace grapevine::base
