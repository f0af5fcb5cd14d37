// The ledger's laws in whole nodes: a leak on purpose is told within a minute, and a mesh that works and changes for
// long is silent.

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "stack/cluster_testing.hpp"
#include "telemetry/catalogue.hpp"
#include "telemetry/laws.hpp"

namespace grapevine::stack {
namespace {

using namespace base;
using telemetry::Kind;
using telemetry::Life;

std::vector<LawBroken> broken(const TestCluster::Member& member) {
    std::vector<LawBroken> all;
    for (const Event& event : member.events)
        if (const auto* law = std::get_if<LawBroken>(&event)) all.push_back(*law);
    return all;
}

std::vector<LawKept> kept(const TestCluster::Member& member) {
    std::vector<LawKept> all;
    for (const Event& event : member.events)
        if (const auto* law = std::get_if<LawKept>(&event)) all.push_back(*law);
    return all;
}

std::string text(const std::vector<LawBroken>& laws) {
    std::string all;
    for (const LawBroken& law : laws)
        all += telemetry::describe(law) + "\n";
    return all;
}

// Things that somebody forgot to end.
std::vector<Life> leak(TestCluster& cluster, std::size_t index, Kind kind, int count) {
    cluster.member(index).ledger->set_now(cluster.now());
    std::vector<Life> lives;
    for (int i = 0; i < count; ++i)
        lives.emplace_back(*cluster.member(index).ledger, kind);
    return lives;
}

void make_mesh(TestCluster& cluster, std::size_t count) {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < count; ++i)
        all.push_back(cluster.add("m", "t", i == 0 ? std::vector<std::size_t>{} : std::vector<std::size_t>{0}));
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(all); }, 30s));
}

class Leak : public testing::TestWithParam<Kind> {};

TEST_P(Leak, IsToldWithinAMinuteByTheNodeThatLeaksAlone) {
    TestCluster cluster(1);
    make_mesh(cluster, 4);
    cluster.run_for(30s);
    {
        const auto forgotten = leak(cluster, 2, GetParam(), 200);
        cluster.run_for(60s);
        const auto told = broken(cluster.member(2));
        ASSERT_EQ(told.size(), 1U) << text(told);
        EXPECT_EQ(told[0].kind, GetParam());
        EXPECT_GE(told[0].alive, 200U);
        EXPECT_TRUE(kept(cluster.member(2)).empty());
        cluster.run_for(5min);
        EXPECT_EQ(broken(cluster.member(2)).size(), 1U) << "once is enough";
    }
    cluster.run_for(60s);
    const auto healed = kept(cluster.member(2));
    ASSERT_EQ(healed.size(), 1U);
    EXPECT_EQ(healed[0].kind, GetParam());
    EXPECT_EQ(cluster.stack(2).laws().broken(), 0U);
    EXPECT_EQ(cluster.stack(2).laws().broken_ever(), 1U);
    for (const std::size_t healthy : {0U, 1U, 3U})
        EXPECT_TRUE(broken(cluster.member(healthy)).empty()) << text(broken(cluster.member(healthy)));
}

INSTANTIATE_TEST_SUITE_P(Kinds, Leak,
                         testing::Values(Kind::connection, Kind::stream, Kind::send_queue, Kind::directory_entry,
                                         Kind::active_peer, Kind::passive_peer, Kind::sync_session,
                                         Kind::app_connection),
                         [](const auto& instance) { return std::string(telemetry::name(instance.param)); });

// Few, but older than they can ever be.
TEST(LawsOfAStack, OneThatNeverEndsIsToldByItsAge) {
    for (const Kind kind : {Kind::sync_session, Kind::suspicion, Kind::handshake, Kind::mesh_exchange}) {
        TestCluster cluster(2);
        make_mesh(cluster, 3);
        const auto forgotten = leak(cluster, 1, kind, 1);
        const auto allowed = cluster.stack(1).allowances()[kind];
        ASSERT_TRUE(allowed && allowed->age_max);
        cluster.run_for(*allowed->age_max + 60s);
        const auto told = broken(cluster.member(1));
        ASSERT_EQ(told.size(), 1U) << telemetry::name(kind);
        EXPECT_EQ(told[0].kind, kind);
        EXPECT_GT(told[0].oldest, *allowed->age_max);
    }
}

// Nothing but the laws' own deadline wakes it.
TEST(LawsOfAStack, AnIdleEndpointTellsToo) {
    TestCluster cluster(3);
    const std::size_t idle = cluster.add(std::nullopt, "", {}, [](Config& config) { config.gossip = false; });
    cluster.run_for(1min);
    EXPECT_LE(cluster.member(idle).turns, 2U) << "where nothing lives nothing wakes";
    const auto forgotten = leak(cluster, idle, Kind::stream, 1);
    cluster.settle(idle);  // Whatever was born was born in a turn.
    cluster.run_for(60s);
    const auto told = broken(cluster.member(idle));
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].kind, Kind::stream);
    EXPECT_LE(cluster.member(idle).turns, 8U);
}

TEST(LawsOfAStack, ABrokenLawIsASpan) {
    struct FixedClock : telemetry::Clock {
        [[nodiscard]] std::uint64_t unix_ns() const override { return 1'700'000'000'000'000'000; }
    } clock;
    telemetry::Recorder recorder(telemetry::RecorderConfig{}, Rng(7), clock);
    TestCluster cluster(4);
    const std::size_t node = cluster.add("m", "t", {}, [&](Config& config) { config.recorder = &recorder; });
    const auto forgotten = leak(cluster, node, Kind::connection, 1);
    cluster.run_for(60s);
    const auto spans = recorder.take_spans(1000);
    EXPECT_EQ(std::count_if(spans.begin(), spans.end(),
                            [](const auto& span) { return span.spec == &telemetry::spans::kLawBroken; }),
              1);
}

class Churn {
public:
    explicit Churn(std::uint64_t seed) : cluster_(seed), rng_(seed) {
        make_mesh(cluster_, kNodes);
        cluster_.loss = 0.02;
    }

    // One node dies without a word or restarts at once, and comes back.
    void round() {
        const std::size_t victim = 1 + rng_.index(kNodes - 1);
        if (rng_.chance(0.5)) {
            cluster_.silence(victim);
            cluster_.run_for(20s);
        }
        collect(victim);
        cluster_.restart(victim, {0});
        cluster_.run_for(15s);
    }
    std::vector<LawBroken> alarms() {
        for (std::size_t i = 0; i < kNodes; ++i)
            collect(i);
        return alarms_;
    }
    TestCluster& cluster() { return cluster_; }

private:
    static constexpr std::size_t kNodes = 9;
    void collect(std::size_t index) {
        const auto told = broken(cluster_.member(index));
        alarms_.insert(alarms_.end(), told.begin(), told.end());
        cluster_.member(index).events.clear();
    }
    TestCluster cluster_;
    Rng rng_;
    std::vector<LawBroken> alarms_;
};

TEST(LawsOfAStack, LongHealthyChurnIsSilent) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Churn churn(seed);
        for (int i = 0; i < 40; ++i)
            churn.round();
        churn.cluster().run_for(3min);
        const auto alarms = churn.alarms();
        EXPECT_TRUE(alarms.empty()) << "seed " << seed << "\n" << text(alarms);
        EXPECT_GT(churn.cluster().now().time_since_epoch(), 15min);
    }
}

}  // namespace
}  // namespace grapevine::stack
