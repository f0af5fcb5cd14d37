#include "stack/gossip_links.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace grapevine::stack {

GossipLinks::GossipLinks(quic::Endpoint& endpoint, telemetry::Ledger& ledger, Candidates candidates)
    : endpoint_(endpoint), ledger_(ledger), candidates_(std::move(candidates)) {}

GossipLinks::Link* GossipLinks::find_link(quic::ConnectionRef connection) {
    const auto it = by_connection_.find(connection);
    return it == by_connection_.end() ? nullptr : &it->second;
}

void GossipLinks::erase_link(quic::ConnectionRef connection) {
    by_connection_.erase(connection);
    close_by_.erase(connection);
}

void GossipLinks::send(const base::EndpointId& peer, const base::TopicId& topic, const wire::TopicMessage& message,
                       base::TimePoint now, LinkEffects& out) {
    const base::Bytes body = wire::encode(message);
    // iroh's sender refuses a body of the full size, so we never send one (departure of the two limits by one byte).
    if (body.size() >= wire::kGossipMessageMax) {
        ++counters_.dropped_oversize;
        return;
    }
    Peer* found = find_or_dial(peer, now, out);
    if (found == nullptr) return;
    base::Bytes frame = wire::encode_frame(body);
    if (found->queue.empty() && try_send(*found, topic, frame)) return;
    if (found->queue.push({topic, std::move(frame)}) == base::Admitted::no) ++counters_.dropped_queue_full;
}

GossipLinks::Peer* GossipLinks::find_or_dial(const base::EndpointId& id, base::TimePoint now, LinkEffects& out) {
    const auto it = peers_.find(id);
    if (it != peers_.end() && it->second.current) return &it->second;
    if (it == peers_.end() && peers_.size() >= kGossipPeersMax) {
        ++counters_.dropped_peer_limit;
        out.push_back(LinkLost{id, {quic::CloseCause::unreachable, 0, "too many gossip peers"}});
        return nullptr;
    }
    Peer& peer = it == peers_.end() ? peers_.try_emplace(id, ledger_).first->second : it->second;
    return dial(id, peer, now, out) ? &peer : nullptr;
}

bool GossipLinks::dial(const base::EndpointId& id, Peer& peer, base::TimePoint now, LinkEffects& out) {
    const auto candidates = candidates_(id);
    auto connection = candidates.empty() ? base::Result<quic::ConnectionRef>(base::fail("no address is known"))
                                         : endpoint_.connect(id, candidates, wire::kGossipAlpn, now);
    if (!connection) {
        ++(candidates.empty() ? counters_.dropped_no_address : counters_.dial_failures);
        if (peer.connections.empty()) forget(id);
        out.push_back(LinkLost{id, {quic::CloseCause::unreachable, 0, connection.error().message}});
        return false;
    }
    ++counters_.dials;
    Link& link = by_connection_[*connection];
    link.life = telemetry::Life(ledger_, telemetry::Kind::gossip_link);
    link.peer = id;
    link.made = now;
    peer.connections.push_back(*connection);
    peer.current = *connection;
    out.push_back(LinkDialled{*connection, id});
    return true;
}

bool GossipLinks::try_send(Peer& peer, const base::TopicId& topic, const base::Bytes& frame) {
    Outgoing* outgoing = outgoing_for(peer, topic);
    if (outgoing == nullptr) return false;
    ++counters_.messages_sent;
    counters_.bytes_sent += frame.size();
    if (outgoing->pending.size() + frame.size() > kPendingBytesMax) {
        ++counters_.dropped_pending_full;
        return true;
    }
    outgoing->pending.insert(outgoing->pending.end(), frame.begin(), frame.end());
    push(*peer.current, *outgoing);
    return true;
}

// Our stream for the topic on the current connection, opened with its header; null while there is none to be had.
GossipLinks::Outgoing* GossipLinks::outgoing_for(Peer& peer, const base::TopicId& topic) {
    Link* link = peer.current ? find_link(*peer.current) : nullptr;
    if (link == nullptr || !link->connected) return nullptr;
    const auto it = link->outgoing.find(topic);
    if (it != link->outgoing.end() && !it->second.fin) return &it->second;
    const auto stream = endpoint_.open_stream(*peer.current, quic::Direction::unidirectional);
    if (!stream) return nullptr;
    Outgoing& outgoing = link->outgoing[topic];
    outgoing = Outgoing{*stream, wire::encode_stream_header(topic), false, false};
    return &outgoing;
}

void GossipLinks::push(quic::ConnectionRef connection, Outgoing& outgoing) {
    if (outgoing.fin_sent) return;
    const auto taken = endpoint_.write(connection, outgoing.stream, outgoing.pending, outgoing.fin);
    if (!taken) return;
    outgoing.fin_sent = outgoing.fin && *taken == outgoing.pending.size();
    outgoing.pending.erase(outgoing.pending.begin(), outgoing.pending.begin() + static_cast<std::ptrdiff_t>(*taken));
}

void GossipLinks::drain_queue(Peer& peer) {
    while (!peer.queue.empty()) {
        if (!try_send(peer, peer.queue.front().topic, peer.queue.front().frame)) return;
        (void)peer.queue.pop();
    }
}

void GossipLinks::finish_topic(const base::EndpointId& peer, const base::TopicId& topic) {
    const auto it = peers_.find(peer);
    if (it == peers_.end() || !it->second.current) return;
    Link* link = find_link(*it->second.current);
    if (link == nullptr) return;
    const auto stream = link->outgoing.find(topic);
    if (stream == link->outgoing.end()) return;
    stream->second.fin = true;
    push(*it->second.current, stream->second);
}

void GossipLinks::drop(const base::EndpointId& peer, base::TimePoint now) {
    const auto it = peers_.find(peer);
    if (it == peers_.end()) return;
    it->second.current.reset();
    const auto connections = it->second.connections;
    for (const auto connection : connections)
        retire(connection, Retirement::dropped, now);
}

void GossipLinks::abandon(const base::EndpointId& peer, base::TimePoint now) {
    const auto it = peers_.find(peer);
    if (it == peers_.end()) return;
    const auto connections = it->second.connections;
    for (const auto connection : connections) {
        erase_link(connection);
        endpoint_.close(connection, 0, "peer is gone", now);
    }
    forget(peer);
}

void GossipLinks::on_connected(const quic::Connected& event, base::TimePoint now, LinkEffects& out) {
    Link& link = by_connection_[event.connection];
    if (!link.life) link.life = telemetry::Life(ledger_, telemetry::Kind::gossip_link);
    link.peer = event.peer;
    link.origin = event.origin;
    link.connected = true;
    link.made = now;
    auto it = peers_.find(event.peer);
    if (it == peers_.end()) {
        if (peers_.size() >= kGossipPeersMax) {
            ++counters_.dropped_peer_limit;
            erase_link(event.connection);
            endpoint_.close(event.connection, 0, "too many gossip peers", now);
            return;
        }
        it = peers_.try_emplace(event.peer, ledger_).first;
    }
    Peer& peer = it->second;
    if (std::find(peer.connections.begin(), peer.connections.end(), event.connection) == peer.connections.end())
        peer.connections.push_back(event.connection);
    if (link.retirement != Retirement::none) return;
    choose_current(peer, event.connection, now);
    drain_queue(peer);
    out.push_back(LinkUp{event.peer});
}

// Rule 2.
void GossipLinks::choose_current(Peer& peer, quic::ConnectionRef fresh, base::TimePoint now) {
    const auto previous = peer.current;
    const Link* old = previous && *previous != fresh ? find_link(*previous) : nullptr;
    peer.current = fresh;
    if (old == nullptr) return;
    const Link& link = *find_link(fresh);
    if (!old->connected) return;  // Our own dial is still under way; it supersedes this one when it arrives.
    ++counters_.superseded;
    const bool crossed = old->origin != link.origin && now - old->made < kSimultaneousDial;
    const quic::Origin preferred = endpoint_.id() < link.peer ? quic::Origin::outgoing : quic::Origin::incoming;
    if (crossed && old->origin == preferred) peer.current = previous;
    retire(*peer.current == fresh ? *previous : fresh, Retirement::superseded, now);
}

void GossipLinks::retire(quic::ConnectionRef connection, Retirement retirement, base::TimePoint now) {
    Link* link = find_link(connection);
    if (link == nullptr) return;
    close_by_.try_emplace(connection, now + kDrainMax);
    link->retirement = std::max(link->retirement, retirement);
    for (auto& [topic, outgoing] : link->outgoing) {
        outgoing.fin = true;
        push(connection, outgoing);
    }
    close_if_drained(connection, now);
}

// Rule 3. A connection so young that the peer may not have opened its streams yet waits for its deadline.
void GossipLinks::close_if_drained(quic::ConnectionRef connection, base::TimePoint now) {
    Link* link = find_link(connection);
    if (link == nullptr || link->retirement == Retirement::none) return;
    const auto close_by = close_by_.find(connection);
    const bool due = close_by != close_by_.end() && close_by->second <= now;
    const bool young = !link->connected || now - link->made < kDrainMax;
    const bool drained = link->outgoing.empty() && link->incoming.empty() && !young;
    const bool forced = due && (link->retirement == Retirement::dropped || link->incoming.empty());
    if (due) close_by_.erase(close_by);
    if (!drained && !forced) return;
    const base::EndpointId peer = link->peer;
    erase_link(connection);
    endpoint_.close(connection, 0, "gossip streams finished", now);
    const auto it = peers_.find(peer);
    if (it == peers_.end()) return;
    std::erase(it->second.connections, connection);
    if (it->second.connections.empty()) forget(peer);
}

void GossipLinks::on_stream_opened(const quic::StreamOpened& event, base::TimePoint now) {
    Link* link = find_link(event.connection);
    if (link == nullptr) return;
    if (event.stream.is_bidirectional() || link->incoming.size() >= kTopicStreamsMax) {
        endpoint_.stop_sending(event.connection, event.stream, 0);
        if (event.stream.is_bidirectional()) endpoint_.reset_stream(event.connection, event.stream, 0);
        ++counters_.bad_headers;
        return;
    }
    (void)now;
    link->incoming.try_emplace(event.stream);
}

void GossipLinks::on_stream_data(const quic::StreamData& event, base::TimePoint now, LinkEffects& out) {
    Link* link = find_link(event.connection);
    endpoint_.consume(event.connection, event.stream, event.data.size());
    if (link == nullptr) return;
    const auto it = link->incoming.find(event.stream);
    if (it == link->incoming.end()) return;
    counters_.bytes_received += event.data.size();
    it->second.reader.feed(event.data);
    take_frames(event.connection, event.stream, *link, it->second, now, out);
    link = find_link(event.connection);
    if (link == nullptr || !event.fin) return;
    link->incoming.erase(event.stream);
    close_if_drained(event.connection, now);
}

void GossipLinks::take_frames(quic::ConnectionRef connection, quic::StreamRef stream, Link& link, Incoming& incoming,
                              base::TimePoint now, LinkEffects& out) {
    while (true) {
        auto body = incoming.reader.next();
        if (body && !*body) return;
        if (body && take_frame(connection, link, incoming, **body, now, out)) continue;
        // Rule 5.
        const bool had_topic = incoming.topic.has_value();
        ++(had_topic ? counters_.bad_frames : counters_.bad_headers);
        link.incoming.erase(stream);
        endpoint_.stop_sending(connection, stream, 1);
        if (!had_topic) endpoint_.close(connection, 1, "bad gossip stream header", now);
        return;
    }
}

bool GossipLinks::take_frame(quic::ConnectionRef, Link& link, Incoming& incoming, const base::Bytes& body,
                             base::TimePoint, LinkEffects& out) {
    if (!incoming.topic) {
        auto topic = base::TopicId::from_bytes(body);
        if (!topic) return false;
        incoming.topic = *topic;
        return true;
    }
    auto message = wire::decode_topic_message(body);
    if (!message) return false;
    ++counters_.messages_received;
    out.push_back(GossipReceived{link.peer, *incoming.topic, std::move(*message)});
    return true;
}

void GossipLinks::on_stream_ended(quic::ConnectionRef connection, quic::StreamRef stream, base::TimePoint now) {
    Link* link = find_link(connection);
    if (link == nullptr) return;
    link->incoming.erase(stream);
    std::erase_if(link->outgoing, [&](const auto& entry) { return entry.second.stream == stream; });
    close_if_drained(connection, now);
}

void GossipLinks::on_writable(quic::ConnectionRef connection, quic::StreamRef stream) {
    Link* link = find_link(connection);
    if (link == nullptr) return;
    for (auto& [topic, outgoing] : link->outgoing)
        if (outgoing.stream == stream) push(connection, outgoing);
}

void GossipLinks::on_streams_available(quic::ConnectionRef connection, base::TimePoint, LinkEffects&) {
    const Link* link = find_link(connection);
    if (link == nullptr) return;
    const auto it = peers_.find(link->peer);
    if (it != peers_.end()) drain_queue(it->second);
}

void GossipLinks::on_closed(const quic::Closed& event, base::TimePoint now, LinkEffects& out) {
    const auto found = by_connection_.find(event.connection);
    if (found == by_connection_.end()) return;
    const base::EndpointId id = found->second.peer;
    const bool was_connected = found->second.connected;
    const bool was_retiring = found->second.retirement != Retirement::none;
    erase_link(event.connection);
    if (!was_connected) ++counters_.dial_failures;
    const auto it = peers_.find(id);
    if (it == peers_.end()) return;
    Peer& peer = it->second;
    std::erase(peer.connections, event.connection);
    if (peer.current && *peer.current == event.connection) {
        peer.current.reset();
        // An older connection that is still there takes over.
        for (const auto other : peer.connections)
            if (const Link* link = find_link(other);
                link != nullptr && link->connected && link->retirement != Retirement::dropped)
                peer.current = other;
        if (peer.current) drain_queue(peer);
    }
    if (peer.current) return;
    if (peer.connections.empty()) forget(id);
    if (!was_retiring) out.push_back(LinkLost{id, event.reason});
    (void)now;
}

void GossipLinks::forget(const base::EndpointId& peer) {
    peers_.erase(peer);
}

void GossipLinks::on_deadline(base::TimePoint now) {
    std::vector<quic::ConnectionRef> due;
    for (const auto& [connection, close_by] : close_by_)
        if (close_by <= now) due.push_back(connection);
    for (const auto connection : due)
        close_if_drained(connection, now);
}

std::optional<base::TimePoint> GossipLinks::next_deadline() const {
    std::optional<base::TimePoint> deadline;
    for (const auto& [connection, close_by] : close_by_)
        deadline = base::earliest(deadline, std::optional(close_by));
    return deadline;
}

bool GossipLinks::is_linked(const base::EndpointId& peer) const {
    return current(peer).has_value();
}

std::optional<quic::ConnectionRef> GossipLinks::current(const base::EndpointId& peer) const {
    const auto it = peers_.find(peer);
    return it == peers_.end() ? std::nullopt : it->second.current;
}

std::optional<base::TimePoint> GossipLinks::last_heard(const base::EndpointId& peer) const {
    std::optional<base::TimePoint> newest;
    const auto it = peers_.find(peer);
    if (it == peers_.end()) return newest;
    for (const auto connection : it->second.connections) {
        const auto heard = endpoint_.last_received(connection);
        if (heard && (!newest || *heard > *newest)) newest = heard;
    }
    return newest;
}

std::vector<base::EndpointId> GossipLinks::peers_at(const base::SocketAddr& remote) const {
    std::vector<base::EndpointId> found;
    for (const auto& [id, peer] : peers_) {
        if (!peer.current) continue;
        const auto stats = endpoint_.stats(*peer.current);
        if (stats && stats->remote == remote) found.push_back(id);
    }
    return found;
}

std::size_t GossipLinks::streams() const {
    std::size_t sum = 0;
    for (const auto& [ref, link] : by_connection_)
        sum += link.outgoing.size() + link.incoming.size();
    return sum;
}

std::size_t GossipLinks::links_to(const std::function<bool(const base::EndpointId&)>& wanted) const {
    return static_cast<std::size_t>(std::count_if(by_connection_.begin(), by_connection_.end(),
                                                  [&](const auto& entry) { return wanted(entry.second.peer); }));
}

std::size_t GossipLinks::queued() const {
    std::size_t sum = 0;
    for (const auto& [id, peer] : peers_)
        sum += peer.queue.size();
    return sum;
}

bool GossipLinks::is_draining() const {
    for (const auto& [connection, link] : by_connection_)
        for (const auto& [topic, outgoing] : link.outgoing)
            if (!outgoing.pending.empty() || (outgoing.fin && !outgoing.fin_sent)) return true;
    return false;
}

}  // namespace grapevine::stack
