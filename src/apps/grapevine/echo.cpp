#include "apps/grapevine/echo.hpp"

#include <utility>

namespace grapevine::apps {

void Echo::on_opened(const quic::StreamOpened& event) {
    const Key key{event.connection, event.stream};
    Route& route = routes_[key];
    if (event.stream.is_bidirectional()) {
        route.back.emplace(host_, event.connection, event.stream);
    } else {
        open_back(key, route);
    }
}

// Without stream credit the route waits for on_credit().
void Echo::open_back(const Key& key, Route& route) {
    const auto stream = host_.stack().open_stream(key.connection, quic::Direction::unidirectional);
    if (!stream) {
        return;
    }
    route.back.emplace(host_, key.connection, *stream);
    by_back_[{key.connection, *stream}] = key;
    route.back->push(route.waiting);
    route.waiting.clear();
    if (route.ended) {
        route.back->finish();
    }
    pump(key, route);
}

void Echo::on_data(const quic::StreamData& event) {
    const Key key{event.connection, event.stream};
    const auto found = routes_.find(key);
    if (found == routes_.end()) {
        host_.stack().consume(event.connection, event.stream, event.data.size());
        return;
    }
    Route& route = found->second;
    route.ended = route.ended || event.fin;
    if (!route.back) {
        route.waiting.insert(route.waiting.end(), event.data.begin(), event.data.end());
        return;
    }
    route.back->push(event.data);
    if (route.ended) {
        route.back->finish();
    }
    pump(key, route);
}

void Echo::pump(const Key& key, Route& route) {
    const std::size_t taken = route.back->pump();
    if (taken > 0) {
        host_.stack().consume(key.connection, key.stream, taken);
        host_.touch();
    }
}

Echo::Route* Echo::route_of_back(const Key& back, Key& key) {
    const auto mapped = by_back_.find(back);
    key = mapped == by_back_.end() ? back : mapped->second;
    const auto found = routes_.find(key);
    return found == routes_.end() || !found->second.back ? nullptr : &found->second;
}

void Echo::on_writable(const quic::StreamWritable& event) {
    Key key;
    if (Route* route = route_of_back({event.connection, event.stream}, key)) {
        pump(key, *route);
    }
}

// The way in was given up: so is the way back.
void Echo::on_reset(const quic::StreamReset& event) {
    const auto found = routes_.find({event.connection, event.stream});
    if (found != routes_.end() && found->second.back) {
        host_.stack().reset_stream(event.connection, found->second.back->stream(), event.code);
        host_.touch();
    }
}

// Nobody reads the way back: the way in is of no use.
void Echo::on_stopped(const quic::StreamStopped& event) {
    Key key;
    if (route_of_back({event.connection, event.stream}, key) != nullptr) {
        host_.stack().stop_sending(key.connection, key.stream, event.code);
        host_.touch();
    }
}

void Echo::on_credit(const quic::StreamsAvailable& event) {
    if (event.direction != quic::Direction::unidirectional) {
        return;
    }
    for (auto& [key, route] : routes_) {
        if (key.connection == event.connection && !route.back) {
            open_back(key, route);
        }
    }
}

// A route of two streams is over when ours is: the peer's closes as soon as it is read.
void Echo::on_stream_closed(const quic::StreamClosed& event) {
    const Key closed{event.connection, event.stream};
    if (const auto mapped = by_back_.find(closed); mapped != by_back_.end()) {
        routes_.erase(mapped->second);
        by_back_.erase(mapped);
    } else if (event.stream.is_bidirectional()) {
        routes_.erase(closed);
    }
}

void Echo::on_connection_closed(quic::ConnectionRef connection) {
    std::erase_if(routes_, [&](const auto& item) { return item.first.connection == connection; });
    std::erase_if(by_back_, [&](const auto& item) { return item.first.connection == connection; });
}

}  // namespace grapevine::apps
