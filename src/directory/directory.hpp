#pragma once

// Who is in the mesh, and where: a table of signed, sequenced digests, kept up by gossip and by reconciliation.
//
// Rules, with their reasons:
//  1. A statement counts only if its signature holds, it is for this mesh, and it is newer than what is known of its
//     author. All else is refused and counted by cause. What is cheap to check comes before the signature.
//  2. The larger sequence wins, whatever any clock says. Staleness is judged by the receiver's monotonic time alone.
//  3. An entry not refreshed within the staleness window is removed (stale). One learned by sync has two thirds of the
//     window.
//  4. A leaving digest removes the entry at once. Each removal leaves a tombstone for twice the window, so that old
//     digests on their way do not bring the entry back; a newer digest does.
//  5. This node's first sequence is the wall time of its start, so that a restart is newer than the life before.
//  6. Hearing its own signature on a sequence not below its own (a restart with a clock behind), this node jumps above
//     it and speaks at once.
//  7. Hearing itself accused, this node refutes at once with a higher sequence, also while it knows nothing of the
//     accuser. An accusation about an older sequence is refuted already.
//  8. Suspicion (suspicion.hpp): a member accused by members dies when the timeout passes without a newer digest from
//     it. A confirmed accusation shortens that, but never kills by itself. Accusers confirm in public what they had
//     accused.
//  9. This node accuses only neighbours of which its failure detector says so, and holds back while its own
//     connectivity is in doubt (local_health.hpp); verdicts that fall meanwhile are postponed.
// 10. At most digests_per_signer and accusations_per_signer are accepted of one author; the excess is refused unread.
// 11. What was learned by sync is new to this part of the mesh and is broadcast on, byte for byte (so copies collapse
//     by message id), in batches; not by a newcomer, who learns what the mesh knows already.
// 12. A sync peer that offers an entry removed here as left or died is sent the proof: the leaving statement, or a
//     confirmed accusation, which a live member refutes. So zombies die and the falsely dead come back.
// 13. An accusation by or about somebody unknown is refused, but judged again when that digest arrives soon after
//     (orphans.hpp).
// 14. With Config::admission, a digest counts only if its author is admitted, whoever handed it on; so does a leaving
//     one. Accusations need no such look: their authors have entries. expel() ends an entry at once, with a tombstone.
// 15. A directory that was never started speaks of nobody and has no entry of its own: it can be kept up by the words
//     of one other node (backdate, unlist, withdraw_suspicions). What such a one says without proof leaves no
//     tombstone, so that the next one can say otherwise.
//
// Bounds are in Config; each has a counter. `from` is the neighbour that handed a statement on. The key, the Rng and
// the ledger outlive the directory. Nothing here allocates a timer: call on_deadline at next_deadline.

#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bounded.hpp"
#include "base/ed25519.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "directory/local_health.hpp"
#include "directory/orphans.hpp"
#include "directory/suspicion.hpp"
#include "directory/table.hpp"
#include "directory/types.hpp"
#include "directory/voice.hpp"
#include "telemetry/ledger.hpp"
#include "wire/glance.hpp"

namespace grapevine::directory {

class Directory {
public:
    // Mesh and type are valid names.
    Directory(Config config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger);
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    // Makes the own entry and says it for the first time.
    void start(base::TimePoint now, Effects& out);
    // Says goodbye; afterwards this node only listens.
    void leave(base::TimePoint now, Effects& out);

    // Own facts. Emission follows by itself: at once if due, else at a deadline.
    void set_addrs(std::vector<wire::TransportAddr> addrs, base::TimePoint now, Effects& out);
    void set_neighbors(std::vector<base::EndpointId> neighbors, base::TimePoint now, Effects& out);
    void set_load(const wire::Load& load, base::TimePoint now, Effects& out);
    void set_counters(std::uint64_t messages_sent, std::uint64_t messages_received);
    // What this node shows to be admitted; the envelope, or empty.
    void set_ticket(base::Bytes ticket, base::TimePoint now, Effects& out);
    // The member is not admitted any more. Nothing happens to this node itself.
    void expel(const base::EndpointId& id, base::TimePoint now, Effects& out);

    // Rule 15. The entry was heard of earlier than when its statement came here.
    void backdate(const base::EndpointId& id, base::TimePoint heard_at);
    // The entry is gone, by somebody's word.
    void unlist(const base::EndpointId& id, base::TimePoint now, Effects& out);
    // Nobody would hear a refutation: who is under suspicion is so no more.
    void withdraw_suspicions(Effects& out);

    // `source` is gossip, sync or bootstrap.
    void on_statement(const base::EndpointId& from, base::ByteView envelope, Source source, base::TimePoint now,
                      Effects& out);
    // The failure detector's verdict on a neighbour. Judged at the next deadline, which is now.
    void on_neighbor_silent(const base::EndpointId& peer, wire::AccusationReason reason, base::TimePoint now);
    // A packet from the peer came at `at`. To be told for each link as often as the failure detector is.
    void on_neighbor_heard(const base::EndpointId& peer, base::TimePoint at, Effects& out);

    void on_deadline(base::TimePoint now, Effects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    // For reconcile.hpp. True if a statement of `id` with this sequence would be news.
    [[nodiscard]] bool wants(const base::EndpointId& id, wire::Sequence sequence, base::TimePoint now) const;
    // The answer to a peer that offers what was removed here (rule 12), if there is one.
    std::optional<base::Bytes> contest(const base::EndpointId& id, wire::Sequence offered, base::TimePoint now);
    // bootstrap if nobody is known but this node and `peer`, else sync.
    [[nodiscard]] Source sync_source(const base::EndpointId& peer) const;

    [[nodiscard]] const base::EndpointId& self() const { return self_; }
    [[nodiscard]] wire::Sequence sequence() const { return voice_.sequence(); }
    [[nodiscard]] std::size_t size() const { return table_.entries().size(); }
    [[nodiscard]] const std::map<base::EndpointId, Entry>& entries() const { return table_.entries(); }
    [[nodiscard]] const Entry* find(const base::EndpointId& id) const { return table_.find(id); }
    [[nodiscard]] std::string name_of(const base::EndpointId& id) const;  // Empty when unknown.
    // "mesh.type.digits" or an id in full. Only of this mesh.
    [[nodiscard]] Resolution resolve(std::string_view name) const;
    // Present members of a type, in order of ids.
    [[nodiscard]] std::vector<base::EndpointId> of_type(std::string_view type) const {
        return table_.names().of_type(type);
    }
    // All members, this node included, sorted by name.
    [[nodiscard]] std::vector<Row> snapshot(base::TimePoint now) const;
    [[nodiscard]] const std::deque<Death>& deaths() const { return deaths_; }
    [[nodiscard]] std::size_t suspicions() const { return suspicions_.size(); }
    [[nodiscard]] bool is_suspected(const base::EndpointId& id) const { return suspicions_.find(id) != nullptr; }
    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] const Config& config() const { return config_; }

private:
    struct Forward {
        base::EndpointId signer;
        std::optional<wire::Sequence> sequence;  // Of a digest; absent for an accusation.
        base::Bytes envelope;
    };

    [[nodiscard]] base::TraceContext context_for(Cause cause, const base::EndpointId& about) const;
    void emit(Occasion occasion, base::TimePoint now, Effects& out);
    void emit_due(base::TimePoint now, Effects& out);
    void refuse(const base::EndpointId& from, Refusal refusal, Effects& out);
    void witness(const base::EndpointId& about, base::ByteView envelope, base::TimePoint now) const;
    [[nodiscard]] bool admits(const wire::Statement& statement, base::TimePoint now) const;

    [[nodiscard]] std::optional<Refusal> screen(base::ByteView envelope, const wire::Glance& glance,
                                                base::TimePoint now) const;
    [[nodiscard]] std::optional<Refusal> screen_digest(base::ByteView envelope, const wire::Glance& glance,
                                                       base::TimePoint now) const;
    [[nodiscard]] std::optional<Refusal> screen_own(base::ByteView envelope, const wire::Glance& glance) const;
    [[nodiscard]] std::optional<Refusal> screen_accusation(const wire::Glance& glance, base::TimePoint now) const;
    [[nodiscard]] std::optional<Refusal> screen_self_accusation(const wire::Glance& glance) const;

    void judge(const base::EndpointId& from, base::ByteView envelope, Source source, base::TimePoint now, Effects& out);
    void keep_orphan(const base::EndpointId& from, base::ByteView envelope, const base::EndpointId& missing,
                     Source source, base::TimePoint now);
    void accept_own(const wire::Statement& statement, base::TimePoint now, Effects& out);
    void accept_digest(const wire::Statement& statement, Source source, base::TimePoint now, Effects& out);
    void accept_leaving(const wire::Statement& statement, Source source, base::TimePoint now, Effects& out);
    void accept_accusation(const base::EndpointId& from, const wire::Statement& statement, Source source,
                           base::TimePoint now, Effects& out);
    void refute(const wire::Statement& statement, base::TimePoint now, Effects& out);
    void note_known_by_mesh(const base::EndpointId& signer, Source source);

    void accuse(const HeldAccusation& held, base::TimePoint now, Effects& out);
    [[nodiscard]] base::Bytes accusation(const base::EndpointId& accused, wire::Sequence sequence,
                                         wire::AccusationPhase phase, wire::AccusationReason reason,
                                         const base::TraceContext& context) const;
    void decide_held(base::TimePoint now, Effects& out);
    void pass_verdicts(base::TimePoint now, Effects& out);
    void die(const base::EndpointId& id, base::TimePoint now, Effects& out);
    void remove(const base::EndpointId& id, RemovalCause cause, std::vector<Accuser> accusers, base::TimePoint now,
                Effects& out);

    void queue_forward(const wire::Statement& statement, Source source, base::TimePoint now);
    void forward_batch(base::TimePoint now, Effects& out);
    [[nodiscard]] bool still_worth(const Forward& forward) const;
    [[nodiscard]] Row row_of(const base::EndpointId& id, const Entry& entry, base::TimePoint now) const;

    Config config_;
    base::EndpointId self_;
    const base::SecretKey& key_;
    Voice voice_;
    Table table_;
    Suspicions suspicions_;
    LocalHealth health_;
    Orphans orphans_;
    base::BoundedQueue<Forward> forwards_;
    base::TimePoint forward_at_;
    base::TokenBucket contests_;
    std::deque<Death> deaths_;
    Counters counters_;
};

}  // namespace grapevine::directory
