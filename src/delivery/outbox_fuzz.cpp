// The outbox under any inputs, also impossible ones: each message ends once, by its deadline, bounds hold, nothing is
// written twice to one life but as `again`, and what is unsafe is never written to a second life that may know it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "delivery/fuzz_testing.hpp"
#include "delivery/outbox.hpp"

namespace {

using namespace grapevine;
using namespace grapevine::delivery;
using namespace std::chrono_literals;
using delivery::testing::peer_of;

constexpr std::size_t kStepsMax = 400;
constexpr std::size_t kPeers = 4;

OutboxConfig narrow() {
    OutboxConfig config;
    config.messages_max = 10;
    config.name_messages_max = 7;
    config.peer_messages_max = 5;
    config.bytes_max = config.name_bytes_max = config.peer_bytes_max = 62'000;
    config.burst_bytes = 500;
    config.large_above = 150;
    config.name_quantum = 200;
    return config;
}

struct Twin {
    bool unsafe = false;
    base::TimePoint deadline;
    std::set<std::pair<EndpointId, std::uint64_t>> open_at;  // Written to that life, and not known to be unhandled.
};

class Run {
public:
    Run(const std::uint8_t* data, std::size_t size) : input_(data, size), outbox_(narrow(), Incarnation{1}, rng_) {}

    void go() {
        for (std::size_t step = 0; step < kStepsMax && input_.any(); ++step) {
            out_.clear();
            act();
            look();
            GRAPEVINE_ASSERT(outbox_.size() == twin_.size(), "what is owned has no outcome yet");
            GRAPEVINE_ASSERT(outbox_.size() <= narrow().messages_max && outbox_.bytes() <= narrow().bytes_max, "full");
        }
        out_.clear();
        pass(now_ + 61s);
        look();
        GRAPEVINE_ASSERT(twin_.empty() && outbox_.size() == 0 && outbox_.bytes() == 0, "everything ends");
    }

private:
    std::uint8_t byte() { return input_.byte(); }

    void act() {
        switch (byte() % 8) {
            case 0: return wait();
            case 1: return resolve();
            case 2: return connect();
            case 3: return answer();
            case 4: return outbox_.on_window(peer_of(byte() % kPeers), {byte() % 9U, byte() * 1000U}, now_, out_);
            case 5: return outbox_.on_writable(peer_of(byte() % kPeers), now_, out_);
            default: return submit();
        }
    }

    void wait() {
        const std::uint8_t how_long = byte();
        if (how_long != 255) return pass(now_ + 20ms * how_long);
        outbox_.leave(now_, out_);
        look();
        out_.clear();
        for (const auto& [sequence, message] : twin_)
            GRAPEVINE_ASSERT(!message.open_at.empty(), "what was not written has ended");
        if (byte() % 4 == 0) outbox_.abandon(now_, out_);
    }

    void pass(base::TimePoint until) {
        while (outbox_.next_deadline() && *outbox_.next_deadline() <= until) {
            now_ = std::max(now_, *outbox_.next_deadline());
            outbox_.on_deadline(now_, out_);
            GRAPEVINE_ASSERT(outbox_.next_deadline().value_or(base::TimePoint::max()) > now_, "a deadline passes");
            look();
            out_.clear();
        }
        now_ = until;
    }

    void submit() {
        Submission submission;
        submission.target.name = std::string(1, static_cast<char>('a' + byte() % 3));
        const std::uint8_t options = byte();
        submission.options.deadline = 10ms * (1 + byte());
        if (options % 2 == 1) submission.options.repetition = Repetition::idempotent;
        if (options / 2 % 2 == 1) submission.options.ordering = Ordering::lane;
        submission.payload.resize(options % 16 == 0 ? byte() * 200U : byte());
        if (options / 32 == 5) submission = {submission.target, MessageKind::stream, {}, {}, {}};
        const auto id = outbox_.submit(submission, now_, out_);
        if (!id) return;
        twin_[id->sequence] = {
            submission.options.repetition == Repetition::unsafe, now_ + submission.options.deadline, {}};
        if (options / 16 == 3) outbox_.cancel(MessageSequence{1U + byte()}, now_, out_);
    }

    void resolve() {
        const std::uint8_t what = byte();
        const QuestionId question{1U + byte()};
        if (what % 8 == 7) {
            const auto failure = static_cast<ResolveFailure>(byte() % 6);
            outbox_.on_resolved(question, tl::unexpected(failure), now_, out_);
            return;
        }
        std::vector<Candidate> candidates;
        for (std::size_t i = 0; i < kPeers; ++i) {
            if ((what >> i & 1U) != 0) candidates.push_back({peer_of(i), static_cast<Standing>(byte() % 3)});
        }
        outbox_.on_resolved(question, candidates, now_, out_);
    }

    void connect() {
        const std::size_t peer = byte() % kPeers;
        const std::uint8_t what = byte() % 8;
        if (what < 4) {
            if (what == 0) ++lives_[peer];
            written_now_[peer].clear();
            outbox_.on_session_up(peer_of(peer), Incarnation{lives_[peer]}, now_, out_);
        } else {
            written_now_[peer].clear();
            outbox_.on_session_down(peer_of(peer), static_cast<SessionEnd>(what % 4), now_, out_);
        }
    }

    // Of what was written on this session; now and then of something else.
    void answer() {
        const std::size_t peer = byte() % kPeers;
        wire::Outcome outcome;
        outcome.code = static_cast<wire::OutcomeCode>(byte() % wire::kOutcomeCodes);
        auto& open = written_now_[peer];
        if (open.empty() || byte() % 8 == 0) {
            outcome.sequence = MessageSequence{1U + byte()};
        } else {
            outcome.sequence = *std::next(open.begin(), static_cast<std::ptrdiff_t>(byte() % open.size()));
        }
        const bool sure = outcome.code == wire::OutcomeCode::refused || outcome.code == wire::OutcomeCode::busy ||
                          outcome.code == wire::OutcomeCode::too_large;
        const auto known = twin_.find(outcome.sequence);
        if (open.erase(outcome.sequence) > 0 && sure && known != twin_.end())
            known->second.open_at.erase({peer_of(peer), lives_[peer]});
        outbox_.on_outcome(peer_of(peer), outcome, now_, out_);
    }

    void look() {
        for (const auto& effect : out_) {
            if (const auto* sent = std::get_if<SendDeliver>(&effect)) write(sent->peer, sent->frame);
            if (const auto* sent = std::get_if<SendLarge>(&effect)) announce(*sent);
            if (const auto* opened = std::get_if<SendOpenStream>(&effect)) open(*opened);
            if (const auto* finished = std::get_if<Finished>(&effect)) end(*finished);
        }
    }

    void announce(const SendLarge& sent) {
        GRAPEVINE_ASSERT(sent.frame.message.payload.empty() && sent.frame.size > narrow().large_above, "it follows");
        write(sent.peer, sent.frame.message);
    }

    void write(const EndpointId& to, const wire::Deliver& frame) {
        const std::size_t peer = to.bytes[0] - 1U;
        const MessageSequence sequence = frame.sequence;
        const auto known = twin_.find(sequence);
        GRAPEVINE_ASSERT(known != twin_.end(), "what has ended is not written");
        GRAPEVINE_ASSERT(frame.settled < twin_.begin()->first, "what is open is not settled");
        GRAPEVINE_ASSERT(frame.after <= sequence && frame.time_left_ms > 0, "a frame that decodes");
        GRAPEVINE_ASSERT(written_now_[peer].insert(sequence).second, "once on a session");
        auto& open_at = known->second.open_at;
        const auto here = std::pair(to, lives_[peer]);
        const bool again = frame.copy == wire::MessageCopy::again;
        GRAPEVINE_ASSERT(again == open_at.contains(here), "a life that may know it is told so");
        open_at.insert(here);
        GRAPEVINE_ASSERT(!known->second.unsafe || open_at.size() == 1, "the unsafe is open at one life");
    }

    void open(const SendOpenStream& opened) {
        const std::size_t peer = opened.peer.bytes[0] - 1U;
        const auto known = twin_.find(opened.frame.sequence);
        GRAPEVINE_ASSERT(known != twin_.end() && opened.frame.time_left_ms > 0, "what has ended is not opened");
        GRAPEVINE_ASSERT(written_now_[peer].insert(opened.frame.sequence).second, "once on a session");
        known->second.open_at.insert({opened.peer, lives_[peer]});
        GRAPEVINE_ASSERT(known->second.open_at.size() == 1, "a stream is open at one life");
    }

    void end(const Finished& finished) {
        const auto known = twin_.find(finished.message);
        GRAPEVINE_ASSERT(known != twin_.end(), "a message ends once");
        GRAPEVINE_ASSERT(now_ <= known->second.deadline, "by its deadline");
        GRAPEVINE_ASSERT(finished.handled != Handled::no || known->second.open_at.empty(), "what may be is not denied");
        twin_.erase(known);
    }

    delivery::testing::Decisions input_;
    base::TimePoint now_{1h};
    base::Rng rng_{1};
    Outbox outbox_;
    OutboxEffects out_;
    std::map<std::size_t, std::uint64_t> lives_;
    std::map<std::size_t, std::set<MessageSequence>> written_now_;
    std::map<MessageSequence, Twin> twin_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Run(data, size).go();
    return 0;
}
