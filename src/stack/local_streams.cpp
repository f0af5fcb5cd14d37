#include "stack/local_streams.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "stack/byte_streams.hpp"

namespace grapevine::stack {

void LocalStreams::on_handle(const delivery::Handle& handle) {
    handles_.insert(handle.handle);
    const delivery::MessageSequence message = handle.message.sequence;
    if (pipes_.size() >= kByteStreamsMax) return;
    Pipe& pipe = pipes_[message];
    pipe.life = telemetry::Life(ledger_, telemetry::Kind::byte_stream);
    pipe.ends[0].ref = ByteStreams::ref_of(message);
    pipe.ends[1].ref = ByteStreams::ref_of(handle.handle);
    for (const End& end : pipe.ends)
        ends_[end.ref] = message;
}

void LocalStreams::on_finished(delivery::MessageSequence message, delivery::Ending ending, DeliveryEffects&) {
    const auto found = pipes_.find(message);
    if (found == pipes_.end()) return;
    if (ending == delivery::Ending::acknowledged)
        found->second.open = true;
    else
        forget(message);
}

void LocalStreams::on_answered(delivery::HandleId handle, delivery::Verdict verdict, DeliveryEffects& out) {
    if (handles_.erase(handle) == 0 || verdict != delivery::Verdict::done) return;
    const ByteStreamRef ref = ByteStreams::ref_of(handle);
    if (!find(ref)) out.emplace_back(ByteStreamEvent(StreamOver{ref, StreamEnding::lost, 0}));
}

std::optional<LocalStreams::Place> LocalStreams::find(const ByteStreamRef& stream) {
    const auto message = ends_.find(stream);
    if (message == ends_.end()) return std::nullopt;
    Pipe& pipe = pipes_.at(message->second);
    if (!pipe.open) return std::nullopt;
    const std::size_t own = pipe.ends[0].ref == stream ? 0 : 1;
    return Place{&pipe, &pipe.ends[own], &pipe.ends[1 - own]};
}

base::Result<std::size_t> LocalStreams::write(const ByteStreamRef& stream, base::ByteView data, node::Last last,
                                              DeliveryEffects& out) {
    const auto place = find(stream);
    if (!place || place->own->finished)
        return base::fail(base::ErrorCode::not_found, "stream: it is not open, or was finished");
    End& other = *place->other;
    const std::size_t taken = std::min(data.size(), kLocalWindow - std::min(kLocalWindow, other.unconsumed));
    const bool all = taken == data.size();
    if (!all) place->own->wants_room = true;
    if (all && last == node::Last::yes) place->own->finished = true;
    other.unconsumed += taken;
    if (taken > 0 || place->own->finished)
        out.emplace_back(ByteStreamEvent(StreamBytes{
            other.ref, {data.begin(), data.begin() + static_cast<std::ptrdiff_t>(taken)}, place->own->finished}));
    const StreamOver over{{}, StreamEnding::finished, 0};
    if (place->own->finished && other.finished) end(*place->pipe, stream, over, over, out);
    return taken;
}

void LocalStreams::consume(const ByteStreamRef& stream, std::size_t bytes, DeliveryEffects& out) {
    const auto place = find(stream);
    if (!place) return;
    place->own->unconsumed -= std::min(bytes, place->own->unconsumed);
    if (place->own->unconsumed <= kLocalWindow / 2 && std::exchange(place->other->wants_room, false))
        out.emplace_back(ByteStreamEvent(StreamRoom{place->other->ref}));
}

void LocalStreams::reset(const ByteStreamRef& stream, std::uint32_t code, DeliveryEffects& out) {
    const auto place = find(stream);
    if (!place) return;
    end(*place->pipe, stream, {{}, StreamEnding::reset_here, code}, {{}, StreamEnding::reset, code}, out);
}

void LocalStreams::leave(DeliveryEffects& out) {
    std::vector<ByteStreamRef> open;
    for (const auto& [message, pipe] : pipes_)
        if (pipe.open) open.push_back(pipe.ends[0].ref);
    const StreamOver over{{}, StreamEnding::leaving, 0};
    for (const ByteStreamRef& ref : open)
        end(*find(ref)->pipe, ref, over, over, out);
}

void LocalStreams::end(Pipe& pipe, const ByteStreamRef& first, const StreamOver& how, const StreamOver& how_other,
                       DeliveryEffects& out) {
    for (const End& end : pipe.ends) {
        StreamOver over = end.ref == first ? how : how_other;
        over.stream = end.ref;
        out.emplace_back(ByteStreamEvent(over));
    }
    forget(ends_.at(first));
}

void LocalStreams::forget(delivery::MessageSequence message) {
    const auto found = pipes_.find(message);
    for (const End& end : found->second.ends)
        ends_.erase(end.ref);
    pipes_.erase(found);
}

}  // namespace grapevine::stack
