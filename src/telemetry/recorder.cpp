#include "telemetry/recorder.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.hpp"
#include "base/utf8.hpp"

namespace grapevine::telemetry {

namespace {

std::uint64_t shifted(std::uint64_t unix_ns, std::int64_t by) {
    if (by >= 0) return unix_ns + static_cast<std::uint64_t>(by);
    const auto back = std::uint64_t{0} - static_cast<std::uint64_t>(by);
    return unix_ns > back ? unix_ns - back : 0;
}

// Differences of clocks beyond 292 years are nobody's clock.
std::int64_t difference(std::uint64_t a, std::uint64_t b) {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (a >= b) return static_cast<std::int64_t>(std::min(a - b, kMax));
    return -static_cast<std::int64_t>(std::min(b - a, kMax));
}

// Within its error an offset may as well be none, and clocks that agree are better than any estimate of them.
bool differs(const ClockOffset& offset) {
    const auto size = static_cast<std::uint64_t>(offset.offset_ns < 0 ? -offset.offset_ns : offset.offset_ns);
    return size > offset.error_ns;
}

double milliseconds(std::int64_t ns) {
    return static_cast<double>(ns) / 1e6;
}

}  // namespace

OpenSpan::OpenSpan(OpenSpan&& other) noexcept
    : recorder_(other.recorder_),
      span_(std::move(other.span_)),
      context_(std::exchange(other.context_, {})),
      shift_ns_(other.shift_ns_) {}

OpenSpan& OpenSpan::operator=(OpenSpan&& other) noexcept {
    if (this != &other) {
        if (span_) ++recorder_->counters_.spans_abandoned;
        recorder_ = other.recorder_;
        span_ = std::move(other.span_);
        context_ = std::exchange(other.context_, {});
        shift_ns_ = other.shift_ns_;
    }
    return *this;
}

OpenSpan::~OpenSpan() {
    if (span_) ++recorder_->counters_.spans_abandoned;
}

OpenSpan& OpenSpan::set(std::string_view key, std::string_view value) {
    if (span_) span_->attributes.push_back({key, std::string(value)});
    return *this;
}
OpenSpan& OpenSpan::set(std::string_view key, std::int64_t value) {
    if (span_) span_->attributes.push_back({key, value});
    return *this;
}
OpenSpan& OpenSpan::set(std::string_view key, double value) {
    if (span_) span_->attributes.push_back({key, value});
    return *this;
}
OpenSpan& OpenSpan::set(std::string_view key, bool value) {
    if (span_) span_->attributes.push_back({key, value});
    return *this;
}

OpenSpan& OpenSpan::link(const base::TraceContext& to) {
    if (!span_ || !to.is_valid()) return *this;
    if (span_->links.size() >= recorder_->config_.links_max)
        ++recorder_->counters_.attributes_cut;
    else
        span_->links.push_back({to.trace, to.span});
    return *this;
}

OpenSpan& OpenSpan::fail(std::string_view why) {
    if (span_) {
        span_->status = SpanStatus::error;
        span_->status_text = why;
    }
    return *this;
}

Recorder::Recorder(RecorderConfig config, base::Rng rng, const Clock& clock)
    : config_(config),
      rng_(rng),
      clock_(clock),
      spans_(config_.spans_max, config_.spans_bytes_max),
      logs_(config_.logs_max, config_.logs_bytes_max) {}

bool Recorder::sample_root(const base::TraceId& trace) const {
    if (config_.sampler.root != Sampler::Root::ratio) return config_.sampler.root == Sampler::Root::always_on;
    std::uint64_t low = 0;  // The last seven bytes, which W3C level 2 wants random.
    for (std::size_t i = 9; i < trace.bytes.size(); ++i)
        low = low << 8U | trace.bytes[i];
    constexpr double kSpan = 72057594037927936.0;  // 2^56
    return static_cast<double>(low) < config_.sampler.ratio * kSpan;
}

OpenSpan Recorder::make_root(const SpanSpec& spec, std::uint64_t start_unix_ns) {
    base::TraceId trace;
    do
        rng_.fill(trace.bytes);
    while (!trace.is_valid());
    return make(spec, trace, {}, sample_root(trace), start_unix_ns);
}

OpenSpan Recorder::make_child(const SpanSpec& spec, const OpenSpan& parent, std::uint64_t start_unix_ns) {
    if (!parent.context_.is_valid()) return make_root(spec, start_unix_ns);
    const bool sampled = config_.sampler.parent_based ? parent.context_.sampled : sample_root(parent.context_.trace);
    OpenSpan child = make(spec, parent.context_.trace, parent.context_.span, sampled, start_unix_ns);
    child.shift_ns_ = parent.shift_ns_;
    if (child) child.span_->start_unix_ns = shifted(child.span_->start_unix_ns, child.shift_ns_);
    if (child && parent.span_)
        child.span_->start_unix_ns = std::max(child.span_->start_unix_ns, parent.span_->start_unix_ns);
    return child;
}

OpenSpan Recorder::make_remote(const SpanSpec& spec, const base::TraceContext& parent,
                               std::optional<ClockOffset> offset, std::uint64_t start_unix_ns) {
    if (!parent.is_valid()) return make_root(spec, start_unix_ns);
    const bool sampled = config_.sampler.parent_based ? parent.sampled : sample_root(parent.trace);
    OpenSpan child = make(spec, parent.trace, parent.span, sampled, start_unix_ns);
    if (!child) return child;
    child.span_->remote_parent = true;
    const std::uint64_t local = child.span_->start_unix_ns;
    const std::uint64_t estimated = offset && differs(*offset) ? shifted(local, offset->offset_ns) : local;
    child.span_->start_unix_ns = std::max(estimated, parent.sent_unix_ns);
    child.shift_ns_ = difference(child.span_->start_unix_ns, local);
    if (child.shift_ns_ != 0) child.set("clock.shift_ms", milliseconds(child.shift_ns_));
    if (offset) child.set("clock.error_ms", static_cast<double>(offset->error_ns) / 1e6);
    return child;
}

OpenSpan Recorder::make(const SpanSpec& spec, const base::TraceId& trace, const base::SpanId& parent, bool sampled,
                        std::uint64_t start_unix_ns) {
    OpenSpan open;
    open.recorder_ = this;
    open.context_.trace = trace;
    open.context_.sampled = sampled;
    do
        rng_.fill(open.context_.span.bytes);
    while (!open.context_.span.is_valid());
    if (!sampled) {
        ++counters_.spans_unsampled;
        return open;
    }
    open.span_ = std::make_unique<OpenSpan::Live>();
    ledger_.set_now(base::TimePoint(base::Duration(clock_.unix_ns())));
    open.span_->life = Life(ledger_, Kind::span);
    open.span_->spec = &spec;
    open.span_->trace = trace;
    open.span_->id = open.context_.span;
    open.span_->parent = parent;
    open.span_->start_unix_ns = start_unix_ns != 0 ? start_unix_ns : clock_.unix_ns();
    return open;
}

base::TraceContext Recorder::leaving(base::TraceContext context, std::int64_t shift_ns) const {
    const bool travels = context.sampled || config_.sampler.root != Sampler::Root::always_off;
    if (!context.is_valid() || !travels) return {};
    context.sent_unix_ns = shifted(clock_.unix_ns(), shift_ns);
    return context;
}

void Recorder::cut(Value& value) {
    if (auto* text = std::get_if<std::string>(&value)) cut(*text);
}

void Recorder::cut(std::string& text) {
    if (text.size() <= config_.attribute_bytes_max) return;
    text.resize(base::cut_utf8(text, config_.attribute_bytes_max).size());
    ++counters_.attributes_cut;
}

void Recorder::finish(OpenSpan open, std::uint64_t end_unix_ns) {
    GRAPEVINE_ASSERT(open.recorder_ == this, "a span ends where it began");
    Span& span = *open.span_;
    const std::uint64_t end = end_unix_ns != 0 ? end_unix_ns : clock_.unix_ns();
    span.end_unix_ns = std::max(shifted(end, open.shift_ns_), span.start_unix_ns);
    if (span.attributes.size() > config_.attributes_max) {
        counters_.attributes_cut += span.attributes.size() - config_.attributes_max;
        span.attributes.resize(config_.attributes_max);
    }
    for (Attribute& attribute : span.attributes)
        cut(attribute.value);
    cut(span.status_text);
    ++counters_.spans_recorded;
    counters_.spans_dropped += spans_.push(span);
    open.span_.reset();
}

void Recorder::log(LogRecord record) {
    if (!config_.keep || !wants(record.target, record.level)) return;
    if (record.unix_ns == 0) record.unix_ns = clock_.unix_ns();
    cut(record.body);
    ++counters_.logs_recorded;
    counters_.logs_dropped += logs_.push(record);
}

}  // namespace grapevine::telemetry
