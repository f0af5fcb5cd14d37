#pragma once

// What the connections of one endpoint share. The endpoint owns it; connections refer to it.

#include <map>

#include "base/ids.hpp"
#include "base/rng.hpp"
#include "quic/cid_table.hpp"
#include "quic/event_queue.hpp"
#include "quic/secrets.hpp"
#include "quic/tls.hpp"
#include "quic/types.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::quic {

struct Shared {
    Shared(const Config& config_in, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger_in)
        : config(config_in),
          self(key.id()),
          secrets(key, rng),
          tls(key, config.alpns, config.zero_rtt ? Resumption::on : Resumption::off),
          events(config.limits.events_max),
          ledger(ledger_in) {}

    [[nodiscard]] std::size_t connections_of(const base::EndpointId& peer) const {
        const auto it = per_peer.find(peer);
        return it == per_peer.end() ? 0 : it->second;
    }

    Config config;
    base::EndpointId self;
    Secrets secrets;
    TlsContext tls;
    RememberedTickets remembered;  // As client.
    IssuedTickets issued;          // As server.
    CidTable cids;
    EventQueue events;
    Counters counters;
    telemetry::Ledger& ledger;
    std::map<base::EndpointId, std::size_t> per_peer;  // Dialled or authenticated connections; no zero entries.
};

}  // namespace grapevine::quic
