// Delivery as the application sees it: messages submitted and their endings, handlers and their answers.

#include <exception>
#include <utility>

#include "base/encoding.hpp"
#include "grapevine/convert.hpp"
#include "grapevine/mesh_part.hpp"
#include "io/node_views.hpp"
#include "wire/publication.hpp"

namespace grapevine {

namespace {

static_assert(static_cast<int>(delivery::Ending::count_) == static_cast<int>(Delivery::Ending::cancelled) + 1);

}  // namespace

std::string_view to_text(Delivery::Ending ending) {
    return delivery::name(static_cast<delivery::Ending>(ending));
}

Handler echo_handler() {
    return [](const Incoming& incoming, const Answerer& answer) {
        answer({Answer::Verdict::done, incoming.is_request ? incoming.payload : std::vector<std::uint8_t>()});
    };
}

Status MeshPart::submit(delivery::Submission submission, DeliveryDone done) {
    const std::string name = submission.target.name;
    const auto id = host_.stack().submit(std::move(submission), host_.now());
    host_.touch();
    if (!id) {
        return tl::unexpected(lift(io::delivery_error(id.error(), name)));
    }
    incarnation_ = id->incarnation;
    deliveries_.emplace(id->sequence, std::move(done));
    return {};
}

void MeshPart::finish_delivery(const delivery::Finished& finished) {
    const auto it = deliveries_.find(finished.message);
    if (it == deliveries_.end()) {
        return;
    }
    const DeliveryDone done = std::move(it->second);
    deliveries_.erase(it);
    Delivery outcome;
    outcome.ending = static_cast<Delivery::Ending>(finished.ending);
    outcome.handled = static_cast<Delivery::Handled>(finished.handled);
    outcome.peer_id = finished.peer ? finished.peer->hex() : std::string();
    outcome.attempts = finished.attempts;
    outcome.payload = finished.payload;
    outcome.message = {incarnation_.value, finished.message.value};
    if (done) {
        done(outcome);
    }
    open_ours(finished.message, outcome);
}

Status MeshPart::serve(const std::string& name, Handler handler, const ServiceOptions& options) {
    if (options.concurrency == 0) {
        return tl::unexpected(Error{Error::Code::invalid, "serve '" + base::printable(name) + "': none at once"});
    }
    delivery::Service service;
    service.payload_max = options.payload_max;
    service.concurrency = options.concurrency;
    service.queue_max = options.queue_max;
    if (auto status = serve(name, service); !status) {
        return status;
    }
    handlers_[name] = std::move(handler);
    return {};
}

Status MeshPart::serve(const std::string& name, const delivery::Service& service) {
    if (wire::is_reserved_name(name)) {
        return tl::unexpected(Error{Error::Code::invalid, "serve '" + base::printable(name) + "': names that end in " +
                                                              std::string(wire::kChunkSuffix) +
                                                              " are reserved for publications"});
    }
    if (host_.stack().serve(name, service, host_.now()) == base::Admitted::no) {
        return tl::unexpected(Error{Error::Code::exhausted, "serve '" + base::printable(name) + "': too many names"});
    }
    return {};
}

delivery::Answered MeshPart::answer(delivery::HandleId handle, Answer given) {
    delivery::Answer out;
    out.verdict = static_cast<delivery::Verdict>(given.verdict);
    out.payload = std::move(given.payload);
    const auto answered = host_.stack().answer(handle, std::move(out), host_.now());
    host_.touch();
    return answered;
}

void MeshPart::handle(const delivery::Handle& message) {
    const Answerer answer = [self = std::weak_ptr<MeshPart*>(self_), handle = message.handle](Answer given) {
        if (const auto part = self.lock()) {
            (*part)->answer(handle, std::move(given));
        }
    };
    auto handler = handlers_.find(message.name);
    if (handler == handlers_.end()) {
        handler = handlers_.find(std::string_view());
    }
    if (handler == handlers_.end()) {
        return answer({Answer::Verdict::refused, {}});
    }
    Incoming incoming;
    incoming.from_id = message.from.hex();
    incoming.name = message.name;
    incoming.is_request = message.kind == delivery::MessageKind::request;
    incoming.payload = message.payload;
    incoming.time_left = message.time_left;
    incoming.message = {message.message.incarnation.value, message.message.sequence.value};
    try {
        const Handler chosen = handler->second;  // It may serve another one meanwhile.
        chosen(incoming, answer);
    } catch (const std::exception& e) {
        const std::string text = base::printable(e.what()).substr(0, wire::kOutcomeTextMax);
        answer({Answer::Verdict::failed, {text.begin(), text.end()}});
    }
}

}  // namespace grapevine
