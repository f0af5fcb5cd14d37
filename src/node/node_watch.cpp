// Watching and being watched: gateways are found by the resolver, streams opened by way of the outbox, and what is said
// on them goes to and from the stack.

#include <utility>

#include "base/overloaded.hpp"
#include "node/node_impl.hpp"
#include "wire/digest.hpp"

namespace grapevine::node {

using base::Overloaded;

namespace {

constexpr std::string_view kNoMesh = "this endpoint has no mesh";

}  // namespace

std::optional<base::EndpointId> Node::Impl::MeshPart::authority_of(std::string_view mesh) const {
    const auto said = fabric.backbone().authority(mesh);
    return said ? said : admission.authority_of_visit(mesh);
}

void Node::Impl::route(WatchEffects& effects, base::TimePoint now, Effects& out) {
    for (auto& effect : effects)
        std::visit(Overloaded{
                       [&](const SeekGateways& e) { seek_gateways(e.watch, now, out); },
                       [&](const OpenWatch& e) { open_watch(e, now, out); },
                       [&](const CloseWatch& e) { close_watch(e.stream, now, out); },
                       [&](const FabricMeshChanged& e) {
                           if (e.change == wire::WatchMeshChange::appeared)
                               out.push_back(fabric::MeshAppeared{e.mesh});
                           else
                               out.push_back(fabric::MeshGone{e.mesh, fabric::GoneCause::stale});
                       },
                       [&](const auto& report) { out.push_back(report); },
                   },
                   effect);
}

// Rule 1 of mesh_watches.hpp.
void Node::Impl::seek_gateways(const WatchKey& watch, base::TimePoint now, Effects& out) {
    if (watch.subject == wire::WatchSubject::directory) {
        const fabric::QuestionId question = mesh_->fabric.next_question();
        mesh_->watch_questions[question] = watch;
        const std::string name = watch.mesh + "." + std::string(kGatewayType);
        return resolve(now, out, [&](auto& resolver, auto& effects) {
            resolver.ask(question, name, now + kDeliveryQuestionMax, now, effects);
        });
    }
    if (mesh_->fabric.backbone().on_duty())
        return watching(now, out, [&](auto& watches, auto& effects) { watches.on_backbone(now, effects); });
    std::vector<base::EndpointId> gateways;
    for (const auto& fellow : mesh_->fabric.backbone().fellows())
        gateways.push_back(fellow.id);
    watching(now, out, [&](auto& watches, auto& effects) {
        watches.on_gateways(watch, std::move(gateways), "its own mesh has no gateway", now, effects);
    });
}

bool Node::Impl::on_watch_question(const fabric::Done& done, base::TimePoint now, Effects& out) {
    const auto asked = mesh_->watch_questions.extract(done.question);
    if (asked.empty()) return false;
    std::vector<base::EndpointId> gateways;
    if (done.outcome.verdict == fabric::Verdict::found)
        for (const auto& candidate : done.outcome.candidates)
            gateways.push_back(candidate.id);
    const std::string text = "no gateway is known: " + std::string(fabric::name(done.outcome.verdict));
    watching(now, out, [&](auto& watches, auto& effects) {
        watches.on_gateways(asked.mapped(), std::move(gateways), text, now, effects);
    });
    return true;
}

void Node::Impl::open_watch(const OpenWatch& open, base::TimePoint now, Effects& out) {
    delivery::Submission submission;
    submission.target.name = wire::watch_target({open.gateway, open.watch.subject});
    submission.kind = delivery::MessageKind::stream;
    submission.options.deadline = kWatchOpenMax;
    bool asked = false;
    mesh_->delivery.send(now, out, [&](delivery::Outbox& outbox, auto& effects) {
        const auto id = outbox.submit(std::move(submission), now, effects);
        asked = id.has_value();
        if (!asked) return;
        mesh_->watch_messages.insert(id->sequence);
        mesh_->watches.on_asked(open.watch, id->sequence);
    });
    if (asked) return;
    watching(now, out, [&](auto& watches, auto& effects) {
        watches.on_not_asked(open.watch, "too much waits to be sent", now, effects);
    });
}

// One that is still asked for is called off.
void Node::Impl::close_watch(delivery::MessageSequence stream, base::TimePoint now, Effects& out) {
    if (!mesh_->watch_messages.contains(stream)) {
        out.push_back(ResetStream{{StreamOpener::us, stream.value}, 0});
        return;
    }
    mesh_->delivery.send(now, out, [&](auto& outbox, auto& effects) { outbox.cancel(stream, now, effects); });
}

bool Node::Impl::on_watch_message(const delivery::Finished& finished, base::TimePoint now, Effects& out) {
    if (mesh_->watch_messages.erase(finished.message) == 0) return false;
    const bool open = finished.ending == delivery::Ending::acknowledged;
    const OwnStream stream{StreamOpener::us, finished.message.value};
    const StreamFate fate = open ? StreamFate::open : StreamFate::failed;
    std::string text(delivery::name(finished.ending));
    if (!finished.payload.empty()) text += ": " + base::to_text(finished.payload);
    out.push_back(StreamDecided{stream, fate});
    bool wanted = false;
    watching(now, out, [&](auto& watches, auto& effects) {
        wanted = watches.on_decided(finished.message, fate, text, now, effects);
    });
    if (open && !wanted) out.push_back(ResetStream{stream, 0});
    return true;
}

void Node::Impl::watch_deadline(base::TimePoint now, Effects& out) {
    watching(now, out, [&](auto& watches, auto& effects) { watches.on_deadline(now, effects); });
    mesh_->teller.on_deadline(now, out);
}

void Node::Impl::leave_watches(Effects& out) {
    WatchEffects effects;
    mesh_->watches.leave(effects);
    for (const auto& effect : effects)
        if (const auto* close = std::get_if<CloseWatch>(&effect))
            if (!mesh_->watch_messages.contains(close->stream))
                out.push_back(ResetStream{{StreamOpener::us, close->stream.value}, 0});
}

base::Status Node::watch(std::string_view mesh, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_ || impl_->left_) return base::invalid(std::string(kNoMesh));
    const auto name = wire::parse_name("mesh", mesh);
    if (!name) return tl::unexpected(name.error());
    if (*name == impl_->mesh_->config.mesh) return base::invalid("mesh " + *name + ": is this node's own");
    base::Admitted admitted = base::Admitted::no;
    impl_->watching(now, out, [&](auto& watches, auto& effects) { admitted = watches.watch(*name, now, effects); });
    if (admitted == base::Admitted::yes) return {};
    return base::fail(base::ErrorCode::exhausted,
                      "mesh " + *name + ": " + std::to_string(kWatchesMax) + " are watched already");
}

void Node::unwatch(std::string_view mesh, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    impl_->watching(now, out, [&](auto& watches, auto& effects) { watches.unwatch(std::string(mesh), effects); });
}

base::Status Node::watch_meshes(base::TimePoint now, Effects& out) {
    if (!impl_->mesh_ || impl_->left_) return base::invalid(std::string(kNoMesh));
    base::Admitted admitted = base::Admitted::no;
    impl_->watching(now, out, [&](auto& watches, auto& effects) { admitted = watches.watch_meshes(now, effects); });
    if (admitted == base::Admitted::yes) return {};
    return base::fail(base::ErrorCode::exhausted, "meshes: " + std::to_string(kWatchesMax) + " are watched already");
}

void Node::unwatch_meshes(base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    impl_->watching(now, out, [&](auto& watches, auto& effects) { watches.unwatch_meshes(effects); });
}

std::vector<WatchSource> Node::watch_sources() const {
    return impl_->mesh_ ? impl_->mesh_->watches.sources() : std::vector<WatchSource>{};
}

std::vector<std::string> Node::known_meshes() const {
    if (!impl_->mesh_) return {};
    std::set<std::string> known = impl_->mesh_->watches.meshes();
    for (const auto& [mesh, row] : impl_->mesh_->fabric.backbone().table().meshes())
        known.insert(mesh);
    known.erase(impl_->mesh_->config.mesh);
    return {known.begin(), known.end()};
}

std::size_t Node::watched_size() const {
    return impl_->mesh_ ? impl_->mesh_->watches.entries() : 0;
}

std::size_t Node::watches() const {
    return impl_->mesh_ ? impl_->mesh_->watches.size() : 0;
}

void Node::on_stream_bytes(const OwnStream& stream, base::ByteView data, Last last, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    if (stream.opener == StreamOpener::them) return impl_->mesh_->teller.on_bytes(stream, out);
    const delivery::MessageSequence message{stream.value};
    impl_->watching(now, out, [&](auto& watches, auto& effects) { watches.on_bytes(message, data, now, effects); });
    if (last == Last::no || !impl_->mesh_->watches.owns(message)) return;
    out.push_back(ResetStream{stream, 0});
    on_stream_over(stream, "finished", now, out);
}

void Node::on_stream_taken(const OwnStream& stream, base::Bytes untaken, base::TimePoint now, Effects& out) {
    if (impl_->mesh_) impl_->mesh_->teller.on_taken(stream, std::move(untaken), now, out);
}

void Node::on_stream_room(const OwnStream& stream, base::TimePoint now, Effects& out) {
    if (impl_->mesh_) impl_->mesh_->teller.on_room(stream, now, out);
}

void Node::on_stream_over(const OwnStream& stream, std::string_view why, base::TimePoint now, Effects& out) {
    if (!impl_->mesh_) return;
    if (stream.opener == StreamOpener::them) return impl_->mesh_->teller.on_over(stream);
    impl_->watching(now, out, [&](auto& watches, auto& effects) {
        watches.on_over(delivery::MessageSequence{stream.value}, why, now, effects);
    });
}

void Node::on_stream_too_often(const base::EndpointId& peer, const wire::OpenStream& asked, Effects& out) {
    if (impl_->mesh_) impl_->mesh_->teller.refuse(peer, asked, TellRefusal::too_often, out);
}

}  // namespace grapevine::node
