#pragma once

// Messages, seen by their spans as OTLP brings them: `mesh.deliver` of the sender and `mesh.deliver.handle` of whoever
// handled it have one trace, and the second is a child of the first. They come in different requests, either first.
//
// Rules
//  1. A message is told when both were seen; one whose other half does not come within kPatience is told without a
//     receiver, a half without a sender is forgotten.
//  2. At most kHalvesMax halves wait; at the limit the oldest is treated as if its time were over.
//  3. Nodes trace some of many messages (docs/telemetry.md): these are samples, and counts of them a lower bound.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "console/world_types.hpp"
#include "otlp/decode.hpp"

namespace grapevine::console {

class MessageTap {
public:
    static constexpr base::Duration kPatience = std::chrono::seconds(15);
    static constexpr std::size_t kHalvesMax = 4096;

    using Messages = std::vector<MessageSample>;

    void on_spans(const otlp::Decoded<otlp::SpanRow>& spans, base::TimePoint now, Messages& out);
    void on_deadline(base::TimePoint now, Messages& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;
    [[nodiscard]] std::size_t waiting() const { return halves_.size(); }

private:
    using Key = std::pair<std::string, std::string>;  // Trace, and the sender's span.
    struct Half {
        MessageSample message;
        bool sent = false;
        bool handled = false;
    };
    void merge(const Key& key, base::TimePoint now, Messages& out);
    void give_up_oldest(Messages& out);

    std::map<Key, Half> halves_;
    std::deque<std::pair<base::TimePoint, Key>> order_;
};

}  // namespace grapevine::console
