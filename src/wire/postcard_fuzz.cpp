// The reader against its own rules: a script of reads over arbitrary bytes never leaves the input, and every integer
// read is written in at most as many bytes.

#include <cstddef>
#include <cstdint>

#include "wire/fuzz_require_testing.hpp"
#include "wire/postcard.hpp"

namespace {

using namespace grapevine;
using wire::testing::require;

void check_integer(wire::Reader& in, std::size_t before, std::uint64_t value) {
    if (!in.ok()) {
        require(value == 0);
        return;
    }
    wire::Writer out;
    out.varint(value);
    require(out.size() <= in.offset() - before && out.size() == wire::varint_size(value));
}

void step(wire::Reader& in, std::uint8_t operation) {
    const std::size_t before = in.offset();
    switch (operation % 8) {
        case 0: check_integer(in, before, in.u16("u16")); break;
        case 1: check_integer(in, before, in.u32("u32")); break;
        case 2: check_integer(in, before, in.u64("u64")); break;
        case 3: in.boolean("bool"); break;
        case 4: require(in.count("count", operation) <= operation); break;
        case 5: require(in.bytes("bytes", operation).size() <= operation); break;
        case 6: require(in.raw("raw", operation).size() <= operation); break;
        default: require(in.discriminant("enum", 4) < 4); break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t script = size < 64 ? size / 2 : 32;
    const base::ByteView input(data + script, size - script);
    wire::Reader in("fuzz", input);
    for (std::size_t i = 0; i < script; ++i) {
        const bool was_ok = in.ok();
        const std::size_t before = in.offset();
        step(in, data[i]);
        require(in.offset() >= before && in.offset() + in.remaining() == input.size());
        require(was_ok || (!in.ok() && in.offset() == before));
    }
    if (!in.ok()) require(!in.error().message.empty());
    return 0;
}
