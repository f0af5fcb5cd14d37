#include "stack/byte_streams.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace grapevine::stack {

namespace {

// On the wire: the library's own codes are below the application's.
constexpr std::uint64_t kGivenUp = 0;
constexpr std::uint64_t kLeaving = 1;
constexpr std::uint64_t kApplication = 16;

std::uint32_t code_of(std::uint64_t wire_code) {
    const std::uint64_t code = wire_code < kApplication ? 0 : wire_code - kApplication;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(code, std::numeric_limits<std::uint32_t>::max()));
}

StreamEnding ending_of(std::uint64_t wire_code) {
    return wire_code == kLeaving ? StreamEnding::leaving : StreamEnding::reset;
}

base::Result<std::size_t> no_stream(std::string_view rule) {
    return base::fail(base::ErrorCode::not_found, "stream: " + std::string(rule));
}

}  // namespace

ByteStreams::Carriers::iterator ByteStreams::find(const ByteStreamRef& stream) {
    const auto key = by_ref_.find(stream);
    return key == by_ref_.end() ? carriers_.end() : carriers_.find(key->second);
}

bool ByteStreams::is_open(const ByteStreamRef& stream) const {
    const auto key = by_ref_.find(stream);
    return key != by_ref_.end() && carriers_.at(key->second).state == State::open;
}

ByteStreams::Carrier& ByteStreams::add(const Key& key, const base::EndpointId& peer, StreamSide side) {
    Carrier& carrier = carriers_[key];
    carrier.peer = peer;
    carrier.side = side;
    carrier.life = telemetry::Life(ledger_, telemetry::Kind::byte_stream);
    return carrier;
}

void ByteStreams::set_due(const Key& key, Carrier& carrier, std::optional<base::TimePoint> due) {
    if (carrier.due) due_.erase({*carrier.due, key});
    carrier.due = due;
    if (due) due_.emplace(*due, key);
}

wire::Outcome ByteStreams::busy(delivery::MessageSequence message) {
    return {message, wire::OutcomeCode::busy, base::to_bytes("too many streams"), {}, {}};
}

void ByteStreams::open(const base::EndpointId& peer, std::optional<quic::ConnectionRef> session,
                       const wire::OpenStream& frame, DeliveryEffects& out) {
    if (!session) return;
    if (live_ >= kByteStreamsMax) {
        ++counters_.busy_all;
        out.emplace_back(DeliveryCame{peer, busy(frame.sequence)});
        return;
    }
    const auto stream = endpoint_.open_stream(*session, quic::Direction::bidirectional);
    if (!stream) {
        ++counters_.no_credit;
        out.emplace_back(DeliveryCame{peer, busy(frame.sequence)});
        return;
    }
    const Key key{*session, *stream};
    Carrier& carrier = add(key, peer, StreamSide::ours);
    carrier.state = State::asked;
    carrier.sequence = frame.sequence;
    carrier.ref = ref_of(frame.sequence);
    by_ref_[*carrier.ref] = key;
    ++live_;
    out.emplace_back(DeliveryRetained{*session});
    // A fresh stream has room for a frame of this size.
    (void)endpoint_.write(*session, *stream, wire::encode(frame), false);
}

// Rule 2.
void ByteStreams::on_finished(delivery::MessageSequence message, delivery::Ending ending, DeliveryEffects& out) {
    const auto it = find(ref_of(message));
    if (it == carriers_.end()) return;
    if (ending != delivery::Ending::acknowledged) {
        end(it, StreamEnding::reset_here, 0, out);
        return abandon(it->first, kGivenUp);
    }
    Carrier& carrier = it->second;
    ++counters_.opened;
    carrier.state = State::open;
    base::Bytes rest = carrier.reader.take_rest();
    endpoint_.consume(it->first.first, it->first.second, carrier.unconsumed - rest.size());
    carrier.unconsumed = 0;
    if (!rest.empty() || carrier.fin_in) pass_on(carrier, std::move(rest), out);
}

void ByteStreams::adopt(const base::EndpointId& peer, quic::ConnectionRef connection, quic::StreamRef stream,
                        base::TimePoint now) {
    const Key key{connection, stream};
    set_due(key, add(key, peer, StreamSide::theirs), now + kStreamHeadMax);
}

void ByteStreams::on_handle(const delivery::Handle& handle) {
    handles_.insert(handle.handle);
    const auto asked = asked_.find({handle.from, handle.message.sequence});
    if (asked == asked_.end()) return;
    const ByteStreamRef ref = ref_of(handle.handle);
    carriers_.at(asked->second).ref = ref;
    by_ref_[ref] = asked->second;
}

bool ByteStreams::take(const base::EndpointId& peer, delivery::MessageSequence message, const ByteStreamRef& ref,
                       DeliveryEffects& out) {
    const auto asked = asked_.find({peer, message});
    if (asked == asked_.end()) return false;
    carriers_.at(asked->second).ref = ref;
    by_ref_[ref] = asked->second;
    return say(peer, {message, wire::OutcomeCode::acknowledged, {}, {}, {}}, out);
}

void ByteStreams::on_late(delivery::HandleId handle) {
    handles_.erase(handle);
    by_ref_.erase(ref_of(handle));
}

bool ByteStreams::say(const base::EndpointId& peer, const wire::Outcome& outcome, DeliveryEffects& out) {
    const auto asked = asked_.find({peer, outcome.sequence});
    if (asked == asked_.end()) return false;
    const auto it = carriers_.find(asked->second);
    asked_.erase(asked);
    answer(it->first, outcome);
    if (outcome.code == wire::OutcomeCode::acknowledged) {
        ++counters_.accepted;
        it->second.state = State::open;
        set_due(it->first, it->second, {});
    } else {
        end(it, StreamEnding::reset_here, 0, out);
    }
    return true;
}

// The last words where it is no acknowledgement.
void ByteStreams::answer(const Key& key, const wire::Outcome& outcome) {
    const bool is_last = outcome.code != wire::OutcomeCode::acknowledged;
    (void)endpoint_.write(key.first, key.second, wire::encode(outcome), is_last);
    if (is_last) endpoint_.stop_sending(key.first, key.second, kGivenUp);
}

void ByteStreams::on_answered(delivery::HandleId handle, delivery::Verdict verdict, DeliveryEffects& out) {
    if (handles_.erase(handle) == 0) return;
    const ByteStreamRef ref = ref_of(handle);
    if (verdict != delivery::Verdict::done || is_open(ref)) return;
    if (const auto it = find(ref); it != carriers_.end()) {
        end(it, StreamEnding::lost, 0, out);
        abandon(it->first, kGivenUp);
    }
    ++counters_.lost;
    out.emplace_back(ByteStreamEvent(StreamOver{ref, StreamEnding::lost, 0}));
}

base::Result<std::size_t> ByteStreams::write(const ByteStreamRef& stream, base::ByteView data, node::Last last) {
    const auto it = find(stream);
    if (it == carriers_.end() || it->second.state != State::open) return no_stream("it is not open");
    if (it->second.stopped) return no_stream("the peer takes no more");
    auto taken = endpoint_.write(it->first.first, it->first.second, data, last == node::Last::yes);
    if (!taken) return no_stream("it was finished");
    counters_.bytes_sent += *taken;
    return taken;
}

void ByteStreams::consume(const ByteStreamRef& stream, std::size_t bytes) {
    const auto it = find(stream);
    if (it == carriers_.end()) return;
    Carrier& carrier = it->second;
    const std::size_t credit = std::min(bytes, carrier.unconsumed);
    carrier.unconsumed -= credit;
    endpoint_.consume(it->first.first, it->first.second, credit);
}

void ByteStreams::reset(const ByteStreamRef& stream, std::uint32_t code, DeliveryEffects& out) {
    const auto it = find(stream);
    if (it == carriers_.end() || it->second.state != State::open) return;
    end(it, StreamEnding::reset_here, code, out);
    abandon(it->first, kApplication + code);
}

void ByteStreams::leave(DeliveryEffects& out) {
    for (auto it = carriers_.begin(); it != carriers_.end(); ++it) {
        if (it->second.state != State::open) continue;
        end(it, StreamEnding::leaving, 0, out);
        abandon(it->first, kLeaving);
    }
}

void ByteStreams::end(Carriers::iterator it, StreamEnding ending, std::uint32_t code, DeliveryEffects& out) {
    Carrier& carrier = it->second;
    const State before = std::exchange(carrier.state, State::over);
    set_due(it->first, carrier, {});
    if (carrier.ref) by_ref_.erase(*carrier.ref);
    endpoint_.consume(it->first.first, it->first.second, std::exchange(carrier.unconsumed, 0));
    if (before == State::reading || before == State::over) return;
    --live_;
    if (carrier.side == StreamSide::theirs) {
        asked_.erase({carrier.peer, carrier.sequence});
        if (--of_peer_.at(carrier.peer) == 0) of_peer_.erase(carrier.peer);
    }
    if (before != State::open) return;
    auto& count = ending == StreamEnding::finished ? counters_.finished
                  : ending == StreamEnding::lost   ? counters_.lost
                                                   : counters_.reset;
    ++count;
    out.emplace_back(ByteStreamEvent(StreamOver{*carrier.ref, ending, code}));
}

void ByteStreams::abandon(const Key& key, std::uint64_t code) {
    endpoint_.reset_stream(key.first, key.second, code);
    endpoint_.stop_sending(key.first, key.second, code);
}

void ByteStreams::violate(Carriers::iterator it, std::string_view rule, DeliveryEffects& out) {
    ++counters_.violations;
    out.emplace_back(DeliveryViolation{it->first.first, std::string(rule)});
}

void ByteStreams::on_stream_data(const quic::StreamData& event, base::TimePoint now, DeliveryEffects& out) {
    const auto it = carriers_.find({event.connection, event.stream});
    if (it == carriers_.end()) return;
    Carrier& carrier = it->second;
    carrier.fin_in = carrier.fin_in || event.fin;
    counters_.bytes_received += event.data.size();
    switch (carrier.state) {
        case State::over: return endpoint_.consume(event.connection, event.stream, event.data.size());
        case State::open: return pass_on(carrier, event.data, out);
        case State::reading:
        case State::asked: break;
    }
    carrier.reader.feed(event.data);
    carrier.unconsumed += event.data.size();
    if (carrier.side == StreamSide::ours) return read_answer(it, out);
    if (carrier.state == State::asked && (event.fin || !event.data.empty()))
        return violate(it, "a stream went on before it was taken", out);
    read_question(it, now, out);
}

void ByteStreams::pass_on(Carrier& carrier, base::Bytes data, DeliveryEffects& out) {
    carrier.unconsumed += data.size();
    out.emplace_back(ByteStreamEvent(StreamBytes{*carrier.ref, std::move(data), carrier.fin_in}));
}

// Rules 1 and 5.
void ByteStreams::read_question(Carriers::iterator it, base::TimePoint now, DeliveryEffects& out) {
    Carrier& carrier = it->second;
    auto frame = carrier.reader.next();
    if (!frame) return violate(it, frame.error().message, out);
    auto* open = *frame ? std::get_if<wire::OpenStream>(&**frame) : nullptr;
    const bool went_on = carrier.fin_in || (open != nullptr && !carrier.reader.at_boundary());
    if (went_on) return violate(it, "a stream went on before it was taken", out);
    if (open == nullptr) return;
    endpoint_.consume(it->first.first, it->first.second, std::exchange(carrier.unconsumed, 0));
    if (asked_.contains({carrier.peer, open->sequence})) return violate(it, "a stream was asked for twice", out);
    if (is_full(carrier.peer)) {
        answer(it->first, busy(open->sequence));
        return end(it, StreamEnding::reset_here, 0, out);
    }
    carrier.state = State::asked;
    carrier.sequence = open->sequence;
    asked_[{carrier.peer, open->sequence}] = it->first;
    ++of_peer_[carrier.peer];
    ++live_;
    set_due(it->first, carrier, now + kStreamAnswerMax);
    out.emplace_back(DeliveryCame{carrier.peer, std::move(*open)});
}

bool ByteStreams::is_full(const base::EndpointId& peer) {
    const auto found = of_peer_.find(peer);
    const bool peer_full = found != of_peer_.end() && found->second >= kByteStreamsOfPeer;
    const bool all_full = live_ >= kByteStreamsMax;
    if (peer_full) ++counters_.busy_peer;
    if (!peer_full && all_full) ++counters_.busy_all;
    return peer_full || all_full;
}

// What follows an acknowledgement waits in the reader until the outbox has said that the stream is open.
void ByteStreams::read_answer(Carriers::iterator it, DeliveryEffects& out) {
    Carrier& carrier = it->second;
    if (carrier.ref == std::nullopt) return;
    auto frame = carrier.reader.next();
    if (!frame) return violate(it, frame.error().message, out);
    if (!*frame) return carrier.fin_in ? violate(it, "a stream ended without an outcome", out) : void();
    const auto* outcome = std::get_if<wire::Outcome>(&**frame);
    if (outcome == nullptr || outcome->sequence != carrier.sequence)
        return violate(it, "a stream was answered by something else", out);
    const base::EndpointId peer = carrier.peer;
    if (outcome->code != wire::OutcomeCode::acknowledged) {
        end(it, StreamEnding::reset_here, 0, out);
        abandon(it->first, kGivenUp);
    }
    out.emplace_back(DeliveryCame{peer, std::move(**frame)});
}

void ByteStreams::on_writable(quic::ConnectionRef connection, quic::StreamRef stream, DeliveryEffects& out) {
    const auto it = carriers_.find({connection, stream});
    if (it != carriers_.end() && it->second.state == State::open)
        out.emplace_back(ByteStreamEvent(StreamRoom{*it->second.ref}));
}

void ByteStreams::on_reset(const quic::StreamReset& event, DeliveryEffects& out) {
    const auto it = carriers_.find({event.connection, event.stream});
    if (it == carriers_.end() || it->second.state == State::over) return;
    it->second.unconsumed = 0;  // QUIC has given the credit back.
    const bool unanswered = it->second.side == StreamSide::ours && it->second.state == State::asked;
    if (unanswered) return violate(it, "a stream ended without an outcome", out);
    end(it, ending_of(event.code), code_of(event.code), out);
    endpoint_.reset_stream(event.connection, event.stream, kGivenUp);
}

// Of our own kind, a peer that stops also resets, and that tells more.
void ByteStreams::on_stopped(const quic::StreamStopped& event, DeliveryEffects&) {
    const auto it = carriers_.find({event.connection, event.stream});
    if (it == carriers_.end()) return;
    it->second.stopped = event.code;
    endpoint_.reset_stream(event.connection, event.stream, event.code);
}

void ByteStreams::on_closed(quic::ConnectionRef connection, quic::StreamRef stream, DeliveryEffects& out) {
    const auto it = carriers_.find({connection, stream});
    if (it == carriers_.end()) return;
    const auto& stopped = it->second.stopped;
    end(it, stopped ? ending_of(*stopped) : StreamEnding::finished, stopped ? code_of(*stopped) : 0, out);
    carriers_.erase(it);
    out.emplace_back(DeliveryReleased{connection});
}

void ByteStreams::on_session_end(quic::ConnectionRef connection, DeliveryEffects& out) {
    auto it = carriers_.lower_bound({connection, quic::StreamRef{std::numeric_limits<std::int64_t>::min()}});
    while (it != carriers_.end() && it->first.first == connection) {
        end(it, StreamEnding::lost, 0, out);
        it = carriers_.erase(it);
    }
}

// Rule 6.
void ByteStreams::on_deadline(base::TimePoint now, DeliveryEffects& out) {
    while (!due_.empty() && due_.begin()->first <= now) {
        const auto it = carriers_.find(due_.begin()->second);
        ++counters_.timeouts;
        end(it, StreamEnding::reset_here, 0, out);
        abandon(it->first, kGivenUp);
    }
}

std::optional<base::TimePoint> ByteStreams::next_deadline() const {
    if (due_.empty()) return std::nullopt;
    return due_.begin()->first;
}

}  // namespace grapevine::stack
