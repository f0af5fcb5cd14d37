#pragma once

// The policy of one mesh, applied: who is admitted as what until when, and who is no longer.
//
// Rules, with their reasons:
//  1. An open mesh (no authority) admits everybody, as a member or as a visitor. A closed one admits whoever shows a
//     ticket of its authority that passes every check (examination.hpp). Nothing else decides: not the address, not the
//     sender of a hello, not what was granted before.
//  2. Why somebody was denied is counted by cause and said to this node's log; the one denied hears kDenialText.
//  3. A ticket that was verified is not verified again (base/verification_memo.hpp): a hello that is repeated costs a
//     hash. The memo knows bytes and signatures only; everything else is checked each time, so nothing it remembers
//     outlives an expiry, a revocation or a policy.
//  4. The table of holders knows who was granted what, until release(). A closed mesh with a full table admits nobody
//     new, since whom it does not know it could not put out. An open mesh admits, counts it (`unrecorded`), and when it
//     is closed later those without a grant (find()) are for the caller to close.
//  5. A list of revocations counts if the authority signed it and its version is higher than that of the list known:
//     versions alone decide, whatever any clock says. The same version with other content is refused and counted, so
//     that no two lists take turns. A node that knows no list yet takes an old one until it meets the newer: whoever
//     keeps a list over a restart hands it to on_revocations() first.
//  6. Expiry is the one thing that the wall clock decides. The deadline is computed from the difference to it, at most
//     recheck_max ahead, so that a clock that is set forward is obeyed within that time; one that is set back makes
//     grants last longer and nothing else.
//  7. A policy is replaced as a value, or not at all: one with an unusable own ticket changes nothing. If the authority
//     is another, each grant is judged again by the ticket that was shown. A list of another authority is forgotten; in
//     an open mesh the list is kept unused, so that closing it again does not forget who was revoked.
//  8. An own ticket that others would refuse is an error at once that names the rule, and is reported (OwnTicketLost)
//     when it ends later: a node must not fall silent without saying why.
//
// Bounds are in Config. The cost of an input is that of one verification at most, but for a new list and a new policy,
// which walk the holders. How often a peer may cause one is for rate_limits.hpp.

#include <cstdint>
#include <optional>

#include "admission/examination.hpp"
#include "admission/holders.hpp"
#include "admission/types.hpp"
#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/verification_memo.hpp"
#include "wire/admission.hpp"

namespace grapevine::admission {

class Gatekeeper {
public:
    // Errors: a name that is none; an own ticket that is missing, unusable, or without an authority to have signed it.
    static base::Result<Gatekeeper> make(const base::EndpointId& self, Policy policy, const Config& config,
                                         base::TimePoint now, base::WallTime wall);

    // For a node that cannot turn back any more and whose own ticket make() refused: it judges others by its policy,
    // and they refuse it. Mesh and type are valid names.
    static Gatekeeper make_without_ticket(const base::EndpointId& self, Policy policy, const Config& config);

    // Whether the applicant is admitted; if so it is a holder from now on. A denial takes no earlier grant away.
    [[nodiscard]] Verdict judge(const Applicant& applicant, base::TimePoint now, base::WallTime wall);
    // The last session or entry that stood on this grant is gone.
    void release(const Holder& holder) { holders_.erase(holder); }

    // A list as it came, from whomever.
    void on_revocations(base::ByteView envelope, Effects& out);

    // The mesh must be the same. What the new policy does not admit is in `out`.
    base::Status set_policy(Policy policy, base::TimePoint now, base::WallTime wall, Effects& out);

    void on_deadline(base::TimePoint now, base::WallTime wall, Effects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const { return check_at_; }

    [[nodiscard]] bool closed() const { return policy_.authority.has_value(); }
    [[nodiscard]] const Policy& policy() const { return policy_; }
    // Null: holds no grant.
    [[nodiscard]] const Grant* find(const Holder& holder) const;
    // The list to say on a new link, as signed; null: none counts.
    [[nodiscard]] const wire::SignedRevocations* revocations() const;
    [[nodiscard]] const Holders& holders() const { return holders_; }
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    // What this node's own ticket is good for; without expiry in an open mesh.
    struct Own {
        std::optional<std::uint64_t> expires_unix_s;
        std::optional<std::uint64_t> serial;
        bool lost = false;
    };

    Gatekeeper(const base::EndpointId& self, const Config& config);

    [[nodiscard]] base::VerificationMemo& memo() { return config_.verified != nullptr ? *config_.verified : memo_; }
    [[nodiscard]] Rules rules_of(const Policy& policy) const;
    [[nodiscard]] base::Result<Own> check_own(const Policy& policy, base::WallTime wall);
    [[nodiscard]] Verdict examine_for(const Applicant& applicant, base::WallTime wall);
    [[nodiscard]] Verdict deny(const Applicant& applicant, Denial denial);
    [[nodiscard]] tl::expected<wire::SignedRevocations, ListRefusal> screen(base::ByteView envelope) const;
    void put_out_revoked(Effects& out);
    void judge_again(base::WallTime wall, Effects& out);
    void lose_own(Cause cause, Effects& out);
    [[nodiscard]] base::TimePoint recheck_at(std::uint64_t expires_unix_s, base::TimePoint now,
                                             base::WallTime wall) const;
    void schedule(base::TimePoint now, base::WallTime wall);

    base::EndpointId self_;
    Config config_;
    Policy policy_;
    Own own_;
    base::VerificationMemo memo_;
    Holders holders_;
    std::optional<wire::SignedRevocations> revocations_;
    std::optional<base::TimePoint> check_at_;
    Counters counters_;
};

}  // namespace grapevine::admission
