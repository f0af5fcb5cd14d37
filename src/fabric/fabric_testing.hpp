#pragma once

// What the tests of this folder share: fixed keys, summaries and digests of others, one backbone with the effects of
// its last input.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/ed25519.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "fabric/backbone.hpp"
#include "fabric/question.hpp"
#include "wire/digest.hpp"
#include "wire/summary.hpp"

namespace grapevine::fabric::testing {

using base::Bytes;
using base::EndpointId;
using base::TimePoint;
using namespace std::chrono_literals;

inline TimePoint at(base::Duration since_start) {
    return TimePoint{} + 1h + since_start;
}

// Keys are made once: a simulation uses the same few again and again.
const base::SecretKey& key(std::uint32_t n);
inline EndpointId id(std::uint32_t n) {
    return key(n).id();
}
inline wire::EndpointAddr addr(std::uint32_t n) {
    return {id(n),
            {base::SocketAddr::v4(10, 0, static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n), 4000)}};
}
std::vector<wire::EndpointAddr> addrs(const std::vector<std::uint32_t>& numbers);

// A summary of `mesh` whose gateways are the given ones.
wire::Summary summary(const std::string& mesh, std::uint64_t sequence, const std::vector<std::uint32_t>& gateways);
inline Bytes said(std::uint32_t signer, const wire::Summary& summary) {
    return wire::sign(key(signer), summary).envelope;
}

wire::Digest digest(const std::string& mesh, const std::string& type, std::uint64_t sequence);
inline Bytes signed_digest(std::uint32_t n, const std::string& mesh, const std::string& type, std::uint64_t sequence) {
    return wire::sign(key(n), digest(mesh, type, sequence)).envelope;
}

inline BackboneConfig config() {
    BackboneConfig c;
    c.mesh = "mesh1";
    c.started = base::WallTime{5000};
    return c;
}

template <typename T, typename Variant>
std::vector<T> pick(const std::vector<Variant>& effects) {
    std::vector<T> result;
    for (const Variant& effect : effects) {
        if (const auto* value = std::get_if<T>(&effect)) result.push_back(*value);
    }
    return result;
}

// One backbone (key number `self`, a gateway of mesh1) and the effects of the last input.
struct Gateway {
    explicit Gateway(std::uint32_t number = 1, BackboneConfig c = config(), std::uint64_t seed = 1)
        : rng(seed), backbone(std::move(c), key(number), rng) {}

    void own(const std::vector<std::uint32_t>& gateways, TimePoint now, std::uint32_t brokers = 1) {
        facts.gateways = addrs(gateways);
        if (!facts.authority) facts.members = {{"broker", brokers}};
        set(now);
    }
    void set(TimePoint now) {
        out.clear();
        backbone.set_own(facts, now, out);
    }
    void hear(const Bytes& envelope, TimePoint now, std::uint32_t from = 99) {
        out.clear();
        backbone.on_summary(id(from), envelope, now, out);
    }
    void hear(std::uint32_t signer, const wire::Summary& heard, TimePoint now) { hear(said(signer, heard), now); }
    void neighbor(std::uint32_t peer, TimePoint now) {
        out.clear();
        backbone.on_neighbor_up(id(peer), now, out);
    }
    // Runs every deadline up to `until`, collecting all effects.
    void run_until(TimePoint until);
    // What was broadcast by the last input, and when.
    [[nodiscard]] std::vector<wire::Summary> spoken() const;
    [[nodiscard]] std::uint64_t refused(Refusal refusal) const { return backbone.counters()[refusal]; }

    OwnFacts facts;
    base::Rng rng;
    Backbone backbone;
    Effects out;
    std::vector<TimePoint> spoken_at;  // Of run_until.
};

// Admits whom it is told to.
struct FakeAdmits : Admits {
    std::map<EndpointId, EndpointId> authority_of;  // Of each admitted node.
    Admission speaker(const EndpointId& signer, std::string_view mesh, const EndpointId& authority,
                      base::ByteView ticket) override;
    Admission member(const wire::Statement& digest, const EndpointId& authority) override;
};

}  // namespace grapevine::fabric::testing
