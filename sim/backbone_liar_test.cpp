// Liars on the real topic of a fabric of open meshes: a gateway of one mesh, and nodes that are no gateways at all.
// What docs/design/0002-fabric.md promises of the other meshes holds at each of their gateways, and whatever is refused
// is counted.

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/backbone_world.hpp"
#include "sim/sites.hpp"
#include "wire/summary.hpp"

namespace grapevine::sim {
namespace {

using namespace std::chrono_literals;
using fabric::Refusal;

constexpr std::size_t kMeshes = 6;
constexpr std::size_t kLyingMesh = 0;  // One of its gateways lies. Nothing is promised of it.
constexpr std::uint64_t kSequence = 1'700'000'100'000;

FabricShape shape_of(std::uint64_t seed) {
    FabricShape shape;
    shape.meshes = kMeshes;
    shape.strangers = 2;
    shape.backbone.meshes_max = 14;  // A flood fills it.
    shape.seed = seed;
    return shape;
}

class Liars {
public:
    explicit Liars(std::uint64_t seed) : world_(shape_of(seed)), rng_(seed + 1000) {
        world_.boot();
        world_.admit_stranger(world_.stranger(0));
        world_.admit_stranger(world_.stranger(1));
        world_.run_for(200s);  // Beyond the probation of the meshes, and of what was said first.
    }

    // A lie of a random kind, by one of the three.
    void lie() {
        const std::array speakers{world_.stranger(0), world_.stranger(1), world_.gateway(kLyingMesh, 0)};
        const std::size_t speaker = speakers[rng_.index(speakers.size())];
        switch (rng_.below(10)) {
            case 0: return world_.broadcast(speaker, garbage());
            case 1: return world_.broadcast(speaker, corrupted());
            case 2: return world_.broadcast(speaker, overheard());
            case 3: return speak_for_others(speaker);
            case 4: return name_others_only(speaker);
            case 5: return speak_of_another_fabric(speaker);
            case 6: return invent_meshes(speaker);
            case 7: return invent_speakers(speaker);
            case 8: return shout(speaker);
            default: return repeat_invention(speaker);
        }
    }

    // Every gateway of a mesh that does not lie knows every other such mesh, and its three gateways come first.
    void expect_promises(std::uint64_t seed) {
        for (std::size_t mesh = 1; mesh < kMeshes; ++mesh) {
            for (std::size_t other = 1; other < kMeshes; ++other) {
                if (other == mesh) continue;
                for (std::size_t n = 0; n < 3; ++n)
                    expect_known(world_.gateway(mesh, n), other, seed);
            }
        }
    }

    // Nobody but a gateway itself can raise its sequence. The liar heard its own lies again, and jumped above them.
    void expect_own_sequences(std::uint64_t seed) {
        for (std::size_t node = 0; node < world_.gateways(); ++node) {
            if (node == world_.gateway(kLyingMesh, 0)) continue;
            EXPECT_EQ(world_.backbone(node)->counters().sequence_jumps, 0U) << "seed " << seed << ", gateway " << node;
        }
    }

    BackboneWorld& world() { return world_; }

private:
    [[nodiscard]] wire::Summary summary(std::size_t mesh, const base::EndpointId& gateway) {
        wire::Summary summary;
        summary.fabric = "default";
        summary.mesh = BackboneWorld::name_of(mesh);
        summary.sequence = wire::Sequence{kSequence + ++said_};
        summary.gateways = {{gateway, {base::SocketAddr::v4(203, 0, 113, 7, 4000)}}};
        return summary;
    }
    base::SecretKey fresh_key() { return key_of(100'000 + ++keys_, rng_); }
    std::size_t some_mesh() { return 1 + rng_.index(kMeshes - 1); }
    void say(std::size_t speaker, const base::SecretKey& key, const wire::Summary& summary) {
        world_.broadcast(speaker, wire::sign(key, summary).envelope);
    }

    base::Bytes garbage() {
        base::Bytes bytes(rng_.chance(0.2) ? wire::kSummaryMax + 1 + rng_.index(500) : 1 + rng_.index(300));
        rng_.fill(bytes);
        if (rng_.chance(0.3)) bytes[0] = wire::kSummaryKind;
        return bytes;
    }
    base::Bytes overheard() {
        const auto& heard = world_.heard(world_.stranger(0));
        return heard.empty() ? garbage() : heard[rng_.index(heard.size())];
    }
    base::Bytes corrupted() {
        base::Bytes bytes = overheard();
        bytes[rng_.index(bytes.size())] ^= static_cast<std::uint8_t>(1U << rng_.below(8));
        return bytes;
    }
    // As a gateway of a mesh in which it is not, alone or with the true ones.
    void speak_for_others(std::size_t speaker) {
        const std::size_t mesh = some_mesh();
        const base::SecretKey& key = world_.key(speaker);
        wire::Summary forged = summary(mesh, key.id());
        for (std::size_t n = 0; n < 2 && rng_.chance(0.5); ++n)
            forged.gateways.push_back(world_.addr(world_.gateway(mesh, n)));
        say(speaker, key, forged);
    }
    void name_others_only(std::size_t speaker) {
        const std::size_t mesh = some_mesh();
        say(speaker, fresh_key(), summary(mesh, world_.key(world_.gateway(mesh, 0)).id()));
    }
    void speak_of_another_fabric(std::size_t speaker) {
        wire::Summary other = summary(some_mesh(), world_.key(speaker).id());
        other.fabric = "elsewhere";
        say(speaker, world_.key(speaker), other);
    }
    void invent_meshes(std::size_t speaker) {
        for (std::size_t i = 0; i < 5; ++i) {
            const base::SecretKey key = fresh_key();
            wire::Summary invented = summary(0, key.id());
            invented.mesh = "invented-" + std::to_string(keys_);
            invented_.push_back({key, invented});
            say(speaker, key, invented);
        }
    }
    // They name each other, and so more and more of them.
    void invent_speakers(std::size_t speaker) {
        const std::size_t mesh = some_mesh();
        base::EndpointId before = world_.key(speaker).id();
        for (std::size_t i = 0; i < 4; ++i) {
            const base::SecretKey key = fresh_key();
            wire::Summary forged = summary(mesh, key.id());
            forged.gateways.push_back({before, {}});
            before = key.id();
            say(speaker, key, forged);
        }
    }
    void shout(std::size_t speaker) {
        const base::SecretKey key = fresh_key();
        for (std::size_t i = 0; i < 12; ++i)
            say(speaker, key, summary(some_mesh(), key.id()));
    }
    // Other words with the sequence of one that may be gone meanwhile.
    void repeat_invention(std::size_t speaker) {
        if (invented_.empty()) return;
        auto& [key, invented] = invented_[rng_.index(invented_.size())];
        invented.members = {{"broker", static_cast<std::uint32_t>(++said_)}};
        say(speaker, key, invented);
    }

    void expect_known(std::size_t gateway, std::size_t mesh, std::uint64_t seed) {
        const auto sides = world_.route(gateway, mesh);
        ASSERT_FALSE(sides.empty()) << "seed " << seed << ": mesh " << mesh << " is gone at gateway " << gateway;
        ASSERT_GE(sides[0].gateways.size(), 3U) << "seed " << seed;
        for (std::size_t n = 0; n < 3; ++n) {
            const auto& id = sides[0].gateways[n].id;
            const bool is_true = id == world_.key(world_.gateway(mesh, 0)).id() ||
                                 id == world_.key(world_.gateway(mesh, 1)).id() ||
                                 id == world_.key(world_.gateway(mesh, 2)).id();
            EXPECT_TRUE(is_true) << "seed " << seed << ": gateway " << gateway << " would ask a liar for mesh " << mesh;
        }
    }

    struct Invented {
        base::SecretKey key;
        wire::Summary summary;
    };
    BackboneWorld world_;
    base::Rng rng_;
    std::uint64_t said_ = 0;
    std::size_t keys_ = 0;
    std::vector<Invented> invented_;
};

TEST(BackboneLiars, MovesNoMeshThatDoesNotLie) {
    std::array<std::uint64_t, fabric::kRefusals> refused{};
    std::uint64_t displaced = 0;
    for (std::uint64_t seed = 1; seed <= 24; ++seed) {
        Liars liars(seed);
        liars.expect_promises(seed);
        for (int step = 0; step < 220; ++step) {
            liars.lie();
            liars.world().run_for(1s);
            if (step % 20 == 0) liars.expect_promises(seed);
            if (HasFatalFailure()) return;
        }
        liars.world().run_for(130s);  // What was invented is beyond its probation, and not stale yet.
        for (int step = 0; step < 30; ++step) {
            liars.lie();
            liars.world().run_for(1s);
        }
        liars.expect_promises(seed);
        liars.world().run_for(200s);
        liars.expect_promises(seed);
        const fabric::Counters counters = liars.world().counters();
        std::uint64_t judged = counters.accepted + counters.sequence_jumps;
        for (std::size_t cause = 0; cause < refused.size(); ++cause) {
            refused[cause] += counters.refused[cause];
            judged += counters.refused[cause];
        }
        displaced += counters.gone_displaced;
        EXPECT_EQ(judged, liars.world().delivered()) << "seed " << seed << ": what came was taken or counted";
        liars.expect_own_sequences(seed);
    }
    for (const Refusal cause :
         {Refusal::malformed, Refusal::oversized, Refusal::unknown_kind, Refusal::bad_signature, Refusal::other_fabric,
          Refusal::not_newer, Refusal::after_removal, Refusal::own_echo, Refusal::not_a_gateway, Refusal::rate_limited,
          Refusal::table_full, Refusal::speakers_full})
        EXPECT_GT(refused[static_cast<std::size_t>(cause)], 0U) << fabric::name(cause) << " was not tried";
    EXPECT_GT(displaced, 0U) << "inventions displace their own kind";
}

// A flood of invented gateways makes honest meshes greet, but no more than the limit lets them.
TEST(BackboneLiars, CannotMakeTheMeshesShout) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Liars liars(seed);
        const fabric::Counters before = liars.world().counters();
        for (int step = 0; step < 100; ++step) {
            liars.lie();
            liars.lie();
            liars.world().run_for(1s);
        }
        const fabric::Counters after = liars.world().counters();
        const auto greetings = after[fabric::Occasion::introduction] - before[fabric::Occasion::introduction];
        EXPECT_GT(greetings, kMeshes * 5) << "the flood is heard";
        EXPECT_LE(greetings, kMeshes * (3 + 10 + 2)) << "three at once and one in ten seconds a mesh";
    }
}

}  // namespace
}  // namespace grapevine::sim
