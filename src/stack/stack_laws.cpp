// What the ledger's laws allow to live in a stack: the owners' numbers, counted anew at each check.

#include "broadcast/message_store.hpp"
#include "directory/types.hpp"
#include "membership/hyparview.hpp"
#include "node/gossip.hpp"
#include "paths/remembered.hpp"
#include "stack/stack_impl.hpp"

namespace grapevine::stack {

namespace {

using telemetry::Kind;

// Connections that peers made and no topic wants. Nobody closes them while the peer keeps them alive, so that a few are
// no fault of ours; many are worth an alarm, whoever made them.
constexpr std::uint64_t kUninvitedMax = 16;
constexpr std::uint64_t kStreamsEnding = 2;  // A connection: finished here, not yet acknowledged or consumed.
constexpr base::Duration kLate = std::chrono::seconds(5);  // Deadlines fall on wake-ups.
constexpr base::Duration kSuspicionAge = std::chrono::seconds(20);
constexpr base::Duration kSyncAge = std::chrono::seconds(30);  // Its connection, then its stream.
constexpr base::Duration kMessageAge = std::chrono::seconds(30) + 2 * broadcast::kEvictionGrid;
constexpr base::Duration kRememberedAge = std::chrono::hours(25);

std::uint64_t alive(const telemetry::Ledger& ledger, Kind kind) {
    return ledger[kind].alive();
}

void allow_gossip(telemetry::Allowances& out, std::uint64_t topics) {
    const membership::Config views;
    out.set(Kind::gossip_topic, node::kTopicsMax);
    out.set(Kind::active_peer, topics * views.active_view_max);
    out.set(Kind::passive_peer, topics * views.passive_view_capacity);
    out.set(Kind::gossip_message, topics * broadcast::kCachedMessagesMax, kMessageAge);
}

struct Watched {
    std::uint64_t meshes = 0;
    std::uint64_t members = 0;
};

void allow_mesh(telemetry::Allowances& out, std::uint64_t members, const Watched& watched) {
    const directory::Config bounds;
    out.set(Kind::directory_entry, members + watched.members);
    out.set(Kind::tombstone, bounds.tombstones_max * (1 + watched.meshes));
    out.set(Kind::suspicion, bounds.suspicions_max * (1 + watched.meshes), kSuspicionAge);
    out.set(Kind::remembered_peer, paths::RememberedConfig{}.peers_max, kRememberedAge);
    out.set(Kind::sync_session, node::kSyncsMax, kSyncAge);
    out.set(Kind::mesh_session, 2 * members + kUninvitedMax);
}

}  // namespace

telemetry::Allowances Stack::Impl::allowances() const {
    const std::uint64_t links = alive(ledger_, Kind::gossip_link);
    const std::uint64_t sessions = alive(ledger_, Kind::mesh_session);
    const std::uint64_t exchanges = alive(ledger_, Kind::mesh_exchange);
    const std::uint64_t owned = links + sessions + app_.size();
    const base::Duration handshake = config_.quic.handshake_timeout + kLate;
    std::uint64_t streams =
        links_.streams() + exchanges + deliveries_.streams() + byte_streams_.streams() + payload_streams_.streams();
    streams += kStreamsEnding * alive(ledger_, Kind::connection);
    for (const auto& [ref, life] : app_)
        if (const auto stats = endpoint_.stats(ref)) streams += stats->streams_open;

    telemetry::Allowances out;
    out.set(Kind::connection, owned + alive(ledger_, Kind::handshake));
    out.set(Kind::handshake, config_.quic.limits.handshakes_max, handshake);
    out.set(Kind::dial, owned, handshake);
    out.set(Kind::stream, streams);
    out.set(Kind::send_queue, links_.peers());
    out.set(Kind::gossip_link,
            links_.links_to([this](const base::EndpointId& peer) { return node_.wants(peer); }) + kUninvitedMax);
    out.set(Kind::app_connection, app_.size());
    out.set(Kind::mesh_exchange, sessions * config_.quic.limits.streams_bidi_max * 2, kMeshStreamMax + kLate);
    out.set(Kind::byte_stream, byte_streams_.streams() + local_streams_.live() + payload_streams_.streams());
    allow_gossip(out, alive(ledger_, Kind::gossip_topic));
    if (config_.mesh) allow_mesh(out, node_.directory_size(), {node_.watches(), node_.watched_size()});
    return out;
}

void Stack::Impl::check_laws(base::TimePoint now) {
    if (!laws_.due(now)) return;
    telemetry::Census census;
    telemetry::add(census, ledger_);
    std::vector<telemetry::LawChange> changes;
    laws_.check(census, allowances(), now, changes);
    for (const auto& change : changes) {
        const auto* broken = std::get_if<LawBroken>(&change);
        if (broken != nullptr && config_.recorder != nullptr) telemetry::record(*config_.recorder, *broken);
        std::visit([this](const auto& event) { events_.emplace_back(event); }, change);
    }
}

}  // namespace grapevine::stack
