// What a cluster tells of itself: each span of the list, with its parents and its causes.

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "stack/connection_spans.hpp"
#include "stack/traces_testing.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;
using telemetry::Level;

const Told* parent_of(const std::vector<Told>& all, const Told& told) {
    return told.span.parent.is_valid() ? find_span(all, told.span.parent) : nullptr;
}

// A child lies inside a parent of its own node, and begins no earlier than one of another.
void expect_causal(const std::vector<Told>& all) {
    for (const Told& told : all) {
        EXPECT_LE(told.span.start_unix_ns, told.span.end_unix_ns) << told.name();
        const Told* parent = parent_of(all, told);
        if (parent == nullptr) continue;
        EXPECT_EQ(parent->span.trace, told.span.trace);
        EXPECT_LE(parent->span.start_unix_ns, told.span.start_unix_ns) << parent->name() << " > " << told.name();
        if (told.span.remote_parent) continue;
        EXPECT_GE(parent->span.end_unix_ns, told.span.end_unix_ns) << parent->name() << " > " << told.name();
    }
}

std::string id_hex(TracedCluster& traced, std::size_t node) {
    return traced.cluster.stack(node).id().hex();
}

std::vector<std::size_t> all_of(const TracedCluster& traced) {
    std::vector<std::size_t> indices(traced.cluster.size());
    for (std::size_t i = 0; i < indices.size(); ++i)
        indices[i] = i;
    return indices;
}

class Spans : public ::testing::Test {
protected:
    void boot(std::size_t nodes) {
        traced.add("gateway", {});
        while (traced.cluster.size() < nodes)
            traced.add("broker", {0});
        ASSERT_TRUE(traced.cluster.run_until([&] { return traced.cluster.converged(all_of(traced)); }, 30s));
        traced.cluster.run_for(3s);
    }
    void take_more() {
        for (auto& told : traced.take())
            all.push_back(std::move(told));
    }
    std::vector<Told> of(std::size_t node, std::string_view name) {
        auto found = named(all, name);
        std::erase_if(found, [&](const Told& told) { return told.node != node; });
        return found;
    }
    void TearDown() override {
        for (std::size_t i = 0; i < traced.cluster.size(); ++i)
            EXPECT_EQ(traced.recorder(i).counters().spans_abandoned, 0U) << "node " << i;
    }

    TracedCluster traced{7};
    std::vector<Told> all;
};

TEST_F(Spans, AJoinIsOneTraceFromTheDialToEverybodysDirectory) {
    boot(4);
    take_more();
    expect_causal(all);
    for (std::size_t node = 1; node < 4; ++node) {
        EXPECT_EQ(of(node, "mesh.gossip.subscribed").size(), 1U);
        const auto joined = of(node, "mesh.gossip.joined");
        ASSERT_EQ(joined.size(), 1U);
        EXPECT_GT(joined[0].span.end_unix_ns, joined[0].span.start_unix_ns + 2'000'000) << "at least two trips";
        std::multiset<std::string_view> children;
        for (const Told& told : all)
            if (told.span.parent == joined[0].span.id) children.insert(told.name());
        EXPECT_EQ(children.count("mesh.peer.connected"), 1U) << "the dial of the seed";
        EXPECT_EQ(children.count("mesh.gossip.neighbor_up"), 1U);
        // Whoever else learned of the newcomer by its own words, learned it in this trace.
        const auto discovered = named(all, "mesh.peer.discovered");
        EXPECT_TRUE(std::any_of(discovered.begin(), discovered.end(), [&](const Told& told) {
            return told.node != node && told.span.trace == joined[0].span.trace &&
                   told.text("peer_id") == id_hex(traced, node);
        })) << node;
    }
}

TEST_F(Spans, AConnectionWrapsItsHandshakeOnBothSides) {
    boot(2);
    take_more();
    const auto dialled = of(1, "mesh.peer.connected");
    ASSERT_FALSE(dialled.empty());
    EXPECT_EQ(dialled[0].text("direction"), "outgoing");
    EXPECT_EQ(dialled[0].text("alpn"), "/iroh-gossip/1");
    EXPECT_EQ(dialled[0].text("peer_id"), id_hex(traced, 0));
    EXPECT_EQ(dialled[0].text("remote"), "10.0.0.1:4000");
    EXPECT_EQ(dialled[0].span.spec->kind, telemetry::SpanKind::client);
    EXPECT_GE(dialled[0].span.end_unix_ns - dialled[0].span.start_unix_ns, 2'000'000U);
    const auto accepted = of(0, "mesh.peer.connected");
    ASSERT_FALSE(accepted.empty());
    EXPECT_EQ(accepted[0].text("direction"), "incoming");
    EXPECT_GE(accepted[0].span.end_unix_ns - accepted[0].span.start_unix_ns, 2'000'000U) << "from the first packet";
}

TEST_F(Spans, ADisconnectionHasItsRealReason) {
    boot(2);
    traced.cluster.stack(1).leave(traced.cluster.now());
    traced.cluster.settle(1);
    traced.cluster.run_for(3s);
    take_more();
    expect_causal(all);
    std::map<std::string, std::string> reasons;
    for (const Told& told : of(0, "mesh.peer.disconnected"))
        reasons[told.text("alpn")] = told.text("reason") + ": " + told.text("text");
    EXPECT_EQ(reasons["/iroh-gossip/1"], "application_remote: leaving");
    const auto left = of(0, "mesh.peer.left");
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].text("peer_id"), id_hex(traced, 1));
    EXPECT_NE(left[0].text("peer_name").find("mesh1.broker."), std::string::npos);
    const Told* accept = parent_of(all, left[0]);
    ASSERT_NE(accept, nullptr);
    EXPECT_EQ(accept->name(), "mesh.gossip.accept");
    const Told* said = parent_of(all, *accept);
    ASSERT_NE(said, nullptr);
    EXPECT_EQ(said->node, 1U);
    EXPECT_EQ(said->text("cause"), "leaving");
}

TEST_F(Spans, ADeathNamesItsAccusersAndLinksToTheirWords) {
    boot(5);
    take_more();
    all.clear();
    const std::string victim = id_hex(traced, 4);
    traced.cluster.silence(4);
    traced.cluster.run_for(10s);
    take_more();
    std::erase_if(all, [](const Told& told) { return told.node == 4; });
    expect_causal(all);
    for (std::size_t node = 0; node < 4; ++node) {
        const auto died = of(node, "mesh.peer.died");
        ASSERT_EQ(died.size(), 1U) << node;
        EXPECT_EQ(died[0].text("peer_id"), victim);
        EXPECT_NE(died[0].text("peer_name").find("mesh1.broker."), std::string::npos);
        EXPECT_NE(died[0].text("accused_by").find("(silent)"), std::string::npos) << died[0].text("accused_by");
        ASSERT_FALSE(died[0].span.links.empty());
        for (const auto& link : died[0].span.links) {
            const Told* suspected = find_span(all, link.span);
            ASSERT_NE(suspected, nullptr);
            EXPECT_EQ(suspected->name(), "mesh.peer.suspected");
            EXPECT_EQ(suspected->text("peer_id"), victim);
        }
    }
    // Who did not notice by itself was told: accused by name, in the trace of the accuser.
    std::size_t told_by_others = 0;
    for (const Told& told : named(all, "mesh.peer.suspected")) {
        if (told.text("accuser_id") == id_hex(traced, told.node)) continue;
        const Told* accept = parent_of(all, told);
        ASSERT_NE(accept, nullptr);
        ASSERT_EQ(accept->name(), "mesh.gossip.accept");
        const Told* said = parent_of(all, *accept);
        ASSERT_NE(said, nullptr);
        EXPECT_EQ(said->text("cause"), "accusation");
        const Told* own = parent_of(all, *said);
        ASSERT_NE(own, nullptr);
        EXPECT_EQ(own->name(), "mesh.peer.suspected");
        EXPECT_EQ(own->text("accuser_id"), id_hex(traced, own->node));
        ++told_by_others;
    }
    EXPECT_GT(told_by_others, 0U);
    const auto down = named(all, "mesh.gossip.neighbor_down");
    ASSERT_FALSE(down.empty());
    EXPECT_EQ(down[0].text("reason"), "connection_closed");
}

TEST_F(Spans, AFalseAccusationIsRefutedWithLinks) {
    boot(5);
    take_more();
    all.clear();
    traced.cluster.silence(4);
    ASSERT_TRUE(traced.cluster.run_until(
        [&] {
            take_more();
            return !named(all, "mesh.peer.suspected").empty();
        },
        10s));
    traced.cluster.unsilence(4);
    traced.cluster.run_for(5s);
    take_more();
    expect_causal(all);
    const auto refuted = named(all, "mesh.peer.refuted");
    ASSERT_FALSE(refuted.empty());
    for (const Told& told : refuted) {
        EXPECT_EQ(told.text("peer_id"), id_hex(traced, 4));
        EXPECT_FALSE(told.span.links.empty());
    }
    EXPECT_TRUE(named(all, "mesh.peer.died").empty());
}

TEST_F(Spans, ASeedThatDoesNotAnswerIsRetriedAndToldOf) {
    traced.add("gateway", {});
    traced.cluster.silence(0);
    traced.add("broker", {0});
    traced.cluster.run_for(11s);
    traced.cluster.unsilence(0);
    ASSERT_TRUE(traced.cluster.run_until([&] { return traced.cluster.converged({0, 1}); }, 60s));
    traced.cluster.run_for(1s);
    take_more();
    expect_causal(all);
    const auto retries = of(1, "mesh.seed.retry");
    ASSERT_GE(retries.size(), 2U);
    EXPECT_EQ(retries.front().span.status, telemetry::SpanStatus::error);
    EXPECT_EQ(retries.back().span.status, telemetry::SpanStatus::unset) << "the last one succeeded";
    EXPECT_EQ(retries.front().text("peer_id"), id_hex(traced, 0));
    EXPECT_NE(retries.front().value("delay_ms"), nullptr);
    EXPECT_GE(std::get<std::int64_t>(*retries.back().value("attempt")), 2);
    const auto joined = of(1, "mesh.gossip.joined");
    ASSERT_EQ(joined.size(), 1U);
    EXPECT_GT(joined[0].span.end_unix_ns - joined[0].span.start_unix_ns, 8'000'000'000U);
}

TEST_F(Spans, ADialThatFailsIsToldWithItsReason) {
    traced.add("gateway", {});
    traced.add("broker", {0});
    traced.cluster.silence(0);
    traced.cluster.run_for(15s);
    take_more();
    const auto failed = of(1, "mesh.peer.connect_failed");
    ASSERT_FALSE(failed.empty());
    EXPECT_EQ(failed[0].text("reason"), "unreachable");
    EXPECT_EQ(failed[0].span.status, telemetry::SpanStatus::error);
    EXPECT_GE(failed[0].span.end_unix_ns - failed[0].span.start_unix_ns, 1'000'000'000U);
}

// Nobody is served under that name.
void knock(TestCluster& cluster, std::size_t from, std::size_t at) {
    ASSERT_TRUE(cluster.stack(from).connect(cluster.stack(at).addr(), "nobody/1", cluster.now()));
    cluster.settle(from);
    cluster.run_for(5ms);
}

TEST_F(Spans, AHandshakeOfAnotherThatFailsIsToldByWhoRefusedIt) {
    boot(2);
    take_more();
    ASSERT_TRUE(of(0, "mesh.peer.connect_failed").empty());
    knock(traced.cluster, 1, 0);
    take_more();
    const auto failed = of(0, "mesh.peer.connect_failed");
    ASSERT_EQ(failed.size(), 1U);
    EXPECT_EQ(failed[0].text("direction"), "incoming");
    EXPECT_EQ(failed[0].text("remote"), "10.0.0.2:4000");
    EXPECT_EQ(failed[0].text("reason"), "tls");
    EXPECT_EQ(failed[0].span.status, telemetry::SpanStatus::error);
    EXPECT_EQ(failed[0].span.spec->kind, telemetry::SpanKind::server);
    EXPECT_EQ(failed[0].value("peer_id"), nullptr) << "nothing is proven";
    ASSERT_EQ(of(1, "mesh.peer.connect_failed").size(), 1U);
    EXPECT_EQ(of(1, "mesh.peer.connect_failed")[0].text("direction"), "outgoing");
}

TEST_F(Spans, AFloodOfFailedHandshakesIsCountedAndNotTold) {
    boot(2);
    constexpr std::uint64_t kMore = 9;
    for (std::uint64_t i = 0; i < ConnectionSpans::kRefusedBurst + kMore; ++i)
        knock(traced.cluster, 1, 0);
    take_more();
    EXPECT_EQ(of(0, "mesh.peer.connect_failed").size(), ConnectionSpans::kRefusedBurst);
    const auto figures = traced.cluster.stack(0).figures();
    const auto untold = std::find_if(figures.begin(), figures.end(),
                                     [](const Figure& figure) { return figure.name == "quic.handshakes_untold"; });
    ASSERT_NE(untold, figures.end());
    EXPECT_EQ(untold->value, kMore);
    traced.cluster.run_for(ConnectionSpans::kRefusedInterval);
    knock(traced.cluster, 1, 0);
    take_more();
    EXPECT_EQ(of(0, "mesh.peer.connect_failed").size(), ConnectionSpans::kRefusedBurst + 1) << "it is told again";
}

TEST_F(Spans, AnExchangeIsOneTraceOfBothSidesThatSaysWhatWasExchanged) {
    boot(3);
    take_more();
    std::size_t pairs = 0;
    for (const Told& served : named(all, "mesh.directory.sync")) {
        if (served.span.spec->kind != telemetry::SpanKind::server) continue;
        const Told* opened = parent_of(all, served);
        ASSERT_NE(opened, nullptr);
        EXPECT_EQ(opened->name(), "mesh.directory.sync");
        EXPECT_NE(opened->node, served.node);
        EXPECT_EQ(*opened->value("statements_sent"), *served.value("statements_received"));
        EXPECT_EQ(*served.value("statements_sent"), *opened->value("statements_received"));
        EXPECT_FALSE(opened->span.links.empty()) << "caused by a neighbour's coming";
        ++pairs;
    }
    EXPECT_GE(pairs, 2U);
}

TEST_F(Spans, APingIsOneTraceWithItsConnection) {
    boot(2);
    take_more();
    traced.cluster.run_for(12s);  // The mesh connection of the start is closed as idle.
    take_more();
    all.clear();
    traced.cluster.stack(0).ping(traced.cluster.stack(1).id(), traced.cluster.now());
    traced.cluster.settle(0);
    traced.cluster.run_for(1s);
    take_more();
    expect_causal(all);
    const auto ping = of(0, "mesh.ping");
    ASSERT_EQ(ping.size(), 1U);
    const auto answered = of(1, "mesh.ping.answered");
    ASSERT_EQ(answered.size(), 1U);
    EXPECT_EQ(answered[0].span.parent, ping[0].span.id);
    EXPECT_NE(ping[0].value("rtt_ms"), nullptr);
    const auto dialled = of(0, "mesh.peer.connected");
    ASSERT_EQ(dialled.size(), 1U);
    EXPECT_EQ(dialled[0].span.parent, ping[0].span.id);
}

TEST_F(Spans, AFailedPingSaysWhy) {
    boot(2);
    take_more();
    all.clear();
    traced.cluster.silence(1);
    traced.cluster.stack(0).ping(traced.cluster.stack(1).id(), traced.cluster.now());
    traced.cluster.settle(0);
    traced.cluster.run_for(6s);
    take_more();
    const auto ping = of(0, "mesh.ping");
    ASSERT_EQ(ping.size(), 1U);
    EXPECT_EQ(ping[0].span.status, telemetry::SpanStatus::error);
    EXPECT_EQ(ping[0].span.status_text, "deadline passed");
}

TEST_F(Spans, AnIdleMeshIsSilentAtInfo) {
    boot(4);
    traced.cluster.run_for(20s);
    take_more();
    all.clear();
    traced.cluster.run_for(40s);  // Refreshes, shuffles and probes go on.
    take_more();
    for (const Told& told : all)
        ADD_FAILURE() << told.name() << " by node " << told.node;
}

TEST(SpansAtDebug, RefreshesAndHellosAreTold) {
    TracedCluster traced(9, Level::debug);
    traced.add("gateway", {});
    traced.add("broker", {0});
    ASSERT_TRUE(traced.cluster.run_until([&] { return traced.cluster.converged({0, 1}); }, 30s));
    traced.cluster.run_for(15s);
    const auto all = traced.take();
    expect_causal(all);
    const auto hellos = named(all, "mesh.peer.hello_received");
    ASSERT_GE(hellos.size(), 2U);
    std::multiset<std::string_view> parents;
    for (const Told& hello : hellos) {
        const Told* parent = parent_of(all, hello);
        ASSERT_NE(parent, nullptr);
        parents.insert(parent->name());
        EXPECT_EQ(hello.text("peer_mesh_id"), "mesh1");
    }
    EXPECT_EQ(parents.count("mesh.peer.connected"), hellos.size() / 2) << "the dialler's";
    EXPECT_EQ(parents.count("mesh.peer.hello_received"), hellos.size() / 2) << "the answer to it";
    std::size_t refreshes = 0;
    for (const Told& told : named(all, "mesh.gossip.accept"))
        if (const Told* said = parent_of(all, told); said != nullptr && said->text("cause") == "refresh") ++refreshes;
    EXPECT_GE(refreshes, 2U);
    EXPECT_TRUE(named(all, "mesh.frame.sent").empty());
}

TEST(SpansAtDebug, AnApplicationsBroadcastIsToldOnBothSides) {
    TracedCluster traced(13, Level::debug);
    traced.add("gateway", {});
    traced.add("broker", {0});
    ASSERT_TRUE(traced.cluster.run_until([&] { return traced.cluster.converged({0, 1}); }, 30s));
    const auto topic = *base::TopicId::parse(std::string(64, 'a'));
    ASSERT_TRUE(traced.cluster.stack(0).join_topic(topic, {}, traced.cluster.now()));
    ASSERT_TRUE(traced.cluster.stack(1).join_topic(topic, {traced.cluster.stack(0).addr()}, traced.cluster.now()));
    traced.cluster.settle(0);
    traced.cluster.settle(1);
    traced.cluster.run_for(1s);
    ASSERT_TRUE(traced.cluster.stack(0).broadcast(topic, base::to_bytes("hello"), traced.cluster.now()));
    traced.cluster.settle(0);
    traced.cluster.run_for(1s);
    const auto all = traced.take();
    const auto is_of_topic = [&](const Told& told) { return told.text("topic_id") == topic.hex(); };
    for (const std::string_view name : {"mesh.gossip.broadcast", "mesh.gossip.accept"}) {
        const auto told = named(all, name);
        const auto found = std::find_if(told.begin(), told.end(), is_of_topic);
        ASSERT_NE(found, told.end()) << name;
        EXPECT_EQ(found->node, name == "mesh.gossip.broadcast" ? 0U : 1U);
        EXPECT_EQ(std::get<std::int64_t>(*found->value("size_bytes")), 5);
    }
}

TEST(SpansAtTrace, EveryFrameIsTold) {
    TracedCluster traced(10, Level::trace);
    traced.add("gateway", {});
    traced.add("broker", {0});
    ASSERT_TRUE(traced.cluster.run_until([&] { return traced.cluster.converged({0, 1}); }, 30s));
    const auto all = traced.take();
    std::set<std::string> kinds;
    for (const Told& told : named(all, "mesh.frame.received"))
        kinds.insert(told.text("frame_kind"));
    EXPECT_TRUE(kinds.contains("join"));
    EXPECT_TRUE(kinds.contains("gossip"));
    EXPECT_GE(named(all, "mesh.frame.sent").size(), named(all, "mesh.frame.received").size());
}

}  // namespace
}  // namespace grapevine::stack
