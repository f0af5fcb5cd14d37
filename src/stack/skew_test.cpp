// Traces over nodes whose clocks are wrong by half a minute either way: one trace each, causes before effects, and what
// is said about the clocks is right within what is said about the error.

#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "stack/traces_testing.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;

class Skew : public ::testing::Test {
protected:
    void SetUp() override {
        for (std::size_t i = 0; i < 10; ++i)
            traced.add(i == 0 ? "gateway" : "broker", i == 0 ? std::vector<std::size_t>{} : std::vector<std::size_t>{0},
                       skew_of(i));
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < 10; ++i)
            all.push_back(i);
        ASSERT_TRUE(traced.cluster.run_until([&] { return traced.cluster.converged(all); }, 60s));
        traced.cluster.run_for(15s);
        (void)traced.take();
    }
    static base::Duration skew_of(std::size_t node) { return node % 3 == 0 ? 0s : node % 3 == 1 ? 30s : -30s; }

    // The child's shift and error, where stated, against the truth: the root's clock minus the child's.
    void expect_honest(const Told& child, std::size_t root) {
        const auto truth = std::chrono::duration<double, std::milli>(skew_of(root) - skew_of(child.node)).count();
        const auto* error = child.value("clock.error_ms");
        if (error == nullptr) return;
        ++stated;
        const auto* shift = child.value("clock.shift_ms");
        const double shifted = shift == nullptr ? 0.0 : std::get<double>(*shift);
        EXPECT_LE(std::abs(shifted - truth), std::get<double>(*error) + 0.001)
            << child.name() << " of node " << child.node << ": " << shifted << " where " << truth;
    }
    void expect_causal(const std::vector<Told>& all, const base::TraceId& trace, std::size_t root) {
        for (const Told& told : all) {
            if (told.span.trace != trace || !told.span.parent.is_valid()) continue;
            const Told* parent = find_span(all, told.span.parent);
            ASSERT_NE(parent, nullptr);
            EXPECT_GE(told.span.start_unix_ns, parent->span.start_unix_ns) << parent->name() << " > " << told.name();
            if (told.span.remote_parent) expect_honest(told, root);
        }
    }

    TracedCluster traced{11};
    int stated = 0;
};

TEST_F(Skew, APingIsOneTraceInOrder) {
    for (const auto& [from, to] : {std::pair<std::size_t, std::size_t>{1, 2}, {2, 1}, {0, 1}, {2, 0}}) {
        traced.cluster.stack(from).ping(traced.cluster.stack(to).id(), traced.cluster.now());
        traced.cluster.settle(from);
        traced.cluster.run_for(1s);
        const auto all = traced.take();
        const auto pings = named(all, "mesh.ping");
        const auto answers = named(all, "mesh.ping.answered");
        ASSERT_EQ(pings.size(), 1U);
        ASSERT_EQ(answers.size(), 1U);
        EXPECT_EQ(answers[0].span.trace, pings[0].span.trace);
        EXPECT_EQ(answers[0].span.parent, pings[0].span.id);
        expect_causal(all, pings[0].span.trace, from);
        EXPECT_LE(answers[0].span.end_unix_ns, pings[0].span.end_unix_ns + 2'000'000) << "on the asker's clock";
        // What the asker learned of the other clock from the answer's times.
        const double truth = std::chrono::duration<double, std::milli>(skew_of(to) - skew_of(from)).count();
        ASSERT_NE(pings[0].value("clock.offset_ms"), nullptr);
        const double offset = std::get<double>(*pings[0].value("clock.offset_ms"));
        const double error = std::get<double>(*pings[0].value("clock.error_ms"));
        EXPECT_LE(std::abs(offset - truth), error + 0.001);
        EXPECT_LT(error, 5.0) << "half a round trip, and some drift";
    }
    EXPECT_EQ(stated, 4);
}

TEST_F(Skew, ABroadcastToNineNodesIsOneTraceInOrder) {
    const std::size_t author = 1;  // Half a minute ahead.
    traced.cluster.stack(author).leave(traced.cluster.now());
    traced.cluster.settle(author);
    traced.cluster.run_for(2s);
    const auto all = traced.take();
    const auto said = named(all, "mesh.gossip.broadcast");
    const auto leaving =
        std::find_if(said.begin(), said.end(), [&](const Told& told) { return told.text("cause") == "leaving"; });
    ASSERT_NE(leaving, said.end());
    std::set<std::size_t> accepted;
    std::size_t far = 0;
    for (const Told& told : named(all, "mesh.gossip.accept")) {
        if (told.span.parent != leaving->span.id) continue;
        accepted.insert(told.node);
        if (std::get<std::int64_t>(*told.value("hops")) > 0) ++far;
    }
    EXPECT_EQ(accepted.size(), 9U) << "everybody but the author, each in its trace";
    EXPECT_GT(far, 0U) << "also those who heard it from others";
    expect_causal(all, leaving->span.trace, author);
    EXPECT_GT(stated, 0);
}

TEST_F(Skew, WithoutSamplingNothingTravels) {
    telemetry::RecorderConfig off;
    off.sampler.root = telemetry::Sampler::Root::always_off;
    TracedCluster silent{12};
    silent.add("gateway", {}, 0s, off);
    silent.add("broker", {0}, 30s, off);
    ASSERT_TRUE(silent.cluster.run_until([&] { return silent.cluster.converged({0, 1}); }, 30s));
    EXPECT_TRUE(silent.take().empty());
    EXPECT_GT(silent.recorder(1).counters().spans_unsampled, 0U);
}

// What a root decides holds in every node, whatever their own rules for roots: no trace lacks its beginning.
TEST_F(Skew, ADecisionNotToSampleTravels) {
    telemetry::RecorderConfig half;
    half.sampler.root = telemetry::Sampler::Root::ratio;
    half.sampler.ratio = 0.5;
    telemetry::RecorderConfig none = half;
    none.sampler.ratio = 0;
    TracedCluster mixed{13};
    mixed.add("gateway", {}, 0s, none);
    mixed.add("broker", {0}, 0s, half);
    mixed.add("broker", {0}, 0s, half);
    mixed.add("broker", {0});
    ASSERT_TRUE(mixed.cluster.run_until([&] { return mixed.cluster.converged({0, 1, 2, 3}); }, 30s));
    mixed.cluster.run_for(3s);
    mixed.cluster.stack(0).leave(mixed.cluster.now());
    mixed.cluster.settle(0);
    mixed.cluster.run_for(3s);
    const std::vector<Told> all = mixed.take();
    std::size_t accepted = 0;
    for (const Told& told : named(all, "mesh.gossip.accept")) {
        EXPECT_NE(told.text("author"), mixed.cluster.stack(0).id().hex()) << "it samples nothing";
        EXPECT_NE(find_span(all, told.span.parent), nullptr) << "a part of a trace, told by " << told.node;
        ++accepted;
    }
    EXPECT_GT(accepted, 0U);
    EXPECT_GT(mixed.recorder(3).counters().spans_unsampled, 0U) << "it samples all but what others decided";
}

}  // namespace
}  // namespace grapevine::stack
