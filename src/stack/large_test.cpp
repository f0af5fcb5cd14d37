// Messages of more than a frame holds, between whole stacks.

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "stack/cluster_testing.hpp"
#include "stack/payload_streams.hpp"
#include "stack/stack.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;
using delivery::Ending;
using delivery::MessageKind;

constexpr std::size_t kMegabyte = 1'000'000;

base::Bytes pattern(std::size_t size, std::size_t salt = 0) {
    base::Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::uint8_t>(i * 13 + i / 255 + salt);
    return bytes;
}

class Large : public testing::Test {
protected:
    void SetUp() override {
        cluster_.add("mesh1", "gateway", {});
        for (int i = 0; i < 2; ++i)
            cluster_.add("mesh1", "broker", {0});
        for (std::size_t i = 0; i < cluster_.size(); ++i)
            serve(i, delivery::Service{});
        ASSERT_TRUE(cluster_.run_until([&] { return cluster_.converged({0, 1, 2}); }, 1s));
    }

    void serve(std::size_t index, const delivery::Service& service) {
        ASSERT_EQ(cluster_.stack(index).serve("", service, cluster_.now()), base::Admitted::yes);
    }
    std::string name(std::size_t index) { return cluster_.stack(index).own_name(); }

    delivery::MessageSequence submit(const std::string& to, base::Bytes payload, delivery::Options options = {}) {
        const auto id = cluster_.stack(0).submit(
            delivery::Submission{{to}, MessageKind::request, std::move(payload), options, {}}, cluster_.now());
        EXPECT_TRUE(id);
        cluster_.settle(0);
        return id ? id->sequence : delivery::MessageSequence{};
    }

    // Answers with the size and keeps the payload.
    void hear_all() {
        for (std::size_t i = 0; i < cluster_.size(); ++i) {
            const auto events = std::exchange(cluster_.member(i).events, {});
            for (const auto& event : events) {
                if (const auto* end = report_in<delivery::Finished>(event)) ends_[end->message] = *end;
                const auto* handle = report_in<delivery::Handle>(event);
                if (handle == nullptr) continue;
                handled_.push_back(handle->payload);
                delivery::Answer answer;
                answer.payload = base::to_bytes(std::to_string(handle->payload.size()));
                if (answers_) cluster_.stack(i).answer(handle->handle, std::move(answer), cluster_.now());
            }
            if (!events.empty()) cluster_.settle(i);
        }
    }
    bool run_until(const std::function<bool()>& condition, base::Duration limit = 60s) {
        return cluster_.run_until(
            [&] {
                hear_all();
                return condition();
            },
            limit);
    }
    delivery::Finished end_of(delivery::MessageSequence message, base::Duration limit = 61s) {
        EXPECT_TRUE(run_until([&] { return ends_.contains(message); }, limit));
        return ends_[message];
    }
    std::uint64_t figure(std::size_t index, std::string_view wanted) {
        for (const auto& f : cluster_.stack(index).figures())
            if (f.name == wanted) return f.value;
        ADD_FAILURE() << "no figure " << wanted;
        return 0;
    }
    void expect_nothing_left() {
        run_until([] { return false; }, 1s);
        for (std::size_t i = 0; i < cluster_.size(); ++i) {
            EXPECT_EQ(cluster_.stack(i).ledger()[telemetry::Kind::byte_stream].alive(), 0U) << i;
            EXPECT_EQ(figure(i, "delivery.large_bytes"), 0U) << i;
            EXPECT_EQ(figure(i, "delivery.waiting_bytes"), 0U) << i;
        }
    }

    TestCluster cluster_{55};
    bool answers_ = true;
    std::vector<base::Bytes> handled_;
    std::map<delivery::MessageSequence, delivery::Finished> ends_;
};

TEST_F(Large, TheLargestIsDeliveredWhole) {
    const base::Bytes payload = pattern(wire::kLargePayloadMax);
    const auto end = end_of(submit("mesh1.broker", payload, {60s, {}, {}}));
    EXPECT_EQ(end.ending, Ending::acknowledged);
    EXPECT_EQ(base::to_text(end.payload), std::to_string(wire::kLargePayloadMax));
    ASSERT_EQ(handled_.size(), 1U);
    EXPECT_EQ(handled_.front(), payload);
    EXPECT_EQ(figure(0, "payloads.sent"), 1U);
    expect_nothing_left();
}

TEST_F(Large, OneByteMoreThanAFrameHoldsIsLarge) {
    EXPECT_EQ(end_of(submit(name(1), pattern(wire::kDeliverPayloadMax))).ending, Ending::acknowledged);
    EXPECT_EQ(figure(0, "payloads.sent"), 0U);
    EXPECT_EQ(end_of(submit(name(1), pattern(wire::kDeliverPayloadMax + 1))).ending, Ending::acknowledged);
    EXPECT_EQ(figure(0, "payloads.sent"), 1U);
}

TEST_F(Large, ItArrivesWholeOverALossyNetwork) {
    cluster_.loss = 0.03;
    const base::Bytes payload = pattern(500'000);
    EXPECT_EQ(end_of(submit(name(1), payload, {60s, {}, {}})).ending, Ending::acknowledged);
    ASSERT_EQ(handled_.size(), 1U);
    EXPECT_EQ(handled_.front(), payload);
}

TEST_F(Large, ToOneselfItIsTheSame) {
    EXPECT_EQ(end_of(submit(name(0), pattern(2 * kMegabyte))).ending, Ending::acknowledged);
    ASSERT_EQ(handled_.size(), 1U);
    EXPECT_EQ(handled_.front(), pattern(2 * kMegabyte));
    expect_nothing_left();
}

TEST_F(Large, WhatItsServiceDoesNotTakeIsRefusedBeforeItTravels) {
    delivery::Service service;
    service.payload_max = kMegabyte;
    serve(1, service);
    const auto end = end_of(submit(name(1), pattern(8 * kMegabyte)));
    EXPECT_EQ(end.ending, Ending::too_large);
    EXPECT_EQ(end.handled, delivery::Handled::no);
    EXPECT_EQ(base::to_text(end.payload), "the handler takes less");
    EXPECT_LT(figure(1, "payloads.bytes_received"), 2 * kMegabyte);
    EXPECT_EQ(end_of(submit(name(1), pattern(kMegabyte))).ending, Ending::acknowledged);
    expect_nothing_left();
}

TEST_F(Large, ManyAtOnceAllArriveOnce) {
    std::vector<delivery::MessageSequence> messages;
    for (std::size_t i = 0; i < 30; ++i)
        messages.push_back(submit(name(1), pattern(kMegabyte, i), {60s, {}, {}}));
    for (const auto& message : messages)
        EXPECT_EQ(end_of(message).ending, Ending::acknowledged);
    ASSERT_EQ(handled_.size(), 30U);
    std::sort(handled_.begin(), handled_.end());
    EXPECT_EQ(std::unique(handled_.begin(), handled_.end()), handled_.end());
    EXPECT_EQ(figure(0, "delivery.written"), 30U);
    expect_nothing_left();
}

TEST_F(Large, OrderedOnesAndSmallOnesKeepTheirOrder) {
    const delivery::Options lane{60s, {}, delivery::Ordering::lane};
    std::vector<delivery::MessageSequence> messages;
    for (std::size_t i = 1; i <= 10; ++i)
        messages.push_back(submit(name(1), pattern(i % 2 == 0 ? 10 + i : kMegabyte + i), lane));
    for (const auto& message : messages)
        EXPECT_EQ(end_of(message).ending, Ending::acknowledged);
    ASSERT_EQ(handled_.size(), 10U);
    for (std::size_t i = 1; i <= 10; ++i)
        EXPECT_EQ(handled_[i - 1].size(), i % 2 == 0 ? 10 + i : kMegabyte + i);
}

TEST_F(Large, ItDelaysNoSmallOne) {
    EXPECT_EQ(end_of(submit(name(1), pattern(10))).ending, Ending::acknowledged);
    for (std::size_t i = 0; i < 3; ++i)
        submit(name(1), pattern(8 * kMegabyte), {60s, {}, {}});
    run_until([&] { return figure(1, "payloads.bytes_received") > 4 * kMegabyte; });
    ASSERT_EQ(figure(1, "payloads.received"), 0U) << "they are on their way";
    const auto began = cluster_.now();
    EXPECT_EQ(end_of(submit(name(1), pattern(10))).ending, Ending::acknowledged);
    EXPECT_LT(cluster_.now() - began, 100ms);
    EXPECT_EQ(figure(1, "payloads.received"), 0U);
}

TEST_F(Large, ALostSessionCostsTimeAndNothingElse) {
    const auto message = submit(name(1), pattern(8 * kMegabyte), {60s, {}, {}});
    ASSERT_TRUE(run_until([&] { return figure(1, "payloads.bytes_received") > kMegabyte; }));
    ASSERT_EQ(figure(1, "payloads.received"), 0U);
    // Both hold the other for lost, and find each other again.
    cluster_.silence(1);
    ASSERT_TRUE(run_until([&] { return figure(0, "payloads.live") == 0; }, 60s));
    cluster_.unsilence(1);
    const auto end = end_of(message);
    EXPECT_TRUE(end.ending == Ending::acknowledged || end.ending == Ending::deadline || end.ending == Ending::in_doubt);
    EXPECT_LE(handled_.size(), 1U);
    EXPECT_EQ(end.ending == Ending::acknowledged, handled_.size() == 1);
}

TEST_F(Large, OneThatIsCancelledOnItsWayFreesEverything) {
    const auto message = submit(name(1), pattern(8 * kMegabyte));
    ASSERT_TRUE(run_until([&] { return figure(1, "payloads.bytes_received") > kMegabyte; }));
    cluster_.stack(0).cancel(message, cluster_.now());
    cluster_.settle(0);
    EXPECT_EQ(end_of(message).ending, Ending::cancelled);
    EXPECT_EQ(end_of(submit(name(1), pattern(10))).ending, Ending::acknowledged);
    expect_nothing_left();
    EXPECT_TRUE(std::none_of(handled_.begin(), handled_.end(), [](const auto& p) { return p.size() > 10; }));
}

TEST_F(Large, WithoutAnAnswerItEndsAtItsDeadline) {
    answers_ = false;
    const auto end = end_of(submit(name(1), pattern(kMegabyte), {2s, {}, {}}));
    EXPECT_EQ(end.ending, Ending::deadline);
    EXPECT_EQ(handled_.size(), 1U);
    expect_nothing_left();
}

}  // namespace
}  // namespace grapevine::stack
