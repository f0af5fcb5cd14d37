#include "directory/directory.hpp"

#include <algorithm>
#include <utility>

#include "wire/names.hpp"

namespace grapevine::directory {

namespace {

Cause cause_of(Occasion occasion) {
    switch (occasion) {
        case Occasion::first: return Cause::first;
        case Occasion::change: return Cause::change;
        case Occasion::refresh: return Cause::refresh;
        case Occasion::urgent: return Cause::urgent;
        case Occasion::leaving: break;
    }
    return Cause::leaving;
}

}  // namespace

Directory::Directory(Config config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger)
    : config_(std::move(config)),
      self_(key.id()),
      key_(key),
      voice_(config_, key, rng),
      table_(config_, ledger),
      suspicions_(config_, ledger),
      health_(config_),
      forwards_(config_.forwards_max) {}

void Directory::start(base::TimePoint now, Effects& out) {
    voice_.start(now);
    emit_due(now, out);
}

void Directory::leave(base::TimePoint now, Effects& out) {
    if (voice_.speaks()) emit(Occasion::leaving, now, out);
}

void Directory::set_addrs(std::vector<wire::TransportAddr> addrs, base::TimePoint now, Effects& out) {
    voice_.set_addrs(std::move(addrs));
    emit_due(now, out);
}

void Directory::set_neighbors(std::vector<base::EndpointId> neighbors, base::TimePoint now, Effects& out) {
    voice_.set_neighbors(std::move(neighbors));
    emit_due(now, out);
}

void Directory::set_load(const wire::Load& load, base::TimePoint now, Effects& out) {
    voice_.set_load(load);
    emit_due(now, out);
}

void Directory::set_counters(std::uint64_t messages_sent, std::uint64_t messages_received) {
    voice_.set_counters(messages_sent, messages_received);
}

void Directory::set_ticket(base::Bytes ticket, base::TimePoint now, Effects& out) {
    voice_.set_ticket(std::move(ticket));
    emit_due(now, out);
}

void Directory::emit_due(base::TimePoint now, Effects& out) {
    if (const auto occasion = voice_.due(now)) emit(*occasion, now, out);
}

base::TraceContext Directory::context_for(Cause cause, const base::EndpointId& about) const {
    return config_.contexts == nullptr ? base::TraceContext{} : config_.contexts->statement(cause, about);
}

void Directory::emit(Occasion occasion, base::TimePoint now, Effects& out) {
    switch (occasion) {
        case Occasion::first: ++counters_.emitted_first; break;
        case Occasion::urgent: ++counters_.emitted_urgent; break;
        case Occasion::change:
        case Occasion::leaving: ++counters_.emitted_change; break;
        case Occasion::refresh: ++counters_.emitted_refresh; break;
    }
    const Cause cause = cause_of(occasion);
    const base::TraceContext context = context_for(cause, self_);
    wire::Statement statement = voice_.speak(occasion, context, now);
    // A full table never lacks the own entry: it is made first.
    table_.put(statement, Source::self, now);
    witness(self_, statement.envelope, now);
    out.emplace_back(BroadcastStatement{std::move(statement.envelope), cause, context});
}

void Directory::on_neighbor_silent(const base::EndpointId& peer, wire::AccusationReason reason, base::TimePoint now) {
    const Entry* entry = table_.find(peer);
    if (entry == nullptr || peer == self_) return;
    if (!health_.silent(peer, reason, entry->digest.sequence, now)) ++counters_.accusations_dropped;
}

void Directory::on_neighbor_heard(const base::EndpointId& peer, base::TimePoint at, Effects& out) {
    health_.heard(peer, at);
    const Suspicion* suspicion = suspicions_.find(peer);
    if (suspicion == nullptr || at <= suspicion->since) return;
    suspicions_.erase(peer);
    out.emplace_back(Refuted{peer, Refutation::heard_directly});
}

void Directory::witness(const base::EndpointId& about, base::ByteView envelope, base::TimePoint now) const {
    if (config_.witness != nullptr) config_.witness->accepted(about, envelope, now);
}

void Directory::backdate(const base::EndpointId& id, base::TimePoint heard_at) {
    table_.backdate(id, heard_at);
}

void Directory::unlist(const base::EndpointId& id, base::TimePoint now, Effects& out) {
    if (id != self_) remove(id, RemovalCause::unlisted, {}, now, out);
}

void Directory::withdraw_suspicions(Effects& out) {
    for (const auto& [id, entry] : table_.entries())
        if (suspicions_.erase(id)) out.emplace_back(Refuted{id, Refutation::withdrawn});
}

void Directory::on_deadline(base::TimePoint now, Effects& out) {
    decide_held(now, out);
    pass_verdicts(now, out);
    while (const auto stale = table_.next_stale(now)) {
        remove(base::EndpointId(*stale), RemovalCause::stale, {}, now, out);
    }
    table_.drop_old_tombstones(now);
    forward_batch(now, out);
    emit_due(now, out);
}

std::optional<base::TimePoint> Directory::next_deadline() const {
    auto next = base::earliest(voice_.next_deadline(), table_.next_deadline());
    next = base::earliest(next, suspicions_.next_deadline());
    next = base::earliest(next, health_.next_deadline());
    return forwards_.empty() ? next : base::earliest(next, forward_at_);
}

// This node's own id included: a sequence of ours that we did not use is from an earlier life.
bool Directory::wants(const base::EndpointId& id, wire::Sequence sequence, base::TimePoint now) const {
    if (const Entry* entry = table_.find(id)) return sequence > entry->digest.sequence;
    const Tombstone* grave = table_.tombstone(id);
    return grave == nullptr || grave->until <= now || sequence > grave->sequence;
}

std::optional<base::Bytes> Directory::contest(const base::EndpointId& id, wire::Sequence offered, base::TimePoint now) {
    const Tombstone* grave = table_.tombstone(id);
    if (grave == nullptr || grave->until <= now || grave->sequence < offered || table_.find(id) != nullptr) return {};
    const bool died = grave->cause == RemovalCause::died;
    if (!died && grave->proof.empty()) return {};
    if (!contests_.take(config_.contests, now)) return {};
    ++counters_.contests_made;
    if (!died) return grave->proof;
    return accusation(id, grave->sequence, wire::AccusationPhase::confirmed, wire::AccusationReason::silent, {});
}

Source Directory::sync_source(const base::EndpointId& peer) const {
    const auto& entries = table_.entries();
    const bool newcomer = std::all_of(entries.begin(), entries.end(),
                                      [&](const auto& item) { return item.first == self_ || item.first == peer; });
    return newcomer ? Source::bootstrap : Source::sync;
}

std::string Directory::name_of(const base::EndpointId& id) const {
    const Entry* entry = table_.find(id);
    return entry == nullptr ? std::string() : table_.names().name_of(config_.mesh, entry->digest.type, id);
}

Resolution Directory::resolve(std::string_view name) const {
    if (name.find('.') == std::string_view::npos) {
        const auto id = base::EndpointId::parse(name);
        if (!id || table_.find(*id) == nullptr) return NoSuchName{};
        return *id;
    }
    const auto parts = wire::split_name(name);
    if (!parts || parts->mesh != config_.mesh || parts->digits.empty()) return NoSuchName{};
    auto fits = table_.names().matching(parts->type, parts->digits, kAmbiguousMax);
    if (fits.empty()) return NoSuchName{};
    if (fits.size() == 1 && !table_.recently_removed(parts->type, parts->digits)) return fits.front();
    return AmbiguousName{std::move(fits)};
}

std::vector<Row> Directory::snapshot(base::TimePoint now) const {
    std::vector<Row> rows;
    rows.reserve(size());
    for (const auto& [id, entry] : table_.entries())
        rows.push_back(row_of(id, entry, now));
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.name < b.name; });
    return rows;
}

Row Directory::row_of(const base::EndpointId& id, const Entry& entry, base::TimePoint now) const {
    const wire::Digest& digest = entry.digest;
    Row row;
    row.name = table_.names().name_of(config_.mesh, digest.type, id);
    row.id = id;
    row.mesh = digest.mesh;
    row.type = digest.type;
    row.addrs = digest.addrs;
    row.neighbors = digest.neighbors;
    row.load = digest.load;
    row.sequence = digest.sequence;
    row.started_unix_ms = digest.started_unix_ms;
    row.messages_sent = digest.messages_sent;
    row.messages_received = digest.messages_received;
    row.age = entry.source == Source::self ? base::Duration::zero() : now - entry.heard_at;
    row.known_by = entry.source;
    if (const Suspicion* suspicion = suspicions_.find(id)) row.suspected_by = suspicion->accusers;
    return row;
}

}  // namespace grapevine::directory
