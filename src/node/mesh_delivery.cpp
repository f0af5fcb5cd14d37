#include "node/mesh_delivery.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/overloaded.hpp"
#include "wire/names.hpp"
#include "wire/publication.hpp"
#include "wire/watch.hpp"

namespace grapevine::node {

using base::Overloaded;

namespace {

tl::unexpected<delivery::ResolveFailure> fails(delivery::ResolveFailure failure) {
    return tl::unexpected<delivery::ResolveFailure>(failure);
}

}  // namespace

bool is_over_budget(const wire::Load& load) {
    const auto over = [](std::uint32_t used, std::uint32_t budget) { return budget > 0 && used > budget; };
    return over(load.cpu_millicores, load.cpu_budget_millicores) || over(load.memory_kib, load.memory_budget_kib);
}

MeshDelivery::MeshDelivery(const directory::Directory& directory, delivery::Incarnation incarnation, base::Rng& rng,
                           DeliverySpans& spans, AskElsewhere ask_elsewhere, IsOwn is_own)
    : directory_(directory),
      incarnation_(incarnation),
      spans_(spans),
      ask_elsewhere_(std::move(ask_elsewhere)),
      is_own_(std::move(is_own)),
      outbox_(delivery::OutboxConfig{}, incarnation, rng),
      inbox_(delivery::InboxConfig{}) {}

void MeshDelivery::on_resolved(delivery::QuestionId question, const delivery::Resolution& resolution,
                               base::TimePoint now, Effects& out) {
    send(now, out,
         [&](delivery::Outbox& outbox, auto& effects) { outbox.on_resolved(question, resolution, now, effects); });
}

// Rule 1.
void MeshDelivery::resolve(const delivery::Resolve& asked, base::TimePoint now, Effects& out) {
    const auto parts = wire::split_name(asked.name);
    if (parts && parts->mesh != directory_.config().mesh) return ask_elsewhere_(asked.question, asked.name, now, out);
    on_resolved(asked.question, candidates(asked.name), now, out);
}

void MeshDelivery::on_deadline(base::TimePoint now, Effects& out) {
    send(now, out, [&](delivery::Outbox& outbox, auto& effects) { outbox.on_deadline(now, effects); });
    receive(now, out, [&](delivery::Inbox& inbox, auto& effects) { inbox.on_deadline(now, effects); });
    std::vector<base::EndpointId> gone;
    for (const auto& [peer, until] : leaving_)
        if (until <= now) gone.push_back(peer);
    for (const auto& peer : gone)
        on_gone(peer, now, out);
}

std::optional<base::TimePoint> MeshDelivery::next_deadline() const {
    auto next = base::earliest(outbox_.next_deadline(), inbox_.next_deadline());
    for (const auto& [peer, until] : leaving_)
        next = base::earliest(next, until);
    return next;
}

void MeshDelivery::on_left(const base::EndpointId& peer, base::TimePoint now) {
    if (outbox_.size_at(peer) > 0) leaving_.emplace(peer, now + kGoodbyeMax);
}

void MeshDelivery::on_session_up(const base::EndpointId& peer, delivery::Incarnation incarnation,
                                 const wire::Window& window, base::TimePoint now, Effects& out) {
    leaving_.erase(peer);
    send(now, out, [&](auto& outbox, auto& effects) {
        outbox.on_session_up(peer, incarnation, now, effects);
        outbox.on_window(peer, window, now, effects);
    });
}

void MeshDelivery::on_session_down(const base::EndpointId& peer, delivery::SessionEnd end, base::TimePoint now,
                                   Effects& out) {
    const delivery::SessionEnd known = leaving_.erase(peer) > 0 ? delivery::SessionEnd::gone : end;
    send(now, out, [&](auto& outbox, auto& effects) { outbox.on_session_down(peer, known, now, effects); });
}

void MeshDelivery::on_gone(const base::EndpointId& peer, base::TimePoint now, Effects& out) {
    leaving_.erase(peer);
    if (outbox_.size_at(peer) == 0) return;
    send(now, out, [&](delivery::Outbox& outbox, auto& effects) {
        outbox.on_session_down(peer, delivery::SessionEnd::gone, now, effects);
    });
}

void MeshDelivery::route(delivery::OutboxEffects& effects, base::TimePoint now, Effects& out) {
    const base::EndpointId& self = directory_.self();
    for (auto& effect : effects)
        std::visit(Overloaded{
                       [&](delivery::Resolve& e) { resolve(e, now, out); },
                       [&](delivery::WantSession& e) {
                           if (e.peer == self)
                               local_.emplace_back(LocalSession{});
                           else
                               out.push_back(e);
                       },
                       [&](delivery::ReleaseSession& e) {
                           if (e.peer != self) out.push_back(e);
                       },
                       [&](delivery::SendDeliver& e) {
                           if (e.peer == self)
                               local_.emplace_back(std::move(e.frame));
                           else
                               out.push_back(std::move(e));
                       },
                       [&](delivery::SendLarge& e) {
                           if (e.peer == self)
                               local_.emplace_back(std::move(e.frame));
                           else
                               out.push_back(std::move(e));
                       },
                       [&](delivery::SendOpenStream& e) {
                           if (e.peer == self)
                               local_.emplace_back(std::move(e.frame));
                           else
                               out.push_back(std::move(e));
                       },
                       [&](delivery::Finished& e) {
                           if (is_own_(e, now, out)) return;
                           spans_.finished(e);
                           out.push_back(std::move(e));
                       },
                       [&](auto& report) { out.push_back(std::move(report)); },
                   },
                   effect);
}

void MeshDelivery::route(delivery::InboxEffects& effects, base::TimePoint now, Effects& out) {
    const base::EndpointId& self = directory_.self();
    const auto answer = [&](auto& e) {
        if (e.peer == self)
            local_.emplace_back(std::move(e.frame));
        else
            out.push_back(std::move(e));
    };
    for (auto& effect : effects)
        std::visit(Overloaded{
                       [&](delivery::SendOutcome& e) { answer(e); },
                       [&](delivery::SendWindow& e) { answer(e); },
                       [&](delivery::Handle& e) {
                           spans_.handed_over(e, now);
                           out.push_back(std::move(e));
                       },
                       [&](delivery::HandlerLate& e) {
                           spans_.late(e.handle);
                           out.push_back(std::move(e));
                       },
                       [&](delivery::TakePayload& e) {
                           if (e.peer == self)
                               local_.emplace_back(e);
                           else
                               out.push_back(e);
                       },
                   },
                   effect);
}

// Rule 3.
void MeshDelivery::run_local(base::TimePoint now, Effects& out) {
    if (running_local_) return;
    running_local_ = true;
    const base::EndpointId& self = directory_.self();
    while (!local_.empty()) {
        Local next = std::move(local_.front());
        local_.pop_front();
        std::visit(
            Overloaded{
                [&](LocalSession) {
                    receive(now, out, [&](auto& box, auto& fx) { box.on_session_up(self, incarnation_, now, fx); });
                    send(now, out, [&](auto& box, auto& fx) { box.on_session_up(self, incarnation_, now, fx); });
                },
                [&](wire::Deliver& frame) {
                    receive(now, out, [&](auto& box, auto& fx) { box.on_deliver(self, std::move(frame), now, fx); });
                    send(now, out, [&](auto& box, auto& fx) { box.on_writable(self, now, fx); });
                },
                [&](wire::DeliverLarge& frame) {
                    receive(now, out,
                            [&](auto& box, auto& fx) { box.on_deliver_large(self, std::move(frame), now, fx); });
                    send(now, out, [&](auto& box, auto& fx) { box.on_writable(self, now, fx); });
                },
                [&](const delivery::TakePayload& wanted) {
                    const base::ByteView held = outbox_.payload(wanted.message);
                    base::Bytes payload(held.begin(), held.end());
                    receive(now, out, [&](auto& box, auto& fx) {
                        box.on_payload(self, wanted.message, std::move(payload), now, fx);
                    });
                },
                [&](wire::OpenStream& frame) {
                    receive(now, out,
                            [&](auto& box, auto& fx) { box.on_open_stream(self, std::move(frame), now, fx); });
                    send(now, out, [&](auto& box, auto& fx) { box.on_writable(self, now, fx); });
                },
                [&](wire::Outcome& frame) {
                    spans_.answer_came(frame.sequence, frame.context);
                    send(now, out, [&](auto& box, auto& fx) { box.on_outcome(self, frame, now, fx); });
                },
                [&](wire::Window& frame) {
                    send(now, out, [&](auto& box, auto& fx) { box.on_window(self, frame, now, fx); });
                },
            },
            next);
    }
    running_local_ = false;
}

delivery::Standing MeshDelivery::standing(const base::EndpointId& id) const {
    if (directory_.is_suspected(id)) return delivery::Standing::suspected;
    const auto* entry = directory_.find(id);
    return entry != nullptr && is_over_budget(entry->digest.load) ? delivery::Standing::over_budget
                                                                  : delivery::Standing::good;
}

// Rules 1 and 2, for the own mesh.
delivery::Resolution MeshDelivery::candidates(std::string_view name) const {
    if (const auto id = wire::parse_chunk_target(name)) return std::vector<delivery::Candidate>{{*id, standing(*id)}};
    if (const auto watched = wire::parse_watch_target(name))
        return std::vector<delivery::Candidate>{{watched->gateway, delivery::Standing::good}};
    if (name.find('.') == std::string_view::npos) {
        const auto id = base::EndpointId::parse(name);
        if (!id) return fails(delivery::ResolveFailure::no_such_node);
        return std::vector<delivery::Candidate>{{*id, standing(*id)}};
    }
    const auto parts = wire::split_name(name);
    if (!parts) return fails(delivery::ResolveFailure::no_such_node);
    std::vector<base::EndpointId> ids;
    if (parts->digits.empty()) {
        ids = directory_.of_type(parts->type);
    } else {
        const auto found = directory_.resolve(name);
        if (std::holds_alternative<directory::AmbiguousName>(found)) return fails(delivery::ResolveFailure::ambiguous);
        if (const auto* id = std::get_if<base::EndpointId>(&found)) ids.push_back(*id);
    }
    if (ids.empty()) return fails(delivery::ResolveFailure::no_such_node);
    std::vector<delivery::Candidate> candidates;
    candidates.reserve(ids.size());
    for (const auto& id : ids)
        candidates.push_back({id, standing(id)});
    return candidates;
}

}  // namespace grapevine::node
