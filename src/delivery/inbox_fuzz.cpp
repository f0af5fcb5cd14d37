// The inbox beside a naive twin that remembers everything for ever: any senders, sessions, repetitions, deadlines and
// answers. What the inbox hands over, and what it says, must be what the twin allows.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "delivery/fuzz_testing.hpp"
#include "delivery/inbox.hpp"

namespace {

using namespace grapevine;
using namespace grapevine::delivery;
using namespace std::chrono_literals;
using delivery::testing::peer_of;

constexpr std::size_t kStepsMax = 400;
constexpr std::size_t kPeers = 3;

InboxConfig narrow() {
    InboxConfig config;
    config.sessions_max = 2;
    config.idle_messages = 1;
    config.open_messages_max = 6;
    config.open_bytes_max = 4 * 65536;
    config.sender_messages_max = 4;
    config.sender_bytes_max = 2 * 65536;
    config.idle_after = 2s;
    config.ids_max = 10;
    config.sender_ids_max = 7;
    config.reply_bytes_max = 2000;
    config.sender_reply_bytes_max = 1500;
    config.large_bytes_max = 900;
    config.sender_large_bytes_max = 600;
    config.senders_max = 4;
    config.services_max = 3;
    config.sender_retention = 90s;
    return config;
}

using Key = std::tuple<EndpointId, std::uint64_t, std::uint64_t>;  // Peer, its life, sequence.

struct Seen {
    bool handed = false;
    bool answered = false;
    std::optional<wire::Outcome> outcome;  // As it was said after it was handed over.
    base::TimePoint until;                 // Of the copy that was handed over.
};

// Sent by one life of a peer.
struct Life {
    std::map<std::uint64_t, base::TimePoint> deadlines;
    std::set<std::uint64_t> written;  // May have been handled, as far as the sender knows.
    std::uint64_t settled = 0;
};

class Run {
public:
    Run(const std::uint8_t* data, std::size_t size) : input_(data, size), inbox_(narrow()) {}

    void go() {
        for (std::size_t step = 0; step < kStepsMax && input_.any(); ++step) {
            out_.clear();
            act();
            look();
            check_bounds();
        }
    }

private:
    std::uint8_t byte() { return input_.byte(); }

    void act() {
        switch (byte() % 8) {
            case 0: return serve();
            case 1: return connect();
            case 2: return wait();
            case 3: return answer();
            case 4: return give_payload();
            default: return deliver();
        }
    }

    void serve() {
        const std::string name(1, static_cast<char>('a' + byte() % 3));
        const std::uint8_t what = byte();
        if (what == 255) {
            leaving_ = true;
            inbox_.leave(now_, out_);
            GRAPEVINE_ASSERT(inbox_.open_messages() == inbox_.handles(), "nothing waits any more");
        } else if (what % 4 == 0) {
            inbox_.stop(name, now_, out_);
        } else {
            const Service service{1U + byte() % 3U, byte() % 4U, 200, byte() * 4U};
            static_cast<void>(inbox_.serve(name, service, now_, out_));
        }
    }

    void connect() {
        const std::size_t peer = byte() % kPeers;
        const std::uint8_t what = byte() % 4;
        if (what == 0) {
            sessions_.erase(peer);
            inbox_.on_session_down(peer_of(peer), now_, out_);
        } else {
            if (what == 1) ++lives_[peer];
            sessions_.insert(peer);
            inbox_.on_session_up(peer_of(peer), Incarnation{lives_[peer]}, now_, out_);
        }
    }

    // Deadlines are kept, as a driver would; and each makes progress.
    void wait() {
        const base::TimePoint until = now_ + 50ms * (1 + byte());
        while (inbox_.next_deadline() && *inbox_.next_deadline() <= until) {
            now_ = std::max(now_, *inbox_.next_deadline());
            inbox_.on_deadline(now_, out_);
            look();
            out_.clear();
            GRAPEVINE_ASSERT(inbox_.next_deadline().value_or(base::TimePoint::max()) > now_, "a deadline passes");
        }
        now_ = until;
    }

    void answer() {
        if (handles_.empty()) return;
        const auto chosen = std::next(handles_.begin(), static_cast<std::ptrdiff_t>(byte() % handles_.size()));
        Seen& seen = twin_[chosen->second];
        const bool open = !seen.answered && seen.until > now_;
        const auto verdict = static_cast<Verdict>(byte() % 3);
        const Answered answered = inbox_.answer(chosen->first, {verdict, base::Bytes(byte(), 'r'), {}, {}}, now_, out_);
        GRAPEVINE_ASSERT((answered == Answered::taken) == open, "an answer is taken until the deadline, once");
        if (open) seen.answered = true;
        if (byte() % 2 == 0) handles_.erase(chosen);
    }

    // A sender repeats a message until its deadline, and its copies may arrive much later.
    void deliver() {
        const std::size_t peer = byte() % kPeers;
        Life& life = lives_of_[{peer, lives_[peer]}];
        wire::Deliver frame;
        frame.sequence = MessageSequence{1U + byte() % 24U};
        const std::uint64_t sequence = frame.sequence.value;
        const std::uint8_t settling = byte();
        if (settling % 8 == 0) life.settled = std::max<std::uint64_t>(life.settled, settling / 8U);
        frame.kind = static_cast<MessageKind>(byte() % 2);
        const std::uint8_t order = byte();
        if (order % 2 == 1) frame.after = MessageSequence{1U + (order / 2U) % sequence};
        frame.time_left_ms = byte() * 40U;
        frame.name = std::string(1, static_cast<char>('a' + byte() % 4));
        frame.payload = base::Bytes(10 + byte(), 'p');
        frame.payload[0] = static_cast<std::uint8_t>(peer);
        frame.payload[1] = static_cast<std::uint8_t>(lives_[peer]);
        frame.payload[2] = static_cast<std::uint8_t>(sequence);
        const auto deadline = life.deadlines.emplace(sequence, now_ + frame.time_left_ms * 1ms).first->second;
        if (sequence <= life.settled || now_ > deadline + 20s) return;
        frame.settled = MessageSequence{life.settled};
        if (life.written.contains(sequence)) frame.copy = wire::MessageCopy::again;
        if (sessions_.contains(peer)) life.written.insert(sequence);
        if (order < 128) return inbox_.on_deliver(peer_of(peer), std::move(frame), now_, out_);
        payloads_[{peer_of(peer), lives_[peer], sequence}] = std::exchange(frame.payload, {});
        const auto size = payloads_[{peer_of(peer), lives_[peer], sequence}].size();
        inbox_.on_deliver_large(peer_of(peer), {std::move(frame), static_cast<std::uint32_t>(size)}, now_, out_);
    }

    // Of one that was announced; now and then of another, or one that nobody wants any more.
    void give_payload() {
        if (payloads_.empty()) return;
        const auto chosen = std::next(payloads_.begin(), static_cast<std::ptrdiff_t>(byte() % payloads_.size()));
        const auto& [peer, life, sequence] = chosen->first;
        if (lives_[peer.bytes[0] - 1U] != life) return;
        base::Bytes payload = chosen->second;
        if (byte() % 8 == 0) payload.push_back('x');
        inbox_.on_payload(peer, MessageSequence{sequence}, std::move(payload), now_, out_);
    }

    void look() {
        for (const auto& effect : out_) {
            if (const auto* handle = std::get_if<Handle>(&effect)) take(*handle);
            if (const auto* outcome = std::get_if<SendOutcome>(&effect)) hear(*outcome);
            if (const auto* late = std::get_if<HandlerLate>(&effect))
                GRAPEVINE_ASSERT(known_.contains(late->handle), "who is late was at work");
        }
    }

    void take(const Handle& handle) {
        GRAPEVINE_ASSERT(!leaving_, "who leaves takes nothing");
        GRAPEVINE_ASSERT(known_.insert(handle.handle).second, "a handle is used once");
        GRAPEVINE_ASSERT(handle.time_left > base::Duration::zero() && handle.time_left <= kDeadlineMax, "in time");
        const Key key{handle.from, handle.payload[1], handle.payload[2]};
        Seen& seen = twin_[key];
        GRAPEVINE_ASSERT(!seen.handed, "no life is handed a message twice");
        seen.handed = true;
        seen.until = now_ + handle.time_left;
        handles_[handle.handle] = key;
    }

    void hear(const SendOutcome& said) {
        const std::size_t peer = said.peer.bytes[0] - 1U;
        GRAPEVINE_ASSERT(sessions_.contains(peer), "outcomes need a session");
        const std::uint64_t sequence = said.frame.sequence.value;
        Seen& seen = twin_[{said.peer, lives_[peer], sequence}];
        const wire::OutcomeCode code = said.frame.code;
        if (!seen.handed) {
            GRAPEVINE_ASSERT(code != wire::OutcomeCode::acknowledged && code != wire::OutcomeCode::handler_failed,
                             "nothing is acknowledged unhandled");
            const bool open = code == wire::OutcomeCode::deadline || code == wire::OutcomeCode::in_doubt;
            if (!open) lives_of_[{peer, lives_[peer]}].written.erase(sequence);
            return;
        }
        const bool is_over = now_ >= seen.until;
        if (code == wire::OutcomeCode::in_doubt) {
            GRAPEVINE_ASSERT(is_over, "what is remembered is not in doubt");
        } else if (seen.outcome) {
            GRAPEVINE_ASSERT(said.frame == *seen.outcome, "an outcome does not change");
        } else {
            GRAPEVINE_ASSERT(seen.answered || (is_over && code == wire::OutcomeCode::deadline),
                             "an outcome comes from an answer or from the deadline");
            seen.outcome = said.frame;
        }
    }

    void check_bounds() {
        const InboxConfig limits = narrow();
        GRAPEVINE_ASSERT(inbox_.open_messages() <= limits.open_messages_max, "open messages");
        GRAPEVINE_ASSERT(inbox_.open_bytes() <= limits.open_bytes_max, "open bytes");
        GRAPEVINE_ASSERT(inbox_.ids() <= limits.ids_max, "ids");
        GRAPEVINE_ASSERT(inbox_.reply_bytes() <= limits.reply_bytes_max, "reply bytes");
        GRAPEVINE_ASSERT(inbox_.large_bytes() <= limits.large_bytes_max, "payloads");
        GRAPEVINE_ASSERT(inbox_.senders() <= limits.senders_max, "senders");
        GRAPEVINE_ASSERT(inbox_.handles() <= inbox_.open_messages() && inbox_.open_messages() <= inbox_.ids(), "sums");
        std::size_t messages = 0;
        for (std::size_t i = 0; i < kPeers; ++i)
            messages += inbox_.granted(peer_of(i)).messages;
        GRAPEVINE_ASSERT(messages <= limits.open_messages_max, "grants");
    }

    delivery::testing::Decisions input_;
    base::TimePoint now_{1h};
    Inbox inbox_;
    InboxEffects out_;
    bool leaving_ = false;
    std::set<std::size_t> sessions_;
    std::map<std::size_t, std::uint64_t> lives_;
    std::map<std::pair<std::size_t, std::uint64_t>, Life> lives_of_;
    std::map<Key, Seen> twin_;
    std::map<Key, base::Bytes> payloads_;  // Announced.
    std::map<HandleId, Key> handles_;      // Some of them for answers that come again.
    std::set<HandleId> known_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Run(data, size).go();
    return 0;
}
