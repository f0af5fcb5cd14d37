#pragma once

// The receiver's half of delivery: it takes messages, hands each one over once, and remembers how it ended.
//
// Rules, with their reasons:
//  1. An id (sender, its incarnation, sequence) that was taken is remembered until the message's deadline, or until its
//     sender says that it is settled. A repetition is answered with the outcome that was given, or waits with the first
//     copy. Nothing is forgotten early: what does not fit is refused as busy before it is handled.
//  2. A copy may come later than what is remembered of the one before. So the highest handled sequence that was
//     forgotten at its deadline is kept: a message that comes `again` at or below it, and is not known, is answered
//     `in_doubt`. What is settled is at an end for its sender, and dropped.
//  3. The room for a request's reply is reserved when it is taken, so that the outcome can always be remembered. An
//     answer over its service's reply_max fails.
//  4. A message without an answer at its deadline ends there, with `deadline`, whether it waited or its handler worked;
//     of the latter HandlerLate tells, and what it answers later is dropped.
//  5. Each service has its own queue, in which senders are served in turn (fair_queue.hpp), and its own number of
//     messages that it works on. What is open, and what is reserved for replies, a service may use no more of than is
//     left free by all (as names in rule 7 of outbox.hpp): a slow handler fills its own queue only.
//  6. Lanes. An ordered message is taken only if the one that it names as the one before is remembered here, and never
//     after a later one of its lane. It is handed over when the one before it has its outcome.
//  7. Windows. Each of at most sessions_max sessions is granted a little at once; those that sent something lately
//  share
//     what the others leave, in powers of two, so that few changes are worth saying. The grants of all together never
//     exceed what is taken. A sender that runs ahead of a smaller window is told `busy`.
//  8. A session that is up again, or in another life of the peer, replaces the one before: frames of that one are not
//     handed in any more. Outcomes are said only to the life that sent the message; if it has no session, it asks
//     again.
//  9. What is known of a sender outlives its last session by sender_retention, since it may come back with repetitions;
//     a sender of whom nothing must be known goes at once. When all places are taken, new senders are told `busy`.
// 10. A node that leaves says `busy` to what is new, and to what waits, so that senders go elsewhere at once; what its
//     handlers work on they may still answer.
//
// 11. A message whose payload comes on a stream of its own is judged by its size before any of that is read. Its room
// is
//     reserved from then on, and the payload asked for; asked for again when a copy comes on another session while it
//     is not whole. It waits for its handler when it is.
//
// Names: a message is for the service registered under the very name by which it was addressed, else for that of the
// empty name. Bounds are in InboxConfig, counters in InboxCounters.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/bounded.hpp"
#include "base/time.hpp"
#include "delivery/fair_queue.hpp"
#include "delivery/types.hpp"

namespace grapevine::delivery {

class Inbox {
public:
    explicit Inbox(const InboxConfig& config);
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;

    // `no` when services_max is reached. A name served before gets the new limits.
    [[nodiscard]] base::Admitted serve(const std::string& name, const Service& service, base::TimePoint now,
                                       InboxEffects& out);
    // What waits for the service is refused; what it works on may still be answered.
    void stop(const std::string& name, base::TimePoint now, InboxEffects& out);

    void leave(base::TimePoint now, InboxEffects& out);  // Rule 10.

    void on_session_up(const EndpointId& peer, Incarnation incarnation, base::TimePoint now, InboxEffects& out);
    void on_session_down(const EndpointId& peer, base::TimePoint now, InboxEffects& out);
    void on_deliver(const EndpointId& peer, wire::Deliver frame, base::TimePoint now, InboxEffects& out);
    void on_deliver_large(const EndpointId& peer, wire::DeliverLarge frame, base::TimePoint now, InboxEffects& out);
    // After TakePayload, of that size.
    void on_payload(const EndpointId& peer, MessageSequence message, base::Bytes payload, base::TimePoint now,
                    InboxEffects& out);
    // A stream is a message until it is answered: `done` lets its bytes flow. The outcome goes onto the stream itself.
    void on_open_stream(const EndpointId& peer, wire::OpenStream frame, base::TimePoint now, InboxEffects& out);
    Answered answer(HandleId handle, Answer answer, base::TimePoint now, InboxEffects& out);

    void on_deadline(base::TimePoint now, InboxEffects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    // Messages without an outcome, and their window_cost.
    [[nodiscard]] std::size_t open_messages() const { return open_messages_; }
    [[nodiscard]] std::size_t open_bytes() const { return open_bytes_; }
    [[nodiscard]] std::size_t large_bytes() const { return large_bytes_; }
    [[nodiscard]] std::size_t ids() const { return ids_; }
    [[nodiscard]] std::size_t reply_bytes() const { return reply_bytes_; }
    [[nodiscard]] std::size_t senders() const { return senders_.size(); }
    [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
    [[nodiscard]] std::size_t handles() const { return handles_.size(); }
    [[nodiscard]] wire::Window granted(const EndpointId& peer) const;
    [[nodiscard]] const InboxCounters& counters() const { return counters_; }

private:
    struct ServiceId {
        std::uint64_t value = 0;
        friend auto operator<=>(const ServiceId&, const ServiceId&) = default;
    };
    struct Served {
        explicit Served(std::size_t quantum) : queue(quantum) {}
        ServiceId id;
        Service limits;
        FairQueue queue;          // By sender; of a lane, only its first.
        std::size_t waiting = 0;  // Those behind the first of a lane included.
        std::size_t running = 0;
        std::size_t open_bytes = 0;  // Of both.
        std::size_t reserved = 0;    // For their replies.
    };
    enum class Stage : std::uint8_t { receiving, waiting, running, answered };
    // A message as it comes: its payload is in the frame, or follows.
    struct Arrival {
        wire::Deliver frame;
        std::size_t size = 0;
        [[nodiscard]] bool follows() const { return size > frame.payload.size(); }
    };
    struct Lane {
        std::deque<MessageSequence> line;  // Unanswered, in order; the first is queued or running.
        MessageSequence last;              // The latest that was taken.
        std::size_t remembered = 0;
    };
    using Lanes = std::map<std::string, Lane>;
    struct Entry {
        Stage stage = Stage::waiting;
        MessageKind kind = MessageKind::send;
        wire::OutcomeCode code = wire::OutcomeCode::acknowledged;  // When answered.
        base::TimePoint deadline;
        ServiceId service;
        HandleId handle;    // While running.
        std::string name;   // Until answered.
        base::Bytes bytes;  // The payload while waiting, the reply or text when answered.
        std::size_t cost = 0;
        std::size_t reserved = 0;  // Of reply_bytes_max.
        std::size_t large = 0;     // Of large_bytes_max; until answered.
        std::optional<Lanes::iterator> lane;
        base::TraceContext context;
        std::optional<wire::AnswerTimes> times;
    };
    using Entries = std::map<MessageSequence, Entry>;
    // One life of a peer.
    struct Sender {
        std::uint64_t number = 0;
        EndpointId id;
        Incarnation incarnation;
        Entries entries;
        Lanes lanes;
        MessageSequence forgotten;  // Rule 2.
        MessageSequence settled;
        std::size_t open_messages = 0;
        std::size_t open_bytes = 0;
        std::size_t reply_bytes = 0;
        std::size_t large_bytes = 0;
        base::TimePoint last_used;
        std::optional<base::TimePoint> check_at;  // Whether it may be forgotten.
    };
    struct Session {
        Incarnation incarnation;
        wire::Window granted;
        base::TimePoint last_message;
        bool active = false;
        bool admitted = false;  // Within sessions_max.
    };
    // Zero as a sequence: a sender's check_at.
    using Due = std::tuple<base::TimePoint, std::uint64_t, MessageSequence>;

    [[nodiscard]] Sender* find_sender(const EndpointId& peer, Incarnation incarnation);
    // Null when senders_max or lives_max is reached.
    [[nodiscard]] Sender* make_sender(const EndpointId& peer, Incarnation incarnation, base::TimePoint now);
    [[nodiscard]] Served* service_for(std::string_view name);
    [[nodiscard]] Served* service_of(ServiceId id);
    [[nodiscard]] bool has_session(const Sender& sender) const;

    [[nodiscard]] std::optional<BusyCause> find_busy(const Sender& sender, const Served& service,
                                                     const Arrival& arrival) const;
    [[nodiscard]] bool may_open(const Sender& sender, const Served& service, std::size_t cost) const;
    [[nodiscard]] static bool is_next(const Sender& sender, const wire::Deliver& frame);
    // Not handled: they are not remembered, and copies that come again may be taken by whoever handles them then.
    // Of one service, or of all; how many they were.
    std::size_t give_back(Sender& sender, std::optional<ServiceId> service, const wire::Outcome& answer,
                          InboxEffects& out);
    void arrive(const EndpointId& peer, Arrival arrival, base::TimePoint now, InboxEffects& out);
    void receive(const EndpointId& peer, Sender* sender, BusyCause otherwise, Arrival arrival, base::TimePoint now,
                 InboxEffects& out);
    // True if what is remembered decides about the message.
    [[nodiscard]] bool recall(Sender& sender, const wire::Deliver& frame, InboxEffects& out);
    void judge(Sender& sender, Arrival arrival, base::TimePoint now, InboxEffects& out);
    void take(Sender& sender, Served& service, Arrival arrival, base::TimePoint now, InboxEffects& out);
    // What is whole and not behind another one of its lane has its turn.
    void push_if_ready(const Sender& sender, MessageSequence sequence, const Entry& entry);
    void say_busy(const EndpointId& peer, MessageSequence sequence, BusyCause cause, InboxEffects& out);
    void repeat(const Sender& sender, MessageSequence sequence, const Entry& entry, InboxEffects& out);
    void forget_settled(Sender& sender, MessageSequence settled);

    void push(const Sender& sender, MessageSequence sequence, const Entry& entry);
    void hand_over(Served& service, base::TimePoint now, InboxEffects& out);
    // Each input begins with expire() and ends with settle().
    void expire(base::TimePoint now, InboxEffects& out);
    void settle(base::TimePoint now, InboxEffects& out);
    void expire_entry(Sender& sender, MessageSequence sequence, InboxEffects& out);
    void check_sender(Sender& sender, base::TimePoint now);
    void set_check(Sender& sender, std::optional<base::TimePoint> at);
    void conclude(Sender& sender, MessageSequence sequence, Entry& entry, wire::OutcomeCode code, base::Bytes payload,
                  InboxEffects& out);
    // From waiting or running: it counts no longer as open, and the next of its lane has its turn.
    void close(Sender& sender, MessageSequence sequence, Entry& entry);
    void erase(Sender& sender, Entries::iterator entry);
    [[nodiscard]] static wire::Outcome outcome_of(MessageSequence sequence, const Entry& entry);
    static void say(const EndpointId& peer, wire::Outcome outcome, InboxEffects& out);

    void drop_session(const EndpointId& peer, base::TimePoint now);
    void note_message(Session& session, base::TimePoint now, InboxEffects& out);
    void check_idle(base::TimePoint now, InboxEffects& out);
    void regrant(InboxEffects& out);

    InboxConfig config_;
    std::map<std::string, Served, std::less<>> services_;
    std::map<ServiceId, Served*> services_by_id_;
    std::map<std::uint64_t, Sender> senders_;
    std::map<std::pair<EndpointId, Incarnation>, std::uint64_t> numbers_;
    std::map<EndpointId, Session> sessions_;
    std::map<HandleId, std::pair<std::uint64_t, MessageSequence>> handles_;
    std::set<Due> due_;
    std::set<ServiceId> freed_;  // Services that may have room for more.
    std::optional<base::TimePoint> idle_check_at_;
    bool leaving_ = false;
    std::uint64_t service_ids_ = 0;
    std::uint64_t sender_numbers_ = 0;
    std::uint64_t handle_ids_ = 0;
    std::size_t open_messages_ = 0;
    std::size_t open_bytes_ = 0;
    std::size_t ids_ = 0;
    std::size_t reply_bytes_ = 0;
    std::size_t large_bytes_ = 0;
    std::size_t admitted_ = 0;
    InboxCounters counters_;
};

}  // namespace grapevine::delivery
