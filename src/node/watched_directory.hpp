#pragma once

// The directory of another mesh, as one gateway of it at a time tells it: a directory::Directory without a voice.
//
// Rules
//  1. A statement counts as it does in the own mesh: by its author's signature, for this mesh, newer than what is
//  known;
//     of a closed mesh admitted. So whoever tells can withhold, and not forge; the dead are so by their accusers'
//     words.
//  2. The age of an entry is what the gateway said, and our monotonic time since. What is older than the mesh's
//     staleness is passed over.
//  3. Nobody dies and nothing goes stale but within kWatchedFresh of a word of the gateway, when its word is whole:
//  else a
//     refutation could not be heard. What was known stays, as old as it is. Suspicions end with the gateway's word.
//  4. When the word of a gateway is whole, what it did not list goes. What it says is gone goes, too; who is under
//     suspicion and said to have died does so by the own verdict, which the accusations bring soon.
//  5. A gateway whose stream has not this form, whose statements are not signed or of another mesh, or that says more
//     than kWatchedRate, has broken a rule, which on_frame() names. What only was repeated, older or not admitted is
//     passed over: mistakes and delays of others look like that.
//
// Bounds: kWatchedEntriesMax members, and those of a directory. The key belongs to nobody: a directory has one.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ed25519.hpp"
#include "base/rng.hpp"
#include "base/token_bucket.hpp"
#include "base/verification_memo.hpp"
#include "directory/directory.hpp"
#include "node/watch_types.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::node {

inline constexpr std::size_t kWatchedEntriesMax = 8192;
inline constexpr base::RateLimit kWatchedRate{2000,
                                              2 * kWatchedEntriesMax};  // Frames; the burst is a whole mesh twice.
inline constexpr base::Duration kWatchedFresh = std::chrono::milliseconds(250);
// What a mesh may say of its own staleness; what is beyond counts as the nearest of these.
inline constexpr base::Duration kWatchedStalenessMin = std::chrono::seconds(2);
inline constexpr base::Duration kWatchedStalenessMax = std::chrono::minutes(10);

struct WatchedCounters {
    std::uint64_t told = 0;         // Statements.
    std::uint64_t accepted = 0;     // Of them.
    std::uint64_t passed_over = 0;  // Rule 5.
    std::uint64_t bytes = 0;        // Of statements.
};

class WatchedDirectory {
public:
    // All outlive this; `admission` and `verified` may be null.
    WatchedDirectory(std::string mesh, directory::Admission* admission, base::VerificationMemo* verified,
                     base::Rng& rng, telemetry::Ledger& ledger);

    // Another stream, of this gateway.
    void begin(const base::EndpointId& gateway);
    // The rule that was broken, if one was.
    std::optional<std::string> on_frame(const wire::WatchFrame& frame, base::TimePoint now,
                                        std::vector<WatchedChanged>& out);
    // The stream is over.
    void end(std::vector<WatchedChanged>& out);

    void on_deadline(base::TimePoint now, std::vector<WatchedChanged>& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    [[nodiscard]] bool whole() const { return whole_; }
    [[nodiscard]] std::size_t size() const { return directory_ ? directory_->size() : 0; }
    [[nodiscard]] std::vector<directory::Row> rows(base::TimePoint now) const;
    [[nodiscard]] const WatchedCounters& counters() const { return counters_; }

private:
    using Changes = std::vector<WatchedChanged>;
    using Fault = std::optional<std::string>;

    Fault on(const wire::WatchBegin& begin);
    Fault on(const wire::WatchTold& told, base::TimePoint now, Changes& out);
    void on(const wire::WatchGone& gone, base::TimePoint now, Changes& out);
    void become_whole(base::TimePoint now, Changes& out);
    // The fault of a statement, if the effects show one.
    Fault apply(const directory::Effects& effects, Changes& out);
    Fault on_refused(const directory::Refused& refused);
    void tell(WatchedChange change, const base::EndpointId& id, std::vector<base::EndpointId> accusers, Changes& out);

    std::string mesh_;
    directory::Admission* admission_;
    base::VerificationMemo* verified_;
    base::Rng& rng_;
    telemetry::Ledger& ledger_;
    base::SecretKey nobody_;
    std::unique_ptr<directory::Directory> directory_;  // From the first Begin on.
    std::optional<base::EndpointId> gateway_;
    bool begun_ = false;
    bool whole_ = false;
    std::set<base::EndpointId> listed_;              // Until the word is whole; some of the entries.
    std::map<base::EndpointId, std::string> names_;  // Of the entries, for when they are gone.
    base::TokenBucket rate_;
    base::TimePoint heard_at_;
    WatchedCounters counters_;
};

}  // namespace grapevine::node
