// Deliveries between whole stacks: sessions, streams, the directory's names.

#include <algorithm>
#include <map>
#include <numeric>
#include <string>

#include <gtest/gtest.h>

#include "stack/cluster_testing.hpp"
#include "stack/mesh_sessions.hpp"
#include "stack/stack.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;
using delivery::Ending;
using delivery::MessageKind;

// Stacks whose members of type "broker" answer what they are sent.
class Delivery : public testing::Test {
protected:
    void SetUp() override {
        cluster_.add("mesh1", "gateway", {});
        for (int i = 0; i < 3; ++i)
            serve(cluster_.add("mesh1", "broker", {0}));
        ASSERT_TRUE(cluster_.run_until([&] { return cluster_.converged({0, 1, 2, 3}); }, 1s));
    }

    void serve(std::size_t index) {
        ASSERT_EQ(cluster_.stack(index).serve("", delivery::Service{}, cluster_.now()), base::Admitted::yes);
    }

    delivery::MessageSequence submit(const std::string& name, std::string_view text,
                                     MessageKind kind = MessageKind::request,
                                     delivery::Options options = delivery::Options{}) {
        const auto id = cluster_.stack(0).submit(delivery::Submission{{name}, kind, base::to_bytes(text), options, {}},
                                                 cluster_.now());
        EXPECT_TRUE(id);
        cluster_.settle(0);
        return id ? id->sequence : delivery::MessageSequence{};
    }

    // Answers what came with the reversed text; counts it.
    void answer_all() {
        for (std::size_t i = 1; i < cluster_.size(); ++i) {
            auto& member = cluster_.member(i);
            for (const auto& event : std::exchange(member.events, {})) {
                const auto* handle = report_in<delivery::Handle>(event);
                if (handle == nullptr) continue;
                ++handled_[base::to_text(handle->payload)];
                base::Bytes reply(handle->payload.rbegin(), handle->payload.rend());
                member.stack->answer(handle->handle, {delivery::Verdict::done, std::move(reply), {}, {}},
                                     cluster_.now());
                cluster_.settle(i);
            }
        }
    }

    const delivery::Finished* ending_of(delivery::MessageSequence message) {
        for (const auto& event : cluster_.member(0).events)
            if (const auto* e = report_in<delivery::Finished>(event); e != nullptr && e->message == message) return e;
        return nullptr;
    }

    const delivery::Finished* run_to_end(delivery::MessageSequence message, base::Duration limit = 61s) {
        cluster_.run_until(
            [&] {
                answer_all();
                return ending_of(message) != nullptr;
            },
            limit);
        return ending_of(message);
    }

    TestCluster cluster_{21};
    std::map<std::string, int> handled_;
};

TEST_F(Delivery, ARequestIsAnsweredByAnyOfItsType) {
    const auto* end = run_to_end(submit("mesh1.broker", "abc"));
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(end->ending, Ending::acknowledged);
    EXPECT_EQ(base::to_text(end->payload), "cba");
    EXPECT_EQ(handled_, (std::map<std::string, int>{{"abc", 1}}));
    EXPECT_EQ(end->attempts, 1U);
}

TEST_F(Delivery, AWarmRequestTakesOneRoundTrip) {
    run_to_end(submit("mesh1.broker", "abc"));
    const std::string name = cluster_.stack(1).own_name();
    run_to_end(submit(name, "first"));
    const auto began = cluster_.now();
    const auto* end = run_to_end(submit(name, "second"));
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(cluster_.now() - began, 2 * cluster_.latency);
}

TEST_F(Delivery, AnIdInFullAndAnExactNameReachThatVeryNode) {
    for (const std::string& name : {cluster_.stack(2).id().hex(), cluster_.stack(2).own_name()}) {
        const auto* end = run_to_end(submit(name, "to 2"));
        ASSERT_NE(end, nullptr);
        EXPECT_EQ(end->ending, Ending::acknowledged);
        EXPECT_EQ(end->peer, cluster_.stack(2).id());
    }
}

TEST_F(Delivery, ANodeMayDeliverToItself) {
    ASSERT_EQ(cluster_.stack(0).serve("", delivery::Service{}, cluster_.now()), base::Admitted::yes);
    const auto message = submit(cluster_.stack(0).own_name(), "self");
    for (const auto& event : std::vector<Event>(cluster_.member(0).events))
        if (const auto* handle = report_in<delivery::Handle>(event))
            cluster_.stack(0).answer(handle->handle, {}, cluster_.now());
    cluster_.settle(0);
    const auto* end = ending_of(message);
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(end->ending, Ending::acknowledged);
}

TEST_F(Delivery, WhatCannotBeDeliveredSaysWhy) {
    EXPECT_EQ(run_to_end(submit("mesh1.registry", "x"))->ending, Ending::no_such_node);
    EXPECT_EQ(run_to_end(submit("mesh9.broker", "x"))->ending, Ending::unknown_mesh);
    EXPECT_EQ(run_to_end(submit("mesh1.broker.000000", "x"))->ending, Ending::no_such_node);
    cluster_.stack(1).stop_serving("", cluster_.now());
    EXPECT_EQ(run_to_end(submit(cluster_.stack(1).own_name(), "x"))->ending, Ending::refused);
    EXPECT_EQ(run_to_end(submit(base::EndpointId{}.hex(), "x"))->ending, Ending::unreachable);
    EXPECT_TRUE(handled_.empty());
}

TEST_F(Delivery, AHandlerThatNeverAnswersEndsAtTheDeadline) {
    delivery::Options options;
    options.deadline = 2s;
    const auto message = submit(cluster_.stack(1).own_name(), "x", MessageKind::request, options);
    cluster_.run_for(3s);
    const auto* end = ending_of(message);
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(end->ending, Ending::deadline);
    EXPECT_EQ(end->handled, delivery::Handled::maybe);
}

TEST_F(Delivery, ThousandsOfMessagesArriveOnceEach) {
    constexpr int kMessages = 4000;
    for (int i = 0; i < kMessages; ++i)
        submit("mesh1.broker", std::to_string(i), MessageKind::send);
    const auto ended = [&] {
        return std::count_if(cluster_.member(0).events.begin(), cluster_.member(0).events.end(),
                             [](const Event& e) { return report_in<delivery::Finished>(e) != nullptr; });
    };
    EXPECT_TRUE(cluster_.run_until(
        [&] {
            answer_all();
            return ended() == kMessages;
        },
        10s));
    EXPECT_EQ(handled_.size(), static_cast<std::size_t>(kMessages));
    for (const auto& [text, times] : handled_)
        EXPECT_EQ(times, 1) << text;
    for (const auto& event : cluster_.member(0).events)
        if (const auto* end = report_in<delivery::Finished>(event)) {
            EXPECT_EQ(end->ending, Ending::acknowledged);
        }
}

TEST_F(Delivery, AMessageToANodeThatDiesIsInDoubtAndNotRepeated) {
    const auto message = submit(cluster_.stack(1).own_name(), "x");
    cluster_.run_for(10ms);  // It is there, and unanswered.
    cluster_.silence(1);
    const auto* end = run_to_end(message);
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(end->ending, Ending::in_doubt);
    EXPECT_EQ(end->attempts, 1U);
}

// No packet says that the life is gone: it was killed, and the next one has another port.
TEST_F(Delivery, ALifeThatFollowsElsewhereEndsTheSessionOfTheFormer) {
    const std::string name = cluster_.stack(1).own_name();
    const auto message = submit(name, "x");
    cluster_.run_for(10ms);
    const auto killed = cluster_.now();
    cluster_.restart_elsewhere(1, {2});
    serve(1);
    const auto* end = run_to_end(message);
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(end->ending, Ending::in_doubt);
    EXPECT_LE(cluster_.now() - killed, 2 * kMeshSilence + 500ms);
    end = run_to_end(submit(name, "y"));
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(end->ending, Ending::acknowledged);
}

TEST_F(Delivery, AGreetingOfAnotherLifeEndsTheFormerAtOnce) {
    const auto message = submit(cluster_.stack(1).own_name(), "x");
    cluster_.run_for(10ms);
    cluster_.restart_elsewhere(1, {0});
    ASSERT_TRUE(cluster_.run_until([&] { return cluster_.converged({0, 1, 2, 3}); }, 1s));
    const auto began = cluster_.now();
    cluster_.stack(1).ping(cluster_.stack(0).id(), began);
    cluster_.settle(1);
    const auto* end = run_to_end(message);
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(end->ending, Ending::in_doubt);
    EXPECT_LE(cluster_.now() - began, 500ms);
}

TEST_F(Delivery, ASlowHandlersPeerIsNotSilent) {
    const std::string name = cluster_.stack(1).own_name();
    run_to_end(submit(name, "warm"));
    const auto message = submit(name, "x");
    cluster_.run_for(8s);
    const auto* end = run_to_end(message);
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(end->ending, Ending::acknowledged);
    EXPECT_EQ(end->attempts, 1U);
}

TEST_F(Delivery, AnIdempotentMessageIsTriedAtAnotherInstance) {
    delivery::Options options;
    options.repetition = delivery::Repetition::idempotent;
    const auto message = submit("mesh1.broker", "x", MessageKind::request, options);
    cluster_.run_for(10ms);
    std::size_t first = 0;
    for (std::size_t i = 1; i < cluster_.size(); ++i)
        for (const auto& event : cluster_.member(i).events)
            if (report_in<delivery::Handle>(event) != nullptr) first = i;
    ASSERT_NE(first, 0U);
    cluster_.silence(first);
    cluster_.member(first).events.clear();
    const auto* end = run_to_end(message);
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(end->ending, Ending::acknowledged);
    EXPECT_NE(end->peer, cluster_.stack(first).id());
    EXPECT_EQ(end->attempts, 2U);
}

TEST_F(Delivery, AnIdleSessionIsClosedAndDialledAgain) {
    const std::string name = cluster_.stack(1).own_name();
    run_to_end(submit(name, "a"));
    cluster_.run_for(2 * kMeshIdle);
    EXPECT_EQ(cluster_.stack(0).ledger()[telemetry::Kind::mesh_session].alive(), 0U);
    EXPECT_EQ(cluster_.stack(1).ledger()[telemetry::Kind::mesh_session].alive(), 0U);
    const auto* end = run_to_end(submit(name, "b"));
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(end->ending, Ending::acknowledged);
}

}  // namespace
}  // namespace grapevine::stack
