#pragma once

// What the tests of the inbox share: an inbox with the effects of its last input, and short words for inputs.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "base/time.hpp"
#include "delivery/inbox.hpp"
#include "delivery/world_testing.hpp"

namespace grapevine::delivery::testing {

using wire::MessageCopy;
using wire::OutcomeCode;
inline const EndpointId kS = id_of(1);
inline const EndpointId kT = id_of(2);
inline constexpr Incarnation kLife{10};

inline base::TimePoint at(base::Duration since_start) {
    return base::TimePoint{} + 1h + since_start;
}
inline MessageSequence seq(std::uint64_t value) {
    return MessageSequence{value};
}
inline wire::Deliver frame(std::uint64_t sequence, const std::string& name = "echo",
                           std::uint32_t time_left_ms = 10'000) {
    wire::Deliver deliver;
    deliver.sequence = seq(sequence);
    deliver.kind = MessageKind::request;
    deliver.time_left_ms = time_left_ms;
    deliver.name = name;
    deliver.payload = {static_cast<std::uint8_t>(sequence)};
    return deliver;
}
inline wire::Deliver ordered(std::uint64_t sequence, std::uint64_t after) {
    wire::Deliver deliver = frame(sequence);
    deliver.after = seq(after);
    return deliver;
}
inline wire::Deliver again(wire::Deliver deliver) {
    deliver.copy = MessageCopy::again;
    return deliver;
}
inline SendOutcome says(std::uint64_t sequence, OutcomeCode code, std::string_view payload = {},
                        const EndpointId& to = kS) {
    return {to, {seq(sequence), code, base::to_bytes(payload)}};
}

// An inbox with a service `echo` and a session, and the effects of the last input.
struct InboxFixture : public ::testing::Test {
    explicit InboxFixture(const InboxConfig& config = {}) : inbox(config) {
        static_cast<void>(inbox.serve("echo", {}, at(0s), out));
        up(kS);
    }
    void up(const EndpointId& peer, Incarnation life = kLife, base::Duration when = 0s) {
        out.clear();
        inbox.on_session_up(peer, life, at(when), out);
    }
    void down(const EndpointId& peer, base::Duration when = 0s) {
        out.clear();
        inbox.on_session_down(peer, at(when), out);
    }
    // Windows are looked at by their own tests.
    void deliver(const wire::Deliver& f, base::Duration when = 0s, const EndpointId& from = kS) {
        out.clear();
        inbox.on_deliver(from, f, at(when), out);
        std::erase_if(out, [](const InboxEffect& e) { return std::holds_alternative<SendWindow>(e); });
    }
    Answered answer(std::uint64_t handle, std::string_view reply = {}, base::Duration when = 0s,
                    Verdict verdict = Verdict::done) {
        out.clear();
        return inbox.answer(HandleId{handle}, {verdict, base::to_bytes(reply), {}, {}}, at(when), out);
    }
    void serve(const std::string& name, const Service& service) {
        out.clear();
        EXPECT_EQ(inbox.serve(name, service, at(0s), out), base::Admitted::yes);
    }
    void pass(base::Duration until) {
        out.clear();
        while (inbox.next_deadline() && *inbox.next_deadline() <= at(until)) {
            const auto due = *inbox.next_deadline();
            inbox.on_deadline(due, out);
            ASSERT_GT(inbox.next_deadline().value_or(base::TimePoint::max()), due);
        }
        std::erase_if(out, [](const InboxEffect& e) { return std::holds_alternative<SendWindow>(e); });
    }
    template <typename T>
    std::vector<T> pick() const {
        std::vector<T> result;
        for (const auto& effect : out) {
            if (const auto* value = std::get_if<T>(&effect)) result.push_back(*value);
        }
        return result;
    }
    // The first payload byte of each message handed over.
    std::vector<int> handed() const {
        std::vector<int> result;
        for (const auto& message : pick<Handle>())
            result.push_back(message.payload.at(0));
        return result;
    }

    InboxEffects out;
    Inbox inbox;
};

}  // namespace grapevine::delivery::testing
