#pragma once

// Fingerprints of sets of (id, sequence), as wire/mesh.hpp defines them: the sum modulo 2^128 of each item's hash. The
// sum is read and written big-endian. A member may choose its own sequence, but to make two different sets sum up alike
// it would have to find a collision among 2^128; and all it would gain is that a peer learns of a difference later, by
// gossip.

#include <cstdint>

#include "base/ids.hpp"
#include "wire/mesh.hpp"

namespace grapevine::directory {

class FingerprintSum {
public:
    FingerprintSum() = default;
    static FingerprintSum of(const base::EndpointId& id, wire::Sequence sequence);

    FingerprintSum& operator+=(const FingerprintSum& other) {
        low_ += other.low_;
        high_ += other.high_ + (low_ < other.low_ ? 1 : 0);
        return *this;
    }
    [[nodiscard]] wire::Fingerprint value() const;
    friend bool operator==(const FingerprintSum&, const FingerprintSum&) = default;

private:
    std::uint64_t high_ = 0;
    std::uint64_t low_ = 0;
};

}  // namespace grapevine::directory
