#pragma once

// What the tests of this folder share: fixed keys, statements of others, and effects picked by kind.

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/ed25519.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "directory/directory.hpp"
#include "telemetry/ledger.hpp"
#include "wire/digest.hpp"

namespace grapevine::directory::testing {

using base::Bytes;
using base::EndpointId;
using base::TimePoint;
using namespace std::chrono_literals;

inline TimePoint at(base::Duration since_start) {
    return TimePoint{} + 1h + since_start;
}

inline base::SecretKey key(std::uint32_t n) {
    std::array<std::uint8_t, 32> seed{};
    for (unsigned i = 0; i < 4; ++i)
        seed[i] = static_cast<std::uint8_t>(n >> (8U * i));
    seed[31] = 7;
    return *base::SecretKey::from_seed(seed);
}
inline EndpointId id(std::uint32_t n) {
    return key(n).id();
}

inline wire::Digest digest(std::uint64_t sequence) {
    wire::Digest d;
    d.mesh = "mesh1";
    d.type = "broker";
    d.sequence = wire::Sequence{sequence};
    d.started_unix_ms = 1000;
    d.addrs = {base::SocketAddr::v4(127, 0, 0, 1, 4000)};
    return d;
}
inline Bytes signed_digest(std::uint32_t n, std::uint64_t sequence) {
    return wire::sign(key(n), digest(sequence)).envelope;
}
inline Bytes signed_leaving(std::uint32_t n, std::uint64_t sequence) {
    wire::Digest d = digest(sequence);
    d.presence = wire::Presence::leaving;
    return wire::sign(key(n), d).envelope;
}
inline Bytes signed_accusation(std::uint32_t accuser, const EndpointId& accused, std::uint64_t sequence,
                               wire::AccusationPhase phase = wire::AccusationPhase::suspected) {
    return wire::sign(key(accuser), wire::Accusation{1, "mesh1", accused, wire::Sequence{sequence}, phase,
                                                     wire::AccusationReason::silent})
        .envelope;
}

inline Config config() {
    Config c;
    c.mesh = "mesh1";
    c.type = "broker";
    c.started = base::WallTime{5000};
    return c;
}

template <typename T>
std::vector<T> pick(const Effects& effects) {
    std::vector<T> result;
    for (const Effect& effect : effects) {
        if (const auto* value = std::get_if<T>(&effect)) result.push_back(*value);
    }
    return result;
}

// One directory (key number `self`) and the effects of the last input.
struct Node {
    explicit Node(std::uint32_t number = 0, Config c = config(), std::uint64_t seed = 1)
        : secret(key(number)), rng(seed), directory(std::move(c), secret, rng, ledger) {}

    void start(TimePoint now = at(0s)) {
        run([&] { directory.start(now, out); });
    }
    void hear(const Bytes& envelope, TimePoint now, Source source = Source::gossip, std::uint32_t from = 99) {
        run([&] { directory.on_statement(id(from), envelope, source, now, out); });
    }
    void deadline(TimePoint now) {
        run([&] { directory.on_deadline(now, out); });
    }
    // Runs every deadline up to `until`, collecting all effects.
    void run_until(TimePoint until) {
        out.clear();
        while (directory.next_deadline() && *directory.next_deadline() <= until) {
            directory.on_deadline(*directory.next_deadline(), out);
        }
    }
    template <typename Input>
    void run(Input input) {
        out.clear();
        input();
    }
    [[nodiscard]] std::uint64_t refused(Refusal refusal) const { return directory.counters()[refusal]; }
    // Digests among what was broadcast.
    [[nodiscard]] std::vector<wire::Digest> said() const {
        std::vector<wire::Digest> result;
        for (const auto& broadcast : pick<BroadcastStatement>(out)) {
            const auto statement = wire::open_statement(broadcast.envelope);
            if (const auto* d = std::get_if<wire::Digest>(&statement.value().claim)) result.push_back(*d);
        }
        return result;
    }
    [[nodiscard]] std::vector<wire::Accusation> accused() const {
        std::vector<wire::Accusation> result;
        for (const auto& broadcast : pick<BroadcastStatement>(out)) {
            const auto statement = wire::open_statement(broadcast.envelope);
            if (const auto* a = std::get_if<wire::Accusation>(&statement.value().claim)) result.push_back(*a);
        }
        return result;
    }

    telemetry::Ledger ledger;
    base::SecretKey secret;
    base::Rng rng;
    Directory directory;
    Effects out;
};

}  // namespace grapevine::directory::testing
