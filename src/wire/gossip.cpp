#include "wire/gossip.hpp"

#include <string>

#include "wire/postcard.hpp"

namespace grapevine::wire {

namespace {

template <typename... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

void write(Writer& out, const std::optional<PeerData>& data) {
    out.boolean(data.has_value());
    if (data) out.bytes(*data);
}

void write(Writer& out, const PeerInfo& peer) {
    out.raw(peer.id.view());
    write(out, peer.data);
}

void write(Writer& out, const std::vector<PeerInfo>& peers) {
    out.varint(peers.size());
    for (const auto& peer : peers)
        write(out, peer);
}

void write(Writer& out, const Scope& scope) {
    out.u8(static_cast<std::uint8_t>(scope.kind));
    if (scope.kind == ScopeKind::swarm) out.varint(scope.round.value);
}

void write(Writer& out, const MembershipMessage& message) {
    out.varint(message.index());
    std::visit(Overloaded{
                   [&](const Join& m) { write(out, m.data); },
                   [&](const ForwardJoin& m) {
                       write(out, m.peer);
                       out.varint(m.ttl.value);
                   },
                   [&](const Shuffle& m) {
                       out.raw(m.origin.view());
                       write(out, m.nodes);
                       out.varint(m.ttl.value);
                   },
                   [&](const ShuffleReply& m) { write(out, m.nodes); },
                   [&](const Neighbor& m) {
                       out.u8(static_cast<std::uint8_t>(m.priority));
                       write(out, m.data);
                   },
                   [&](const Disconnect& m) {
                       out.boolean(m.alive);
                       out.boolean(m.respond);
                   },
               },
               message);
}

void write(Writer& out, const BroadcastMessage& message) {
    out.varint(message.index());
    std::visit(Overloaded{
                   [&](const Gossip& m) {
                       out.raw(m.id.view());
                       out.bytes(m.content);
                       write(out, m.scope);
                   },
                   [&](const Prune&) {},
                   [&](const Graft& m) {
                       out.boolean(m.id.has_value());
                       if (m.id) out.raw(m.id->view());
                       out.varint(m.round.value);
                   },
                   [&](const IHave& m) {
                       out.varint(m.messages.size());
                       for (const auto& announcement : m.messages) {
                           out.raw(announcement.id.view());
                           out.varint(announcement.round.value);
                       }
                   },
               },
               message);
}

std::optional<PeerData> read_peer_data(Reader& in) {
    if (!in.boolean("has peer data")) return std::nullopt;
    const base::ByteView data = in.bytes("peer data", kGossipMessageMax);
    return PeerData(data.begin(), data.end());
}

PeerInfo read_peer(Reader& in) {
    PeerInfo peer;
    peer.id = in.id<base::EndpointId>("peer id");
    peer.data = read_peer_data(in);
    return peer;
}

std::vector<PeerInfo> read_peers(Reader& in) {
    const std::size_t count = in.count("peers", kPeerListMax);
    std::vector<PeerInfo> peers;
    for (std::size_t i = 0; i < count && in.ok(); ++i)
        peers.push_back(read_peer(in));
    return peers;
}

ForwardJoin read_forward_join(Reader& in) {
    ForwardJoin m;
    m.peer = read_peer(in);
    m.ttl = Ttl{in.u16("ttl")};
    return m;
}

Shuffle read_shuffle(Reader& in) {
    Shuffle m;
    m.origin = in.id<base::EndpointId>("origin");
    m.nodes = read_peers(in);
    m.ttl = Ttl{in.u16("ttl")};
    return m;
}

Neighbor read_neighbor(Reader& in) {
    Neighbor m;
    m.priority = static_cast<Priority>(in.discriminant("priority", 2));
    m.data = read_peer_data(in);
    return m;
}

Disconnect read_disconnect(Reader& in) {
    Disconnect m;
    m.alive = in.boolean("alive");
    m.respond = in.boolean("respond");
    return m;
}

MembershipMessage read_membership(Reader& in) {
    switch (in.discriminant("membership message", std::variant_size_v<MembershipMessage>)) {
        case 0: return Join{read_peer_data(in)};
        case 1: return read_forward_join(in);
        case 2: return read_shuffle(in);
        case 3: return ShuffleReply{read_peers(in)};
        case 4: return read_neighbor(in);
        default: return read_disconnect(in);
    }
}

Gossip read_gossip(Reader& in) {
    Gossip m;
    m.id = in.id<base::MessageId>("message id");
    const base::ByteView content = in.bytes("content", kGossipMessageMax);
    m.content.assign(content.begin(), content.end());
    m.scope.kind = static_cast<ScopeKind>(in.discriminant("scope", 2));
    if (m.scope.kind == ScopeKind::swarm) m.scope.round = Round{in.u16("round")};
    return m;
}

Graft read_graft(Reader& in) {
    Graft m;
    if (in.boolean("has message id")) m.id = in.id<base::MessageId>("message id");
    m.round = Round{in.u16("round")};
    return m;
}

IHave read_ihave(Reader& in) {
    IHave m;
    const std::size_t count = in.count("announcements", kIHaveMax);
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        const auto id = in.id<base::MessageId>("message id");
        m.messages.push_back({id, Round{in.u16("round")}});
    }
    return m;
}

BroadcastMessage read_broadcast(Reader& in) {
    switch (in.discriminant("broadcast message", std::variant_size_v<BroadcastMessage>)) {
        case 0: return read_gossip(in);
        case 1: return Prune{};
        case 2: return read_graft(in);
        default: return read_ihave(in);
    }
}

TopicMessage read_topic_message(Reader& in) {
    if (in.discriminant("layer", 2) == 0) return read_membership(in);
    return read_broadcast(in);
}

std::size_t read_length(base::ByteView prefix) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < kFramePrefixBytes; ++i)
        length = (length << 8U) | prefix[i];
    return length;
}

}  // namespace

base::Bytes encode(const TopicMessage& message) {
    Writer out(128);
    out.varint(message.index());
    std::visit([&](const auto& layer) { write(out, layer); }, message);
    return out.take();
}

base::Result<TopicMessage> decode_topic_message(base::ByteView body) {
    if (body.size() > kGossipMessageMax)
        return base::invalid("gossip message: " + std::to_string(body.size()) + " bytes where " +
                             std::to_string(kGossipMessageMax) + " are allowed");
    Reader in("gossip message", body);
    auto message = read_topic_message(in);
    return in.finish(std::move(message));
}

base::Bytes encode_frame(base::ByteView body) {
    base::Bytes frame;
    frame.reserve(kFramePrefixBytes + body.size());
    for (unsigned shift = 32; shift > 0; shift -= 8)
        frame.push_back(static_cast<std::uint8_t>(body.size() >> (shift - 8)));
    frame.insert(frame.end(), body.begin(), body.end());
    return frame;
}

base::Bytes encode_stream_header(const base::TopicId& topic) {
    return encode_frame(topic.view());
}

void FrameReader::feed(base::ByteView data) {
    if (dead_) return;
    buffer_.append(data);
}

base::Result<std::optional<base::Bytes>> FrameReader::next() {
    if (dead_) return base::invalid("gossip stream: dead after an error");
    const base::ByteView held = buffer_.view();
    if (held.size() < kFramePrefixBytes) return std::nullopt;
    const std::size_t length = read_length(held);
    if (length > body_max_) return die(length);
    if (held.size() - kFramePrefixBytes < length) return std::nullopt;
    const base::ByteView body = held.subspan(kFramePrefixBytes, length);
    std::optional<base::Bytes> out(std::in_place, body.begin(), body.end());
    buffer_.consume(kFramePrefixBytes + length);
    return out;
}

tl::unexpected<base::Error> FrameReader::die(std::size_t length) {
    dead_ = true;
    buffer_.clear();
    return base::invalid("gossip stream: frame of " + std::to_string(length) + " bytes where " +
                         std::to_string(body_max_) + " are allowed");
}

}  // namespace grapevine::wire
