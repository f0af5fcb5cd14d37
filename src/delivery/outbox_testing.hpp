#pragma once

// What the tests of the outbox share: an outbox with the effects of its last input, and short words for inputs.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "delivery/outbox.hpp"
#include "delivery/world_testing.hpp"

namespace grapevine::delivery::testing {

inline const EndpointId kA = id_of(1);
inline const EndpointId kB = id_of(2);
inline const EndpointId kC = id_of(3);
inline constexpr Incarnation kLife{10};
inline constexpr wire::Window kWide{100, 1'000'000};

inline base::TimePoint at(base::Duration since_start) {
    return base::TimePoint{} + 1h + since_start;
}
inline MessageSequence seq(std::uint64_t value) {
    return MessageSequence{value};
}
inline Submission to(const std::string& name, Options options = {}, std::size_t size = 10) {
    return {{name}, MessageKind::send, base::Bytes(size, 7), options, {}};
}
inline Options idempotent() {
    return {10s, Repetition::idempotent, Ordering::none};
}
inline Options ordered() {
    return {10s, Repetition::unsafe, Ordering::lane};
}
inline wire::Outcome outcome(std::uint64_t sequence, wire::OutcomeCode code, std::string_view payload = {}) {
    return {seq(sequence), code, base::to_bytes(payload)};
}

// An outbox, and the effects of the last input.
struct OutboxFixture : public ::testing::Test {
    explicit OutboxFixture(const OutboxConfig& config = {}) : outbox(config, Incarnation{1}, rng) {}

    template <typename Input>
    void run(Input input) {
        out.clear();
        input();
    }
    auto submit(const Submission& submission, base::Duration when = 0s) {
        out.clear();
        return outbox.submit(submission, at(when), out);
    }
    void resolved(std::uint64_t question, const std::vector<Candidate>& candidates, base::Duration when = 0s) {
        run([&] { outbox.on_resolved(QuestionId{question}, candidates, at(when), out); });
    }
    void up(const EndpointId& peer, Incarnation life = kLife, base::Duration when = 0s) {
        run([&] { outbox.on_session_up(peer, life, at(when), out); });
    }
    void down(const EndpointId& peer, SessionEnd reason, base::Duration when = 0s) {
        run([&] { outbox.on_session_down(peer, reason, at(when), out); });
    }
    void window(const EndpointId& peer, wire::Window w = kWide, base::Duration when = 0s) {
        run([&] { outbox.on_window(peer, w, at(when), out); });
    }
    void ends(const EndpointId& peer, const wire::Outcome& o, base::Duration when = 0s) {
        run([&] { outbox.on_outcome(peer, o, at(when), out); });
    }
    // Runs every deadline up to `until`, collecting all effects.
    void pass(base::Duration until) {
        out.clear();
        while (outbox.next_deadline() && *outbox.next_deadline() <= at(until)) {
            const auto due = *outbox.next_deadline();
            outbox.on_deadline(due, out);
            ASSERT_GT(outbox.next_deadline().value_or(base::TimePoint::max()), due);
        }
    }
    // A name with one owner, whose session is up.
    void ready(const EndpointId& peer, wire::Window w = kWide) {
        up(peer);
        window(peer, w);
    }
    template <typename T>
    std::vector<T> pick() const {
        std::vector<T> result;
        for (const auto& effect : out) {
            if (const auto* value = std::get_if<T>(&effect)) result.push_back(*value);
        }
        return result;
    }
    std::vector<std::uint64_t> written() const {
        std::vector<std::uint64_t> result;
        for (const auto& effect : pick<SendDeliver>())
            result.push_back(effect.frame.sequence.value);
        return result;
    }
    // Submits to a name that is owned by `peers`, and answers the question.
    void send(const std::vector<Candidate>& peers, Options options = {}, std::size_t size = 10) {
        ASSERT_TRUE(submit(to("mesh1.broker", options, size)));
        for (const auto& question : pick<Resolve>())
            outbox.on_resolved(question.question, peers, at(0s), out);
    }
    Finished only_end() const {
        const auto ends = pick<Finished>();
        EXPECT_EQ(ends.size(), 1U);
        return ends.empty() ? Finished{} : ends.front();
    }

    base::Rng rng{1};
    Outbox outbox;
    OutboxEffects out;
};

}  // namespace grapevine::delivery::testing
