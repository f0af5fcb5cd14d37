#include "node/narrator.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace grapevine::node {

namespace spans = telemetry::spans;
using telemetry::OpenSpan;

namespace {

double milliseconds(base::Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

std::string_view name(membership::DownReason reason) {
    switch (reason) {
        case membership::DownReason::connection_closed: return "connection_closed";
        case membership::DownReason::disconnected: return "disconnected";
        case membership::DownReason::left: return "left";
        case membership::DownReason::evicted: return "evicted";
        case membership::DownReason::quit: return "quit";
    }
    return "unknown";
}

}  // namespace

Narrator::Narrator(telemetry::Recorder* recorder, const base::EndpointId& self, LabelOf label_of, RttOf rtt_of)
    : recorder_(recorder), self_(self), label_of_(std::move(label_of)), rtt_of_(std::move(rtt_of)) {}

Narrator::~Narrator() {
    end_all("the node is gone");
}

Narrator::Moment::Moment(Narrator& narrator) {
    const bool wanted = narrator.wants(spans::kSuspected) || narrator.wants(spans::kNeighborDown);
    if (!wanted || narrator.moment_ != 0) return;
    narrator_ = &narrator;
    narrator.moment_ = narrator.recorder_->unix_ns();
}

Narrator::Moment::~Moment() {
    if (narrator_ != nullptr) narrator_->moment_ = 0;
}

const OpenSpan* Narrator::current() const {
    if (frames_.empty()) return within_;
    return frames_.back().borrowed != nullptr ? frames_.back().borrowed : &frames_.back().span;
}

OpenSpan Narrator::begin(const telemetry::SpanSpec& spec) {
    const OpenSpan* parent = current();
    return parent != nullptr ? recorder_->begin(spec, *parent, moment_) : recorder_->begin_at(spec, moment_);
}

OpenSpan Narrator::begin_root(const telemetry::SpanSpec& spec) {
    OpenSpan span = recorder_->begin_at(spec, moment_);
    if (const OpenSpan* cause = current()) span.link(cause->context());
    return span;
}

OpenSpan Narrator::event(const telemetry::SpanSpec& spec, const base::EndpointId& peer) {
    OpenSpan span = begin(spec);
    describe(span, peer);
    return span;
}

Narrator::Step Narrator::push(OpenSpan span) {
    const bool remote = is_remote();
    return push(Frame{std::move(span), nullptr, remote, std::nullopt});
}

Narrator::Step Narrator::push(Frame frame) {
    frames_.push_back(std::move(frame));
    return Step(this);
}

void Narrator::pop() {
    GRAPEVINE_ASSERT(!frames_.empty(), "a step ends once");
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    recorder_->end(std::move(frame.span));
    if (frame.joined) end_join(*frame.joined, {});
}

void Narrator::describe(OpenSpan& span, const base::EndpointId& peer) const {
    if (!span) return;
    span.set("peer_id", peer.hex());
    const Label label = label_of_(peer);
    if (!label.name.empty()) span.set("peer_name", label.name);
    if (!label.type.empty()) span.set("peer_node_type", label.type);
}

Narrator::Step Narrator::subscribing(const base::TopicId& topic, std::string_view mesh) {
    if (!wants(spans::kSubscribed)) return Step();
    OpenSpan span = begin(spans::kSubscribed);
    if (span) span.set("topic_id", topic.hex());
    if (!mesh.empty()) span.set("mesh_id", mesh);
    return push(std::move(span));
}

void Narrator::join_asked(const base::TopicId& topic, const base::EndpointId& via, base::TimePoint) {
    if (!wants(spans::kJoined)) return;
    auto it = joins_.find(topic);
    if (it == joins_.end()) {
        if (joins_.size() >= kOpenMax) return;
        it = joins_.try_emplace(topic).first;
        it->second.span = begin_root(spans::kJoined);
        if (it->second.span) it->second.span.set("topic_id", topic.hex());
    }
    ++it->second.attempts;
    it->second.via = via;
}

const OpenSpan* Narrator::joining(const base::EndpointId& peer) const {
    for (const auto& [topic, join] : joins_)
        if (join.via == peer) return &join.span;
    return nullptr;
}

void Narrator::join_over(const base::TopicId& topic, std::string_view error) {
    if (!joins_.empty()) end_join(topic, error);
}

void Narrator::end_join(const base::TopicId& topic, std::string_view error) {
    const auto it = joins_.find(topic);
    if (it == joins_.end()) return;
    it->second.span.set("attempts", it->second.attempts);
    if (!error.empty()) it->second.span.fail(error);
    recorder_->end(std::move(it->second.span));
    joins_.erase(it);
}

Narrator::Step Narrator::neighbor_up(const base::TopicId& topic, const base::EndpointId& peer) {
    if (!wants(spans::kNeighborUp)) {
        join_over(topic, {});
        return Step();
    }
    const auto join = joins_.find(topic);
    Frame frame;
    if (join != joins_.end()) {
        describe(join->second.span, peer);
        frame.joined = topic;
        frame.span = recorder_->begin(spans::kNeighborUp, join->second.span);
    } else {
        frame.remote = is_remote();
        frame.span = begin(spans::kNeighborUp);
    }
    describe(frame.span, peer);
    if (frame.span) frame.span.set("topic_id", topic.hex());
    return push(std::move(frame));
}

Narrator::Step Narrator::neighbor_down(const base::TopicId& topic, const base::EndpointId& peer,
                                       membership::DownReason reason) {
    if (!wants(spans::kNeighborDown)) return Step();
    OpenSpan span = event(spans::kNeighborDown, peer);
    if (span) span.set("topic_id", topic.hex()).set("reason", name(reason));
    return push(std::move(span));
}

void Narrator::seed_waits(const base::EndpointId& seed, std::uint32_t attempt, base::Duration delay,
                          std::string_view reason) {
    if (!wants(spans::kSeedRetry)) return;
    auto it = seeds_.find(seed);
    if (it == seeds_.end()) {
        if (seeds_.size() >= kOpenMax) return;
        it = seeds_.try_emplace(seed).first;
    }
    end_seed(it->second, reason);
    it->second.attempt = attempt;
    it->second.delay = delay;
    it->second.reason = reason;
}

void Narrator::seed_tried(const base::EndpointId& seed) {
    const auto it = seeds_.find(seed);
    if (it == seeds_.end() || !wants(spans::kSeedRetry)) return;
    end_seed(it->second, "tried again before it was over");
    it->second.span = begin_root(spans::kSeedRetry);
    describe(it->second.span, seed);
    it->second.span.set("attempt", static_cast<std::int64_t>(it->second.attempt));
    it->second.span.set("delay_ms", milliseconds(it->second.delay)).set("reason", it->second.reason);
}

void Narrator::seed_live(const base::EndpointId& seed) {
    const auto it = seeds_.find(seed);
    if (it == seeds_.end()) return;
    end_seed(it->second, {});
    seeds_.erase(it);
}

void Narrator::end_seed(Seed& seed, std::string_view error) {
    if (!error.empty()) seed.span.fail(error);
    recorder_->end(std::move(seed.span));
}

base::TraceContext Narrator::sync_opened(SyncRef sync, const base::EndpointId& peer, std::uint32_t attempt) {
    if (!wants(spans::kDirectorySync) || syncs_.size() >= kOpenMax) return {};
    Exchange exchange{begin_root(spans::kDirectorySync), false};
    describe(exchange.span, peer);
    exchange.span.set("attempt", static_cast<std::int64_t>(attempt));
    const base::TraceContext context = recorder_->outgoing(exchange.span);
    syncs_.try_emplace(sync, std::move(exchange));
    return context;
}

void Narrator::sync_served(SyncRef sync, const base::EndpointId& peer, const wire::SyncTurn& first,
                           base::TimePoint now) {
    if (!wants(spans::kDirectorySyncServed) || syncs_.size() >= kOpenMax || syncs_.contains(sync)) return;
    const auto offset = offset_of(peer, first.context, now);
    Exchange exchange{recorder_->begin_remote(spans::kDirectorySyncServed, first.context, offset, moment_), true};
    describe(exchange.span, peer);
    syncs_.try_emplace(sync, std::move(exchange));
}

Narrator::Step Narrator::sync_turn(SyncRef sync) {
    const auto it = syncs_.find(sync);
    if (it == syncs_.end()) return Step();
    return push(Frame{OpenSpan(), &it->second.span, it->second.served, std::nullopt});
}

void Narrator::sync_over(SyncRef sync, const directory::SyncTally& tally, directory::Source source,
                         std::string_view error) {
    const auto it = syncs_.find(sync);
    if (it == syncs_.end()) return;
    OpenSpan& span = it->second.span;
    span.set("turns", static_cast<std::int64_t>(tally.turns));
    span.set("statements_sent", static_cast<std::int64_t>(tally.statements_sent));
    span.set("statements_received", static_cast<std::int64_t>(tally.statements_received));
    span.set("contested", static_cast<std::int64_t>(tally.contested));
    span.set("newcomer", source == directory::Source::bootstrap);
    if (!error.empty()) span.fail(error);
    recorder_->end(std::move(span));
    syncs_.erase(it);
}

std::optional<telemetry::ClockOffset> Narrator::offset_of(const base::EndpointId& peer,
                                                          const base::TraceContext& context, base::TimePoint now) {
    if (recorder_ == nullptr) return std::nullopt;
    if (context.is_valid() && context.sent_unix_ns != 0 && rtt_of_)
        clocks_.on_message(peer, context.sent_unix_ns, moment_ != 0 ? moment_ : recorder_->unix_ns(), rtt_of_(peer),
                           now);
    return clocks_.estimate(peer, now);
}

void Narrator::end_all(std::string_view why) {
    if (recorder_ == nullptr) return;
    while (!joins_.empty())
        end_join(base::TopicId(joins_.begin()->first), why);
    for (auto& [id, seed] : seeds_)
        end_seed(seed, why);
    seeds_.clear();
    while (!syncs_.empty())
        sync_over(SyncRef(syncs_.begin()->first), {}, directory::Source::gossip, why);
    for (Saying& saying : sayings_) {
        recorder_->end(std::move(saying.producer));
        recorder_->end(std::move(saying.verdict));
    }
    sayings_.clear();
}

}  // namespace grapevine::node
