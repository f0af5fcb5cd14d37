// An outbox and an inbox joined in memory: messages of 200 bytes per second of CPU, with up to 256 unanswered. No wire,
// no network: what delivery itself costs.

#include <utility>

#include <benchmark/benchmark.h>

#include "delivery/inbox.hpp"
#include "delivery/outbox.hpp"

namespace {

using namespace grapevine;
using namespace grapevine::delivery;
using namespace std::chrono_literals;

class Pair {
public:
    Pair() : outbox_({}, Incarnation{1}, rng_), inbox_({}) {
        sender_.bytes.fill(1);
        receiver_.bytes.fill(2);
        static_cast<void>(inbox_.serve("mesh1.broker", {}, now_, in_));
        inbox_.on_session_up(sender_, Incarnation{1}, now_, in_);
        outbox_.on_session_up(receiver_, Incarnation{2}, now_, out_);
        carry();
    }

    // Submits `count` messages, then does everything until the last has its outcome.
    std::size_t exchange(std::size_t count, const Options& options, MessageKind kind) {
        ended_ = 0;
        for (std::size_t i = 0; i < count; ++i) {
            now_ += 100us;
            Submission submission{{"mesh1.broker"}, kind, base::Bytes(200, 7), options, {}};
            if (!outbox_.submit(std::move(submission), now_, out_)) ++ended_;
        }
        while (ended_ < count) {
            outbox_.on_writable(receiver_, now_, out_);
            carry();
            now_ += 1us;
        }
        return acknowledged_;
    }

private:
    void carry() {
        while (!out_.empty() || !in_.empty()) {
            for (auto& effect : std::exchange(out_, {})) {
                if (const auto* question = std::get_if<Resolve>(&effect)) {
                    outbox_.on_resolved(question->question, std::vector<Candidate>{{receiver_}}, now_, out_);
                } else if (auto* sent = std::get_if<SendDeliver>(&effect)) {
                    inbox_.on_deliver(sender_, std::move(sent->frame), now_, in_);
                } else if (const auto* finished = std::get_if<Finished>(&effect)) {
                    ++ended_;
                    acknowledged_ += finished->ending == Ending::acknowledged ? 1U : 0U;
                }
            }
            for (auto& effect : std::exchange(in_, {})) {
                if (auto* handle = std::get_if<Handle>(&effect)) {
                    inbox_.answer(handle->handle, {Verdict::done, std::move(handle->payload), {}, {}}, now_, in_);
                } else if (const auto* outcome = std::get_if<SendOutcome>(&effect)) {
                    outbox_.on_outcome(receiver_, outcome->frame, now_, out_);
                } else if (const auto* window = std::get_if<SendWindow>(&effect)) {
                    outbox_.on_window(receiver_, window->frame, now_, out_);
                }
            }
        }
    }

    base::TimePoint now_{1h};
    base::Rng rng_{1};
    base::EndpointId sender_;
    base::EndpointId receiver_;
    Outbox outbox_;
    Inbox inbox_;
    OutboxEffects out_;
    InboxEffects in_;
    std::size_t ended_ = 0;
    std::size_t acknowledged_ = 0;
};

void run(benchmark::State& state, const Options& options, MessageKind kind) {
    Pair pair;
    const auto count = static_cast<std::size_t>(state.range(0));
    std::size_t acknowledged = 0;
    while (state.KeepRunning())
        acknowledged = pair.exchange(count, options, kind);
    state.SetItemsProcessed(static_cast<std::int64_t>(acknowledged));
}

void delivery_sends(benchmark::State& state) {
    run(state, {}, MessageKind::send);
}
void delivery_requests(benchmark::State& state) {
    run(state, {}, MessageKind::request);
}
void delivery_ordered_sends(benchmark::State& state) {
    run(state, {kDeadlineDefault, Repetition::unsafe, Ordering::lane}, MessageKind::send);
}
BENCHMARK(delivery_sends)->Arg(1)->Arg(256);
BENCHMARK(delivery_requests)->Arg(1)->Arg(256);
BENCHMARK(delivery_ordered_sends)->Arg(1)->Arg(256);

}  // namespace
