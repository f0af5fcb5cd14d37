// A message to another mesh as one trace: the caller, both gateways that were asked, the handler, and back.

#include <gtest/gtest.h>

#include "stack/traces_testing.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;

class DeliveryTrace : public testing::Test {
protected:
    static constexpr std::size_t kCaller = 1, kHandler = 3;

    void SetUp() override {
        traced_.add("gateway", {});
        traced_.add("compute", {0});
        const auto seeded = [&](Config& config) { config.mesh->fabric_seeds = {cluster().stack(0).addr()}; };
        traced_.add("gateway", {}, 0s, {}, "mesh2", seeded);
        traced_.add("broker", {2}, 3s, {}, "mesh2");
        ASSERT_EQ(cluster().stack(kHandler).serve("", delivery::Service{}, cluster().now()), base::Admitted::yes);
        ASSERT_TRUE(cluster().run_until([&] { return cluster().stack(0).meshes(cluster().now()).size() == 1; }, 5s));
        ASSERT_TRUE(cluster().run_until([&] { return cluster().converged({2, 3}); }, 5s));
        (void)traced_.take();
    }
    TestCluster& cluster() { return traced_.cluster; }

    void request(const std::string& name) {
        (void)cluster().stack(kCaller).submit({{name}, delivery::MessageKind::request, base::to_bytes("hello"), {}, {}},
                                              cluster().now());
        cluster().settle(kCaller);
        cluster().run_until([&] { return answer() > 0; }, 5s);
        cluster().run_for(1s);
    }
    int answer() {
        int answered = 0;
        auto& member = cluster().member(kHandler);
        for (const auto& event : std::exchange(member.events, {}))
            if (const auto* handle = report_in<delivery::Handle>(event)) {
                member.stack->answer(handle->handle, {}, cluster().now());
                ++answered;
            }
        cluster().settle(kHandler);
        return answered;
    }

    TracedCluster traced_{41};
};

TEST_F(DeliveryTrace, IsOneFromTheCallerThroughResolutionToTheHandlerAndBack) {
    request("mesh2.broker");
    const auto all = traced_.take();
    const auto sent = named(all, "mesh.deliver");
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].node, kCaller);
    EXPECT_EQ(sent[0].text("outcome"), "acknowledged");
    EXPECT_TRUE(sent[0].text("path").starts_with("direct ")) << sent[0].text("path");
    const auto resolved = named(all, "mesh.resolve");
    ASSERT_EQ(resolved.size(), 1U);
    EXPECT_EQ(resolved[0].span.parent, sent[0].span.id);
    const auto answers = named(all, "mesh.resolve.answer");
    ASSERT_EQ(answers.size(), 2U) << "the own gateway and the target's";
    const Told& own = answers[0].node == 0 ? answers[0] : answers[1];
    const Told& theirs = answers[0].node == 0 ? answers[1] : answers[0];
    EXPECT_EQ(own.node, 0U);
    EXPECT_EQ(own.span.parent, resolved[0].span.id);
    EXPECT_EQ(theirs.node, 2U);
    EXPECT_EQ(theirs.span.parent, own.span.id);
    const auto handled = named(all, "mesh.deliver.handle");
    ASSERT_EQ(handled.size(), 1U);
    EXPECT_EQ(handled[0].node, kHandler);
    EXPECT_EQ(handled[0].span.parent, sent[0].span.id);
    for (const auto* told : {&resolved[0], &own, &theirs, &handled[0]})
        EXPECT_EQ(told->span.trace, sent[0].span.trace) << told->name();
    ASSERT_EQ(sent[0].span.links.size(), 1U) << "the answer's";
    EXPECT_EQ(sent[0].span.links[0].span, handled[0].span.id);
}

TEST_F(DeliveryTrace, OneThatEndsAtOnceIsTold) {
    request("mesh1.nobody");
    const auto sent = named(traced_.take(), "mesh.deliver");
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].text("outcome"), "no_such_node");
}

TEST_F(DeliveryTrace, OfManyMessagesFewBeginOne) {
    for (int i = 0; i < 200; ++i)
        (void)cluster().stack(kCaller).submit({{"mesh2.broker"}, delivery::MessageKind::send, {}, {}, {}},
                                              cluster().now());
    cluster().settle(kCaller);
    int answered = 0;
    EXPECT_TRUE(cluster().run_until([&] { return (answered += answer()) == 200; }, 5s));
    cluster().run_for(1s);
    const auto all = traced_.take();
    EXPECT_LE(named(all, "mesh.deliver").size(), 25U);
    EXPECT_EQ(named(all, "mesh.deliver").size(), named(all, "mesh.deliver.handle").size());
}

}  // namespace
}  // namespace grapevine::stack
