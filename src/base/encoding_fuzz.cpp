// Text decoders: whatever decodes, encodes to the same text in lower case; and bytes survive every encoding.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/encoding.hpp"
#include "base/ids.hpp"

namespace {

using namespace grapevine::base;

struct Codec {
    std::string (*encode)(ByteView);
    Result<Bytes> (*decode)(std::string_view);
};
constexpr std::array<Codec, 4> kCodecs{{{hex_encode, hex_decode},
                                        {base32_encode, base32_decode},
                                        {base32hex_encode, base32hex_decode},
                                        {zbase32_encode, zbase32_decode}}};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    const std::string_view text = as_text(bytes);
    for (const auto& codec : kCodecs) {
        const auto decoded = codec.decode(text);
        if (decoded) require(codec.encode(*decoded) == lower(text));
        const auto back = codec.decode(codec.encode(bytes));
        require(back && std::equal(back->begin(), back->end(), bytes.begin(), bytes.end()));
    }
    const auto id = EndpointId::parse(text);
    if (id) require(EndpointId::parse(id->hex()) == *id);
    require(printable(text).size() <= 80 + 3 + 3);
    return 0;
}
