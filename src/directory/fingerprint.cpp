#include "directory/fingerprint.hpp"

#include <algorithm>
#include <array>

#include "base/blake3.hpp"

namespace grapevine::directory {

namespace {

void put_u64(std::uint64_t value, std::uint8_t* out) {
    for (unsigned i = 0; i < 8; ++i)
        out[i] = static_cast<std::uint8_t>(value >> (56U - 8U * i));
}

std::uint64_t get_u64(const std::uint8_t* in) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i)
        value = (value << 8U) | in[i];
    return value;
}

}  // namespace

FingerprintSum FingerprintSum::of(const base::EndpointId& id, wire::Sequence sequence) {
    std::array<std::uint8_t, base::kIdBytes + 8> item{};
    std::copy(id.bytes.begin(), id.bytes.end(), item.begin());
    put_u64(sequence.value, item.data() + base::kIdBytes);
    const base::Blake3Hash hash = base::blake3(item);
    FingerprintSum sum;
    sum.high_ = get_u64(hash.data());
    sum.low_ = get_u64(hash.data() + 8);
    return sum;
}

wire::Fingerprint FingerprintSum::value() const {
    wire::Fingerprint fingerprint;
    put_u64(high_, fingerprint.bytes.data());
    put_u64(low_, fingerprint.bytes.data() + 8);
    return fingerprint;
}

}  // namespace grapevine::directory
