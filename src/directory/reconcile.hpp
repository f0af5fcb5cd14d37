#pragma once

// Reconciliation of two directories over one stream, by range-based set reconciliation (Meyer, "Range-Based Set
// Reconciliation", SRDS 2023, section 3): the peers compare fingerprints of ranges of ids, split the ranges that
// differ, list the small ones, and exchange only the statements in which they differ. Bytes go with the difference
// times the logarithm of the directory, not with the directory.
//
// Rules:
//  1. The initiator sends start(); then each turn received is answered by at most one turn, until a turn without ranges
//     and wanted ids, which ends the exchange (wire/mesh.hpp).
//  2. A range that has its peer's fingerprint is equal and is not mentioned again. One that differs is answered by the
//     list of entries if they are at most kListMax, else by kBranches fingerprints. A list is answered by the
//     statements the peer lacks and by the ids wanted.
//  3. What does not fit into a turn waits for the next. A turn whose last range starts at the largest id and says
//     nothing means "I have more to send": the peer must not end. It is followed by whatever the peer has, if only the
//     range from the smallest id that says nothing ("go on").
//  4. Statements go through Directory::on_statement. Entries removed here that the peer still offers are contested
//     (Directory, rule 12).
//  5. A turn that breaks a rule (ranges or items out of order, items outside their range, lists over their limits,
//     statements that no honest peer passes on, more than kTurnsMax turns) ends the session with an error that names
//     it.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "directory/directory.hpp"
#include "telemetry/ledger.hpp"
#include "wire/mesh.hpp"

namespace grapevine::directory {

inline constexpr std::size_t kBranches = 8;
inline constexpr std::size_t kListMax = 16;
inline constexpr std::size_t kTurnsMax = 1024;
// Of one turn of ours. Together they keep within wire::kMeshFrameMax.
inline constexpr std::size_t kTurnRangesMax = 160;
inline constexpr std::size_t kTurnItemsMax = 320;
inline constexpr std::size_t kTurnWantedMax = 256;
inline constexpr std::size_t kTurnStatementBytes = 24U * 1024U;
inline constexpr std::size_t kPendingRangesMax = 4096;

struct SyncStep {
    std::optional<wire::SyncTurn> reply;
    bool done = false;  // After sending the reply, if there is one.
};

struct SyncTally {
    std::uint64_t turns = 0;  // Sent and received.
    std::uint64_t statements_sent = 0;
    std::uint64_t statements_received = 0;
    std::uint64_t contested = 0;
    friend bool operator==(const SyncTally&, const SyncTally&) = default;
};

// One side of one exchange with `peer`. The directory outlives it and may change between turns.
class SyncSession {
public:
    SyncSession(Directory& directory, const base::EndpointId& peer, telemetry::Ledger& ledger);

    // The initiator's first turn.
    wire::SyncTurn start();
    // After an error the session is over; the error names the rule that the peer broke.
    base::Result<SyncStep> on_turn(const wire::SyncTurn& turn, base::TimePoint now, Effects& out);

    [[nodiscard]] const SyncTally& tally() const { return tally_; }
    // Bootstrap while this node was a newcomer as the session began.
    [[nodiscard]] Source source() const { return source_; }

private:
    using End = std::optional<base::EndpointId>;  // Exclusive; absent: after the largest id.
    struct OpenRange {
        base::EndpointId from;
        End to;
    };
    using Entries = std::map<base::EndpointId, Entry>;
    using Slice = std::pair<Entries::const_iterator, Entries::const_iterator>;

    base::Status take_statements(const wire::SyncTurn& turn, base::TimePoint now, Effects& out);
    base::Status take_ranges(const wire::SyncTurn& turn, base::TimePoint now);
    void take_summary(const wire::Fingerprint& summary, const OpenRange& range);
    base::Status take_list(const std::vector<wire::KnownEntry>& items, const OpenRange& range, base::TimePoint now);
    void take_item(const wire::KnownEntry& item, base::TimePoint now);
    void contest(const base::EndpointId& id, wire::Sequence sequence, base::TimePoint now);
    void broadcast_proofs(Effects& out);
    void owe(const base::EndpointId& id);

    wire::SyncTurn compose();
    void fill_ranges(wire::SyncTurn& turn);
    void fill_wanted(wire::SyncTurn& turn);
    void fill_statements(wire::SyncTurn& turn);
    [[nodiscard]] std::vector<wire::SyncRange> answer(const OpenRange& range) const;
    [[nodiscard]] Slice slice(const OpenRange& range) const;
    [[nodiscard]] bool has_more() const;

    Directory& directory_;
    base::EndpointId peer_;
    Source source_;
    std::deque<OpenRange> pending_;  // Differing ranges not answered yet, in order.
    std::deque<base::EndpointId> wanted_;
    std::deque<base::EndpointId> owed_;     // Ids whose statements the peer lacks.
    std::set<base::EndpointId> ever_owed_;  // Each at most once per session.
    std::deque<base::Bytes> proofs_;        // Answers to contested entries.
    bool peer_has_more_ = false;
    bool over_ = false;
    SyncTally tally_;
    telemetry::Life life_;
};

}  // namespace grapevine::directory
