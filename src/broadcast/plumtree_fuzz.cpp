// Random operations on a Plumtree against a naive twin: which ids were delivered when, which links exist.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include "base/assert.hpp"
#include "base/blake3.hpp"
#include "broadcast/plumtree.hpp"

namespace {

using namespace grapevine;
using broadcast::Plumtree;

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
    [[nodiscard]] bool done() const { return offset_ >= size_; }
    std::uint8_t byte() { return done() ? std::uint8_t{0} : data_[offset_++]; }

private:
    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t offset_ = 0;
};

base::EndpointId peer(std::uint8_t n) {
    base::EndpointId id;
    id.bytes.fill(n);
    return id;
}

base::Bytes content(std::uint8_t n) {
    return base::Bytes(n % 16 == 15 ? 4057 : n % 16, n);
}

base::MessageId id_of(const base::Bytes& bytes) {
    return base::MessageId{base::blake3(bytes)};
}

wire::BroadcastMessage message(Input& in) {
    const std::uint8_t kind = in.byte();
    const base::Bytes body = content(in.byte());
    const wire::Round round{static_cast<std::uint16_t>(in.byte() % 8 == 0 ? 65535 : in.byte())};
    switch (kind % 6) {
        case 0: return wire::Prune{};
        case 1: return wire::Graft{kind < 128 ? std::optional(id_of(body)) : std::nullopt, round};
        case 2: return wire::IHave{{{id_of(body), round}, {id_of(content(in.byte())), round}}};
        case 3: return wire::Gossip{id_of(content(in.byte())), body, {wire::ScopeKind::swarm, round}};
        case 4: return wire::Gossip{id_of(body), body, {wire::ScopeKind::neighbors, wire::Round{0}}};
        default: return wire::Gossip{id_of(body), body, {wire::ScopeKind::swarm, round}};
    }
}

struct Twin {
    std::set<base::EndpointId> neighbors;
    std::map<base::EndpointId, broadcast::LinkState> links;
    std::map<base::MessageId, base::TimePoint> known;  // Until when a repetition is a fault.

    void check_send(const broadcast::SendBroadcast& send, const base::EndpointId* from) const {
        const bool answer = from != nullptr && send.to == *from;
        GRAPEVINE_ASSERT(neighbors.contains(send.to) || answer, "invariant 2: only neighbours, or an answer");
        if (const auto* gossip = std::get_if<wire::Gossip>(&send.message)) {
            GRAPEVINE_ASSERT(id_of(gossip->content) == gossip->id, "invariant 1: what is sent is true");
            GRAPEVINE_ASSERT(gossip->content.size() <= wire::kGossipContentMax, "invariant 7");
        }
    }

    void follow(const broadcast::Effects& effects, const base::EndpointId* from, base::TimePoint now) {
        for (const broadcast::Effect& effect : effects) {
            if (const auto* deliver = std::get_if<broadcast::Deliver>(&effect)) {
                GRAPEVINE_ASSERT(id_of(deliver->content) == deliver->id, "invariant 1: spoofed delivery");
                if (deliver->scope.kind == wire::ScopeKind::swarm) {
                    const auto until = known.find(deliver->id);
                    GRAPEVINE_ASSERT(until == known.end() || until->second <= now, "invariant 1: delivered twice");
                    known[deliver->id] = now + broadcast::Config{}.id_retention;
                }
            } else if (const auto* link = std::get_if<broadcast::LinkStateChanged>(&effect)) {
                GRAPEVINE_ASSERT(neighbors.contains(link->peer), "invariant 2: a link of a stranger");
                links[link->peer] = link->state;
            } else {
                check_send(std::get<broadcast::SendBroadcast>(effect), from);
            }
        }
    }
};

void check(const Plumtree& tree, const Twin& twin, const broadcast::Config& config) {
    for (const auto& [id, state] : twin.links) {
        GRAPEVINE_ASSERT(tree.link(id) == state, "invariant 2: states follow their effects");
    }
    const std::size_t links =
        tree.peers(broadcast::LinkState::eager).size() + tree.peers(broadcast::LinkState::lazy).size();
    GRAPEVINE_ASSERT(links == twin.neighbors.size(), "invariant 2: one link a neighbour");
    GRAPEVINE_ASSERT(tree.missing().size() <= config.missing.ids_max, "invariant 5");
    GRAPEVINE_ASSERT(tree.store().cached_bytes() <= config.store.cached_bytes_max, "invariant 5");
    GRAPEVINE_ASSERT(tree.store().cached_count() <= config.store.cached_messages_max, "invariant 5");
    GRAPEVINE_ASSERT(tree.store().seen_count() <= config.store.seen_ids_max, "invariant 5");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    Input in(bytes, size);
    telemetry::Ledger ledger;
    broadcast::Config config;
    config.store = {256, 8, 8192};  // 256 contents at most: ids never go early, so that the twin's times hold.
    config.missing = {16, 6, 3};
    config.lazy_queue_max = 4;
    Plumtree tree(peer(0), config, ledger);
    Twin twin;
    base::TimePoint now{};
    for (int steps = 0; !in.done() && steps < 400; ++steps) {
        broadcast::Effects out;
        base::EndpointId from = peer(static_cast<std::uint8_t>(1 + in.byte() % 8));
        const base::EndpointId* sender = nullptr;
        switch (in.byte() % 8) {
            case 0:
                twin.neighbors.insert(from);
                tree.on_neighbor_up(
                    from, in.byte() % 2 == 0 ? broadcast::NeighborRole::essential : broadcast::NeighborRole::spare, now,
                    out);
                break;
            case 1:
                tree.on_neighbor_down(from);
                twin.neighbors.erase(from);
                twin.links.erase(from);
                break;
            case 2: {
                const base::Bytes body = content(in.byte());
                const auto receipt = tree.broadcast(body, wire::ScopeKind::swarm, now, out);
                GRAPEVINE_ASSERT(receipt.has_value(), "what fits is taken");
                const auto until = twin.known.find(receipt->id);
                const bool known = until != twin.known.end() && until->second > now;
                GRAPEVINE_ASSERT((receipt->novelty == broadcast::Novelty::duplicate) == known, "invariant 1: novelty");
                if (!known) {
                    twin.known[receipt->id] = now + config.id_retention;
                }
                break;
            }
            case 3:
                now = std::max(now, tree.next_deadline().value_or(now));
                tree.on_deadline(now, out);
                GRAPEVINE_ASSERT(!tree.next_deadline() || *tree.next_deadline() > now,
                                 "a deadline that is served is gone");
                break;
            case 4: now += std::chrono::milliseconds(in.byte() * in.byte()); break;
            default:
                sender = &from;
                tree.on_message(from, message(in), now, out);
                break;
        }
        twin.follow(out, sender, now);
        check(tree, twin, config);
    }
    now += config.id_retention + broadcast::kEvictionGrid;
    for (int turn = 0; tree.next_deadline() && turn < 100; ++turn) {
        broadcast::Effects out;
        now = std::max(now, *tree.next_deadline());
        tree.on_deadline(now, out);
    }
    GRAPEVINE_ASSERT(!tree.next_deadline() && tree.store().seen_count() == 0, "invariant 6");
    GRAPEVINE_ASSERT(ledger[telemetry::Kind::gossip_message].alive() == 0, "born minus ended is alive");
    return 0;
}
