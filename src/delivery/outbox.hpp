#pragma once

// The sender's half of delivery: it owns each message from its submission until its one outcome.
//
// Rules, with their reasons:
//  1. A submitted message ends once, by its deadline at the latest, and nothing is heard of it afterwards. Who is not
//     taken is told at once, and told by RoomAgain when a quarter of what was full is free again.
//  2. What certainly was not handled (not written, refused, busy) is tried at another instance: at most elsewhere_max
//  of
//     them in a row, then, and where there is no other, after a jittered exponential backoff within the deadline.
//  3. What was written on a session that was lost may have been handled. It waits for the same life of the same peer,
//     and is written again there (`copy` is `again`): that life remembers what it handled. If another life answers
//     instead, or the peer is gone, the message ends `in_doubt`. One that its sender called idempotent waits for nobody
//     and is tried anywhere, but a life that may have handled it is still told that it comes again, so that it does not
//     handle it twice. Nothing else is ever repeated.
//  4. A message ends at its deadline with what kept it from being written (peer_busy, unreachable, refused), else with
//     `deadline`. Finished::handled says what a sender must reckon with.
//  5. Of several instances two are drawn and the one with fewer unanswered messages of this outbox is taken
//  (Mitzenmacher,
//     "The power of two choices in randomized load balancing", 2001): nearly as good as knowing all loads, and no herd
//     follows an old figure. Suspected ones and those over their budget are taken only if there are no others.
//  6. Peers are served in turn, and within a peer names, each by deficit round robin (fair_queue.hpp). What is written
//     again comes before what is new.
//  7. A peer is sent no more than its window allows; a message that ended here counts until its outcome comes, because
//     its receiver still has it. Of the window, a name may use no more than is left free by all (Choudhury, Hahne,
//     "Dynamic queue length thresholds for shared-memory packet switches", 1998): a handler that does not answer
//     leaves half of the window to others.
//  8. Lanes. Ordered messages to one name go to one instance while any of them is queued or unanswered there, in order
//     of submission. When one of them is not taken, those behind it that were not written are held back until it is
//     written again; those that were are refused by the inbox, since they name it as the one before. A lane waits for
//     its first message: the later ones' deadlines run meanwhile.
//  9. `settled` in each frame is the sequence before the oldest message that has no outcome yet: what inboxes need not
//     remember.
// 10. A stream is sought as a message is, and ends here when its handler took it. Its receiver's end dies with the
//     session, so that one that was asked for and lost ends `in_doubt` and is never asked for again.
// 11. A node that leaves takes no more messages. What was not written ends `cancelled` at once, so that its owner may
//     send it from elsewhere; what was written keeps waiting, and ends `cancelled` if its receiver did not take it.
//     What has no outcome when the node goes ends `in_doubt`.
// 12. A payload over large_above does not fit a frame: it has a stream of its own, and weighs in windows and turns as
// the
//     largest that does. Its bytes stay here until the outcome; whoever writes them asks for them.
//
// Questions: one a name at a time, for all messages that wait for it. Sequences count from 1; they are never reused.
// The Rng outlives the outbox. Bounds are in OutboxConfig, counters in OutboxCounters; peers are as many as there are
// messages and sessions.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "delivery/fair_queue.hpp"
#include "delivery/types.hpp"

namespace grapevine::delivery {

class Outbox {
public:
    Outbox(const OutboxConfig& config, Incarnation incarnation, base::Rng& rng);
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    tl::expected<MessageId, SubmitRefusal> submit(Submission submission, base::TimePoint now, OutboxEffects& out);
    // Ends the message `cancelled`, unless it has ended. Its receiver is not told.
    void cancel(MessageSequence sequence, base::TimePoint now, OutboxEffects& out);

    // Rule 11: from now on; and for what is left.
    void leave(base::TimePoint now, OutboxEffects& out);
    void abandon(base::TimePoint now, OutboxEffects& out);

    void on_resolved(QuestionId question, const Resolution& resolution, base::TimePoint now, OutboxEffects& out);
    // A delivery stream may be written to; a window comes soon. A session that was up before is thereby lost.
    void on_session_up(const EndpointId& peer, Incarnation incarnation, base::TimePoint now, OutboxEffects& out);
    void on_session_down(const EndpointId& peer, SessionEnd reason, base::TimePoint now, OutboxEffects& out);
    void on_window(const EndpointId& peer, const wire::Window& window, base::TimePoint now, OutboxEffects& out);
    // The stream has taken what was written: burst_bytes more may follow.
    void on_writable(const EndpointId& peer, base::TimePoint now, OutboxEffects& out);
    void on_outcome(const EndpointId& peer, const wire::Outcome& outcome, base::TimePoint now, OutboxEffects& out);

    void on_deadline(base::TimePoint now, OutboxEffects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    // Of a message without an outcome, until the next input; else nothing.
    [[nodiscard]] base::ByteView payload(MessageSequence message) const;

    [[nodiscard]] std::size_t size() const { return messages_.size(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    // Queued for, and unanswered by, a peer.
    [[nodiscard]] std::size_t size_at(const EndpointId& peer) const;
    [[nodiscard]] std::size_t peers() const { return peers_.size(); }
    [[nodiscard]] const OutboxCounters& counters() const { return counters_; }

private:
    // Where a message is; each stage but `held` of an unordered one has its own list.
    enum class Stage : std::uint8_t {
        held,       // Ordered: behind another one of its lane.
        resolving,  // Waits for the answer to its name's question.
        waiting,    // Backs off until `retry_at`.
        queued,     // At its peer, not written.
        written,    // On a session that is up.
        stranded,   // On a session that was lost, to the last known life of its peer.
    };
    // Whom a message was written to.
    struct Life {
        EndpointId peer;
        Incarnation incarnation;
        friend bool operator==(const Life&, const Life&) = default;
    };
    struct Name;
    struct Message {
        Name* name = nullptr;
        MessageKind kind = MessageKind::send;
        Options options;
        base::Bytes payload;
        base::TimePoint deadline;
        base::TraceContext context;
        std::size_t cost = 0;    // Of windows.
        std::size_t memory = 0;  // Of bytes_max.
        Stage stage = Stage::held;
        Ending cause = Ending::deadline;  // With which it ends if its time passes before it is written.
        std::vector<Life> maybe_at;       // Where it was written and may have been handled.
        EndpointId peer;                  // Queued, written, stranded.
        std::optional<EndpointId> written_to;
        std::uint32_t attempts = 0;
        std::uint32_t backoff_step = 0;
        base::TimePoint retry_at;
        std::vector<EndpointId> avoid;       // Tried without a pause since the last one.
        std::vector<EndpointId> refused_by;  // For good.
    };
    struct Name {
        std::string text;
        FairQueue::Flow flow;
        std::size_t messages = 0;
        std::size_t bytes = 0;
        std::optional<QuestionId> question;
        std::vector<MessageSequence> asking;  // May hold some that have ended.
        std::set<MessageSequence> lane;       // All ordered ones.
        std::set<MessageSequence> held;       // Those of them that are at no peer: the first one leads.
        EndpointId instance;                  // Where the others are, while there are any.
        std::size_t at_instance = 0;
        std::size_t queued = 0;  // Of those, not written yet.
        bool told_full = false;
        bool touched = false;  // Listed in touched_names_.
    };
    enum class Session : std::uint8_t { none, wanted, up };
    struct Flight {
        FairQueue::Flow flow;
        std::size_t cost = 0;
    };
    struct Use {
        std::size_t messages = 0;
        std::size_t bytes = 0;
    };
    struct Peer {
        explicit Peer(std::size_t quantum) : queue(quantum) {}
        Session session = Session::none;
        bool needed = false;  // Between WantSession and ReleaseSession.
        Incarnation incarnation;
        wire::Window window;
        std::size_t credit = 0;
        FairQueue queue;
        std::map<MessageSequence, Flight> in_flight;  // Written and unanswered.
        std::size_t in_flight_bytes = 0;
        std::map<FairQueue::Flow, Use> used_by;  // The window, by name.
        std::set<MessageSequence> stranded;
        std::size_t stranded_bytes = 0;
        std::size_t deficit = 0;
        bool ready = false;  // Listed in ready_.
        std::uint32_t dial_step = 0;
        std::optional<base::TimePoint> dial_at;
        [[nodiscard]] std::size_t size() const { return queue.size() + in_flight.size() + stranded.size(); }
        [[nodiscard]] std::size_t bytes() const { return queue.bytes() + in_flight_bytes + stranded_bytes; }
    };
    struct Next {
        MessageSequence message;
        std::size_t cost = 0;
    };
    // Neither: later.
    struct Choice {
        std::optional<EndpointId> peer;
        std::optional<Ending> ending;
    };

    [[nodiscard]] std::optional<SubmitRefusal> check(const Submission& submission) const;
    [[nodiscard]] std::optional<SubmitRefusal> check_room(const Submission& submission, std::size_t memory);
    Name& name_of(const std::string& text);
    [[nodiscard]] Message* find(MessageSequence sequence);

    // Each input begins with expire() and ends with settle().
    void expire(base::TimePoint now, OutboxEffects& out);
    void settle(base::TimePoint now, OutboxEffects& out);
    void tidy_peers(OutboxEffects& out);
    void tidy_names(OutboxEffects& out);

    void resolve(MessageSequence sequence, Message& message, OutboxEffects& out);
    void judge(MessageSequence sequence, Message& message, const Resolution& resolution, base::TimePoint now,
               OutboxEffects& out);
    [[nodiscard]] Choice choose(Message& message, const std::vector<Candidate>& candidates, base::TimePoint now);
    [[nodiscard]] EndpointId draw(const std::vector<Candidate>& candidates, base::TimePoint now);
    [[nodiscard]] bool has_room_at(const EndpointId& peer, const Message& message) const;
    void back_off(MessageSequence sequence, Message& message, base::TimePoint now);
    [[nodiscard]] base::Duration backoff(std::uint32_t step);
    [[nodiscard]] static Handled handled_at(const Message& message, Ending ending);
    void finish(MessageSequence sequence, Message& message, Ending ending, base::Bytes payload, base::TimePoint now,
                OutboxEffects& out);
    void detach(MessageSequence sequence, Message& message);

    // It was not taken by `peer`, which is not asked again at once, or not at all.
    static void blame(Message& message, const EndpointId& peer, Ending cause);
    // The same, for one that was written: it is tried again.
    void try_again(MessageSequence sequence, Message& message, const EndpointId& peer, Ending cause,
                   base::TimePoint now, OutboxEffects& out);
    void put_back(MessageSequence sequence, Message& message);
    [[nodiscard]] std::vector<MessageSequence> sequences() const;
    void hold_back_after(MessageSequence sequence, Name& name);
    void advance_lane(Name& name, base::TimePoint now, OutboxEffects& out);

    Peer& peer_of(const EndpointId& id);
    [[nodiscard]] Peer* find_peer(const EndpointId& id);
    void enqueue(MessageSequence sequence, Message& message, const EndpointId& peer, base::TimePoint now,
                 OutboxEffects& out);
    void request(const EndpointId& id, Peer& peer, base::TimePoint now, OutboxEffects& out);
    void lose_session(const EndpointId& id, Peer& peer, SessionEnd reason, base::TimePoint now, OutboxEffects& out);
    void strand_written(const EndpointId& id, Peer& peer, base::TimePoint now, OutboxEffects& out);
    static void doubt(Message& message, const Life& life);
    void give_up_stranded(const EndpointId& id, Peer& peer, base::TimePoint now, OutboxEffects& out);
    void give_up_queued(const EndpointId& id, Peer& peer, Ending cause, base::TimePoint now, OutboxEffects& out);
    // False if the message was not written to the peer on this session, or is answered.
    static bool leave_window(MessageSequence sequence, Peer& peer);
    void take_outcome(MessageSequence sequence, Message& message, const EndpointId& peer, const wire::Outcome& outcome,
                      base::TimePoint now, OutboxEffects& out);
    void mark_ready(const EndpointId& id, Peer& peer);
    [[nodiscard]] std::optional<Next> next_of(Peer& peer);
    [[nodiscard]] static bool may_use(const Peer& peer, const FairQueue::Item& item);
    void pump(base::TimePoint now, OutboxEffects& out);
    void write(const EndpointId& id, Peer& peer, const Next& next, base::TimePoint now, OutboxEffects& out);
    [[nodiscard]] wire::Deliver frame_of(MessageSequence sequence, const Message& message, Incarnation to,
                                         base::TimePoint now) const;

    OutboxConfig config_;
    Incarnation incarnation_;
    base::Rng& rng_;
    std::uint64_t sequences_ = 0;
    std::uint64_t questions_ = 0;
    std::uint64_t flows_ = 0;
    std::map<MessageSequence, Message> messages_;
    std::size_t bytes_ = 0;
    std::map<std::string, Name> names_;
    std::map<QuestionId, Name*> asked_;
    std::map<EndpointId, Peer> peers_;
    std::deque<EndpointId> ready_;  // Peers that may have something to write, in turn.
    std::set<std::pair<base::TimePoint, MessageSequence>> deadlines_;
    std::set<std::pair<base::TimePoint, MessageSequence>> retries_;
    std::set<std::pair<base::TimePoint, EndpointId>> dials_;
    // What this input may have left without a use; looked at in its end, so that no reference dies earlier.
    std::vector<EndpointId> touched_peers_;
    std::vector<Name*> touched_names_;
    bool told_full_ = false;
    bool leaving_ = false;
    OutboxCounters counters_;
};

}  // namespace grapevine::delivery
