#pragma once

// Echo of one endpoint's streams: what comes on a bidirectional stream goes back on it, what comes on a unidirectional
// one goes back on a unidirectional one of ours, and its end as an end.
//
// A byte is credited to the sender only when it has been put into the send buffer of the way back: a peer that sends
// without reading is stopped by flow control, after one window a stream.

#include <compare>
#include <map>

#include "apps/grapevine/app_endpoint.hpp"
#include "quic/types.hpp"

namespace grapevine::apps {

class Echo {
public:
    explicit Echo(io::Host& host) : host_(host) {}

    void on_opened(const quic::StreamOpened& event);
    void on_data(const quic::StreamData& event);
    void on_writable(const quic::StreamWritable& event);
    void on_reset(const quic::StreamReset& event);
    void on_stopped(const quic::StreamStopped& event);
    void on_credit(const quic::StreamsAvailable& event);
    void on_stream_closed(const quic::StreamClosed& event);
    void on_connection_closed(quic::ConnectionRef connection);

    // Streams that something is still to be done for.
    [[nodiscard]] std::size_t streams() const { return routes_.size(); }

private:
    struct Key {
        quic::ConnectionRef connection;
        quic::StreamRef stream;
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    // By the stream that data comes on.
    struct Route {
        std::optional<StreamSender> back;  // Absent until a stream of ours can be opened.
        base::Bytes waiting;               // Came before that; at most one window.
        bool ended = false;
    };

    void open_back(const Key& key, Route& route);
    void pump(const Key& key, Route& route);
    Route* route_of_back(const Key& back, Key& key);

    io::Host& host_;
    std::map<Key, Route> routes_;
    std::map<Key, Key> by_back_;  // Our unidirectional stream, to the peer's.
};

}  // namespace grapevine::apps
