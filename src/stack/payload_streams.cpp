#include "stack/payload_streams.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "stack/byte_streams.hpp"

namespace grapevine::stack {

namespace {

constexpr std::uint64_t kGivenUp = 0;

}  // namespace

PayloadStreams::Carrier& PayloadStreams::add(const Key& key, const base::EndpointId& peer) {
    Carrier& carrier = carriers_[key];
    carrier.peer = peer;
    carrier.life = telemetry::Life(ledger_, telemetry::Kind::byte_stream);
    return carrier;
}

void PayloadStreams::set_due(const Key& key, Carrier& carrier, std::optional<base::TimePoint> due) {
    if (carrier.due) due_.erase({*carrier.due, key});
    carrier.due = due;
    if (due) due_.emplace(*due, key);
}

// Rule 2.
void PayloadStreams::send(const base::EndpointId& peer, std::optional<quic::ConnectionRef> session,
                          wire::DeliverLarge frame, DeliveryEffects& out) {
    if (!session) return;
    Line& line = lines_[*session];
    line.peer = peer;
    line.waiting.push_back(std::move(frame));
    start_next(*session, out);
}

void PayloadStreams::start_next(quic::ConnectionRef connection, DeliveryEffects& out) {
    const auto found = lines_.find(connection);
    if (found == lines_.end()) return;
    Line& line = found->second;
    while (line.writing < kPayloadsAtOnce && !line.waiting.empty()) {
        const wire::DeliverLarge frame = std::move(line.waiting.front());
        line.waiting.pop_front();
        start(connection, line, frame, out);
    }
    if (line.writing == 0 && line.waiting.empty()) lines_.erase(found);
}

void PayloadStreams::start(quic::ConnectionRef connection, Line& line, const wire::DeliverLarge& frame,
                           DeliveryEffects& out) {
    if (source_(frame.message.sequence).size() != frame.size) return;  // It has ended meanwhile.
    const auto stream = endpoint_.open_stream(connection, quic::Direction::bidirectional);
    if (!stream) {
        ++counters_.no_credit;
        out.emplace_back(
            DeliveryCame{line.peer, wire::Outcome{frame.message.sequence, wire::OutcomeCode::busy, {}, {}, {}}});
        return;
    }
    const Key key{connection, *stream};
    Carrier& carrier = add(key, line.peer);
    carrier.ours = true;
    carrier.state = State::writing;
    carrier.message = frame.message.sequence;
    carrier.size = frame.size;
    ours_[carrier.message] = key;
    ++line.writing;
    out.emplace_back(DeliveryRetained{connection});
    // A fresh stream has room for a frame of this size.
    (void)endpoint_.write(connection, *stream, wire::encode(frame), false);
    push(carriers_.find(key), out);
}

void PayloadStreams::push(Carriers::iterator it, DeliveryEffects& out) {
    Carrier& carrier = it->second;
    const base::ByteView payload = source_(carrier.message);
    if (carrier.state != State::writing || payload.size() != carrier.size) return;
    const auto taken = endpoint_.write(it->first.first, it->first.second, payload.subspan(carrier.written), true);
    if (!taken) return;
    carrier.written += *taken;
    counters_.bytes_sent += *taken;
    if (carrier.written < carrier.size) return;
    ++counters_.sent;
    carrier.state = State::waiting;
    out.emplace_back(PayloadWritten{it->first.first});
}

void PayloadStreams::on_finished(delivery::MessageSequence message, DeliveryEffects& out) {
    const auto ours = ours_.find(message);
    if (ours == ours_.end()) return;
    const auto it = carriers_.find(ours->second);
    end(it, out);
    abandon(it->first);
}

void PayloadStreams::end(Carriers::iterator it, DeliveryEffects& out) {
    Carrier& carrier = it->second;
    const State before = std::exchange(carrier.state, State::over);
    set_due(it->first, carrier, {});
    carrier.payload = {};
    if (before == State::over) return;
    const auto same = [&](const auto& found, const auto& map) {
        return found != map.end() && found->second == it->first;
    };
    if (const auto ours = ours_.find(carrier.message); carrier.ours && same(ours, ours_)) ours_.erase(ours);
    const auto asked = asked_.find({carrier.peer, carrier.message});
    if (!carrier.ours && same(asked, asked_)) asked_.erase(asked);
    if (before == State::writing) out.emplace_back(PayloadWritten{it->first.first});
}

void PayloadStreams::abandon(const Key& key) {
    endpoint_.reset_stream(key.first, key.second, kGivenUp);
    endpoint_.stop_sending(key.first, key.second, kGivenUp);
}

void PayloadStreams::violate(Carriers::iterator it, std::string_view rule, DeliveryEffects& out) {
    ++counters_.violations;
    out.emplace_back(DeliveryViolation{it->first.first, std::string(rule)});
}

void PayloadStreams::on_written(quic::ConnectionRef connection, DeliveryEffects& out) {
    const auto line = lines_.find(connection);
    if (line == lines_.end()) return;
    --line->second.writing;
    start_next(connection, out);
}

void PayloadStreams::adopt(const base::EndpointId& peer, quic::ConnectionRef connection, quic::StreamRef stream,
                           base::TimePoint now) {
    const Key key{connection, stream};
    set_due(key, add(key, peer), now + kStreamHeadMax);
}

void PayloadStreams::on_stream_data(const quic::StreamData& event, base::TimePoint now, DeliveryEffects& out) {
    const auto it = carriers_.find({event.connection, event.stream});
    if (it == carriers_.end()) return;
    endpoint_.consume(event.connection, event.stream, event.data.size());
    Carrier& carrier = it->second;
    if (!carrier.ours) counters_.bytes_received += event.data.size();
    switch (carrier.state) {
        case State::over: return;
        case State::reading:
            carrier.reader.feed(event.data);
            carrier.fin_in = event.fin;
            return read_announcement(it, now, out);
        case State::asked:  // Rule 3.
            return endpoint_.stop_sending(event.connection, event.stream, kGivenUp);
        case State::receiving: return receive(it, event.data, event.fin, out);
        case State::writing:
        case State::waiting: break;
    }
    if (!carrier.ours) {
        if (!event.data.empty()) violate(it, "a payload is longer than it was announced", out);
        return;
    }
    carrier.reader.feed(event.data);
    carrier.fin_in = event.fin;
    read_outcome(it, out);
}

void PayloadStreams::read_announcement(Carriers::iterator it, base::TimePoint now, DeliveryEffects& out) {
    Carrier& carrier = it->second;
    auto frame = carrier.reader.next();
    if (!frame) return violate(it, frame.error().message, out);
    if (!*frame) return carrier.fin_in ? violate(it, "a payload was not announced", out) : void();
    auto& large = std::get<wire::DeliverLarge>(**frame);
    const auto asked = asked_.find({carrier.peer, large.message.sequence});
    if (asked != asked_.end()) {
        if (asked->second.first == it->first.first) return violate(it, "a payload was announced twice", out);
        const auto older = carriers_.find(asked->second);  // Of a session that is gone for its sender.
        end(older, out);
        abandon(older->first);
    }
    carrier.state = State::asked;
    carrier.message = large.message.sequence;
    carrier.size = large.size;
    asked_[{carrier.peer, carrier.message}] = it->first;
    set_due(it->first, carrier, now + kStreamAnswerMax);
    out.emplace_back(DeliveryCame{carrier.peer, std::move(**frame)});
    out.emplace_back(PayloadJudged{it->first.first, it->first.second});
}

void PayloadStreams::take(const delivery::TakePayload& wanted, DeliveryEffects& out) {
    const auto asked = asked_.find({wanted.peer, wanted.message});
    if (asked == asked_.end()) return;
    const auto it = carriers_.find(asked->second);
    Carrier& carrier = it->second;
    if (carrier.state != State::asked) return;
    if (carrier.size != wanted.size) return violate(it, "a payload was announced again in another size", out);
    carrier.state = State::receiving;
    const base::Bytes rest = carrier.reader.take_rest();
    receive(it, rest, carrier.fin_in, out);
}

// Rule 3: what nobody asked for is let go.
void PayloadStreams::on_judged(quic::ConnectionRef connection, quic::StreamRef stream) {
    const auto it = carriers_.find({connection, stream});
    if (it == carriers_.end() || it->second.state != State::asked) return;
    ++counters_.not_wanted;
    (void)it->second.reader.take_rest();
    endpoint_.stop_sending(connection, stream, kGivenUp);
}

void PayloadStreams::receive(Carriers::iterator it, base::ByteView data, bool fin, DeliveryEffects& out) {
    Carrier& carrier = it->second;
    if (data.size() > carrier.size - carrier.payload.size())
        return violate(it, "a payload is longer than it was announced", out);
    carrier.payload.insert(carrier.payload.end(), data.begin(), data.end());
    if (carrier.payload.size() < carrier.size)
        return fin ? violate(it, "a payload is shorter than it was announced", out) : void();
    ++counters_.received;
    carrier.state = State::waiting;
    out.emplace_back(PayloadCame{carrier.peer, carrier.message, std::exchange(carrier.payload, {})});
}

bool PayloadStreams::say(const base::EndpointId& peer, const wire::Outcome& outcome, DeliveryEffects& out) {
    const auto asked = asked_.find({peer, outcome.sequence});
    if (asked == asked_.end()) return false;
    const auto it = carriers_.find(asked->second);
    const auto [connection, stream] = it->first;
    const bool whole = it->second.state == State::waiting;
    // Of at most kDeliverPayloadMax on a stream on which nothing was written: there is room.
    (void)endpoint_.write(connection, stream, wire::encode(outcome), true);
    if (!whole) endpoint_.stop_sending(connection, stream, kGivenUp);
    end(it, out);
    return true;
}

void PayloadStreams::read_outcome(Carriers::iterator it, DeliveryEffects& out) {
    Carrier& carrier = it->second;
    auto frame = carrier.reader.next();
    if (!frame) return violate(it, frame.error().message, out);
    if (!*frame) return carrier.fin_in ? violate(it, "a payload's stream ended without an outcome", out) : void();
    const auto* outcome = std::get_if<wire::Outcome>(&**frame);
    if (outcome == nullptr || outcome->sequence != carrier.message || !carrier.reader.at_boundary())
        return violate(it, "a payload was answered by something else", out);
    const base::EndpointId peer = carrier.peer;
    const bool whole = carrier.state == State::waiting;
    end(it, out);
    if (!whole) abandon(it->first);
    out.emplace_back(DeliveryCame{peer, std::move(**frame)});
}

void PayloadStreams::on_writable(quic::ConnectionRef connection, quic::StreamRef stream, DeliveryEffects& out) {
    const auto it = carriers_.find({connection, stream});
    if (it != carriers_.end()) push(it, out);
}

void PayloadStreams::on_reset(const quic::StreamReset& event, DeliveryEffects& out) {
    const auto it = carriers_.find({event.connection, event.stream});
    if (it == carriers_.end() || it->second.state == State::over) return;
    if (it->second.ours) return violate(it, "a payload's stream ended without an outcome", out);
    end(it, out);
    endpoint_.reset_stream(event.connection, event.stream, kGivenUp);
}

// The receiver wants no more of it; its outcome follows.
void PayloadStreams::on_stopped(const quic::StreamStopped& event, DeliveryEffects& out) {
    const auto it = carriers_.find({event.connection, event.stream});
    if (it == carriers_.end()) return;
    endpoint_.reset_stream(event.connection, event.stream, event.code);
    if (it->second.state != State::writing) return;
    it->second.state = State::waiting;
    out.emplace_back(PayloadWritten{event.connection});
}

void PayloadStreams::on_closed(quic::ConnectionRef connection, quic::StreamRef stream, DeliveryEffects& out) {
    const auto it = carriers_.find({connection, stream});
    if (it == carriers_.end()) return;
    end(it, out);
    carriers_.erase(it);
    out.emplace_back(DeliveryReleased{connection});
}

void PayloadStreams::on_session_end(quic::ConnectionRef connection, DeliveryEffects& out) {
    lines_.erase(connection);
    auto it = carriers_.lower_bound({connection, quic::StreamRef{std::numeric_limits<std::int64_t>::min()}});
    while (it != carriers_.end() && it->first.first == connection) {
        end(it, out);
        it = carriers_.erase(it);
    }
}

// Rule 5.
void PayloadStreams::on_deadline(base::TimePoint now, DeliveryEffects& out) {
    while (!due_.empty() && due_.begin()->first <= now) {
        const auto it = carriers_.find(due_.begin()->second);
        ++counters_.timeouts;
        end(it, out);
        abandon(it->first);
    }
}

std::optional<base::TimePoint> PayloadStreams::next_deadline() const {
    if (due_.empty()) return std::nullopt;
    return due_.begin()->first;
}

}  // namespace grapevine::stack
