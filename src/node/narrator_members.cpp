// What the narrator tells of statements and members.

#include <algorithm>

#include "node/narrator.hpp"

namespace grapevine::node {

namespace spans = telemetry::spans;
using telemetry::OpenSpan;

namespace {

// Changes of a state; the rest only keeps entries fresh, or says how a node is doing.
bool is_change(directory::Cause cause) {
    return cause != directory::Cause::change && cause != directory::Cause::refresh;
}

bool is_change(const directory::Effect& effect) {
    return std::holds_alternative<directory::EntryAdded>(effect) ||
           std::holds_alternative<directory::EntryRemoved>(effect) ||
           std::holds_alternative<directory::Suspected>(effect) ||
           std::holds_alternative<directory::SelfAccused>(effect) || std::holds_alternative<directory::Refuted>(effect);
}

std::string_view name(wire::AccusationReason reason) {
    switch (reason) {
        case wire::AccusationReason::silent: return "silent";
        case wire::AccusationReason::unreachable: return "unreachable";
        case wire::AccusationReason::connection_lost: return "connection_lost";
    }
    return "unknown";
}

std::string_view name(wire::AccusationPhase phase) {
    return phase == wire::AccusationPhase::suspected ? "suspected" : "confirmed";
}

}  // namespace

base::TraceContext Narrator::statement(directory::Cause cause, const base::EndpointId& about) {
    const telemetry::SpanSpec& spec = is_change(cause) ? spans::kBroadcastChange : spans::kBroadcastRefresh;
    if (!wants(spec)) return {};
    if (sayings_.size() >= kOpenMax) {
        recorder_->end(std::move(sayings_.front().producer));
        recorder_->end(std::move(sayings_.front().verdict));
        sayings_.erase(sayings_.begin());
    }
    Saying saying{cause, about, {}, {}};
    if (cause == directory::Cause::accusation && wants(spans::kSuspected))
        saying.verdict = event(spans::kSuspected, about);
    if (cause == directory::Cause::confirmation && wants(spans::kDied)) saying.verdict = event(spans::kDied, about);
    saying.producer = produce(spec, saying.verdict);
    saying.producer.set("cause", directory::name(cause));
    if (about != self_) describe(saying.producer, about);
    const base::TraceContext context = recorder_->outgoing(saying.producer);
    sayings_.push_back(std::move(saying));
    return context;
}

// Rule 4.
OpenSpan Narrator::produce(const telemetry::SpanSpec& spec, const OpenSpan& verdict) {
    const OpenSpan* cause = verdict.context().is_valid() ? &verdict : current();
    if (cause != nullptr && !is_remote()) return recorder_->begin(spec, *cause);
    OpenSpan span = recorder_->begin(spec);
    if (cause != nullptr) span.link(cause->context());
    return span;
}

void Narrator::broadcast_done(const directory::BroadcastStatement& statement) {
    if (!statement.context.is_valid()) return;
    const auto it = std::find_if(sayings_.begin(), sayings_.end(), [&](const Saying& saying) {
        return saying.producer.context().span == statement.context.span;
    });
    if (it == sayings_.end()) return;
    it->producer.set("size_bytes", static_cast<std::int64_t>(statement.envelope.size()));
    recorder_->end(std::move(it->producer));
    // Of a death the verdict is passed after its announcement.
    if (it->cause == directory::Cause::confirmation && it->verdict.context().is_valid()) return;
    recorder_->end(std::move(it->verdict));
    sayings_.erase(it);
}

OpenSpan Narrator::take_verdict(directory::Cause cause, const base::EndpointId& about) {
    const auto it = std::find_if(sayings_.begin(), sayings_.end(),
                                 [&](const Saying& saying) { return saying.cause == cause && saying.about == about; });
    if (it == sayings_.end()) return {};
    OpenSpan verdict = std::move(it->verdict);
    recorder_->end(std::move(it->producer));
    sayings_.erase(it);
    return verdict;
}

void Narrator::statement_came(const base::EndpointId& from, base::ByteView envelope, std::uint16_t hops,
                              base::TimePoint now) {
    if (!wants(spans::kAcceptChange)) return;
    const auto origin = wire::origin_of(envelope);
    if (!origin) return;
    const bool direct = hops == 0 && from == origin->signer;
    const auto offset =
        direct ? offset_of(from, origin->context, now) : offset_of(origin->signer, base::TraceContext{}, now);
    arrival_.emplace(Arrival{});  // Without it, clang asks for the default members before the class is whole.
    arrival_->author = origin->signer;
    arrival_->label = label_of_(origin->signer);
    arrival_->remote = origin->context.is_valid();
    OpenSpan& span = arrival_->span;
    if (arrival_->remote)
        span = recorder_->begin_remote(spans::kAcceptChange, origin->context, offset, moment_);
    else
        span = begin(spans::kAcceptChange);
    if (!span) return;
    span.set("from_peer", from.hex()).set("author", origin->signer.hex());
    span.set("hops", static_cast<std::int64_t>(hops)).set("size_bytes", static_cast<std::int64_t>(envelope.size()));
}

Narrator::Step Narrator::statement_accepted(const directory::Effects& effects) {
    if (!arrival_) return Step();
    Arrival arrival = std::move(*arrival_);
    arrival_.reset();
    const bool change = std::any_of(effects.begin(), effects.end(), [](const auto& e) { return is_change(e); });
    if (!change && !wants(spans::kAcceptRefresh)) {
        recorder_->discard(std::move(arrival.span));
        return Step();
    }
    author_ = arrival.author;
    author_label_ = std::move(arrival.label);
    if (!author_label_.name.empty()) arrival.span.set("author_name", author_label_.name);
    return push(Frame{std::move(arrival.span), nullptr, arrival.remote, std::nullopt});
}

void Narrator::statement_refused() {
    if (!arrival_) return;
    recorder_->discard(std::move(arrival_->span));
    arrival_.reset();
}

Narrator::Step Narrator::said(const base::TopicId& topic, std::size_t size_bytes) {
    if (!wants(spans::kBroadcastRefresh)) return Step();
    OpenSpan span = begin(spans::kBroadcastRefresh);
    if (span) span.set("topic_id", topic.hex()).set("size_bytes", static_cast<std::int64_t>(size_bytes));
    return push(std::move(span));
}

Narrator::Step Narrator::heard(const base::TopicId& topic, const base::EndpointId& from, std::uint16_t hops,
                               std::size_t size_bytes) {
    if (!wants(spans::kAcceptRefresh)) return Step();
    OpenSpan span = begin(spans::kAcceptRefresh);
    if (span) span.set("topic_id", topic.hex()).set("from_peer", from.hex());
    span.set("hops", static_cast<std::int64_t>(hops)).set("size_bytes", static_cast<std::int64_t>(size_bytes));
    return push(std::move(span));
}

void Narrator::remember(const base::EndpointId& accused, const base::TraceContext& context) {
    if (!context.is_valid()) return;
    auto it = suspicions_.find(accused);
    if (it == suspicions_.end()) {
        if (suspicions_.size() >= kSuspicionsMax) return;
        it = suspicions_.try_emplace(accused).first;
    }
    if (it->second.size() < kLinksMax) it->second.push_back(context);
}

void Narrator::link_accusations(OpenSpan& span, const base::EndpointId& accused) {
    const auto it = suspicions_.find(accused);
    if (it == suspicions_.end()) return;
    for (const base::TraceContext& context : it->second)
        span.link(context);
    suspicions_.erase(it);
}

void Narrator::blame(OpenSpan& span, const directory::Accuser& accuser) const {
    if (!span) return;
    const Label label = label_of_(accuser.id);
    span.set("accuser_id", accuser.id.hex());
    if (!label.name.empty()) span.set("accuser_name", label.name);
    span.set("reason", name(accuser.reason)).set("phase", name(accuser.phase));
}

Narrator::Step Narrator::discovered(const base::EndpointId& id, directory::Source source) {
    if (!wants(spans::kDiscovered)) return Step();
    OpenSpan span = event(spans::kDiscovered, id);
    span.set("source", directory::name(source));
    return push(std::move(span));
}

Narrator::Step Narrator::suspected(const base::EndpointId& accused, const directory::Accuser& accuser) {
    if (!wants(spans::kSuspected)) return Step();
    const auto own = std::find_if(sayings_.begin(), sayings_.end(), [&](const Saying& saying) {
        return accuser.id == self_ && saying.cause == directory::Cause::accusation && saying.about == accused;
    });
    if (own != sayings_.end()) {
        blame(own->verdict, accuser);
        remember(accused, own->verdict.context());
        return Step();
    }
    OpenSpan span = event(spans::kSuspected, accused);
    blame(span, accuser);
    if (accused != self_) remember(accused, span.context());
    return push(std::move(span));
}

Narrator::Step Narrator::refuted(const base::EndpointId& accused, directory::Refutation by) {
    OpenSpan span = wants(spans::kRefuted) ? event(spans::kRefuted, accused) : OpenSpan();
    link_accusations(span, accused);
    if (!wants(spans::kRefuted)) return Step();
    span.set("by", by == directory::Refutation::newer_digest ? "newer_digest" : "heard_directly");
    return push(std::move(span));
}

Narrator::Step Narrator::left(const base::EndpointId& id) {
    suspicions_.erase(id);
    if (!wants(spans::kLeft)) return Step();
    OpenSpan span = event(spans::kLeft, id);
    if (id == author_) span.set("peer_name", author_label_.name).set("peer_node_type", author_label_.type);
    return push(std::move(span));
}

Narrator::Step Narrator::died(const base::EndpointId& id, const std::vector<directory::Accuser>& accusers) {
    if (!wants(spans::kDied)) {
        suspicions_.erase(id);
        return Step();
    }
    OpenSpan span = take_verdict(directory::Cause::confirmation, id);
    if (!span.context().is_valid()) span = event(spans::kDied, id);
    span.set("accusations", static_cast<std::int64_t>(accusers.size()));
    std::string who;
    for (const directory::Accuser& accuser : accusers) {
        const Label label = label_of_(accuser.id);
        who += (who.empty() ? "" : ", ") + (label.name.empty() ? accuser.id.short_hex() : label.name) + " (" +
               std::string(name(accuser.reason)) + ")";
    }
    span.set("accused_by", who);
    link_accusations(span, id);
    return push(std::move(span));
}

Narrator::Step Narrator::pruned(const std::vector<const directory::EntryRemoved*>& removed, base::Duration staleness) {
    if (removed.empty()) return Step();
    for (const directory::EntryRemoved* entry : removed)
        suspicions_.erase(entry->id);
    if (!wants(spans::kPruned)) return Step();
    OpenSpan span = begin(spans::kPruned);
    std::string ids;
    for (std::size_t i = 0; i < std::min(removed.size(), kLinksMax); ++i)
        ids += (i == 0 ? "" : ", ") + removed[i]->id.short_hex();
    span.set("removed", static_cast<std::int64_t>(removed.size())).set("peers", ids);
    span.set("staleness_ms", std::chrono::duration_cast<std::chrono::milliseconds>(staleness).count());
    return push(std::move(span));
}

}  // namespace grapevine::node
