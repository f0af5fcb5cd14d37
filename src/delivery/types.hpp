#pragma once

// The values of delivery: what is submitted, how it ends, what outbox and inbox have to say, and their bounds.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/trace_context.hpp"
#include "wire/delivery.hpp"

namespace grapevine::delivery {

using base::EndpointId;
using wire::MessageKind;
using wire::MessageSequence;

// One life of a process: drawn at random at its start, said in every hello.
struct Incarnation {
    std::uint64_t value = 0;
    friend auto operator<=>(const Incarnation&, const Incarnation&) = default;
};

// With the sender's endpoint id, it names a message for ever.
struct MessageId {
    Incarnation incarnation;
    MessageSequence sequence;
    friend auto operator<=>(const MessageId&, const MessageId&) = default;
};

inline constexpr base::Duration kDeadlineDefault = std::chrono::seconds(10);
// What a receiver may have to remember an id for. Whoever wants to wait longer submits again.
inline constexpr base::Duration kDeadlineMax = std::chrono::seconds(60);

// Whether a message that may have been handled may be handled again.
enum class Repetition : std::uint8_t { unsafe, idempotent };
// `lane`: in order with the other ordered messages of this sender to the same name.
enum class Ordering : std::uint8_t { none, lane };

struct Options {
    base::Duration deadline = kDeadlineDefault;  // Positive, at most kDeadlineMax.
    Repetition repetition = Repetition::unsafe;
    Ordering ordering = Ordering::none;
};

struct Target {
    std::string name;  // As addressed; what it means, the resolver knows.
};

// A stream has no payload and no order. It is `acknowledged` when its handler takes it; then bytes flow.
struct Submission {
    Target target;
    MessageKind kind = MessageKind::send;
    base::Bytes payload;
    Options options;
    base::TraceContext context{};
};

// Why a message was not taken; nothing else comes of it.
enum class SubmitRefusal : std::uint8_t { full, name_full, too_large, bad_name, bad_deadline, bad_options, leaving };
std::string_view name(SubmitRefusal refusal);

// Those that are not `good` are chosen only if there are no others.
enum class Standing : std::uint8_t { good, over_budget, suspected };

struct Candidate {
    EndpointId id;
    Standing standing = Standing::good;
    friend bool operator==(const Candidate&, const Candidate&) = default;
};

enum class ResolveFailure : std::uint8_t { unknown_mesh, no_such_node, ambiguous, refused, busy, unreachable };
using Resolution = tl::expected<std::vector<Candidate>, ResolveFailure>;

// lost: it was up, or might have been. unreachable: it could not be made. refused: the peer does not admit us. gone:
// the peer is known to have died or left.
enum class SessionEnd : std::uint8_t { lost, unreachable, refused, gone };

// How a message ended for its sender.
enum class Ending : std::uint8_t {
    acknowledged,
    unknown_mesh,
    no_such_node,
    ambiguous,
    unreachable,
    refused,  // No instance handles the name, or admits us.
    handler_failed,
    too_large,
    peer_busy,
    deadline,
    in_doubt,  // Its receiver's life ended, or its memory of the message, without an outcome.
    cancelled,
    count_,
};
inline constexpr std::size_t kEndings = static_cast<std::size_t>(Ending::count_);
std::string_view name(Ending ending);

// Whether a handler saw the message. `maybe` is what a sender must reckon with before it submits it again.
enum class Handled : std::uint8_t { no, maybe, yes };
std::string_view name(Handled handled);

// --- Effects of the outbox.

struct QuestionId {
    std::uint64_t value = 0;
    friend auto operator<=>(const QuestionId&, const QuestionId&) = default;
};
// Who is meant by `name`? Answered by Outbox::on_resolved; no answer is as good as one that comes too late.
struct Resolve {
    QuestionId question;
    std::string name;
    friend bool operator==(const Resolve&, const Resolve&) = default;
};
// From here until ReleaseSession a session with the peer is needed. Unless one is up, the answer is on_session_up or
// on_session_down; one that is up, and was released before, is simply kept.
struct WantSession {
    EndpointId peer;
    friend bool operator==(const WantSession&, const WantSession&) = default;
};
struct ReleaseSession {
    EndpointId peer;
    friend bool operator==(const ReleaseSession&, const ReleaseSession&) = default;
};
// Write the frame on the peer's delivery stream. It counts as written, whether it gets there or not.
struct SendDeliver {
    EndpointId peer;
    wire::Deliver frame;
    friend bool operator==(const SendDeliver&, const SendDeliver&) = default;
};
// Open a stream of its own on the peer's session, beginning with the frame; Outbox::payload has what follows.
struct SendLarge {
    EndpointId peer;
    wire::DeliverLarge frame;
    friend bool operator==(const SendLarge&, const SendLarge&) = default;
};
// Open a stream of its own on the peer's session, beginning with the frame.
struct SendOpenStream {
    EndpointId peer;
    wire::OpenStream frame;
    friend bool operator==(const SendOpenStream&, const SendOpenStream&) = default;
};
// The end of a message, exactly once.
struct Finished {
    MessageSequence message;
    Ending ending = Ending::acknowledged;
    Handled handled = Handled::no;
    std::optional<EndpointId> peer;  // To which it was written last.
    std::uint32_t attempts = 0;      // How often it was written.
    base::Bytes payload;             // The reply, or the receiver's text.
    std::string name{};              // As addressed; only where it did not end acknowledged.
    friend bool operator==(const Finished&, const Finished&) = default;
};
// After a refusal because of `full` (no name) or `name_full`: a quarter is free again.
struct RoomAgain {
    std::string name;
    friend bool operator==(const RoomAgain&, const RoomAgain&) = default;
};
using OutboxEffect =
    std::variant<Resolve, WantSession, ReleaseSession, SendDeliver, SendLarge, SendOpenStream, Finished, RoomAgain>;
using OutboxEffects = std::vector<OutboxEffect>;

// Bounds are our own choice: room for a second of 10,000 small messages, for 1,000 of the largest ones that fit a
// frame, and for four of the largest there are.
struct OutboxConfig {
    std::size_t messages_max = 16384;
    std::size_t bytes_max = std::size_t{68} << 20U;  // Names, payloads, and kDeliverOverhead each.
    // One name, of which a dead or slow owner would otherwise fill the outbox of all.
    std::size_t name_messages_max = 4096;
    std::size_t name_bytes_max = std::size_t{34} << 20U;
    std::size_t large_above = wire::kDeliverPayloadMax;  // Larger payloads have a stream of their own.
    // Of window_cost, as all bytes that follow. Waiting for, or unanswered by, one peer; of the room, a name leaves as
    // much free as it uses.
    std::size_t peer_messages_max = 8192;
    std::size_t peer_bytes_max = std::size_t{16} << 20U;
    std::size_t candidates_max = 64;  // Of one answer; the rest is ignored.
    std::size_t elsewhere_max = 3;    // Instances that are tried one after another without a pause.
    // Exponential backoff, half of it random (Brooker 2015, "equal jitter"). A round trip of a continent at first.
    base::Duration backoff_first = std::chrono::milliseconds(50);
    base::Duration backoff_max = std::chrono::seconds(2);
    std::size_t burst_bytes = std::size_t{128} << 10U;  // Written to one peer between two on_writable.
    // Deficit round robin: what a peer, or a name, may write in its turn. A peer's is at least the largest message's.
    std::size_t peer_quantum = std::size_t{64} << 10U;
    std::size_t name_quantum = std::size_t{4} << 10U;
};

struct OutboxCounters {
    std::array<std::uint64_t, kEndings> ended{};
    std::uint64_t submitted = 0;
    std::uint64_t refused_full = 0;
    std::uint64_t refused_name_full = 0;
    std::uint64_t refused_invalid = 0;  // Too large, bad name, bad deadline.
    std::uint64_t refused_leaving = 0;
    std::uint64_t written = 0;
    std::uint64_t written_large = 0;
    std::uint64_t written_again = 0;  // To the same incarnation after a session was lost.
    std::uint64_t retries_busy = 0;
    std::uint64_t retries_refused = 0;
    std::uint64_t retries_unreachable = 0;
    std::uint64_t retries_idempotent = 0;  // After they may have been handled.
    std::uint64_t peer_queue_full = 0;
    std::uint64_t unexpected_outcomes = 0;  // Of nothing that was written to that peer on that session.
    std::uint64_t late_outcomes = 0;        // Of what had ended here before.
    [[nodiscard]] std::uint64_t operator[](Ending ending) const { return ended[static_cast<std::size_t>(ending)]; }
    friend bool operator==(const OutboxCounters&, const OutboxCounters&) = default;
};

// --- Effects of the inbox.

struct HandleId {
    std::uint64_t value = 0;
    friend auto operator<=>(const HandleId&, const HandleId&) = default;
};
// A message for the handler of its name. Answered by Inbox::answer; an answer after `time_left` comes too late.
struct Handle {
    HandleId handle;
    EndpointId from;
    std::string name;
    MessageKind kind = MessageKind::send;
    base::Bytes payload;
    base::Duration time_left{};
    base::TraceContext context{};
    MessageId message{};  // The sender's.
    friend bool operator==(const Handle&, const Handle&) = default;
};
// The payload of a message that the peer announced is wanted now: Inbox::on_payload. What comes of it otherwise, on
// this stream or an earlier one, is not.
struct TakePayload {
    EndpointId peer;
    MessageSequence message;
    std::uint32_t size = 0;
    friend bool operator==(const TakePayload&, const TakePayload&) = default;
};
struct SendOutcome {
    EndpointId peer;
    wire::Outcome frame;
    friend bool operator==(const SendOutcome&, const SendOutcome&) = default;
};
struct SendWindow {
    EndpointId peer;
    wire::Window frame;
    friend bool operator==(const SendWindow&, const SendWindow&) = default;
};
// The message's time passed while its handler worked: nobody waits for the answer any more.
struct HandlerLate {
    HandleId handle;
    std::string name;
    friend bool operator==(const HandlerLate&, const HandlerLate&) = default;
};
using InboxEffect = std::variant<Handle, TakePayload, SendOutcome, SendWindow, HandlerLate>;
using InboxEffects = std::vector<InboxEffect>;

// What an application says of a handled message. `refused`: it did not handle it, another instance may.
enum class Verdict : std::uint8_t { done, failed, refused };
struct Answer {
    Verdict verdict = Verdict::done;
    base::Bytes payload;  // The reply to a request, or a text.
    base::TraceContext context{};
    std::optional<wire::AnswerTimes> times{};
};
enum class Answered : std::uint8_t { taken, late };

struct Service {
    std::size_t concurrency = 64;  // Messages that the handler works on at once.
    std::size_t queue_max = 1024;  // Those that wait for it.
    std::size_t payload_max = wire::kLargePayloadMax;
    std::size_t reply_max = wire::kDeliverPayloadMax;  // Reserved while a request is unanswered.
};

struct InboxConfig {
    // Messages without an outcome, and their window_cost: whole, and of one sender.
    std::size_t open_messages_max = 16384;
    std::size_t open_bytes_max = std::size_t{64} << 20U;
    std::size_t sender_messages_max = 4096;
    std::size_t sender_bytes_max = std::size_t{16} << 20U;
    // Each session is granted this much; those that send share the rest. The bytes hold the largest message.
    std::size_t idle_messages = 8;
    std::size_t idle_bytes = std::size_t{64} << 10U;
    base::Duration idle_after = std::chrono::seconds(10);
    std::size_t sessions_max = 512;
    // Ids that are remembered, unanswered ones included: 10,000 messages a second of 10 s, if no sender says `settled`.
    std::size_t ids_max = 131072;
    std::size_t sender_ids_max = 65536;
    // Replies that are remembered or may yet come.
    std::size_t reply_bytes_max = std::size_t{64} << 20U;
    std::size_t sender_reply_bytes_max = std::size_t{32} << 20U;
    // Payloads that come on streams of their own, from their announcement until their message has its outcome.
    std::size_t large_bytes_max = std::size_t{128} << 20U;
    std::size_t sender_large_bytes_max = std::size_t{34} << 20U;
    std::size_t senders_max = 4096;  // Lives of peers of which something must be known.
    std::size_t services_max = 256;
    std::size_t lives_max = 16;  // Of them of one peer: it may die often, but it may not take all places.
    // How long a silent sender without a session is known after its last id was forgotten: its last message's deadline,
    // and longer than a session without packets lives.
    base::Duration sender_retention = kDeadlineMax + std::chrono::seconds(30);
};

enum class BusyCause : std::uint8_t {
    no_session,
    senders,
    ids,
    open,
    queue,
    replies,
    order,
    leaving,
    payloads,
    count_
};
inline constexpr std::size_t kBusyCauses = static_cast<std::size_t>(BusyCause::count_);
std::string_view name(BusyCause cause);

struct InboxCounters {
    std::array<std::uint64_t, kBusyCauses> busy{};
    std::uint64_t accepted = 0;
    std::uint64_t handed_over = 0;
    std::uint64_t answered = 0;
    std::uint64_t no_handler = 0;
    std::uint64_t too_large = 0;
    std::uint64_t repeated_answered = 0;  // Known, and its outcome said again.
    std::uint64_t repeated_open = 0;      // Known, and not answered yet.
    std::uint64_t repeated_settled = 0;   // The sender itself had said that it would not come again.
    std::uint64_t unsure = 0;             // Came again after what is known of its first coming was forgotten.
    std::uint64_t out_of_order = 0;       // Older than what its lane has taken.
    std::uint64_t late_waiting = 0;       // Deadlines of messages that no handler saw.
    std::uint64_t late_running = 0;
    std::uint64_t late_answers = 0;
    std::uint64_t oversized_replies = 0;
    std::uint64_t sessions_refused = 0;
    [[nodiscard]] std::uint64_t operator[](BusyCause cause) const { return busy[static_cast<std::size_t>(cause)]; }
    friend bool operator==(const InboxCounters&, const InboxCounters&) = default;
};

}  // namespace grapevine::delivery
