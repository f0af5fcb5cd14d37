// What a node shows of itself: names, the directory as rows, counters as figures.

#include <numeric>
#include <utility>

#include "base/encoding.hpp"
#include "base/overloaded.hpp"
#include "node/node_impl.hpp"

namespace grapevine::node {

namespace {

DirectoryRow to_row(directory::Row& row) {
    DirectoryRow out;
    out.name = std::move(row.name);
    out.id = row.id;
    out.mesh = std::move(row.mesh);
    out.type = std::move(row.type);
    out.addrs = std::move(row.addrs);
    out.neighbors = std::move(row.neighbors);
    out.load = row.load;
    out.sequence = row.sequence.value;
    out.started_unix_ms = row.started_unix_ms;
    out.messages_sent = row.messages_sent;
    out.messages_received = row.messages_received;
    out.age = row.age;
    out.known_via = text_of(row.known_by);
    for (const auto& accuser : row.suspected_by)
        out.suspected_by.push_back(accuser.id);
    return out;
}

std::string join_names(const directory::Directory& directory, const std::vector<base::EndpointId>& ids) {
    std::string out;
    for (const auto& id : ids) {
        if (!out.empty()) out += ", ";
        const std::string known = directory.name_of(id);
        out += known.empty() ? id.short_hex() : known;
    }
    return out;
}

}  // namespace

std::string Node::own_name() const {
    return impl_->mesh_ ? impl_->mesh_->directory.name_of(impl_->self_) : "";
}

std::string Node::name_of(const base::EndpointId& id) const {
    const std::string known = impl_->mesh_ ? impl_->mesh_->directory.name_of(id) : "";
    return known.empty() ? id.short_hex() : known;
}

base::Result<base::EndpointId> Node::resolve(std::string_view name) const {
    const std::string quoted = "'" + base::printable(name) + "'";
    if (!impl_->mesh_) return base::fail(base::ErrorCode::not_found, "node " + quoted + ": this endpoint has no mesh");
    const auto& directory = impl_->mesh_->directory;
    return std::visit(
        base::Overloaded{
            [&](const directory::NoSuchName&) -> base::Result<base::EndpointId> {
                return base::fail(base::ErrorCode::not_found,
                                  "node " + quoted + ": not in the directory of mesh " + directory.config().mesh);
            },
            [&](const directory::AmbiguousName& e) -> base::Result<base::EndpointId> {
                return base::invalid("node " + quoted + ": fits several: " + join_names(directory, e.fits));
            },
            [](const base::EndpointId& id) -> base::Result<base::EndpointId> { return id; },
        },
        directory.resolve(name));
}

std::vector<DirectoryRow> Node::directory(base::TimePoint now) const {
    std::vector<DirectoryRow> rows;
    if (!impl_->mesh_) return rows;
    for (auto& row : impl_->mesh_->directory.snapshot(now)) {
        rows.push_back(to_row(row));
        // The own digest is as old as its last emission; about itself the node knows better.
        if (rows.back().id == impl_->self_) rows.back().neighbors = impl_->mesh_neighbors();
    }
    return rows;
}

std::vector<DirectoryRow> Node::watched(std::string_view mesh, base::TimePoint now) const {
    std::vector<DirectoryRow> rows;
    if (!impl_->mesh_) return rows;
    for (auto& row : impl_->mesh_->watches.rows(mesh, now)) {
        rows.push_back(to_row(row));
        rows.back().known_via = "watch";
    }
    return rows;
}

bool Node::wants(const base::EndpointId& peer) const {
    return impl_->gossip_.wants(peer);
}

std::size_t Node::directory_size() const {
    return impl_->mesh_ ? impl_->mesh_->directory.size() : 0;
}

namespace {

void append(std::vector<Figure>& figures, std::string_view prefix, std::initializer_list<Figure> own) {
    for (const auto& figure : own)
        figures.push_back({std::string(prefix) + figure.name, figure.value});
}

void append(std::vector<Figure>& figures, const std::string& prefix, const Topic& topic) {
    const auto& quality = topic.broadcast().quality();
    const auto& c = topic.broadcast().counters();
    append(figures, prefix,
           {{"payload_received", quality.payload_received},
            {"payload_sent", c.payload_sent},
            {"duplicates", quality.duplicates},
            {"deliveries", quality.deliveries},
            {"rmr_ppm", static_cast<std::uint64_t>(quality.redundancy() * 1e6)},
            {"ldh_last", quality.delivery_hop},
            {"ldh_max", quality.delivery_hop_max},
            {"control_received", quality.control_received},
            {"control_sent", quality.control_sent},
            {"grafts_sent", c.grafts_sent},
            {"prunes_sent", c.prunes_sent},
            {"optimizations", c.optimizations},
            {"spoofed", c.spoofed},
            {"strangers", c.strangers},
            {"lazy_queue_dropped", c.lazy_queue_dropped},
            {"announcements_refused", c.announcements_refused}});
    const auto& m = topic.membership().counters();
    append(figures, prefix,
           {{"active_view", topic.membership().active().size()},
            {"passive_view", topic.membership().passive().size()},
            {"evictions", m.evictions},
            {"isolations", m.isolations},
            {"request_timeouts", m.request_timeouts},
            {"refused_own_id", m.refused_own_id},
            {"refused_data_oversize", m.refused_data_oversize},
            {"refused_list_excess", m.refused_list_excess}});
}

void append(std::vector<Figure>& figures, const directory::Directory& directory) {
    const auto& c = directory.counters();
    append(figures, "directory.",
           {{"size", directory.size()},
            {"suspicions", directory.suspicions()},
            {"accepted", c.accepted},
            {"emitted_first", c.emitted_first},
            {"emitted_change", c.emitted_change},
            {"emitted_refresh", c.emitted_refresh},
            {"emitted_urgent", c.emitted_urgent},
            {"refutations", c.refutations},
            {"accusations_made", c.accusations_made},
            {"accusations_held", c.accusations_held},
            {"confirmations_made", c.confirmations_made},
            {"died", c.died},
            {"left", c.left},
            {"stale", c.stale},
            {"displaced", c.displaced},
            {"expelled", c.expelled},
            {"returned", c.returned},
            {"forwarded", c.forwarded}});
    for (std::size_t i = 0; i < directory::kRefusals; ++i)
        figures.push_back({"directory.refused." + std::string(name(static_cast<directory::Refusal>(i))), c.refused[i]});
}

void append(std::vector<Figure>& figures, const MeshAdmission& mesh) {
    const auto& keeper = mesh.gatekeeper().counters();
    for (std::size_t i = 0; i < admission::kCauses; ++i) {
        const auto cause = static_cast<admission::Cause>(i);
        figures.push_back({"admission.denied." + std::string(admission::name(cause)), keeper.denied[i]});
    }
    for (std::size_t i = 0; i < admission::kListRefusals; ++i) {
        const auto refusal = static_cast<admission::ListRefusal>(i);
        figures.push_back({"admission.list_refused." + std::string(admission::name(refusal)), keeper.lists_refused[i]});
    }
    const auto& own = mesh.counters();
    for (std::size_t i = 0; i < admission::kCauses; ++i) {
        const auto cause = static_cast<admission::Cause>(i);
        figures.push_back({"admission.foreign_denied." + std::string(admission::name(cause)), own.foreign_denied[i]});
    }
    append(figures, "admission.",
           {{"granted", keeper.granted},
            {"lists_accepted", keeper.lists_accepted},
            {"revoked", keeper.revoked},
            {"expired", keeper.expired},
            {"withdrawn", keeper.withdrawn},
            {"members", mesh.gatekeeper().holders().size(admission::Use::member)},
            {"visitors", mesh.gatekeeper().holders().size(admission::Use::visitor)},
            {"put_out", own.put_out},
            {"strangers", own.strangers},
            {"introductions", own.introductions},
            {"introductions_failed", own.introductions_failed},
            {"held_dropped", own.held_dropped}});
}

void append(std::vector<Figure>& figures, const MeshDelivery& mesh) {
    const auto& outbox = mesh.outbox().counters();
    const auto& inbox = mesh.inbox().counters();
    for (std::size_t i = 0; i < delivery::kEndings; ++i) {
        const auto ending = static_cast<delivery::Ending>(i);
        figures.push_back({"delivery.ended." + std::string(delivery::name(ending)), outbox[ending]});
    }
    for (std::size_t i = 0; i < delivery::kBusyCauses; ++i) {
        const auto cause = static_cast<delivery::BusyCause>(i);
        figures.push_back({"delivery.busy." + std::string(delivery::name(cause)), inbox[cause]});
    }
    append(figures, "delivery.",
           {{"written", outbox.written},
            {"written_again", outbox.written_again},
            {"waiting", mesh.outbox().size()},
            {"waiting_bytes", mesh.outbox().bytes()},
            {"refused_full", outbox.refused_full + outbox.refused_name_full},
            {"accepted", inbox.accepted},
            {"handed_over", inbox.handed_over},
            {"answered", inbox.answered},
            {"repeated", inbox.repeated_answered + inbox.repeated_open},
            {"open", mesh.inbox().open_messages()},
            {"open_bytes", mesh.inbox().open_bytes()},
            {"large_bytes", mesh.inbox().large_bytes()},
            {"no_handler", inbox.no_handler},
            {"late", inbox.late_waiting + inbox.late_running}});
}

// Causes that never came up are left out: they are many.
void append(std::vector<Figure>& figures, const MeshFabric& mesh) {
    const auto& backbone = mesh.backbone().counters();
    const auto resolver = mesh.resolver().counters();
    const auto unless_zero = [&](std::string name, std::uint64_t value) {
        if (value > 0) figures.push_back({std::move(name), value});
    };
    for (std::size_t i = 0; i < resolver.outcomes.size(); ++i)
        unless_zero("fabric.ended." + std::string(fabric::name(static_cast<fabric::Verdict>(i))), resolver.outcomes[i]);
    for (std::size_t i = 0; i < fabric::kRefusals; ++i)
        unless_zero("fabric.refused." + std::string(fabric::name(static_cast<fabric::Refusal>(i))),
                    backbone.refused[i]);
    for (std::size_t i = 0; i < fabric::kLies; ++i)
        unless_zero("fabric.refused.lie_" + std::string(fabric::name(static_cast<fabric::Lie>(i))), resolver.lies[i]);
    append(figures, "fabric.",
           {{"meshes", mesh.backbone().table().meshes().size()},
            {"said", std::accumulate(backbone.said.begin(), backbone.said.end(), std::uint64_t{0})},
            {"accepted", backbone.accepted},
            {"sent", resolver.sent},
            {"cache_hits", resolver.cache_hits},
            {"served", resolver.served},
            {"in_flight", mesh.resolver().in_flight()},
            {"busy", resolver.busy_rate + resolver.busy_flights + resolver.busy_waiters},
            {"unanswered", resolver.failed + resolver.overdue}});
}

void append(std::vector<Figure>& figures, const MeshPublications& mesh) {
    const auto& core = mesh.core().counters();
    const auto& own = mesh.counters();
    for (std::size_t i = 0; i < wire::kStatementFaults; ++i) {
        const auto fault = static_cast<wire::StatementFault>(i);
        figures.push_back({"publications.refused." + std::string(wire::name(fault)), own.faults[i]});
    }
    for (std::size_t i = 0; i < kAnnouncementRefusals; ++i) {
        const auto refusal = static_cast<AnnouncementRefusal>(i);
        figures.push_back({"publications.refused." + std::string(name(refusal)), own.refused[i]});
    }
    for (std::size_t i = 0; i < delivery::kMissCauses; ++i) {
        const auto cause = static_cast<delivery::MissCause>(i);
        figures.push_back({"publications.missed." + std::string(delivery::name(cause)), core.missed[i]});
    }
    append(figures, "publications.",
           {{"published", core.published},
            {"refused", core.refused},
            {"announced", core.announced},
            {"repeated", core.repeated},
            {"refused_announcements", core.refused_announcements},
            {"fetched", core.fetched},
            {"lies", core.lies},
            {"not_given", core.not_given},
            {"late_answers", core.late_answers},
            {"chunks_given", core.chunks_given},
            {"chunks_denied", core.chunks_denied},
            {"evicted", core.evicted},
            {"wanted", mesh.core().wanted()},
            {"stored_bytes", mesh.core().stored_bytes()},
            {"not_asked", own.not_asked},
            {"held", own.held},
            {"held_full", own.held_full},
            {"bad_questions", own.bad_questions},
            {"strangers", own.strangers}});
}

void append(std::vector<Figure>& figures, const DirectoryTeller& teller, const MeshWatches& watches) {
    const auto& told = teller.counters();
    const auto& own = watches.counters();
    for (std::size_t i = 0; i < kTellRefusals; ++i)
        figures.push_back({"watchers.refused." + std::string(name(static_cast<TellRefusal>(i))), told.refused[i]});
    append(figures, "watchers.",
           {{"taken", told.taken},
            {"slow", told.slow},
            {"rubbish", told.rubbish},
            {"statements", told.statements},
            {"bytes", told.bytes},
            {"live", teller.size()},
            {"waiting_bytes", teller.waiting_bytes()}});
    append(figures, "watch.",
           {{"refused_full", own.refused_full},
            {"opened", own.opened},
            {"not_opened", own.not_opened},
            {"ended", own.ended},
            {"silent", own.silent},
            {"liars", own.liars},
            {"rounds_failed", own.rounds_failed},
            {"frames", own.frames},
            {"bytes", own.bytes},
            {"live", watches.size()},
            {"entries", watches.entries()}});
}

}  // namespace

std::vector<Figure> Node::Impl::figures() const {
    std::vector<Figure> figures;
    for (const auto& topic : gossip_.topics())
        append(
            figures,
            is_mesh_topic(topic) ? "gossip." : "topic." + (is_backbone(topic) ? "backbone" : topic.short_hex()) + ".",
            *gossip_.find(topic));
    append(figures, "gossip.", {{"unknown_topic", gossip_.counters().unknown_topic}});
    append(figures, "paths.",
           {{"probes", monitor_.counters().probes},
            {"silent", monitor_.counters().silent},
            {"recovered", monitor_.counters().recovered},
            {"unreachable_hints", monitor_.counters().hints},
            {"stalls", monitor_.counters().stalls},
            {"endpoints_known", book_.size()},
            {"endpoints_displaced", book_.counters().endpoints_displaced},
            {"clock_claims_refused", narrator_.clocks().refused()}});
    if (!mesh_) return figures;
    append(figures, "paths.",
           {{"seed_attempts", mesh_->seeds.counters().attempts},
            {"seed_failures", mesh_->seeds.counters().failures},
            {"remembered", mesh_->remembered.size()},
            {"remembered_tried", mesh_->remembered.counters().tried}});
    append(figures, "sync.",
           {{"opened", mesh_->syncs_opened},
            {"refused", mesh_->syncs_refused},
            {"failed", mesh_->syncs_failed},
            {"open", mesh_->syncs.size()}});
    append(figures, mesh_->directory);
    append(figures, mesh_->delivery);
    append(figures, mesh_->fabric);
    append(figures, mesh_->admission);
    append(figures, mesh_->publications);
    append(figures, mesh_->teller, mesh_->watches);
    return figures;
}

}  // namespace grapevine::node
