#include "node/mesh_admission.hpp"

#include <utility>
#include <variant>

#include "admission/examination.hpp"

namespace grapevine::node {

namespace {

std::optional<admission::Use> use_of(Standing standing) {
    switch (standing) {
        case Standing::member: return admission::Use::member;
        case Standing::visitor: return admission::Use::visitor;
        case Standing::host:
        case Standing::outsider: break;
    }
    return std::nullopt;
}

admission::Policy policy_of(const MeshConfig& config) {
    return {config.mesh, config.type, config.admission.authority, config.admission.ticket};
}

}  // namespace

base::Status check_admission(const base::EndpointId& self, const MeshConfig& config) {
    const auto made = admission::Gatekeeper::make(self, policy_of(config), {}, {}, {config.started_unix_ms});
    return made ? base::Status{} : base::Status(tl::unexpected(made.error()));
}

MeshAdmission::MeshAdmission(const base::EndpointId& self, const MeshConfig& config)
    : mesh_(config.mesh),
      wall_(config.admission.wall),
      started_wall_{config.started_unix_ms},
      gatekeeper_(make_gatekeeper(self, config)),
      visits_(config.admission.visits.begin(), config.admission.visits.end()) {
    for (const base::Bytes& list : config.admission.revocations)
        gatekeeper_.on_revocations(list, first_);
}

// The first deadline, which has passed already, looks at the clock again.
admission::Gatekeeper MeshAdmission::make_gatekeeper(const base::EndpointId& self, const MeshConfig& config) {
    admission::Config limits;
    limits.verified = config.verified;
    auto made = admission::Gatekeeper::make(self, policy_of(config), limits, {}, {config.started_unix_ms});
    if (made) return *std::move(made);
    return admission::Gatekeeper::make_without_ticket(self, policy_of(config), limits);
}

void MeshAdmission::start(base::TimePoint now, admission::Effects& out) {
    started_ = now;
    for (auto& effect : first_)
        out.push_back(std::move(effect));
    first_.clear();
}

// Rule 7.
base::WallTime MeshAdmission::wall(base::TimePoint now) const {
    if (wall_) return wall_(now);
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now - started_.value_or(now)).count();
    return {started_wall_.unix_ms + static_cast<std::uint64_t>(since > 0 ? since : 0)};
}

admission::Policy MeshAdmission::policy(std::optional<base::EndpointId> authority, base::Bytes ticket) const {
    return {mesh_, gatekeeper_.policy().type, authority, std::move(ticket)};
}

void MeshAdmission::learn_mesh(const base::EndpointId& peer, std::string_view mesh) {
    if (!visits_.contains(mesh)) return;
    if (hosts_.size() >= kHostsMax && !hosts_.contains(peer)) hosts_.clear();
    hosts_[peer] = std::string(mesh);
}

// Rule 8.
base::Bytes MeshAdmission::ticket_for(const base::EndpointId& peer, Entry entry) const {
    if (entry == Entry::present) return own_ticket();
    if (const auto host = hosts_.find(peer); host != hosts_.end()) return visits_.at(host->second);
    return !closed() && visits_.size() == 1 ? visits_.begin()->second : own_ticket();
}

Judgement MeshAdmission::greet(const base::EndpointId& peer, const wire::Hello& hello, Caller caller,
                               base::TimePoint now) {
    const bool same_mesh = hello.mesh == mesh_;
    if (!closed()) return {same_mesh ? Standing::member : Standing::visitor, {}};
    if (!same_mesh && caller == Caller::us) return {Standing::host, {}};
    const auto use = same_mesh ? admission::Use::member : admission::Use::visitor;
    auto verdict = gatekeeper_.judge({peer, use, hello.type, hello.ticket}, now, wall(now));
    if (auto* denial = std::get_if<admission::Denial>(&verdict))
        return {Standing::outsider, std::move(denial->message)};
    return {same_mesh ? Standing::member : Standing::visitor, {}};
}

bool MeshAdmission::admits(const base::EndpointId& author, const wire::Digest& digest, base::TimePoint now) {
    if (!closed()) return true;
    const auto verdict =
        gatekeeper_.judge({author, admission::Use::member, digest.type, digest.ticket}, now, wall(now));
    return std::holds_alternative<admission::Grant>(verdict);
}

// Rule 9.
fabric::Admission MeshAdmission::speaker(const base::EndpointId& signer, std::string_view mesh,
                                         const base::EndpointId& authority, base::ByteView ticket) {
    return judge_foreign(mesh, authority, {signer, admission::Use::member, kGatewayType, ticket});
}

fabric::Admission MeshAdmission::member(const wire::Statement& statement, const base::EndpointId& authority) {
    const auto* digest = std::get_if<wire::Digest>(&statement.claim);
    if (digest == nullptr) return fabric::Admission::refused;
    return admits_foreign(statement.signer, *digest, authority);
}

fabric::Admission MeshAdmission::admits_foreign(const base::EndpointId& author, const wire::Digest& digest,
                                                const base::EndpointId& authority) {
    return judge_foreign(digest.mesh, authority, {author, admission::Use::member, digest.type, digest.ticket});
}

std::optional<base::EndpointId> MeshAdmission::authority_of_visit(std::string_view mesh) const {
    const auto visit = visits_.find(mesh);
    if (visit == visits_.end()) return std::nullopt;
    const auto ticket = wire::read_ticket(visit->second);
    return ticket ? std::optional(ticket->authority) : std::nullopt;
}

fabric::Admission MeshAdmission::judge_foreign(std::string_view mesh, const base::EndpointId& authority,
                                               const admission::Applicant& applicant) {
    const wire::SignedRevocations* list = gatekeeper_.revocations();
    const bool own = mesh == mesh_ && list != nullptr && list->authority == authority;
    const admission::Rules rules{mesh, authority, own ? &list->value : nullptr};
    const auto ticket = admission::examine(rules, applicant, wall(now_), others_);
    if (!ticket) ++counters_.foreign_denied[static_cast<std::size_t>(ticket.error().cause)];
    return ticket ? fabric::Admission::admitted : fabric::Admission::refused;
}

bool MeshAdmission::admits_author(const base::EndpointId& author, std::string_view type, base::ByteView ticket,
                                  Entry entry, base::TimePoint now) {
    if (is_member(author)) return true;
    const auto verdict = gatekeeper_.judge({author, admission::Use::member, type, ticket}, now, wall(now));
    release_unused(author, entry);  // Rule 5.
    return std::holds_alternative<admission::Grant>(verdict);
}

bool MeshAdmission::is_member(const base::EndpointId& peer) const {
    return !closed() || gatekeeper_.find({peer, admission::Use::member}) != nullptr;
}

bool MeshAdmission::is_guest(const base::EndpointId& peer) const {
    return is_member(peer) || gatekeeper_.find({peer, admission::Use::visitor}) != nullptr;
}

MeshAdmission::Hold MeshAdmission::hold(const base::EndpointId& peer, wire::TopicMessage message) {
    const auto found = held_.find(peer);
    const bool full =
        found == held_.end() ? held_.size() >= kIntroductionsMax : found->second.size() >= kHeldMessagesMax;
    if (full) {
        ++counters_.held_dropped;
        return Hold::full;
    }
    held_[peer].push_back(std::move(message));
    if (found != held_.end()) return Hold::waits;
    ++counters_.introductions;
    return Hold::begins;
}

std::vector<wire::TopicMessage> MeshAdmission::acquaint(const base::EndpointId& peer) {
    if (!acquaintances_.contains(peer)) {
        if (acquaintances_.size() >= kAcquaintancesMax) forget(base::EndpointId(by_age_.begin()->second));
        acquaintances_[peer] = next_age_;
        by_age_[next_age_++] = peer;
    }
    const auto held = held_.find(peer);
    if (held == held_.end()) return {};
    auto messages = std::move(held->second);
    held_.erase(held);
    return messages;
}

void MeshAdmission::forget(const base::EndpointId& peer) {
    const auto found = acquaintances_.find(peer);
    if (found == acquaintances_.end()) return;
    by_age_.erase(found->second);
    acquaintances_.erase(found);
}

std::vector<base::EndpointId> MeshAdmission::acquaintances() const {
    std::vector<base::EndpointId> peers;
    for (const auto& [peer, age] : acquaintances_)
        peers.push_back(peer);
    return peers;
}

void MeshAdmission::session_began(const base::EndpointId& peer, Standing standing) {
    if (const auto use = use_of(standing); use && closed()) ++sessions_[{peer, *use}];
}

// One that began while the mesh was open was not counted.
void MeshAdmission::session_ended(const base::EndpointId& peer, Standing standing) {
    const auto use = use_of(standing);
    const auto found = use ? sessions_.find({peer, *use}) : sessions_.end();
    if (found != sessions_.end() && --found->second == 0) sessions_.erase(found);
}

bool MeshAdmission::stands(const base::EndpointId& peer, admission::Use use, Entry entry) const {
    if (sessions_.contains({peer, use})) return true;
    return use == admission::Use::member && (entry == Entry::present || is_acquainted(peer));
}

void MeshAdmission::release_unused(const base::EndpointId& peer, Entry entry) {
    for (const auto use : {admission::Use::member, admission::Use::visitor})
        if (!stands(peer, use, entry)) gatekeeper_.release({peer, use});
}

}  // namespace grapevine::node
