// Questions and answers: what decodes, encodes and decodes to the same frame, within the limit of a frame.

#include <cstddef>
#include <cstdint>

#include "wire/fuzz_require_testing.hpp"
#include "wire/mesh.hpp"
#include "wire/names.hpp"
#include "wire/resolve.hpp"

namespace {

using namespace grapevine;
using wire::testing::require;

template <typename Frame, typename Read>
void check(base::ByteView bytes, Read read) {
    wire::Reader in("fuzz", bytes);
    const Frame frame = read(in);
    if (!in.ok()) return;
    wire::Writer out;
    wire::write(out, frame);
    const base::Bytes encoded = out.take();
    require(encoded.size() <= wire::kMeshFrameMax);
    wire::Reader again("fuzz", encoded);
    require(read(again) == frame && again.ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::ByteView input(data, size);
    check<wire::Resolve>(input, wire::read_resolve);
    check<wire::Resolved>(input, wire::read_resolved);
    const std::string_view text = base::as_text(input);
    if (const auto parts = wire::split_name(text)) {
        require(!parts->mesh.empty() && !parts->type.empty() && text.size() <= wire::kResolveNameMax);
    }
    return 0;
}
