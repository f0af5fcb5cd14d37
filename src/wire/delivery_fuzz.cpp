// Delivery frames: what decodes, encodes and decodes to the same frame; and any cut of a stream gives the same frames.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "wire/delivery.hpp"
#include "wire/fuzz_require_testing.hpp"

namespace {

using namespace grapevine;
using wire::testing::require;

void check_frame(const wire::DeliveryFrame& frame) {
    wire::DeliveryFrameReader reader;
    reader.feed(wire::encode(frame));
    const auto again = reader.next();
    require(again && *again && **again == frame && reader.at_boundary());
    if (const auto* deliver = std::get_if<wire::Deliver>(&frame)) {
        require(wire::is_target_name(deliver->name) && deliver->payload.size() <= wire::kDeliverPayloadMax);
        require(deliver->settled < deliver->sequence && deliver->after <= deliver->sequence);
    }
}

std::vector<wire::DeliveryFrame> frames_of(base::ByteView stream, std::size_t piece) {
    wire::DeliveryFrameReader reader;
    std::vector<wire::DeliveryFrame> frames;
    while (!stream.empty()) {
        const std::size_t size = std::min(piece, stream.size());
        reader.feed(stream.first(size));
        stream = stream.subspan(size);
        for (auto frame = reader.next(); frame && *frame; frame = reader.next())
            frames.push_back(**frame);
    }
    return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const base::ByteView input(data, size);
    if (const auto frame = wire::decode_delivery_frame(input.front(), input.subspan(1))) check_frame(*frame);
    const auto frames = frames_of(input, 1U + input.back());
    require(frames == frames_of(input, 1));
    for (const auto& frame : frames)
        check_frame(frame);
    return 0;
}
