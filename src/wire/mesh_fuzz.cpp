// Mesh frames: what decodes, encodes and decodes to the same frame; and any cut of a stream gives the same frames.

#include <cstddef>
#include <cstdint>

#include "wire/fuzz_require_testing.hpp"
#include "wire/fuzz_stream_testing.hpp"
#include "wire/mesh.hpp"
#include "wire/postcard.hpp"

namespace {

using namespace grapevine;
using wire::testing::frames_of;
using wire::testing::require;

void check_frame(const wire::MeshFrame& frame) {
    const base::Bytes encoded = wire::encode(frame);
    wire::MeshFrameReader reader;
    reader.feed(encoded);
    const auto again = reader.next();
    require(again && *again && **again == frame && reader.at_boundary());
    if (const auto* turn = std::get_if<wire::SyncTurn>(&frame)) {
        const std::size_t size = wire::payload_size(*turn);
        require(encoded.size() == 1 + wire::varint_size(size) + size);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const base::ByteView input(data, size);
    if (const auto frame = wire::decode_mesh_frame(input.front(), input.subspan(1))) check_frame(*frame);
    const auto frames = frames_of<wire::MeshFrameReader>(input, 1U + input.back());
    require(frames == frames_of<wire::MeshFrameReader>(input, 1));
    for (const auto& frame : frames)
        check_frame(frame);
    return 0;
}
