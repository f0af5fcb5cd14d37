// Streams by name as the application sees them: who listens to which, and what is paused.

#include <exception>
#include <optional>
#include <utility>

#include <grapevine/stream.hpp>

#include "base/encoding.hpp"
#include "base/overloaded.hpp"
#include "grapevine/convert.hpp"
#include "grapevine/mesh_part.hpp"
#include "io/node_views.hpp"

namespace grapevine {

namespace {

Error gone() {
    return {Error::Code::not_found, "stream: its node is gone"};
}

// Writes back what it is given, and takes no more than that.
class EchoListener final : public StreamListener {
public:
    void on_data(ByteStream stream, std::span<const std::uint8_t> data, bool fin) override {
        waiting_.insert(waiting_.end(), data.begin(), data.end());
        finished_ = finished_ || fin;
        push(stream);
    }
    void on_room(ByteStream stream) override { push(stream); }

private:
    void push(ByteStream& stream) {
        const auto taken = stream.write(waiting_);
        if (!taken) {
            return;
        }
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(*taken));
        if (!waiting_.empty()) {
            return stream.pause();
        }
        stream.resume();
        if (finished_) {
            static_cast<void>(stream.finish());
        }
    }

    std::vector<std::uint8_t> waiting_;  // At most a window, since it is paused while anything waits.
    bool finished_ = false;
};

}  // namespace

void StreamListener::on_open(ByteStream) {}
void StreamListener::on_data(ByteStream, std::span<const std::uint8_t>, bool) {}
void StreamListener::on_room(ByteStream) {}
void StreamListener::on_end(ByteStream, const StreamEnd&) {}

StreamHandler echo_streams() {
    return [](const IncomingStream&) { return std::make_unique<EchoListener>(); };
}

Result<std::size_t> ByteStream::write(std::span<const std::uint8_t> data) {
    const auto owner = owner_.lock();
    return owner ? (*owner)->write(*this, data, node::Last::no) : Result<std::size_t>(tl::unexpected(gone()));
}

Status ByteStream::finish() {
    const auto owner = owner_.lock();
    if (!owner) {
        return tl::unexpected(gone());
    }
    const auto written = (*owner)->write(*this, {}, node::Last::yes);
    return written ? Status{} : Status(tl::unexpected(written.error()));
}

void ByteStream::pause() {
    if (const auto owner = owner_.lock()) {
        (*owner)->pause(*this);
    }
}
void ByteStream::resume() {
    if (const auto owner = owner_.lock()) {
        (*owner)->resume(*this);
    }
}
void ByteStream::reset(std::uint32_t code) {
    if (const auto owner = owner_.lock()) {
        (*owner)->reset(*this, code);
    }
}

stack::ByteStreamRef MeshPart::ref_of(const ByteStream& stream) {
    const bool ours = stream.origin_ == ByteStream::Origin::ours;
    return {ours ? stack::StreamSide::ours : stack::StreamSide::theirs, stream.number_};
}

ByteStream MeshPart::value_of(const stack::ByteStreamRef& ref) const {
    const bool ours = ref.side == stack::StreamSide::ours;
    return {self_, ours ? ByteStream::Origin::ours : ByteStream::Origin::theirs, ref.value};
}

MeshPart::OpenStream* MeshPart::find(const ByteStream& stream) {
    const auto it = streams_.find(ref_of(stream));
    return it == streams_.end() ? nullptr : &it->second;
}

Result<std::size_t> MeshPart::write(const ByteStream& stream, std::span<const std::uint8_t> data, node::Last last) {
    auto taken = host_.stack().write(ref_of(stream), data, last, host_.now());
    host_.touch();
    return lift(std::move(taken));
}

void MeshPart::pause(const ByteStream& stream) {
    OpenStream* open = find(stream);
    if (open != nullptr && !open->paused) {
        open->paused = 0;
    }
}

void MeshPart::resume(const ByteStream& stream) {
    OpenStream* open = find(stream);
    if (open == nullptr || !open->paused) {
        return;
    }
    host_.stack().consume(ref_of(stream), *std::exchange(open->paused, std::nullopt), host_.now());
    host_.touch();
}

void MeshPart::reset(const ByteStream& stream, std::uint32_t code) {
    host_.stack().reset(ref_of(stream), code, host_.now());
    host_.touch();
}

Status MeshPart::open_stream(delivery::Submission submission, std::unique_ptr<StreamListener> listener,
                             DeliveryDone done) {
    const std::string name = submission.target.name;
    const auto id = host_.stack().submit(std::move(submission), host_.now());
    host_.touch();
    if (!id) {
        return tl::unexpected(lift(io::delivery_error(id.error(), name)));
    }
    deliveries_.emplace(id->sequence, std::move(done));
    opening_.emplace(id->sequence, std::move(listener));
    return {};
}

// After the application has heard how the message ended.
void MeshPart::open_ours(delivery::MessageSequence message, const Delivery& outcome) {
    auto opening = opening_.extract(message);
    if (opening.empty() || outcome.ending != Delivery::Ending::acknowledged) {
        return;
    }
    const stack::ByteStreamRef ref{stack::StreamSide::ours, message.value};
    StreamListener* listener = opening.mapped().get();
    streams_[ref].listener = std::move(opening.mapped());
    listener->on_open(value_of(ref));
}

Status MeshPart::serve_streams(const std::string& name, StreamHandler handler) {
    if (!handlers_.contains(name)) {  // Else its messages' bounds are the name's.
        if (auto status = serve(name, delivery::Service{}); !status) {
            return status;
        }
    }
    stream_handlers_[name] = std::move(handler);
    return {};
}

void MeshPart::take_stream(const delivery::Handle& asked) {
    auto handler = stream_handlers_.find(asked.name);
    if (handler == stream_handlers_.end()) {
        handler = stream_handlers_.find(std::string_view());
    }
    std::unique_ptr<StreamListener> listener;
    try {
        const StreamHandler chosen = handler == stream_handlers_.end() ? nullptr : handler->second;
        listener = chosen ? chosen({asked.from.hex(), asked.name, asked.time_left}) : nullptr;
    } catch (const std::exception& e) {
        const std::string text = base::printable(e.what()).substr(0, wire::kOutcomeTextMax);
        answer(asked.handle, {Answer::Verdict::failed, {text.begin(), text.end()}});
        return;
    }
    if (!listener) {
        answer(asked.handle, {Answer::Verdict::refused, {}});
        return;
    }
    if (answer(asked.handle, {Answer::Verdict::done, {}}) == delivery::Answered::late) {
        return;
    }
    const stack::ByteStreamRef ref{stack::StreamSide::theirs, asked.handle.value};
    StreamListener* taken = listener.get();
    streams_[ref].listener = std::move(listener);
    taken->on_open(value_of(ref));
}

void MeshPart::on_stream_event(const stack::ByteStreamEvent& event) {
    const stack::ByteStreamRef ref = std::visit([](const auto& e) { return e.stream; }, event);
    const auto it = streams_.find(ref);
    if (it == streams_.end()) {
        return;
    }
    StreamListener& listener = *it->second.listener;
    std::visit(base::Overloaded{
                   [&](const stack::StreamBytes& e) {
                       listener.on_data(value_of(ref), e.data, e.fin);
                       if (it->second.paused) {
                           *it->second.paused += e.data.size();
                       } else {
                           host_.stack().consume(ref, e.data.size(), host_.now());
                           host_.touch();
                       }
                   },
                   [&](const stack::StreamRoom&) { listener.on_room(value_of(ref)); },
                   [&](const stack::StreamOver& e) {
                       const auto cause = static_cast<StreamEnd::Cause>(e.ending);
                       const auto owned = std::move(streams_.extract(it).mapped());
                       owned.listener->on_end(value_of(ref), {cause, e.code});
                   },
               },
               event);
}

}  // namespace grapevine
