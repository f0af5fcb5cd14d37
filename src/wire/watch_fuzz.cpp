// Frames of a watch: what decodes, encodes and decodes to the same frame; and any cut of a stream gives the same
// frames.

#include <cstddef>
#include <cstdint>

#include "wire/digest.hpp"
#include "wire/fuzz_require_testing.hpp"
#include "wire/fuzz_stream_testing.hpp"
#include "wire/watch.hpp"

namespace {

using namespace grapevine;
using wire::testing::frames_of;
using wire::testing::require;

void check_frame(const wire::WatchFrame& frame) {
    wire::WatchFrameReader reader;
    reader.feed(wire::encode(frame));
    const auto again = reader.next();
    require(again && *again && **again == frame && reader.at_boundary());
    if (const auto* told = std::get_if<wire::WatchTold>(&frame)) require(told->statement.size() <= wire::kStatementMax);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const base::ByteView input(data, size);
    if (const auto frame = wire::decode_watch_frame(input.front(), input.subspan(1))) check_frame(*frame);
    const auto frames = frames_of<wire::WatchFrameReader>(input, 1U + input.back());
    require(frames == frames_of<wire::WatchFrameReader>(input, 1));
    for (const auto& frame : frames)
        check_frame(frame);
    const std::string_view name = base::as_text(input);
    if (const auto target = wire::parse_watch_target(name))
        require(wire::is_watch_name(name) && wire::parse_watch_target(wire::watch_target(*target)) == target);
    return 0;
}
