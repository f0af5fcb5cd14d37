#include "stack/delivery_streams.hpp"

#include <string>

namespace grapevine::stack {

namespace {

constexpr std::uint64_t kEnded = 0;

}  // namespace

void DeliveryStreams::on_session_up(const base::EndpointId& peer, quic::ConnectionRef connection) {
    sessions_[peer] = connection;
    ours_.erase(peer);
}

DeliveryStreams::Carrier* DeliveryStreams::current(const std::map<base::EndpointId, Key>& keys,
                                                   const base::EndpointId& peer, Key& key) {
    const auto it = keys.find(peer);
    if (it == keys.end()) return nullptr;
    key = it->second;
    const auto carrier = streams_.find(key);
    return carrier == streams_.end() ? nullptr : &carrier->second;
}

void DeliveryStreams::send(const base::EndpointId& peer, const wire::Deliver& frame, DeliveryEffects& out) {
    Key key;
    if (Carrier* carrier = current(ours_, peer, key)) {
        write(key, *carrier, frame);
    } else {
        const auto session = sessions_.find(peer);
        if (session == sessions_.end()) return;
        const auto stream = endpoint_.open_stream(session->second, quic::Direction::bidirectional);
        if (!stream) {
            out.push_back(DeliveryViolation{session->second, "no stream for deliveries: " + stream.error().message});
            return;
        }
        key = {session->second, *stream};
        ours_[peer] = key;
        Carrier& fresh = streams_[key];
        fresh.peer = peer;
        write(key, fresh, frame);
    }
}

void DeliveryStreams::adopt(const base::EndpointId& peer, delivery::Incarnation incarnation,
                            quic::ConnectionRef connection, quic::StreamRef stream, DeliveryEffects& out) {
    const Key key{connection, stream};
    Carrier& carrier = streams_[key];
    carrier.peer = peer;
    carrier.side = Side::theirs;
    carrier.incarnation = incarnation;
    theirs_[peer] = key;
    senders_[peer] = {connection, incarnation};
    out.push_back(DeliveryOpened{peer, incarnation});
}

void DeliveryStreams::note_sender(const base::EndpointId& peer, delivery::Incarnation incarnation,
                                  quic::ConnectionRef connection, DeliveryEffects& out) {
    const auto known = senders_.find(peer);
    if (known != senders_.end() && known->second == std::pair(connection, incarnation)) return;
    senders_[peer] = {connection, incarnation};
    out.push_back(DeliveryOpened{peer, incarnation});
}

// The id is a copy: it may be that of the entry which goes.
void DeliveryStreams::end_sender(base::EndpointId peer, quic::ConnectionRef connection, DeliveryEffects& out) {
    const auto known = senders_.find(peer);
    if (known == senders_.end() || known->second.first != connection) return;
    senders_.erase(known);
    out.push_back(DeliveryEnded{peer});
}

std::optional<quic::ConnectionRef> DeliveryStreams::session_to(const base::EndpointId& peer) const {
    const auto session = sessions_.find(peer);
    return session == sessions_.end() ? std::nullopt : std::optional(session->second);
}

void DeliveryStreams::say(const base::EndpointId& peer, const wire::Outcome& outcome, DeliveryEffects& out) {
    answer(peer, outcome, out);
}
void DeliveryStreams::say(const base::EndpointId& peer, const wire::Window& window, DeliveryEffects& out) {
    answer(peer, window, out);
}

void DeliveryStreams::answer(const base::EndpointId& peer, const wire::DeliveryFrame& frame, DeliveryEffects& out) {
    Key key;
    Carrier* carrier = current(theirs_, peer, key);
    if (carrier == nullptr) {
        ++counters_.dropped_no_stream;
        return;
    }
    write(key, *carrier, frame);
    if (carrier->pending.size() > kAnswerBytesMax || answers_bytes_ > kAnswersBytesMax)
        violate(key, "outcomes are not read", out);
}

void DeliveryStreams::write(const Key& key, Carrier& carrier, const wire::DeliveryFrame& frame) {
    const base::Bytes bytes = wire::encode(frame);
    ++counters_.frames_sent;
    counters_.bytes_sent += bytes.size();
    carrier.pending.insert(carrier.pending.end(), bytes.begin(), bytes.end());
    if (carrier.side == Side::theirs) answers_bytes_ += bytes.size();
    push(key, carrier);
}

// What waits on a stream that is gone.
void DeliveryStreams::let_go(Carrier& carrier) {
    if (carrier.side == Side::theirs) answers_bytes_ -= carrier.pending.size();
    carrier.pending.clear();
}

void DeliveryStreams::push(const Key& key, Carrier& carrier) {
    const auto taken = endpoint_.write(key.first, key.second, carrier.pending, false);
    if (!taken) return;
    carrier.pending.erase(carrier.pending.begin(), carrier.pending.begin() + static_cast<std::ptrdiff_t>(*taken));
    if (carrier.side == Side::theirs) answers_bytes_ -= *taken;
    if (carrier.side == Side::ours && carrier.pending.empty()) writable_.insert(carrier.peer);
}

std::vector<base::EndpointId> DeliveryStreams::take_writable() {
    std::vector<base::EndpointId> peers(writable_.begin(), writable_.end());
    writable_.clear();
    return peers;
}

void DeliveryStreams::on_stream_data(const quic::StreamData& event, DeliveryEffects& out) {
    const Key key{event.connection, event.stream};
    endpoint_.consume(event.connection, event.stream, event.data.size());
    const auto it = streams_.find(key);
    if (it == streams_.end()) return;
    counters_.bytes_received += event.data.size();
    it->second.reader.feed(event.data);
    take_frames(key, out);
}

void DeliveryStreams::take_frames(const Key& key, DeliveryEffects& out) {
    const auto it = streams_.find(key);
    if (it == streams_.end()) return;
    Carrier& carrier = it->second;
    const auto& newest = carrier.side == Side::ours ? ours_ : theirs_;
    const auto current = newest.find(carrier.peer);
    if (current == newest.end() || current->second != key) return;  // Replaced: what still comes on it is void.
    while (true) {
        auto frame = carrier.reader.next();
        if (!frame) return violate(key, frame.error().message, out);
        if (!*frame) return;
        ++counters_.frames_received;
        if (!has_place(carrier.side, **frame)) return violate(key, "a frame of delivery where it has no place", out);
        if (carrier.side == Side::theirs) note_sender(carrier.peer, carrier.incarnation, key.first, out);
        out.push_back(DeliveryCame{carrier.peer, std::move(**frame)});
    }
}

// Rule 3.
bool DeliveryStreams::has_place(Side side, const wire::DeliveryFrame& frame) {
    if (side == Side::theirs) return std::holds_alternative<wire::Deliver>(frame);
    return std::holds_alternative<wire::Outcome>(frame) || std::holds_alternative<wire::Window>(frame);
}

void DeliveryStreams::violate(const Key& key, std::string_view rule, DeliveryEffects& out) {
    ++counters_.violations;
    out.push_back(DeliveryViolation{key.first, std::string(rule)});
}

void DeliveryStreams::on_writable(quic::ConnectionRef connection, quic::StreamRef stream) {
    const auto it = streams_.find({connection, stream});
    if (it != streams_.end()) push(it->first, it->second);
}

void DeliveryStreams::on_stream_ended(quic::ConnectionRef connection, quic::StreamRef stream, DeliveryEffects& out) {
    drop({connection, stream}, out);
}

// A stream of ours that ends while its session goes on takes the session with it: what was written is lost, and the
// outbox reckons in sessions.
void DeliveryStreams::drop(const Key& key, DeliveryEffects& out) {
    const auto it = streams_.find(key);
    if (it == streams_.end()) return;
    const base::EndpointId peer = it->second.peer;
    const Side side = it->second.side;
    let_go(it->second);
    streams_.erase(it);
    endpoint_.reset_stream(key.first, key.second, kEnded);
    auto& keys = side == Side::ours ? ours_ : theirs_;
    const auto newest = keys.find(peer);
    if (newest == keys.end() || newest->second != key) return;
    keys.erase(newest);
    if (side == Side::theirs)
        end_sender(peer, key.first, out);
    else
        violate(key, "the delivery stream ended", out);
}

void DeliveryStreams::on_session_end(quic::ConnectionRef connection, DeliveryEffects& out) {
    for (auto it = streams_.begin(); it != streams_.end();) {
        if (it->first.first != connection) {
            ++it;
            continue;
        }
        auto& keys = it->second.side == Side::ours ? ours_ : theirs_;
        const auto newest = keys.find(it->second.peer);
        if (newest != keys.end() && newest->second == it->first) {
            keys.erase(newest);
        }
        let_go(it->second);
        it = streams_.erase(it);
    }
    std::erase_if(sessions_, [&](const auto& item) { return item.second == connection; });
    for (auto it = senders_.begin(); it != senders_.end();) {
        const auto sender = it++;
        if (sender->second.first == connection) end_sender(sender->first, connection, out);
    }
}

bool DeliveryStreams::is_theirs(quic::ConnectionRef connection, quic::StreamRef stream) const {
    const auto it = streams_.find({connection, stream});
    return it != streams_.end() && it->second.side == Side::theirs;
}

}  // namespace grapevine::stack
