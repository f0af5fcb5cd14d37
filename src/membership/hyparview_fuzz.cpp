// Random operations on a HyParView against its invariants (README.md).

#include <cstddef>
#include <cstdint>
#include <set>

#include "base/assert.hpp"
#include "membership/hyparview.hpp"

namespace {

using namespace grapevine;
using membership::HyParView;

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

std::optional<wire::PeerData> data(Input& in) {
    const std::uint8_t kind = in.byte();
    if (kind % 4 == 0) {
        return std::nullopt;
    }
    return wire::PeerData(kind == 255 ? membership::kPeerDataBytesMax + 1 : kind % 4, kind);
}

std::vector<wire::PeerInfo> peers(Input& in) {
    std::vector<wire::PeerInfo> list;
    for (std::size_t count = in.byte() % wire::kPeerListMax; count > 0; --count) {
        list.push_back({peer(in.byte()), data(in)});
    }
    return list;
}

wire::MembershipMessage message(Input& in) {
    switch (in.byte() % 6) {
        case 0: return wire::Join{data(in)};
        case 1: return wire::ForwardJoin{{peer(in.byte()), data(in)}, wire::Ttl{in.byte()}};
        case 2: return wire::Shuffle{peer(in.byte()), peers(in), wire::Ttl{in.byte()}};
        case 3: return wire::ShuffleReply{peers(in)};
        case 4: return wire::Neighbor{in.byte() % 2 == 0 ? wire::Priority::high : wire::Priority::low, data(in)};
        default: return wire::Disconnect{in.byte() % 2 == 0, false};
    }
}

// The twin: neighbours as the effects tell them.
struct Twin {
    std::set<base::EndpointId> neighbors;
    bool connected = false;

    void follow(const membership::Effects& effects) {
        for (const membership::Effect& effect : effects) {
            if (const auto* up = std::get_if<membership::NeighborUp>(&effect)) {
                GRAPEVINE_ASSERT(neighbors.insert(up->peer).second, "invariant 2: up twice");
            } else if (const auto* down = std::get_if<membership::NeighborDown>(&effect)) {
                GRAPEVINE_ASSERT(neighbors.erase(down->peer) == 1, "invariant 2: down without up");
            } else if (std::holds_alternative<membership::Isolated>(effect)) {
                GRAPEVINE_ASSERT(connected, "invariant 4: isolated twice");
                connected = false;
            } else if (std::holds_alternative<membership::Rejoined>(effect)) {
                GRAPEVINE_ASSERT(!connected, "invariant 4: rejoined twice");
                connected = true;
            } else if (const auto* learned = std::get_if<membership::PeerDataLearned>(&effect)) {
                GRAPEVINE_ASSERT(!learned->data.empty() && learned->data.size() <= membership::kPeerDataBytesMax,
                                 "invariant 6: data out of bounds");
            } else if (const auto* send = std::get_if<membership::SendMembership>(&effect)) {
                GRAPEVINE_ASSERT(send->to != peer(0), "a node never sends to itself");
            }
        }
    }
};

void check(const HyParView& view, const Twin& twin, const membership::Config& config, base::TimePoint now) {
    const std::set<base::EndpointId> active(view.active().begin(), view.active().end());
    GRAPEVINE_ASSERT(active == twin.neighbors && active.size() == view.active().size(), "invariant 2");
    GRAPEVINE_ASSERT(view.active().size() <= config.active_view_max, "invariant 1: active capacity");
    GRAPEVINE_ASSERT(view.passive().size() <= config.passive_view_capacity, "invariant 1: passive capacity");
    for (const base::EndpointId& id : view.passive()) {
        GRAPEVINE_ASSERT(!active.contains(id) && id != peer(0), "invariant 1: one view");
    }
    GRAPEVINE_ASSERT(!active.contains(peer(0)), "invariant 1: self");
    GRAPEVINE_ASSERT(view.requests() <= membership::kRequestsMax, "invariant 3: bound");
    GRAPEVINE_ASSERT(twin.connected == !active.empty(), "invariant 4");
    if (active.size() < config.active_view_capacity && !view.passive().empty()) {
        GRAPEVINE_ASSERT(view.next_deadline().has_value(), "invariant 5");
    }
    (void)now;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    Input in(bytes, size);
    telemetry::Ledger ledger;
    base::Rng rng(in.byte());
    membership::Config config;
    config.passive_view_capacity = 12;
    HyParView view(peer(0), config, rng, ledger);
    Twin twin;
    base::TimePoint now{};
    for (int steps = 0; !in.done() && steps < 400; ++steps) {
        membership::Effects out;
        const std::uint8_t operation = in.byte();
        switch (operation % 8) {
            case 0: view.on_peer_disconnected(peer(in.byte()), now, out); break;
            case 1: now += std::chrono::milliseconds(in.byte() * 10); break;
            case 2: view.join({peer(in.byte())}, now, out); break;
            case 3: view.on_stray_broadcast(peer(in.byte()), now, out); break;
            case 4:
                now = std::max(now, view.next_deadline().value_or(now));
                view.on_deadline(now, out);
                GRAPEVINE_ASSERT(!view.next_deadline() || *view.next_deadline() > now,
                                 "a deadline that is served is gone");
                break;
            default: view.on_message(peer(in.byte() % 32), message(in), now, out); break;
        }
        twin.follow(out);
        check(view, twin, config, now);
    }
    membership::Effects out;
    view.quit(now, out);
    for (const membership::Effect& effect : out) {
        if (const auto* down = std::get_if<membership::NeighborDown>(&effect)) {
            twin.neighbors.erase(down->peer);
        }
    }
    GRAPEVINE_ASSERT(twin.neighbors.empty() && !view.next_deadline() && view.requests() == 0, "invariant 7");
    GRAPEVINE_ASSERT(ledger[telemetry::Kind::active_peer].alive() == 0, "born minus ended is alive");
    return 0;
}
