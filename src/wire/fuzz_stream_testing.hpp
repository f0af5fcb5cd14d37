#pragma once

// A stream of frames, fed piece by piece to a reader: what every fuzzer of such streams compares for several pieces.

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace grapevine::wire::testing {

// Until the first error. A `Reader` has feed() and next() as frame_splitter.hpp has them.
template <typename Reader>
auto frames_of(base::ByteView stream, std::size_t piece) {
    using Frame = std::decay_t<decltype(**std::declval<Reader&>().next())>;
    Reader reader;
    std::vector<Frame> frames;
    while (!stream.empty()) {
        const std::size_t size = std::min(piece, stream.size());
        reader.feed(stream.first(size));
        stream = stream.subspan(size);
        for (auto frame = reader.next(); frame && *frame; frame = reader.next())
            frames.push_back(**frame);
    }
    return frames;
}

}  // namespace grapevine::wire::testing
