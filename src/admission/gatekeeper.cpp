#include "admission/gatekeeper.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "admission/calendar.hpp"
#include "wire/digest.hpp"

namespace grapevine::admission {

namespace {

base::Bytes kept_ticket(base::ByteView ticket) {
    if (ticket.size() > wire::kAdmissionTicketMax) return {};
    return {ticket.begin(), ticket.end()};
}

tl::unexpected<ListRefusal> refuse(ListRefusal refusal) {
    return tl::unexpected<ListRefusal>(refusal);
}

bool is_ordinary(ListRefusal refusal) {
    return refusal == ListRefusal::older || refusal == ListRefusal::known;
}

}  // namespace

Gatekeeper::Gatekeeper(const base::EndpointId& self, const Config& config)
    : self_(self), config_(config), memo_(config.verified_max), holders_(config) {}

base::Result<Gatekeeper> Gatekeeper::make(const base::EndpointId& self, Policy policy, const Config& config,
                                          base::TimePoint now, base::WallTime wall) {
    Gatekeeper keeper(self, config);
    const auto own = keeper.check_own(policy, wall);
    if (!own) return tl::unexpected(own.error());
    keeper.policy_ = std::move(policy);
    keeper.own_ = *own;
    keeper.schedule(now, wall);
    return keeper;
}

Gatekeeper Gatekeeper::make_without_ticket(const base::EndpointId& self, Policy policy, const Config& config) {
    Gatekeeper keeper(self, config);
    keeper.policy_ = std::move(policy);
    keeper.own_.lost = true;
    return keeper;
}

Rules Gatekeeper::rules_of(const Policy& policy) const {
    const bool list_counts = revocations_ && policy.authority == revocations_->authority;
    return {policy.mesh, policy.authority.value_or(base::EndpointId{}), list_counts ? &revocations_->value : nullptr};
}

base::Result<Gatekeeper::Own> Gatekeeper::check_own(const Policy& policy, base::WallTime wall) {
    if (const auto mesh = wire::parse_name("mesh", policy.mesh); !mesh) return tl::unexpected(mesh.error());
    if (const auto type = wire::parse_name("type", policy.type); !type) return tl::unexpected(type.error());
    if (!policy.authority) {
        if (policy.own_ticket.empty()) return Own{};
        return base::invalid("own ticket: mesh '" + policy.mesh +
                             "' has no authority that could have signed it; name the authority, or no ticket");
    }
    if (policy.own_ticket.empty())
        return base::invalid("own ticket: mesh '" + policy.mesh + "' is closed by authority " +
                             policy.authority->short_hex() + ", so that this node needs one");
    const Applicant self{self_, Use::member, policy.type, policy.own_ticket};
    const auto ticket = examine(rules_of(policy), self, wall, memo());
    if (!ticket) return base::invalid("own ticket: " + ticket.error().message);
    return Own{ticket->value.expires_unix_s, ticket->value.serial};
}

Verdict Gatekeeper::deny(const Applicant& applicant, Denial denial) {
    ++counters_.denied[static_cast<std::size_t>(denial.cause)];
    denial.message = applicant.id.short_hex() + " as " + std::string(wire::name(applicant.wanted)) + ": " +
                     std::move(denial.message);
    return denial;
}

Verdict Gatekeeper::examine_for(const Applicant& applicant, base::WallTime wall) {
    if (!closed()) return Grant{applicant.wanted, {}, std::nullopt, std::nullopt};
    auto ticket = examine(rules_of(policy_), applicant, wall, memo());
    if (!ticket) return std::move(ticket.error());
    return Grant{applicant.wanted, std::move(ticket->value.types), ticket->value.expires_unix_s, ticket->value.serial};
}

Verdict Gatekeeper::judge(const Applicant& applicant, base::TimePoint now, base::WallTime wall) {
    Verdict verdict = examine_for(applicant, wall);
    if (auto* denial = std::get_if<Denial>(&verdict)) return deny(applicant, std::move(*denial));
    const Grant& grant = std::get<Grant>(verdict);
    HolderEntry entry{grant, std::string(applicant.type), kept_ticket(applicant.ticket)};
    if (holders_.put({applicant.id, applicant.wanted}, std::move(entry)) == base::Admitted::no) {
        if (closed()) return deny(applicant, {Cause::holders_full, "too many hold a grant"});
        ++counters_.unrecorded;
    }
    ++counters_.granted;
    if (grant.expires_unix_s) check_at_ = base::earliest(check_at_, recheck_at(*grant.expires_unix_s, now, wall));
    return verdict;
}

tl::expected<wire::SignedRevocations, ListRefusal> Gatekeeper::screen(base::ByteView envelope) const {
    if (!closed()) return refuse(ListRefusal::open_mesh);
    if (revocations_ &&
        std::equal(envelope.begin(), envelope.end(), revocations_->envelope.begin(), revocations_->envelope.end()))
        return refuse(ListRefusal::known);
    auto list = wire::read_revocations(envelope);
    if (!list) return refuse(static_cast<ListRefusal>(list.error().fault));
    if (list->value.mesh != policy_.mesh) return refuse(ListRefusal::other_mesh);
    if (list->authority != *policy_.authority) return refuse(ListRefusal::foreign_authority);
    const std::uint64_t known = revocations_ ? revocations_->value.list_version : 0;
    if (list->value.list_version < known) return refuse(ListRefusal::older);
    if (revocations_ && list->value == revocations_->value) return refuse(ListRefusal::known);
    // A conflict is an alarm about the authority, so nobody else may raise it.
    if (!wire::signature_holds(*list)) return refuse(ListRefusal::bad_signature);
    if (list->value.list_version == known) return refuse(ListRefusal::conflicting);
    return *std::move(list);
}

void Gatekeeper::on_revocations(base::ByteView envelope, Effects& out) {
    auto list = screen(envelope);
    if (!list) {
        ++counters_.lists_refused[static_cast<std::size_t>(list.error())];
        if (!is_ordinary(list.error())) out.emplace_back(RevocationsRefused{list.error()});
        return;
    }
    ++counters_.lists_accepted;
    revocations_ = *std::move(list);
    out.emplace_back(RevocationsChanged{revocations_->envelope});
    put_out_revoked(out);
}

void Gatekeeper::put_out_revoked(Effects& out) {
    const wire::RevocationList& list = revocations_->value;
    auto holders = holders_.remove_if([&](const Holder&, const HolderEntry& entry) {
        return entry.grant.serial && list.contains(*entry.grant.serial);
    });
    counters_.revoked += holders.size();
    if (!holders.empty()) out.emplace_back(Revoked{std::move(holders)});
    if (own_.serial && list.contains(*own_.serial)) lose_own(Cause::revoked, out);
}

void Gatekeeper::lose_own(Cause cause, Effects& out) {
    if (own_.lost) return;
    own_.lost = true;
    out.emplace_back(OwnTicketLost{cause});
}

base::Status Gatekeeper::set_policy(Policy policy, base::TimePoint now, base::WallTime wall, Effects& out) {
    if (policy.mesh != policy_.mesh)
        return base::invalid("policy: mesh '" + policy_.mesh + "' stays what it is; for another one start a node");
    const auto own = check_own(policy, wall);
    if (!own) return tl::unexpected(own.error());
    const bool other_rules = policy.authority != policy_.authority;
    policy_ = std::move(policy);
    own_ = *own;
    if (closed() && revocations_ && revocations_->authority != *policy_.authority) revocations_.reset();
    if (other_rules) judge_again(wall, out);
    schedule(now, wall);
    return {};
}

void Gatekeeper::judge_again(base::WallTime wall, Effects& out) {
    const auto ended = holders_.remove_if([&](const Holder& holder, HolderEntry& entry) {
        Verdict verdict = examine_for({holder.id, holder.use, entry.type, entry.ticket}, wall);
        if (const auto* denial = std::get_if<Denial>(&verdict)) {
            out.emplace_back(GrantWithdrawn{holder, denial->cause});
            return true;
        }
        entry.grant = std::get<Grant>(std::move(verdict));
        return false;
    });
    counters_.withdrawn += ended.size();
}

void Gatekeeper::on_deadline(base::TimePoint now, base::WallTime wall, Effects& out) {
    if (!check_at_ || now < *check_at_) return;
    const auto ended = holders_.remove_if([&](const Holder&, const HolderEntry& entry) {
        return entry.grant.expires_unix_s && has_expired(*entry.grant.expires_unix_s, wall);
    });
    counters_.expired += ended.size();
    for (const Holder& holder : ended)
        out.emplace_back(GrantExpired{holder});
    if (own_.expires_unix_s && has_expired(*own_.expires_unix_s, wall)) lose_own(Cause::expired, out);
    schedule(now, wall);
}

base::TimePoint Gatekeeper::recheck_at(std::uint64_t expires_unix_s, base::TimePoint now, base::WallTime wall) const {
    const std::uint64_t expires_ms = expires_unix_s * 1000;  // No overflow: kExpiryMax.
    if (wall.unix_ms >= expires_ms) return now + config_.recheck_min;
    const auto most = static_cast<std::uint64_t>(config_.recheck_max / std::chrono::milliseconds(1));
    const base::Duration left = std::chrono::milliseconds(std::min(expires_ms - wall.unix_ms, most));
    return now + std::max(left, config_.recheck_min);
}

void Gatekeeper::schedule(base::TimePoint now, base::WallTime wall) {
    auto expires = holders_.earliest_expiry();
    if (own_.expires_unix_s && !own_.lost && (!expires || *own_.expires_unix_s < *expires))
        expires = own_.expires_unix_s;
    check_at_ = expires ? std::optional(recheck_at(*expires, now, wall)) : std::nullopt;
}

const Grant* Gatekeeper::find(const Holder& holder) const {
    const HolderEntry* entry = holders_.find(holder);
    return entry == nullptr ? nullptr : &entry->grant;
}

const wire::SignedRevocations* Gatekeeper::revocations() const {
    return closed() && revocations_ ? &*revocations_ : nullptr;
}

}  // namespace grapevine::admission
