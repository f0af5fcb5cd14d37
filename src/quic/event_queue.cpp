#include "quic/event_queue.hpp"

#include <utility>

namespace grapevine::quic {

void EventQueue::push_data(ConnectionRef connection, StreamRef stream, base::ByteView data, bool fin) {
    if (!events_.empty()) {
        auto* last = std::get_if<StreamData>(&events_.back());
        if (last != nullptr && last->connection == connection && last->stream == stream && !last->fin &&
            last->data.size() + data.size() <= kDataEventBytes) {
            last->data.insert(last->data.end(), data.begin(), data.end());
            last->fin = fin;
            return;
        }
    }
    events_.push_back(StreamData{connection, stream, base::Bytes(data.begin(), data.end()), fin});
}

std::optional<Event> EventQueue::pop() {
    if (events_.empty()) {
        return std::nullopt;
    }
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
}

}  // namespace grapevine::quic
