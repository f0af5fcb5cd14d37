// A stack that leaves: what it has in hand ends well if it can, and everything ends.

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "stack/cluster_testing.hpp"
#include "stack/stack.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;
using delivery::Ending;
using delivery::Handled;
using delivery::MessageKind;

constexpr base::Duration kLeaveLimit = 1500ms;

class Leaving : public testing::Test {
protected:
    void SetUp() override {
        cluster_.add("mesh1", "gateway", {});
        for (int i = 0; i < 2; ++i)
            cluster_.add("mesh1", "broker", {0});
        for (std::size_t i = 0; i < cluster_.size(); ++i)
            ASSERT_EQ(cluster_.stack(i).serve("", delivery::Service{}, cluster_.now()), base::Admitted::yes);
        ASSERT_TRUE(cluster_.run_until([&] { return cluster_.converged({0, 1, 2}); }, 1s));
    }

    delivery::MessageSequence request(std::size_t from, const std::string& to, base::Duration deadline = 10s) {
        delivery::Submission wanted{{to}, MessageKind::request, base::to_bytes("x"), {}, {}};
        wanted.options.deadline = deadline;
        const auto id = cluster_.stack(from).submit(std::move(wanted), cluster_.now());
        EXPECT_TRUE(id);
        cluster_.settle(from);
        return id ? id->sequence : delivery::MessageSequence{};
    }
    std::string name(std::size_t index) { return cluster_.stack(index).own_name(); }

    // What a handler of the member is at work on; taken out of its events.
    std::vector<delivery::HandleId> handles(std::size_t index) {
        std::vector<delivery::HandleId> found;
        std::erase_if(cluster_.member(index).events, [&](const Event& event) {
            const auto* handle = report_in<delivery::Handle>(event);
            if (handle != nullptr) found.push_back(handle->handle);
            return handle != nullptr;
        });
        return found;
    }
    void answer(std::size_t index, delivery::HandleId handle) {
        cluster_.stack(index).answer(handle, {}, cluster_.now());
        cluster_.settle(index);
    }
    void leave(std::size_t index) {
        left_from_ = cluster_.now();
        cluster_.stack(index).leave(cluster_.now());
        cluster_.settle(index);
    }
    bool has_left(std::size_t index) {
        for (const auto& event : cluster_.member(index).events)
            if (std::holds_alternative<Left>(event)) return true;
        return false;
    }
    const delivery::Finished* ending(std::size_t index, delivery::MessageSequence message) {
        for (const auto& event : cluster_.member(index).events)
            if (const auto* e = report_in<delivery::Finished>(event); e != nullptr && e->message == message) return e;
        return nullptr;
    }

    TestCluster cluster_{8};
    base::TimePoint left_from_;
};

TEST_F(Leaving, WhatIsAtWorkIsAnsweredBeforeTheGoodbye) {
    const auto message = request(0, name(1));
    cluster_.run_for(50ms);
    const auto at_work = handles(1);
    ASSERT_EQ(at_work.size(), 1U);
    leave(1);
    cluster_.run_for(600ms);
    EXPECT_FALSE(has_left(1)) << "it waits for its handler";
    EXPECT_EQ(ending(0, message), nullptr);
    answer(1, at_work.front());
    ASSERT_TRUE(cluster_.run_until([&] { return has_left(1); }, kLeaveLimit));
    ASSERT_NE(ending(0, message), nullptr);
    EXPECT_EQ(ending(0, message)->ending, Ending::acknowledged);
    EXPECT_LE(cluster_.now() - left_from_, kLeaveLimit);
}

TEST_F(Leaving, AHandlerThatDoesNotAnswerIsNotWaitedForLongerThanALeaveMayTake) {
    const auto message = request(0, name(1));
    cluster_.run_for(50ms);
    leave(1);
    ASSERT_TRUE(cluster_.run_until([&] { return has_left(1); }, kLeaveLimit));
    ASSERT_TRUE(cluster_.run_until([&] { return ending(0, message) != nullptr; }, 1s));
    EXPECT_EQ(ending(0, message)->ending, Ending::in_doubt);
}

TEST_F(Leaving, WhatIsNewGoesToOthers) {
    request(0, name(1));
    cluster_.run_for(50ms);
    ASSERT_EQ(handles(1).size(), 1U);
    leave(1);
    std::vector<delivery::MessageSequence> messages;
    for (int i = 0; i < 20; ++i)
        messages.push_back(request(0, "mesh1.broker"));
    ASSERT_TRUE(cluster_.run_until(
        [&] {
            for (const auto& handle : handles(2))
                answer(2, handle);
            return std::all_of(messages.begin(), messages.end(),
                               [&](const auto& message) { return ending(0, message) != nullptr; });
        },
        500ms));
    for (const auto& message : messages)
        EXPECT_EQ(ending(0, message)->ending, Ending::acknowledged);
    EXPECT_TRUE(handles(1).empty());
    EXPECT_FALSE(has_left(1)) << "it was still there to be asked";
}

TEST_F(Leaving, ItsOwnMessagesEndBeforeItIsGone) {
    const auto written = request(0, name(1));
    cluster_.run_for(50ms);
    const auto unwritten = request(0, base::EndpointId{}.hex());  // Nobody has an address of it: it is tried again.
    leave(0);
    ASSERT_NE(ending(0, unwritten), nullptr) << "at once";
    EXPECT_EQ(ending(0, unwritten)->ending, Ending::cancelled);
    EXPECT_EQ(ending(0, unwritten)->handled, Handled::no);
    EXPECT_EQ(ending(0, written), nullptr);
    ASSERT_TRUE(cluster_.run_until([&] { return has_left(0); }, kLeaveLimit));
    ASSERT_NE(ending(0, written), nullptr);
    EXPECT_EQ(ending(0, written)->ending, Ending::in_doubt);
    EXPECT_EQ(ending(0, written)->handled, Handled::maybe);
    const auto after = cluster_.stack(0).submit({{name(1)}, MessageKind::send, {}, {}, {}}, cluster_.now());
    ASSERT_FALSE(after);
    EXPECT_EQ(after.error(), delivery::SubmitRefusal::leaving);
}

TEST_F(Leaving, AnAnswerThatComesInTimeIsTaken) {
    const auto message = request(0, name(1));
    cluster_.run_for(50ms);
    leave(0);
    const auto at_work = handles(1);
    ASSERT_EQ(at_work.size(), 1U);
    answer(1, at_work.front());
    ASSERT_TRUE(cluster_.run_until([&] { return ending(0, message) != nullptr; }, 100ms));
    EXPECT_EQ(ending(0, message)->ending, Ending::acknowledged);
    ASSERT_TRUE(cluster_.run_until([&] { return has_left(0); }, kLeaveLimit));
    EXPECT_LT(cluster_.now() - left_from_, 1s) << "nothing was in hand any more";
}

// What crosses the goodbye on its way is given back, not in doubt.
TEST_F(Leaving, NothingIsInDoubtBecauseOfAGoodbye) {
    const auto warm = request(0, name(1));
    cluster_.run_for(50ms);
    for (const auto& handle : handles(1))
        answer(1, handle);
    cluster_.run_for(50ms);
    ASSERT_NE(ending(0, warm), nullptr);
    leave(1);
    std::vector<delivery::MessageSequence> messages;
    for (int i = 0; i < 8; ++i) {
        messages.push_back(request(0, "mesh1.broker"));
        cluster_.run_for(200us);
    }
    ASSERT_TRUE(cluster_.run_until(
        [&] {
            for (const auto& handle : handles(2))
                answer(2, handle);
            return std::all_of(messages.begin(), messages.end(),
                               [&](const auto& message) { return ending(0, message) != nullptr; });
        },
        5s));
    for (const auto& message : messages)
        EXPECT_EQ(ending(0, message)->ending, Ending::acknowledged);
}

TEST_F(Leaving, WithNothingInHandTheGoodbyeIsSaidAtOnce) {
    leave(1);
    EXPECT_TRUE(cluster_.run_until([&] { return cluster_.stack(0).directory(cluster_.now()).size() == 2; }, 50ms));
}

}  // namespace
}  // namespace grapevine::stack
