// Gossip bodies: what decodes, encodes and decodes to the same message; and any cut of a stream gives the same frames.

#include <cstddef>
#include <cstdint>

#include "wire/addr.hpp"
#include "wire/fuzz_require_testing.hpp"
#include "wire/fuzz_stream_testing.hpp"
#include "wire/gossip.hpp"

namespace {

using namespace grapevine;
using wire::testing::frames_of;
using wire::testing::require;

void check_peer_data(const wire::TopicMessage& message) {
    const auto* membership = std::get_if<wire::MembershipMessage>(&message);
    const auto* join = membership == nullptr ? nullptr : std::get_if<wire::Join>(membership);
    if (join == nullptr || !join->data) return;
    const auto info = wire::decode_addr_info(*join->data);
    if (info) require(wire::decode_addr_info(wire::encode(*info)) == *info);
}

void check_body(base::ByteView body) {
    const auto message = wire::decode_topic_message(body);
    if (!message) return;
    const base::Bytes encoded = wire::encode(*message);
    require(encoded.size() <= body.size());
    require(wire::decode_topic_message(encoded) == *message);
    check_peer_data(*message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::ByteView input(data, size);
    check_body(input);
    if (size == 0) return 0;
    const base::ByteView stream = input.subspan(1);
    const auto frames = frames_of<wire::FrameReader>(stream, 1U + input.front());
    require(frames == frames_of<wire::FrameReader>(stream, 1));
    for (const auto& frame : frames)
        check_body(frame);
    return 0;
}
