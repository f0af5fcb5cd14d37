#pragma once

// Delivery in a mesh: outbox and inbox, with the directory to say who is meant by a name, and a short way to oneself.
//
// Rules
//  1. A name means members of a mesh: one of them ("mesh1.broker.239dc9", or its id in full), or any of a type
//     ("mesh1.broker"), of which those under suspicion and those over their budgets come last. The directory knows the
//     own mesh; who is meant by the name of another one is asked elsewhere.
//  2. An id in full that the directory does not hold may still be dialled: whoever knows an address of it delivers.
//  3. A message to this node itself takes the same way through outbox and inbox, but no session. What that makes of the
//     one and the other is done one after another, so that no chain of messages becomes a chain of calls.
//  4. Who died is told to the outbox: what was written to it ends at once instead of at its deadline. Who says goodbye
//     still answers what crossed the goodbye on its way: it counts as gone when its session ends, at most kGoodbyeMax
//     later.
//  5. Messages that the node itself sends (mesh_publications.hpp) have ends like all others, which are not reported.

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "delivery/inbox.hpp"
#include "delivery/outbox.hpp"
#include "directory/directory.hpp"
#include "node/delivery_spans.hpp"
#include "node/types.hpp"

namespace grapevine::node {

inline constexpr base::Duration kGoodbyeMax = std::chrono::milliseconds(1500);  // As long as a stack takes to leave.

// By its own word.
bool is_over_budget(const wire::Load& load);

class MeshDelivery {
public:
    // Who is meant by a name of another mesh; on_resolved() follows, perhaps at once.
    using AskElsewhere = std::function<void(delivery::QuestionId, const std::string& name, base::TimePoint, Effects&)>;

    // Rule 5: true if the message that ended was the node's own; what it does about that may submit the next one.
    using IsOwn = std::function<bool(delivery::Finished&, base::TimePoint, Effects&)>;

    // All outlive this.
    MeshDelivery(const directory::Directory& directory, delivery::Incarnation incarnation, base::Rng& rng,
                 DeliverySpans& spans, AskElsewhere ask_elsewhere, IsOwn is_own);

    // Runs `input(outbox, effects)` or `input(inbox, effects)` and carries out what it asks for.
    template <typename Input>
    void send(base::TimePoint now, Effects& out, Input input) {
        delivery::OutboxEffects effects;
        input(outbox_, effects);
        route(effects, now, out);
        run_local(now, out);
    }
    template <typename Input>
    void receive(base::TimePoint now, Effects& out, Input input) {
        delivery::InboxEffects effects;
        input(inbox_, effects);
        route(effects, now, out);
        run_local(now, out);
    }

    void on_resolved(delivery::QuestionId question, const delivery::Resolution& resolution, base::TimePoint now,
                     Effects& out);
    void on_deadline(base::TimePoint now, Effects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;
    void on_gone(const base::EndpointId& peer, base::TimePoint now, Effects& out);
    void on_left(const base::EndpointId& peer, base::TimePoint now);
    void on_session_up(const base::EndpointId& peer, delivery::Incarnation incarnation, const wire::Window& window,
                       base::TimePoint now, Effects& out);
    void on_session_down(const base::EndpointId& peer, delivery::SessionEnd end, base::TimePoint now, Effects& out);

    [[nodiscard]] const delivery::Outbox& outbox() const { return outbox_; }
    [[nodiscard]] const delivery::Inbox& inbox() const { return inbox_; }

private:
    void route(delivery::OutboxEffects& effects, base::TimePoint now, Effects& out);
    void route(delivery::InboxEffects& effects, base::TimePoint now, Effects& out);
    void run_local(base::TimePoint now, Effects& out);
    void resolve(const delivery::Resolve& asked, base::TimePoint now, Effects& out);
    [[nodiscard]] delivery::Resolution candidates(std::string_view name) const;
    [[nodiscard]] delivery::Standing standing(const base::EndpointId& id) const;

    struct LocalSession {};
    using Local = std::variant<LocalSession, wire::Deliver, wire::DeliverLarge, delivery::TakePayload, wire::OpenStream,
                               wire::Outcome, wire::Window>;

    const directory::Directory& directory_;
    delivery::Incarnation incarnation_;
    DeliverySpans& spans_;
    AskElsewhere ask_elsewhere_;
    IsOwn is_own_;
    delivery::Outbox outbox_;
    delivery::Inbox inbox_;
    std::deque<Local> local_;  // Rule 3; at most what the windows allow.
    bool running_local_ = false;
    std::map<base::EndpointId, base::TimePoint> leaving_;  // Rule 4: until then. Peers of the outbox.
};

}  // namespace grapevine::node
