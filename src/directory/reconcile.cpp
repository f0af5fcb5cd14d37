#include "directory/reconcile.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "wire/glance.hpp"

namespace grapevine::directory {

namespace {

constexpr base::EndpointId kSmallest{};

base::EndpointId largest_id() {
    base::EndpointId id;
    id.bytes.fill(0xff);
    return id;
}

tl::unexpected<base::Error> broken(const std::string& rule) {
    return base::invalid("directory exchange: " + rule);
}

wire::Fingerprint summary_of(std::map<base::EndpointId, Entry>::const_iterator first,
                             std::map<base::EndpointId, Entry>::const_iterator last) {
    FingerprintSum sum;
    for (; first != last; ++first)
        sum += first->second.hash;
    return sum.value();
}

// What no honest peer passes on, since it would have refused it. Versions and kinds we do not know may be a newer
// peer's.
bool is_hostile(Refusal refusal) {
    return refusal == Refusal::malformed || refusal == Refusal::oversized || refusal == Refusal::bad_signature ||
           refusal == Refusal::bad_name || refusal == Refusal::other_mesh;
}

std::size_t items_of(const wire::SyncRange& range) {
    const auto* list = std::get_if<std::vector<wire::KnownEntry>>(&range.content);
    return list == nullptr ? 0 : list->size();
}

base::Status check_limits(const wire::SyncTurn& turn) {
    std::size_t items = 0;
    for (const wire::SyncRange& range : turn.ranges)
        items += items_of(range);
    if (turn.ranges.size() > wire::kSyncRangesMax) return broken("too many ranges");
    if (items > wire::kSyncItemsMax) return broken("too many entries listed");
    if (turn.wanted.size() > wire::kSyncItemsMax) return broken("too many ids wanted");
    if (turn.statements.size() > wire::kSyncStatementsMax) return broken("too many statements");
    for (std::size_t i = 1; i < turn.ranges.size(); ++i) {
        if (turn.ranges[i].from <= turn.ranges[i - 1].from) return broken("ranges out of order");
    }
    return {};
}

std::optional<Refusal> refusal_in(const Effects& effects, std::size_t first) {
    for (std::size_t i = first; i < effects.size(); ++i) {
        if (const auto* refused = std::get_if<Refused>(&effects[i])) return refused->refusal;
    }
    return std::nullopt;
}

bool says_more(const wire::SyncTurn& turn) {
    return !turn.ranges.empty() && turn.ranges.back().from == largest_id() &&
           std::holds_alternative<std::monostate>(turn.ranges.back().content);
}

}  // namespace

SyncSession::SyncSession(Directory& directory, const base::EndpointId& peer, telemetry::Ledger& ledger)
    : directory_(directory),
      peer_(peer),
      source_(directory.sync_source(peer)),
      life_(ledger, telemetry::Kind::sync_session) {}

wire::SyncTurn SyncSession::start() {
    pending_.push_back(OpenRange{kSmallest, std::nullopt});
    return compose();
}

base::Result<SyncStep> SyncSession::on_turn(const wire::SyncTurn& turn, base::TimePoint now, Effects& out) {
    if (over_) return broken("a turn after the end");
    over_ = true;  // Unless all goes well.
    if (++tally_.turns > kTurnsMax) return broken("more than " + std::to_string(kTurnsMax) + " turns");
    if (const auto status = check_limits(turn); !status) return tl::unexpected(status.error());
    if (const auto status = take_statements(turn, now, out); !status) return tl::unexpected(status.error());
    if (turn.ranges.empty() && turn.wanted.empty()) {
        broadcast_proofs(out);
        return SyncStep{std::nullopt, true};
    }
    for (const base::EndpointId& id : turn.wanted)
        owe(id);
    if (const auto status = take_ranges(turn, now); !status) return tl::unexpected(status.error());
    peer_has_more_ = says_more(turn);
    SyncStep step{compose(), false};
    step.done = step.reply->ranges.empty() && step.reply->wanted.empty();
    over_ = step.done;
    return step;
}

base::Status SyncSession::take_statements(const wire::SyncTurn& turn, base::TimePoint now, Effects& out) {
    for (const base::Bytes& envelope : turn.statements) {
        ++tally_.statements_received;
        const std::size_t before = out.size();
        directory_.on_statement(peer_, envelope, source_, now, out);
        const auto refusal = refusal_in(out, before);
        if (!refusal) continue;
        if (is_hostile(*refusal)) return broken("a statement refused as " + std::string(name(*refusal)));
        if (*refusal != Refusal::after_removal) continue;
        if (const auto offered = wire::glance(envelope)) contest(offered->signer, offered->sequence, now);
    }
    return {};
}

void SyncSession::contest(const base::EndpointId& id, wire::Sequence sequence, base::TimePoint now) {
    auto proof = directory_.contest(id, sequence, now);
    if (!proof) return;
    ++tally_.contested;
    proofs_.push_back(*std::move(proof));
}

// At the end of the exchange: what can no longer be told to the peer alone.
void SyncSession::broadcast_proofs(Effects& out) {
    for (base::Bytes& proof : proofs_)
        out.emplace_back(BroadcastStatement{std::move(proof)});
    proofs_.clear();
}

base::Status SyncSession::take_ranges(const wire::SyncTurn& turn, base::TimePoint now) {
    for (std::size_t i = 0; i < turn.ranges.size(); ++i) {
        const wire::SyncRange& range = turn.ranges[i];
        OpenRange open{range.from, std::nullopt};
        if (i + 1 < turn.ranges.size()) open.to = turn.ranges[i + 1].from;
        if (std::holds_alternative<std::monostate>(range.content)) continue;
        if (range.from == largest_id()) return broken("entries at the largest id");
        if (const auto* summary = std::get_if<wire::Fingerprint>(&range.content)) {
            take_summary(*summary, open);
        } else {
            const auto& items = std::get<std::vector<wire::KnownEntry>>(range.content);
            if (const auto status = take_list(items, open, now); !status) return status;
        }
        if (pending_.size() > kPendingRangesMax) return broken("too many open ranges");
    }
    return {};
}

void SyncSession::take_summary(const wire::Fingerprint& summary, const OpenRange& range) {
    const auto [first, last] = slice(range);
    if (summary_of(first, last) != summary) pending_.push_back(range);
}

base::Status SyncSession::take_list(const std::vector<wire::KnownEntry>& items, const OpenRange& range,
                                    base::TimePoint now) {
    const base::EndpointId* previous = nullptr;
    for (const wire::KnownEntry& item : items) {
        if (item.id < range.from || (range.to && item.id >= *range.to)) return broken("an entry outside its range");
        if (previous != nullptr && item.id <= *previous) return broken("entries out of order");
        previous = &item.id;
        take_item(item, now);
    }
    const auto [first, last] = slice(range);
    auto item = items.begin();
    for (auto own = first; own != last; ++own) {
        while (item != items.end() && item->id < own->first)
            ++item;
        const bool listed = item != items.end() && item->id == own->first;
        if (!listed || item->sequence < own->second.digest.sequence) owe(own->first);
    }
    return {};
}

void SyncSession::take_item(const wire::KnownEntry& item, base::TimePoint now) {
    if (!directory_.wants(item.id, item.sequence, now)) return contest(item.id, item.sequence, now);
    if (wanted_.size() < directory_.config().entries_max) wanted_.push_back(item.id);
}

void SyncSession::owe(const base::EndpointId& id) {
    if (directory_.find(id) != nullptr && ever_owed_.insert(id).second) owed_.push_back(id);
}

wire::SyncTurn SyncSession::compose() {
    ++tally_.turns;
    wire::SyncTurn turn;
    fill_ranges(turn);
    fill_wanted(turn);
    fill_statements(turn);
    if (has_more()) {
        turn.ranges.push_back(wire::SyncRange{largest_id(), std::monostate{}});
    } else if (peer_has_more_ && turn.ranges.empty() && turn.wanted.empty()) {
        turn.ranges.push_back(wire::SyncRange{kSmallest, std::monostate{}});
    }
    return turn;
}

bool SyncSession::has_more() const {
    return !pending_.empty() || !wanted_.empty() || !owed_.empty() || !proofs_.empty();
}

void SyncSession::fill_ranges(wire::SyncTurn& turn) {
    std::sort(pending_.begin(), pending_.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
    std::size_t items = 0;
    End covered = kSmallest;  // Absent: up to the end.
    while (!pending_.empty() && turn.ranges.size() + kBranches + 2 <= kTurnRangesMax &&
           items <= kTurnItemsMax - kListMax) {
        const OpenRange range = pending_.front();
        pending_.pop_front();
        if (!covered || range.from < *covered) continue;  // Said twice by a peer that breaks rule 2.
        if (*covered < range.from && !turn.ranges.empty()) turn.ranges.push_back({*covered, std::monostate{}});
        for (wire::SyncRange& part : answer(range)) {
            items += items_of(part);
            turn.ranges.push_back(std::move(part));
        }
        covered = range.to;
    }
    if (covered && !turn.ranges.empty()) turn.ranges.push_back({*covered, std::monostate{}});
}

// Rule 2: all entries of the range, or fingerprints of equal shares of them.
std::vector<wire::SyncRange> SyncSession::answer(const OpenRange& range) const {
    auto [first, last] = slice(range);
    const auto count = static_cast<std::size_t>(std::distance(first, last));
    std::vector<wire::SyncRange> parts;
    if (count <= kListMax) {
        std::vector<wire::KnownEntry> items;
        items.reserve(count);
        for (; first != last; ++first)
            items.push_back({first->first, first->second.digest.sequence});
        parts.push_back({range.from, std::move(items)});
        return parts;
    }
    for (std::size_t branch = 0; branch < kBranches; ++branch) {
        const std::size_t share = count * (branch + 1) / kBranches - count * branch / kBranches;
        const auto end = std::next(first, static_cast<std::ptrdiff_t>(share));
        parts.push_back({branch == 0 ? range.from : first->first, summary_of(first, end)});
        first = end;
    }
    return parts;
}

void SyncSession::fill_wanted(wire::SyncTurn& turn) {
    while (!wanted_.empty() && turn.wanted.size() < kTurnWantedMax) {
        turn.wanted.push_back(wanted_.front());
        wanted_.pop_front();
    }
}

void SyncSession::fill_statements(wire::SyncTurn& turn) {
    std::size_t bytes = 0;
    const auto room = [&] { return turn.statements.size() < wire::kSyncStatementsMax && bytes < kTurnStatementBytes; };
    while (!owed_.empty() && room()) {
        const Entry* entry = directory_.find(owed_.front());
        owed_.pop_front();
        if (entry == nullptr) continue;  // Removed since.
        bytes += entry->envelope.size();
        turn.statements.push_back(entry->envelope);
    }
    while (!proofs_.empty() && room()) {
        bytes += proofs_.front().size();
        turn.statements.push_back(std::move(proofs_.front()));
        proofs_.pop_front();
    }
    tally_.statements_sent += turn.statements.size();
}

SyncSession::Slice SyncSession::slice(const OpenRange& range) const {
    const Entries& entries = directory_.entries();
    const auto first = entries.lower_bound(range.from);
    const auto last = range.to ? entries.lower_bound(*range.to) : entries.end();
    return {first, last};
}

}  // namespace grapevine::directory
