#include "wire/generators_testing.hpp"

#include <map>

#include "wire/addr_codec.hpp"

namespace grapevine::wire::testing {

namespace {

std::optional<PeerData> any_peer_data(base::Rng& rng) {
    if (rng.chance(0.5)) return std::nullopt;
    return any_bytes(rng, 40);
}

PeerInfo any_peer(base::Rng& rng) {
    PeerInfo peer;
    peer.id = any_id<base::EndpointId>(rng);
    peer.data = any_peer_data(rng);
    return peer;
}

Ttl any_ttl(base::Rng& rng) {
    return Ttl{any_integer<std::uint16_t>(rng)};
}
Round any_round(base::Rng& rng) {
    return Round{any_integer<std::uint16_t>(rng)};
}

MembershipMessage any_membership(base::Rng& rng) {
    switch (rng.below(6)) {
        case 0: return Join{any_peer_data(rng)};
        case 1: return ForwardJoin{any_peer(rng), any_ttl(rng)};
        case 2: return Shuffle{any_id<base::EndpointId>(rng), any_list<PeerInfo>(rng, 10, any_peer), any_ttl(rng)};
        case 3: return ShuffleReply{any_list<PeerInfo>(rng, 10, any_peer)};
        case 4: return Neighbor{rng.chance(0.5) ? Priority::high : Priority::low, any_peer_data(rng)};
        default: return Disconnect{rng.chance(0.5), rng.chance(0.5)};
    }
}

BroadcastMessage any_broadcast(base::Rng& rng) {
    const auto announcement = [](base::Rng& r) { return Announcement{any_id<base::MessageId>(r), any_round(r)}; };
    switch (rng.below(4)) {
        case 0: {
            Gossip gossip{any_id<base::MessageId>(rng), any_bytes(rng, 300), {}};
            gossip.scope.kind = rng.chance(0.5) ? ScopeKind::swarm : ScopeKind::neighbors;
            if (gossip.scope.kind == ScopeKind::swarm) gossip.scope.round = any_round(rng);
            return gossip;
        }
        case 1: return Prune{};
        case 2: {
            Graft graft{std::nullopt, any_round(rng)};
            if (rng.chance(0.5)) graft.id = any_id<base::MessageId>(rng);
            return graft;
        }
        default: return IHave{any_list<Announcement>(rng, 116, announcement)};
    }
}

// None, or one that is valid: the others read as none.
base::TraceContext any_context(base::Rng& rng) {
    if (rng.chance(0.5)) return {};
    base::TraceContext context;
    rng.fill(context.trace.bytes);
    rng.fill(context.span.bytes);
    context.trace.bytes[0] |= 1U;
    context.span.bytes[0] |= 1U;
    context.sampled = rng.chance(0.5);
    context.sent_unix_ns = any_integer<std::uint64_t>(rng);
    return context;
}

Digest any_digest(base::Rng& rng) {
    Digest digest;
    digest.mesh = any_name(rng);
    digest.type = any_name(rng);
    digest.sequence = Sequence{any_integer<std::uint64_t>(rng)};
    digest.presence = rng.chance(0.5) ? Presence::present : Presence::leaving;
    digest.started_unix_ms = any_integer<std::uint64_t>(rng);
    digest.addrs = any_transport_addrs(rng, kDigestAddrsMax);
    digest.neighbors = any_list<base::EndpointId>(rng, kDigestNeighborsMax, any_id<base::EndpointId>);
    digest.messages_sent = any_integer<std::uint64_t>(rng);
    digest.messages_received = any_integer<std::uint64_t>(rng);
    digest.load = {any_integer<std::uint32_t>(rng), any_integer<std::uint32_t>(rng), any_integer<std::uint32_t>(rng),
                   any_integer<std::uint32_t>(rng)};
    digest.context = any_context(rng);
    if (rng.chance(0.5)) digest.ticket = any_bytes(rng, 200);
    return digest;
}

Accusation any_accusation(base::Rng& rng) {
    Accusation accusation;
    accusation.mesh = any_name(rng);
    accusation.accused = any_id<base::EndpointId>(rng);
    accusation.sequence = Sequence{any_integer<std::uint64_t>(rng)};
    accusation.phase = static_cast<AccusationPhase>(rng.below(2));
    accusation.reason = static_cast<AccusationReason>(rng.below(3));
    accusation.context = any_context(rng);
    return accusation;
}

// Ranges in order, entries in order within their range, as the format demands.
std::vector<SyncRange> any_ranges(base::Rng& rng) {
    auto ids = any_list<base::EndpointId>(rng, 60, any_id<base::EndpointId>);
    std::sort(ids.begin(), ids.end());
    std::vector<SyncRange> ranges;
    for (const auto& id : ids) {
        auto* entries = ranges.empty() ? nullptr : std::get_if<std::vector<KnownEntry>>(&ranges.back().content);
        if (entries != nullptr && rng.chance(0.8)) {
            entries->push_back({id, Sequence{any_integer<std::uint64_t>(rng)}});
            continue;
        }
        SyncRange range{id, {}};
        const std::uint64_t kind = rng.below(3);
        if (kind == 1) rng.fill(range.content.emplace<Fingerprint>().bytes);
        if (kind == 2) range.content.emplace<std::vector<KnownEntry>>();
        ranges.push_back(range);
    }
    return ranges;
}

SyncTurn any_turn(base::Rng& rng) {
    SyncTurn turn;
    turn.ranges = any_ranges(rng);
    turn.wanted = any_list<base::EndpointId>(rng, 20, any_id<base::EndpointId>);
    turn.statements = any_list<base::Bytes>(rng, 8, [](base::Rng& r) { return any_bytes(r, 500); });
    turn.context = any_context(rng);
    return turn;
}

std::optional<AnswerTimes> any_times(base::Rng& rng) {
    if (rng.chance(0.5)) return std::nullopt;
    return AnswerTimes{any_integer<std::uint64_t>(rng), any_integer<std::uint64_t>(rng)};
}

MessageSequence any_sequence(base::Rng& rng) {
    return MessageSequence{std::max<std::uint64_t>(1, any_integer<std::uint64_t>(rng))};
}

Deliver any_deliver(base::Rng& rng) {
    Deliver deliver;
    deliver.sequence = any_sequence(rng);
    deliver.kind = static_cast<MessageKind>(rng.below(2));
    deliver.copy = static_cast<MessageCopy>(rng.below(2));
    deliver.after = MessageSequence{std::min(any_integer<std::uint64_t>(rng), deliver.sequence.value)};
    deliver.settled = MessageSequence{std::min(any_integer<std::uint64_t>(rng), deliver.sequence.value - 1)};
    deliver.time_left_ms = any_integer<std::uint32_t>(rng);
    deliver.name = any_name(rng) + "." + any_name(rng);
    deliver.payload = any_bytes(rng, 2000);
    deliver.context = any_context(rng);
    return deliver;
}

Outcome any_outcome(base::Rng& rng) {
    Outcome outcome{
        any_sequence(rng), static_cast<OutcomeCode>(rng.below(kOutcomeCodes)), {}, any_context(rng), any_times(rng)};
    const bool is_reply = outcome.code == OutcomeCode::acknowledged;
    outcome.payload = is_reply ? any_bytes(rng, 2000) : base::to_bytes(any_name(rng));
    return outcome;
}

}  // namespace

base::SocketAddr any_socket_addr(base::Rng& rng) {
    std::array<std::uint8_t, 16> ip{};
    rng.fill(ip);
    const auto port = any_integer<std::uint16_t>(rng);
    if (rng.chance(0.5)) return base::SocketAddr::v6(ip, port);
    return base::SocketAddr::v4(ip[0], ip[1], ip[2], ip[3], port);
}

TransportAddr any_transport_addr(base::Rng& rng) {
    switch (rng.below(3)) {
        case 0: return *RelayUrl::parse("https://relay" + std::to_string(rng.below(100)) + ".example:4433");
        case 1: return any_socket_addr(rng);
        default: return CustomAddr{any_integer<std::uint64_t>(rng), any_bytes(rng, 20)};
    }
}

std::vector<TransportAddr> any_transport_addrs(base::Rng& rng, std::size_t limit) {
    return normal_addrs(any_list<TransportAddr>(rng, limit, any_transport_addr), limit);
}

EndpointAddr any_endpoint_addr(base::Rng& rng) {
    return {any_id<base::EndpointId>(rng), any_transport_addrs(rng, kAddrsMax)};
}

TopicMessage any_topic_message(base::Rng& rng) {
    if (rng.chance(0.5)) return any_membership(rng);
    return any_broadcast(rng);
}

std::string any_name(base::Rng& rng) {
    constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz0123456789-";
    std::string name(1, kDigits[rng.index(kDigits.size() - 1)]);
    for (std::size_t i = rng.index(kNameMax); i > 0; --i)
        name.push_back(kDigits[rng.index(kDigits.size())]);
    return name;
}

Claim any_claim(base::Rng& rng) {
    if (rng.chance(0.5)) return any_digest(rng);
    return any_accusation(rng);
}

MeshFrame any_mesh_frame(base::Rng& rng) {
    switch (rng.below(9)) {
        case 0:
            return Hello{
                any_integer<std::uint8_t>(rng),      any_name(rng),    any_name(rng), any_integer<std::uint64_t>(rng),
                any_bytes(rng, kAdmissionTicketMax), any_context(rng), any_times(rng)};
        case 1: return Refused{static_cast<RefusalCode>(rng.below(5)), any_name(rng)};
        case 2: return Ping{any_integer<std::uint64_t>(rng), any_context(rng)};
        case 3: return Pong{any_integer<std::uint64_t>(rng), any_context(rng), any_times(rng)};
        case 4: return Echo{any_bytes(rng, 2000)};
        case 5: return any_resolve(rng);
        case 6: return any_resolved(rng);
        case 7: return Revocations{any_bytes(rng, kRevocationListMax)};
        default: return any_turn(rng);
    }
}

DeliveryFrame any_delivery_frame(base::Rng& rng) {
    switch (rng.below(5)) {
        case 0: return any_deliver(rng);
        case 1: return any_outcome(rng);
        case 3: {
            DeliverLarge large{any_deliver(rng), 1 + any_integer<std::uint32_t>(rng) % std::uint32_t{kLargePayloadMax}};
            large.message.payload.clear();
            return large;
        }
        case 2: return Window{any_integer<std::uint32_t>(rng), any_integer<std::uint32_t>(rng)};
        default: return OpenStream{any_sequence(rng), any_integer<std::uint32_t>(rng), any_name(rng), any_context(rng)};
    }
}

AdmissionTicket any_ticket(base::Rng& rng) {
    AdmissionTicket ticket;
    ticket.mesh = any_name(rng);
    ticket.node = any_id<base::EndpointId>(rng);
    ticket.use = rng.chance(0.5) ? AdmissionUse::member : AdmissionUse::visitor;
    if (ticket.use == AdmissionUse::member) ticket.types = any_list<std::string>(rng, kTicketTypesMax, any_name);
    std::sort(ticket.types.begin(), ticket.types.end());
    ticket.types.erase(std::unique(ticket.types.begin(), ticket.types.end()), ticket.types.end());
    ticket.expires_unix_s = 1 + any_integer<std::uint64_t>(rng) % kExpiryMax;
    ticket.serial = any_integer<std::uint64_t>(rng);
    return ticket;
}

RevocationList any_revocations(base::Rng& rng) {
    RevocationList list;
    list.mesh = any_name(rng);
    list.list_version = std::max<std::uint64_t>(1, any_integer<std::uint64_t>(rng));
    std::map<std::uint64_t, std::uint64_t> revoked;
    for (std::size_t i = rng.index(kRevokedMax + 1); i > 0; --i)
        revoked[any_integer<std::uint64_t>(rng)] = 1 + any_integer<std::uint64_t>(rng) % kExpiryMax;
    for (const auto& [serial, expires] : revoked)
        list.revoked.push_back({serial, expires});
    return list;
}

Summary any_summary(base::Rng& rng) {
    Summary summary;
    summary.fabric = any_name(rng);
    summary.mesh = any_name(rng);
    summary.sequence = Sequence{any_integer<std::uint64_t>(rng)};
    summary.gateways = any_list<EndpointAddr>(rng, kSummaryGatewaysMax, [](base::Rng& r) {
        return EndpointAddr{any_id<base::EndpointId>(r), any_transport_addrs(r, kSummaryAddrsMax)};
    });
    if (rng.chance(0.5)) {
        summary.authority = any_id<base::EndpointId>(rng);
        summary.ticket = any_bytes(rng, kAdmissionTicketMax);
    } else {
        std::map<std::string, std::uint32_t> members;
        for (std::size_t i = rng.index(kSummaryTypesMax + 1); i > 0; --i)
            members[any_name(rng)] = any_integer<std::uint32_t>(rng);
        for (const auto& [type, count] : members)
            summary.members.push_back({type, count});
    }
    summary.context = any_context(rng);
    return summary;
}

Notice any_notice(base::Rng& rng) {
    Notice notice;
    notice.mesh = any_name(rng);
    notice.type = any_name(rng);
    notice.number = any_integer<std::uint64_t>(rng);
    rng.fill(notice.hash);
    notice.size = 1 + any_integer<std::uint32_t>(rng) % kPublicationMax;
    notice.ticket = any_bytes(rng, kAdmissionTicketMax);
    notice.context = any_context(rng);
    return notice;
}

Resolve any_resolve(base::Rng& rng) {
    return {any_name(rng) + "." + any_name(rng), any_integer<std::uint8_t>(rng), any_context(rng)};
}

Resolved any_resolved(base::Rng& rng) {
    Resolved resolved;
    resolved.code = static_cast<ResolveCode>(rng.below(kResolveCodes));
    resolved.digests = any_list<AgedDigest>(
        rng, 6, [](base::Rng& r) { return AgedDigest{any_integer<std::uint32_t>(r), any_bytes(r, 400)}; });
    resolved.text = any_name(rng);
    resolved.context = any_context(rng);
    resolved.times = any_times(rng);
    return resolved;
}

}  // namespace grapevine::wire::testing
