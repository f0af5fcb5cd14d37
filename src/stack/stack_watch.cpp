// Streams of the node itself, between its byte streams and the node; and watching as callers see it.

#include <string>
#include <utility>

#include "base/overloaded.hpp"
#include "stack/stack_impl.hpp"

namespace grapevine::stack {

using base::Overloaded;

namespace {

// Peers' streams are named by handles of the inbox, which counts from 1: those of the node have this bit.
constexpr std::uint64_t kNodesOwn = std::uint64_t{1} << 63U;

ByteStreamRef ref_of(const node::OwnStream& stream) {
    if (stream.opener == node::StreamOpener::us) return {StreamSide::ours, stream.value};
    return {StreamSide::theirs, stream.value | kNodesOwn};
}

node::OwnStream stream_of(const ByteStreamRef& ref) {
    if (ref.side == StreamSide::ours) return {node::StreamOpener::us, ref.value};
    return {node::StreamOpener::them, ref.value & ~kNodesOwn};
}

std::string cause_of_end(const StreamOver& over) {
    switch (over.ending) {
        case StreamEnding::finished: return "finished";
        case StreamEnding::reset: return "reset by the peer, code " + std::to_string(over.code);
        case StreamEnding::reset_here: return "reset here";
        case StreamEnding::lost: return "its session was lost";
        case StreamEnding::leaving: break;
    }
    return "the peer leaves";
}

}  // namespace

void Stack::Impl::end_own_stream(const node::OwnStream& stream, std::string_view why, base::TimePoint now) {
    own_streams_.erase(ref_of(stream));
    drive(now, [&](node::Effects& out) { node_.on_stream_over(stream, why, now, out); });
}

void Stack::Impl::carry(const node::TakeStream& taken, base::TimePoint now, DeliveryEffects& out) {
    const ByteStreamRef ref = ref_of(taken.stream);
    own_streams_.insert(ref);
    if (!byte_streams_.take(taken.peer, taken.message, ref, out)) end_own_stream(taken.stream, "gone", now);
}

void Stack::Impl::carry(const node::StreamDecided& decided, base::TimePoint now, DeliveryEffects& out) {
    const ByteStreamRef ref = ref_of(decided.stream);
    const bool open = decided.fate == node::StreamFate::open;
    if (open) own_streams_.insert(ref);
    byte_streams_.on_finished(delivery::MessageSequence{decided.stream.value},
                              open ? delivery::Ending::acknowledged : delivery::Ending::cancelled, out);
    if (open && !byte_streams_.is_open(ref)) end_own_stream(decided.stream, "its session was lost", now);
}

// A stream that takes nothing more for ever is over.
void Stack::Impl::carry(node::SayOnStream& said, base::TimePoint now, DeliveryEffects& out) {
    const ByteStreamRef ref = ref_of(said.stream);
    const auto taken = byte_streams_.write(ref, said.data, node::Last::no);
    if (!taken) {
        end_own_stream(said.stream, taken.error().message, now);
        return byte_streams_.reset(ref, 0, out);
    }
    said.data.erase(said.data.begin(), said.data.begin() + static_cast<std::ptrdiff_t>(*taken));
    drive(now, [&](node::Effects& more) { node_.on_stream_taken(said.stream, std::move(said.data), now, more); });
}

void Stack::Impl::carry(const node::ResetStream& reset, DeliveryEffects& out) {
    byte_streams_.reset(ref_of(reset.stream), reset.code, out);
}

// What is not the node's is the application's.
void Stack::Impl::on_stream(ByteStreamEvent& event, base::TimePoint now, node::Effects& out) {
    const ByteStreamRef ref = std::visit([](const auto& e) { return e.stream; }, event);
    const node::OwnStream stream = stream_of(ref);
    const bool nodes_own = ref.side == StreamSide::theirs && (ref.value & kNodesOwn) != 0;
    if (!nodes_own && !own_streams_.contains(ref)) {
        events_.emplace_back(std::move(event));
        return;
    }
    std::visit(Overloaded{
                   [&](const StreamBytes& e) {
                       byte_streams_.consume(ref, e.data.size());
                       const node::Last last = e.fin ? node::Last::yes : node::Last::no;
                       node_.on_stream_bytes(stream, e.data, last, now, out);
                   },
                   [&](const StreamRoom&) { node_.on_stream_room(stream, now, out); },
                   [&](const StreamOver& e) {
                       own_streams_.erase(ref);
                       node_.on_stream_over(stream, cause_of_end(e), now, out);
                   },
               },
               event);
}

base::Status Stack::watch(std::string_view mesh, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    base::Status status;
    impl_->drive(now, [&](node::Effects& out) { status = impl_->node_.watch(mesh, now, out); });
    return status;
}

void Stack::unwatch(std::string_view mesh, base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->drive(now, [&](node::Effects& out) { impl_->node_.unwatch(mesh, now, out); });
}

base::Status Stack::watch_meshes(base::TimePoint now) {
    impl_->ledger_.set_now(now);
    base::Status status;
    impl_->drive(now, [&](node::Effects& out) { status = impl_->node_.watch_meshes(now, out); });
    return status;
}

void Stack::unwatch_meshes(base::TimePoint now) {
    impl_->ledger_.set_now(now);
    impl_->drive(now, [&](node::Effects& out) { impl_->node_.unwatch_meshes(now, out); });
}

std::vector<DirectoryRow> Stack::watched(std::string_view mesh, base::TimePoint now) const {
    return impl_->node_.watched(mesh, now);
}

std::vector<WatchSource> Stack::watch_sources() const {
    return impl_->node_.watch_sources();
}

std::vector<std::string> Stack::known_meshes() const {
    return impl_->node_.known_meshes();
}

}  // namespace grapevine::stack
