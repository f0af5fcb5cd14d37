#pragma once

// The events that wait for poll_event(), in order.
//
// Rules
// - Pieces of one stream that follow each other become one StreamData of up to kDataEventBytes: a receiver of a bulk
//   transfer handles one event per batch and not one per packet.
// - Full (Limits::events_max) stops reading: the endpoint drops incoming datagrams, which QUIC repairs. What a
//   connection itself has to say (Closed above all) is always taken.

#include <cstddef>
#include <deque>
#include <optional>

#include "base/bytes.hpp"
#include "quic/types.hpp"

namespace grapevine::quic {

inline constexpr std::size_t kDataEventBytes = 65536;

class EventQueue {
public:
    explicit EventQueue(std::size_t limit) : limit_(limit) {}

    void push(Event event) { events_.push_back(std::move(event)); }
    void push_data(ConnectionRef connection, StreamRef stream, base::ByteView data, bool fin);
    [[nodiscard]] std::optional<Event> pop();
    [[nodiscard]] bool full() const { return events_.size() >= limit_; }
    [[nodiscard]] std::size_t size() const { return events_.size(); }

private:
    std::size_t limit_;
    std::deque<Event> events_;
};

}  // namespace grapevine::quic
