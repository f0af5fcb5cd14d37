#pragma once

// Who may be in this node's mesh, composed: the gatekeeper, what stands on each grant, and which peers the mesh's topic
// is spoken with.
//
// Rules, with their reasons:
//  1. An open mesh asks nobody for a ticket and keeps nothing here: who names the mesh is a member, who names another
//     one a visitor.
//  2. In a closed mesh a peer is what its ticket makes it: whoever names the mesh must be admitted as a member, whoever
//     names another one as a visitor. A node of another mesh that this node dialled is its host: it is asked, and may
//     ask nothing itself.
//  3. The topic of a closed mesh is spoken with acquaintances only. Everybody who knows the mesh's name can compute the
//     topic and send a Join, and HyParView answers with ids; so before the first message of the topic goes to a peer,
//     both say hello on a session, and each judges the other's ticket. Messages wait for that, at most kHeldMessagesMax
//     for each of kIntroductionsMax peers. What comes from a peer without a grant is dropped unread, and the peer cut
//     off, before anything was said to it.
//  4. An acquaintance lasts as long as the link, since a peer that restarted knows nobody. One that the other side
//     began is as good, and so is whoever speaks with a grant: it has judged this node, or it would not speak.
//  5. A grant lasts while something stands on it: an entry of the directory, a session, an acquaintance. The gatekeeper
//     is told when the last one is gone.
//  6. A member's grant may rest on its digest (the directory asks, for each digest) or on its hello.
//  7. Wall time is asked for where a ticket is judged, and nowhere else.
//  8. A hello to a peer of another mesh shows the ticket for that mesh, if there is one. In a closed mesh a peer whose
//     mesh is not known is taken for one of ours; a node of an open mesh that has one such ticket shows it to all who
//     are not of its mesh: a ticket is no secret.
//  9. For other closed meshes the backbone says by which authority they are closed; their gateways and members are
//     judged by that authority's tickets. Their revocations are not known here: who was put out of its mesh can be
//     found until its digest is stale, and its own mesh does not answer for it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admission/gatekeeper.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/verification_memo.hpp"
#include "directory/types.hpp"
#include "fabric/types.hpp"
#include "node/types.hpp"
#include "wire/gossip.hpp"
#include "wire/mesh.hpp"

namespace grapevine::node {

inline constexpr std::size_t kIntroductionsMax = 128;  // Peers that are being greeted. Full: the message is dropped.
inline constexpr std::size_t kHeldMessagesMax = 16;    // For one of them. Full: the message is dropped.
// Whom the topic is spoken with. Full: whoever became one longest ago is greeted again when there is something to say.
inline constexpr std::size_t kAcquaintancesMax = 1024;
// Peers of other meshes, known as such. Full: all are forgotten, and learned again.
inline constexpr std::size_t kHostsMax = 1024;

struct AdmissionCounters {
    std::uint64_t strangers = 0;      // Messages of the topic from peers without a grant: dropped.
    std::uint64_t introductions = 0;  // Begun.
    std::uint64_t introductions_failed = 0;
    std::uint64_t held_dropped = 0;  // Messages of this node that found no room to wait.
    std::array<std::uint64_t, admission::kCauses> foreign_denied{};  // Gateways and members of other meshes.
    std::uint64_t put_out = 0;  // Members and visitors that were cut off, for whatever reason.
};

class MeshAdmission final : public directory::Admission, public fabric::Admits {
public:
    enum class Entry : std::uint8_t { present, absent };  // In the directory.

    MeshAdmission(const base::EndpointId& self, const MeshConfig& config);
    // What the first lists of revocations had to say.
    void start(base::TimePoint now, admission::Effects& out);

    [[nodiscard]] bool closed() const { return gatekeeper_.closed(); }
    // What this node shows in its own mesh. Empty: nothing.
    [[nodiscard]] const base::Bytes& own_ticket() const { return gatekeeper_.policy().own_ticket; }
    // Rule 8.
    void learn_mesh(const base::EndpointId& peer, std::string_view mesh);
    [[nodiscard]] base::Bytes ticket_for(const base::EndpointId& peer, Entry entry) const;

    // Rules 1 and 2.
    [[nodiscard]] Judgement greet(const base::EndpointId& peer, const wire::Hello& hello, Caller caller,
                                  base::TimePoint now);
    // directory::Admission.
    bool admits(const base::EndpointId& author, const wire::Digest& digest, base::TimePoint now) override;
    // Whether the author of a statement is a member, or would be by this ticket. `entry`: whether it has one.
    [[nodiscard]] bool admits_author(const base::EndpointId& author, std::string_view type, base::ByteView ticket,
                                     Entry entry, base::TimePoint now);
    [[nodiscard]] bool is_member(const base::EndpointId& peer) const;
    // fabric::Admits (rule 9), as of the last at().
    fabric::Admission speaker(const base::EndpointId& signer, std::string_view mesh, const base::EndpointId& authority,
                              base::ByteView ticket) override;
    fabric::Admission member(const wire::Statement& digest, const base::EndpointId& authority) override;
    // The same of a digest that is not signed on its own: its statement was.
    fabric::Admission admits_foreign(const base::EndpointId& author, const wire::Digest& digest,
                                     const base::EndpointId& authority);
    // By its grant: a member, or a visitor. In an open mesh everybody is.
    [[nodiscard]] bool is_guest(const base::EndpointId& peer) const;
    // By whose tickets a mesh is visited, if there is one for it.
    [[nodiscard]] std::optional<base::EndpointId> authority_of_visit(std::string_view mesh) const;
    void at(base::TimePoint now) { now_ = now; }

    // Rule 3.
    enum class Hold : std::uint8_t { waits, begins, full };
    [[nodiscard]] Hold hold(const base::EndpointId& peer, wire::TopicMessage message);
    [[nodiscard]] bool is_acquainted(const base::EndpointId& peer) const { return acquaintances_.contains(peer); }
    [[nodiscard]] bool is_introducing(const base::EndpointId& peer) const { return held_.contains(peer); }
    // The peer is an acquaintance from now on; what waited for that.
    std::vector<wire::TopicMessage> acquaint(const base::EndpointId& peer);
    void give_up(const base::EndpointId& peer) { held_.erase(peer); }
    // The link is gone.
    void forget(const base::EndpointId& peer);
    void count_stranger() { ++counters_.strangers; }
    void count_failed() { ++counters_.introductions_failed; }
    void count_put_out() { ++counters_.put_out; }

    // Rule 5.
    void session_began(const base::EndpointId& peer, Standing standing);
    void session_ended(const base::EndpointId& peer, Standing standing);
    void release_unused(const base::EndpointId& peer, Entry entry);

    // The gatekeeper's inputs; its effects are the caller's to carry out.
    void on_revocations(base::ByteView envelope, admission::Effects& out) { gatekeeper_.on_revocations(envelope, out); }
    base::Status set_policy(admission::Policy policy, base::TimePoint now, admission::Effects& out) {
        return gatekeeper_.set_policy(std::move(policy), now, wall(now), out);
    }
    void on_deadline(base::TimePoint now, admission::Effects& out) { gatekeeper_.on_deadline(now, wall(now), out); }
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const { return gatekeeper_.next_deadline(); }
    // The list to say to a new acquaintance; null: none is known.
    [[nodiscard]] const wire::SignedRevocations* revocations() const { return gatekeeper_.revocations(); }

    [[nodiscard]] std::vector<base::EndpointId> acquaintances() const;
    [[nodiscard]] admission::Policy policy(std::optional<base::EndpointId> authority, base::Bytes ticket) const;
    [[nodiscard]] const admission::Gatekeeper& gatekeeper() const { return gatekeeper_; }
    [[nodiscard]] const AdmissionCounters& counters() const { return counters_; }
    [[nodiscard]] base::WallTime wall(base::TimePoint now) const;

private:
    [[nodiscard]] fabric::Admission judge_foreign(std::string_view mesh, const base::EndpointId& authority,
                                                  const admission::Applicant& applicant);
    [[nodiscard]] bool stands(const base::EndpointId& peer, admission::Use use, Entry entry) const;
    [[nodiscard]] static admission::Gatekeeper make_gatekeeper(const base::EndpointId& self, const MeshConfig& config);

    std::string mesh_;
    WallClock wall_;
    base::WallTime started_wall_;
    std::optional<base::TimePoint> started_;
    admission::Gatekeeper gatekeeper_;
    admission::Effects first_;
    std::map<base::EndpointId, std::vector<wire::TopicMessage>> held_;
    std::map<base::EndpointId, std::uint64_t> acquaintances_;  // By when they became it.
    std::map<std::uint64_t, base::EndpointId> by_age_;
    std::uint64_t next_age_ = 0;
    std::map<admission::Holder, std::size_t> sessions_;
    std::map<std::string, base::Bytes, std::less<>> visits_;
    std::map<base::EndpointId, std::string> hosts_;  // By mesh; only of meshes that there is a ticket for.
    base::VerificationMemo others_;                  // Of tickets of other meshes.
    base::TimePoint now_;
    AdmissionCounters counters_;
};

// Whether a node can be admitted by this configuration; the error names the rule. To be asked before a node is made of
// it: a node whose ticket is refused starts all the same, and finds nobody.
base::Status check_admission(const base::EndpointId& self, const MeshConfig& config);

}  // namespace grapevine::node
