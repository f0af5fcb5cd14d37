#include "base/rng.hpp"

#include <bit>

namespace grapevine::base {

namespace {

std::uint64_t split_mix(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
}

}  // namespace

Rng::Rng(std::uint64_t seed) {
    for (auto& word : state_)
        word = split_mix(seed);
}

std::uint64_t Rng::next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

std::uint64_t Rng::below(std::uint64_t bound) {
    GRAPEVINE_ASSERT(bound > 0, "an empty range has no element");
    const std::uint64_t threshold = (0 - bound) % bound;
    __extension__ using Wide = unsigned __int128;
    while (true) {
        const Wide product = static_cast<Wide>(next()) * bound;
        if (static_cast<std::uint64_t>(product) >= threshold) return static_cast<std::uint64_t>(product >> 64U);
    }
}

Duration Rng::between(Duration low, Duration high) {
    GRAPEVINE_ASSERT(low < high, "an empty interval has no element");
    return low + Duration(static_cast<Duration::rep>(below(static_cast<std::uint64_t>((high - low).count()))));
}

double Rng::unit() {
    return static_cast<double>(next() >> 11U) * 0x1.0p-53;
}

Duration Rng::jitter(Duration base, double fraction) {
    const double factor = 1.0 + fraction * (2.0 * unit() - 1.0);
    return Duration(static_cast<Duration::rep>(static_cast<double>(base.count()) * factor));
}

void Rng::fill(std::span<std::uint8_t> out) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (i % 8 == 0) word = next();
        out[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
    }
}

}  // namespace grapevine::base
