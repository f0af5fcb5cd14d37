// A consumer that never answers, and what its neighbours notice of it: nothing. One sender, two receivers, 10 ms each
// way; on the one receiver a silent and a quick handler, on the other a quick one.

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "delivery/inbox.hpp"
#include "delivery/outbox.hpp"
#include "delivery/world_testing.hpp"

namespace grapevine::delivery {
namespace {

using testing::id_of;
using namespace std::chrono_literals;

constexpr base::Duration kWay = 10ms;
const EndpointId kSender = id_of(1);
const std::array<EndpointId, 2> kReceivers{id_of(2), id_of(3)};

class Neighbourhood {
public:
    explicit Neighbourhood(const InboxConfig& inbox) : outbox_({}, Incarnation{1}, rng_) {
        for (std::size_t i = 0; i < 2; ++i) {
            inboxes_[i] = std::make_unique<Inbox>(inbox);
            for (const std::string name : {"0.silent", "0.quick", "1.quick"})
                static_cast<void>(inboxes_[i]->serve(name, {}, now_, in_));
            inboxes_[i]->on_session_up(kSender, Incarnation{1}, now_, in_);
            carry(i);
            outbox_.on_session_up(kReceivers[i], Incarnation{2}, now_, out_);
        }
        carry();
    }

    void submit(const std::string& name, std::size_t size) {
        const auto id = outbox_.submit({{name}, MessageKind::send, base::Bytes(size, 7), {2s}, {}}, now_, out_);
        if (id) submitted_[id->sequence] = {name, now_};
        refused_ += id ? 0U : 1U;
        carry();
    }

    void run_until(base::TimePoint until) {
        while (true) {
            base::TimePoint next = until;
            if (!agenda_.empty()) next = std::min(next, agenda_.begin()->first);
            next = std::min(next, outbox_.next_deadline().value_or(next));
            for (const auto& inbox : inboxes_)
                next = std::min(next, inbox->next_deadline().value_or(next));
            now_ = std::max(now_, next);
            if (now_ >= until) return;
            outbox_.on_deadline(now_, out_);
            carry();
            for (std::size_t i = 0; i < 2; ++i) {
                inboxes_[i]->on_deadline(now_, in_);
                carry(i);
            }
            while (!agenda_.empty() && agenda_.begin()->first <= now_) {
                const auto what = std::move(agenda_.begin()->second);
                agenda_.erase(agenda_.begin());
                what();
            }
        }
    }

    // The longest time from submission to acknowledgement, and how many there were.
    struct Latency {
        base::Duration longest{};
        std::size_t acknowledged = 0;
    };
    std::map<std::string, Latency> latencies;
    void measure() { measured_from_ = now_; }
    [[nodiscard]] base::TimePoint now() const { return now_; }
    [[nodiscard]] std::size_t refused() const { return refused_; }

private:
    void later(std::function<void()> what) { agenda_.emplace(now_ + kWay, std::move(what)); }

    void carry() {
        for (auto& effect : std::exchange(out_, {})) {
            if (const auto* question = std::get_if<Resolve>(&effect)) {
                const std::size_t receiver = question->name[0] == '0' ? 0 : 1;
                outbox_.on_resolved(question->question, std::vector<Candidate>{{kReceivers[receiver]}}, now_, out_);
            } else if (const auto* sent = std::get_if<SendDeliver>(&effect)) {
                const std::size_t receiver = sent->peer == kReceivers[0] ? 0 : 1;
                later([this, receiver, frame = sent->frame] {
                    inboxes_[receiver]->on_deliver(kSender, frame, now_, in_);
                    outbox_.on_writable(kReceivers[receiver], now_, out_);
                    carry(receiver);
                    carry();
                });
            } else if (const auto* finished = std::get_if<Finished>(&effect)) {
                finish(*finished);
            }
        }
        if (!out_.empty()) carry();
    }

    void carry(std::size_t receiver) {
        for (auto& effect : std::exchange(in_, {})) {
            if (const auto* handle = std::get_if<Handle>(&effect)) {
                if (handle->name != "0.silent") inboxes_[receiver]->answer(handle->handle, {}, now_, in_);
            } else if (const auto* outcome = std::get_if<SendOutcome>(&effect)) {
                later([this, receiver, frame = outcome->frame] {
                    outbox_.on_outcome(kReceivers[receiver], frame, now_, out_);
                    carry();
                });
            } else if (const auto* window = std::get_if<SendWindow>(&effect)) {
                later([this, receiver, frame = window->frame] {
                    outbox_.on_window(kReceivers[receiver], frame, now_, out_);
                    carry();
                });
            }
        }
        if (!in_.empty()) carry(receiver);
    }

    void finish(const Finished& finished) {
        if (finished.ending != Ending::acknowledged) return;
        const auto& [name, since] = submitted_.at(finished.message);
        if (since < measured_from_) return;
        Latency& latency = latencies[name];
        ++latency.acknowledged;
        latency.longest = std::max(latency.longest, now_ - since);
    }

    base::TimePoint now_{1h};
    base::Rng rng_{1};
    Outbox outbox_;
    std::array<std::unique_ptr<Inbox>, 2> inboxes_;
    OutboxEffects out_;
    InboxEffects in_;
    std::multimap<base::TimePoint, std::function<void()>> agenda_;
    std::map<MessageSequence, std::pair<std::string, base::TimePoint>> submitted_;
    std::size_t refused_ = 0;
    base::TimePoint measured_from_ = base::TimePoint::max();
};

// For five seconds, `silent` messages for the silent one and one for each of the quick ones each millisecond. The first
// ones wait for the window of a session that sends.
void keep_busy(Neighbourhood& street, int silent) {
    street.run_until(street.now() + 50ms);
    for (int i = 0; i < 5100; ++i) {
        if (i == 100) street.measure();
        for (int k = 0; k < silent; ++k)
            street.submit("0.silent", 200);
        street.submit("0.quick", 200);
        street.submit("1.quick", 200);
        street.run_until(street.now() + 1ms);
    }
    street.run_until(street.now() + 5s);
}

void expect_undisturbed(Neighbourhood& street) {
    for (const std::string name : {"0.quick", "1.quick"}) {
        EXPECT_EQ(street.latencies[name].acknowledged, 5000U) << name;
        EXPECT_EQ(street.latencies[name].longest, 2 * kWay) << name;
    }
    EXPECT_EQ(street.latencies["0.silent"].acknowledged, 0U);
}

TEST(DeliveryNeighbours, ASilentHandlerDelaysNobodyElse) {
    Neighbourhood street{InboxConfig{}};
    keep_busy(street, 2);
    expect_undisturbed(street);
    EXPECT_EQ(street.refused(), 0U);
}

TEST(DeliveryNeighbours, NorDoesOneThatIsFloodedInASmallInbox) {
    InboxConfig small;
    small.open_messages_max = 256;
    small.open_bytes_max = 4 * 65536;
    small.sender_bytes_max = 2 * 65536;
    small.sender_messages_max = 128;
    small.sessions_max = 4;
    Neighbourhood street{small};
    keep_busy(street, 10);
    expect_undisturbed(street);
    EXPECT_GT(street.refused(), 1000U) << "its own name is full, and its sender knows";
}

}  // namespace
}  // namespace grapevine::delivery
