#pragma once

// A gateway's teller and a watcher, with what is between them in the hands of the test.

#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "node/directory_teller.hpp"
#include "node/mesh_watches.hpp"
#include "wire/digest.hpp"

namespace grapevine::node::testing {

using namespace std::chrono_literals;
using base::Bytes;
using base::EndpointId;
using base::TimePoint;
using delivery::MessageSequence;

inline base::SecretKey key(std::uint32_t n) {
    std::array<std::uint8_t, 32> seed{};
    for (unsigned i = 0; i < 4; ++i)
        seed[i] = static_cast<std::uint8_t>(n >> (8U * i));
    seed[31] = 9;
    return *base::SecretKey::from_seed(seed);
}

inline MeshConfig mesh_config(const std::string& mesh, const std::string& type) {
    MeshConfig config;
    config.mesh = mesh;
    config.type = type;
    config.started_unix_ms = 5000;
    return config;
}

inline Bytes signed_digest(std::uint32_t n, std::uint64_t sequence, wire::Presence presence = wire::Presence::present) {
    wire::Digest digest;
    digest.mesh = "mesh2";
    digest.type = "broker";
    digest.sequence = wire::Sequence{sequence};
    digest.presence = presence;
    return wire::sign(key(n), digest).envelope;
}
inline Bytes signed_accusation(std::uint32_t accuser, const EndpointId& accused, std::uint64_t sequence) {
    return wire::sign(key(accuser), wire::Accusation{1, "mesh2", accused, wire::Sequence{sequence},
                                                     wire::AccusationPhase::suspected, wire::AccusationReason::silent})
        .envelope;
}

inline directory::Config directory_of(const MeshConfig& config, directory::Witness* witness) {
    directory::Config made;
    made.mesh = config.mesh;
    made.type = config.type;
    made.started = base::WallTime{config.started_unix_ms};
    made.witness = witness;
    return made;
}

// Gateway number `n` of mesh2; its stream takes `room` bytes.
struct Gateway {
    explicit Gateway(std::uint32_t n, std::string type = "gateway")
        : config(mesh_config("mesh2", type)),
          secret(key(n)),
          rng(n),
          admission(secret.id(), config),
          teller(config, directory, admission),
          directory(directory_of(config, &teller), secret, rng, ledger),
          backbone(fabric::BackboneConfig{}, secret, rng) {}

    void start(TimePoint now) {
        directory::Effects effects;
        directory.start(now, effects);
        route(effects, now);
    }
    void hear(const Bytes& envelope, TimePoint now) {
        directory::Effects effects;
        directory.on_statement(secret.id(), envelope, directory::Source::gossip, now, effects);
        route(effects, now);
    }
    void deadline(TimePoint now) {
        directory::Effects effects;
        directory.on_deadline(now, effects);
        route(effects, now);
        teller.on_deadline(now, out);
        carry(now);
    }
    void route(const directory::Effects& effects, TimePoint now) {
        for (const auto& effect : effects)
            if (const auto* removed = std::get_if<directory::EntryRemoved>(&effect))
                teller.on_removed(removed->id, removed->cause, now);
        teller.pump(now, out);
        carry(now);
    }
    void open(const EndpointId& peer, const std::string& name, TimePoint now) {
        wire::OpenStream asked;
        asked.sequence = wire::MessageSequence{++asked_};
        asked.name = name;
        teller.on_open(peer, asked, backbone, now, out);
        carry(now);
    }
    // What the effects say: bytes are collected as far as there is room.
    void carry(TimePoint now) {
        while (!out.empty()) {
            Effects effects = std::exchange(out, {});
            for (auto& effect : effects) {
                if (auto* said = std::get_if<SayOnStream>(&effect)) {
                    const std::size_t taken = std::min(room, said->data.size());
                    room -= taken;
                    const auto end = said->data.begin() + static_cast<std::ptrdiff_t>(taken);
                    stream.insert(stream.end(), said->data.begin(), end);
                    teller.on_taken(said->stream, Bytes(end, said->data.end()), now, out);
                }
                if (const auto* taken = std::get_if<TakeStream>(&effect)) streams.push_back(taken->stream);
                if (const auto* reset = std::get_if<ResetStream>(&effect)) resets.push_back(reset->code);
                if (const auto* answer = std::get_if<delivery::SendOutcome>(&effect)) answers.push_back(answer->frame);
            }
        }
    }
    [[nodiscard]] EndpointId id() const { return secret.id(); }

    MeshConfig config;
    base::SecretKey secret;
    base::Rng rng;
    telemetry::Ledger ledger;
    MeshAdmission admission;
    DirectoryTeller teller;
    directory::Directory directory;
    fabric::Backbone backbone;
    Effects out;
    std::size_t room = 1U << 24U;
    Bytes stream;
    std::vector<OwnStream> streams;
    std::vector<std::uint32_t> resets;
    std::vector<wire::Outcome> answers;

private:
    std::uint64_t asked_ = 0;
};

// A node of mesh1 that watches.
struct Watcher {
    Watcher()
        : config(mesh_config("mesh1", "console")),
          admission(key(1000).id(), config),
          watches(
              "mesh1", admission, [](std::string_view) { return std::optional<EndpointId>(); }, nullptr, rng, ledger) {}

    template <typename Input>
    void run(Input input) {
        WatchEffects effects;
        input(effects);
        for (auto& effect : effects)
            all.push_back(std::move(effect));
    }
    template <typename T>
    std::vector<T> take() {
        std::vector<T> found;
        for (const auto& effect : all)
            if (const auto* e = std::get_if<T>(&effect)) found.push_back(*e);
        std::erase_if(all, [](const WatchEffect& e) { return std::holds_alternative<T>(e); });
        return found;
    }
    // Watches mesh2 through one of these.
    EndpointId begin(const std::vector<EndpointId>& gateways, TimePoint now) {
        run([&](auto& out) { EXPECT_EQ(watches.watch("mesh2", now, out), base::Admitted::yes); });
        give(gateways, now);
        return open(now);
    }
    void give(const std::vector<EndpointId>& gateways, TimePoint now) {
        const auto asked = take<SeekGateways>();
        ASSERT_EQ(asked.size(), 1U);
        run([&](auto& out) { watches.on_gateways(asked[0].watch, gateways, "nobody", now, out); });
    }
    // The gateway that it turns to takes the stream.
    EndpointId open(TimePoint now) {
        const auto opened = take<OpenWatch>();
        EXPECT_EQ(opened.size(), 1U);
        if (opened.empty()) return {};
        watches.on_asked(opened[0].watch, MessageSequence{++last_});
        run([&](auto& out) { watches.on_decided(MessageSequence{last_}, StreamFate::open, "", now, out); });
        return opened[0].gateway;
    }
    void hear(const Bytes& bytes, TimePoint now) {
        run([&](auto& out) { watches.on_bytes(MessageSequence{last_}, bytes, now, out); });
    }
    void deadline(TimePoint now) {
        run([&](auto& out) { watches.on_deadline(now, out); });
    }
    [[nodiscard]] WatchSource source() const { return watches.sources().at(0); }
    [[nodiscard]] std::set<EndpointId> members(TimePoint now) const {
        std::set<EndpointId> ids;
        for (const auto& row : watches.rows("mesh2", now))
            ids.insert(row.id);
        return ids;
    }
    std::vector<WatchedChange> changes() {
        std::vector<WatchedChange> found;
        for (const auto& e : take<WatchedChanged>())
            found.push_back(e.change);
        return found;
    }

    MeshConfig config;
    base::Rng rng{7};
    telemetry::Ledger ledger;
    MeshAdmission admission;
    MeshWatches watches;
    WatchEffects all;

private:
    std::uint64_t last_ = 0;
};

class MeshWatch : public ::testing::Test {
protected:
    TimePoint at(base::Duration since) const { return TimePoint{} + 1h + since; }
    void SetUp() override {
        gateway_.start(at(0s));
        for (std::uint32_t n = 10; n < 15; ++n)
            gateway_.hear(signed_digest(n, 100), at(1s));
    }
    void watch(TimePoint now) {
        ASSERT_EQ(watcher_.begin({gateway_.id()}, now), gateway_.id());
        gateway_.open(key(1000).id(), wire::watch_target({gateway_.id(), wire::WatchSubject::directory}), now);
        carry(now);
    }
    void carry(TimePoint now) { watcher_.hear(std::exchange(gateway_.stream, {}), now); }
    std::set<EndpointId> told() const {
        std::set<EndpointId> ids;
        for (const auto& [id, entry] : gateway_.directory.entries())
            ids.insert(id);
        return ids;
    }

    Gateway gateway_{1};
    Watcher watcher_;
};

}  // namespace grapevine::node::testing
