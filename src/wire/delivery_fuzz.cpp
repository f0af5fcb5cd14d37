// Delivery frames: what decodes, encodes and decodes to the same frame; and any cut of a stream gives the same frames.

#include <cstddef>
#include <cstdint>

#include "wire/delivery.hpp"
#include "wire/fuzz_require_testing.hpp"
#include "wire/fuzz_stream_testing.hpp"

namespace {

using namespace grapevine;
using wire::testing::frames_of;
using wire::testing::require;

void check_frame(const wire::DeliveryFrame& frame) {
    wire::DeliveryFrameReader reader;
    reader.feed(wire::encode(frame));
    const auto again = reader.next();
    require(again && *again && **again == frame && reader.at_boundary());
    if (const auto* large = std::get_if<wire::DeliverLarge>(&frame)) {
        require(large->message.payload.empty() && large->size > 0 && large->size <= wire::kLargePayloadMax);
        require(large->message.settled < large->message.sequence);
    }
    if (const auto* deliver = std::get_if<wire::Deliver>(&frame)) {
        require(wire::is_target_name(deliver->name) && deliver->payload.size() <= wire::kDeliverPayloadMax);
        require(deliver->settled < deliver->sequence && deliver->after <= deliver->sequence);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const base::ByteView input(data, size);
    if (const auto frame = wire::decode_delivery_frame(input.front(), input.subspan(1))) check_frame(*frame);
    const auto frames = frames_of<wire::DeliveryFrameReader>(input, 1U + input.back());
    require(frames == frames_of<wire::DeliveryFrameReader>(input, 1));
    for (const auto& frame : frames)
        check_frame(frame);
    return 0;
}
