#pragma once

// What the fuzzers of this folder begin with: bytes as decisions, and the ids of a few peers.

#include <cstddef>
#include <cstdint>

#include "base/ids.hpp"

namespace grapevine::delivery::testing {

// The input of a fuzzer, a byte a decision; zeros when it is used up.
class Decisions {
public:
    Decisions(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
    [[nodiscard]] bool any() const { return at_ < size_; }
    std::uint8_t byte() { return any() ? data_[at_++] : 0; }

private:
    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t at_ = 0;
};

inline base::EndpointId peer_of(std::size_t number) {
    base::EndpointId id;
    id.bytes.fill(static_cast<std::uint8_t>(number + 1));
    return id;
}

}  // namespace grapevine::delivery::testing
