#pragma once

// The two views of HyParView as storage: who is in them, what each peer said about itself, and their accounting.
// The rules of the protocol that move peers between them are in hyparview.hpp.
//
// Rules, always true:
// - A peer is in at most one view, and this node itself is in none.
// - Neither view exceeds its capacity. A full passive view gives up a random entry for a new one (paper, section 4.4).
// - Data is kept only for members of a view and only up to kPeerDataBytesMax a peer, so that memory is bounded.

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "base/bounded.hpp"
#include "base/ids.hpp"
#include "base/rng.hpp"
#include "telemetry/ledger.hpp"
#include "wire/gossip.hpp"

namespace grapevine::membership {

using base::EndpointId;

// Largest PeerData that is kept and passed on; an AddrInfo with a relay and a dozen addresses has about 200 bytes.
inline constexpr std::size_t kPeerDataBytesMax = 1024;

enum class PassiveAdd { added, known, replaced };
enum class DataNews { none, learned, oversize };

class Views {
public:
    Views(const EndpointId& self, std::size_t active_capacity, std::size_t passive_capacity, base::Rng& rng,
          telemetry::Ledger& ledger);
    ~Views() = default;
    Views(const Views&) = delete;
    Views& operator=(const Views&) = delete;

    [[nodiscard]] const base::IndexedSet<EndpointId>& active() const { return active_; }
    [[nodiscard]] const base::IndexedSet<EndpointId>& passive() const { return passive_; }
    [[nodiscard]] bool is_active(const EndpointId& peer) const { return active_.contains(peer); }
    [[nodiscard]] bool is_passive(const EndpointId& peer) const { return passive_.contains(peer); }
    [[nodiscard]] bool active_full() const { return active_.size() >= active_capacity_; }

    // Moves the peer out of the passive view. The caller has made room; the peer is neither active nor this node.
    void add_active(const EndpointId& peer);
    // Forgets the peer entirely, its data included.
    void remove_active(const EndpointId& peer);
    // Moves an active peer to the passive view, keeping its data.
    PassiveAdd demote(const EndpointId& peer);
    // No change for this node itself and for members of a view; `replaced` when a random entry had to go.
    PassiveAdd add_passive(const EndpointId& peer);
    void remove_passive(const EndpointId& peer);
    void clear();

    // Stores what the peer, or another peer about it, says. `learned` when it is new and not empty. For a peer in no
    // view nothing is stored, and it is `learned` each time.
    DataNews learn(const EndpointId& peer, const std::optional<wire::PeerData>& data);
    [[nodiscard]] wire::PeerInfo info(const EndpointId& peer) const;

private:
    EndpointId self_;
    std::size_t active_capacity_;
    std::size_t passive_capacity_;
    base::Rng& rng_;
    telemetry::Ledger& ledger_;
    base::IndexedSet<EndpointId> active_;
    base::IndexedSet<EndpointId> passive_;
    std::map<EndpointId, telemetry::Life> lives_;  // Of both views.
    std::map<EndpointId, wire::PeerData> data_;
};

}  // namespace grapevine::membership
