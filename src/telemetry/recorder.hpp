#pragma once

// Where a node's spans and log records go: begun, ended, kept until the exporter takes them. One recorder a node, on
// its loop's thread.
//
// Rules
//  1. A span that the filter refuses costs one comparison; nothing is made and no clock is read.
//  2. Sampling is decided once, at the root, from the trace id; children follow their parent, also a remote one
//     (parentbased). What is not sampled keeps its context, so that the decision travels: within the node always, to
//     others unless the rule for roots is `always_off`, where it would be said of everything. With the default rule
//     for roots all is sampled but what somebody else decided otherwise.
//  3. Records wait within a count and within bytes. Full means the oldest goes, and is counted. Nothing here ever
//     blocks or fails.
//  4. A child starts no earlier than its parent: a span with a remote parent is put on the parent's clock by the offset
//     that the caller states (within its error the clocks are taken for equal), and if that is not enough, moved to the
//     moment at which the parent's message was sent. Its own children inherit the shift. `clock.shift_ms` and
//     `clock.error_ms` on the span say what was done.
//  5. Attributes over the limits are cut or dropped, and counted.
//  6. A span that is destroyed without end() is not recorded, and counted: it marks a bug of ours.
//
// The clock is read here because a span measures the work between two reads; nothing but descriptions depends on it.
// In the simulator it is the virtual clock.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.hpp"
#include "base/trace_context.hpp"
#include "telemetry/filter.hpp"
#include "telemetry/ledger.hpp"
#include "telemetry/record_ring.hpp"
#include "telemetry/span.hpp"

namespace grapevine::telemetry {

class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual std::uint64_t unix_ns() const = 0;
};

// OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG.
struct Sampler {
    enum class Root : std::uint8_t { always_on, always_off, ratio };
    Root root = Root::always_on;
    double ratio = 1.0;  // Of traces, 0 to 1, by the trace id's last seven bytes (as W3C level 2's random flag asks).
    bool parent_based = true;  // Else the rule for roots decides for children, too.
};

struct RecorderConfig {
    Filter filter{Level::info};
    Sampler sampler;
    std::size_t spans_max = 2048;  // OTEL_BSP_MAX_QUEUE_SIZE; finished spans that wait.
    std::size_t logs_max = 2048;   // OTEL_BLRP_MAX_QUEUE_SIZE
    // What those may occupy, packed: a node whose receiver is away for hours keeps to its memory all the same. A queue
    // size that was asked for brings its memory with it (io/otel_environment.cpp). Some 850 spans of a mesh and 250 log
    // records.
    std::size_t spans_bytes_max = 256 * 1024;
    std::size_t logs_bytes_max = 64 * 1024;
    std::size_t attributes_max = 64;         // OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT (default there: 128)
    std::size_t attribute_bytes_max = 1024;  // OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT (default there: none)
    std::size_t links_max = 32;              // OTEL_SPAN_LINK_COUNT_LIMIT (default there: 128)
    // False: nobody will ever take the records (no exporter): begin() gives nothing, log records are not kept.
    bool keep = true;
};

struct RecorderCounters {
    std::uint64_t spans_recorded = 0, spans_dropped = 0, spans_unsampled = 0, spans_abandoned = 0;
    std::uint64_t logs_recorded = 0, logs_dropped = 0;
    std::uint64_t attributes_cut = 0;
};

// The caller's estimate of the parent's clock minus ours, for rule 4.
struct ClockOffset {
    std::int64_t offset_ns = 0;
    std::uint64_t error_ns = 0;  // The true offset lies within ± this.
};

class Recorder;

// A span under way, owned by whoever does the work; empty when it was filtered out. Move-only.
class OpenSpan {
public:
    OpenSpan() = default;
    OpenSpan(OpenSpan&&) noexcept;
    OpenSpan& operator=(OpenSpan&&) noexcept;
    ~OpenSpan();

    // True while there is something to fill in; set() on an empty one does nothing.
    explicit operator bool() const { return span_ != nullptr; }
    OpenSpan& set(std::string_view key, std::string_view value);
    OpenSpan& set(std::string_view key, const char* value) { return set(key, std::string_view(value)); }
    OpenSpan& set(std::string_view key, std::int64_t value);
    OpenSpan& set(std::string_view key, double value);
    OpenSpan& set(std::string_view key, bool value);
    OpenSpan& link(const base::TraceContext& to);
    OpenSpan& fail(std::string_view why);  // Status error.

    // For children and for frames; valid also where the span is not sampled, invalid where it was filtered out.
    // `sent_unix_ns` is not filled in: Recorder::outgoing() does that.
    [[nodiscard]] const base::TraceContext& context() const { return context_; }

private:
    friend class Recorder;
    Recorder* recorder_ = nullptr;
    struct Live : Span {
        Life life;
    };
    std::unique_ptr<Live> span_;
    base::TraceContext context_;
    std::int64_t shift_ns_ = 0;  // Rule 4.
};

class Recorder {
public:
    // `clock` outlives the recorder. `rng` makes ids only, so that tracing never changes what a node does.
    Recorder(RecorderConfig config, base::Rng rng, const Clock& clock);

    [[nodiscard]] bool wants(const SpanSpec& spec) const {
        return spec.level <= limits().limit(spec.target) && config_.keep;
    }
    [[nodiscard]] bool wants(Target target, Level level) const { return limits().wants(target, level); }

    // A root.
    [[nodiscard]] OpenSpan begin(const SpanSpec& spec) { return wants(spec) ? make_root(spec, 0) : OpenSpan(); }
    // A root that began before (boot: the work started before the recorder existed).
    [[nodiscard]] OpenSpan begin_at(const SpanSpec& spec, std::uint64_t start_unix_ns) {
        return wants(spec) ? make_root(spec, start_unix_ns) : OpenSpan();
    }
    // A child of a span of this process; a root if `parent` was filtered out. `start_unix_ns` 0: now.
    [[nodiscard]] OpenSpan begin(const SpanSpec& spec, const OpenSpan& parent, std::uint64_t start_unix_ns = 0) {
        return wants(spec) ? make_child(spec, parent, start_unix_ns) : OpenSpan();
    }
    // A child of what a peer sent; a root if `parent` is invalid. Rule 4. `start_unix_ns` 0: now; on our clock.
    [[nodiscard]] OpenSpan begin_remote(const SpanSpec& spec, const base::TraceContext& parent,
                                        std::optional<ClockOffset> offset, std::uint64_t start_unix_ns = 0) {
        return wants(spec) ? make_remote(spec, parent, offset, start_unix_ns) : OpenSpan();
    }
    // Forgets it: what it was begun for turned out not to be worth a span. Rule 6 does not count it.
    void discard(OpenSpan span) { span.span_.reset(); }
    // Ends and keeps it. An empty span is fine.
    void end(OpenSpan span) {
        if (span) finish(std::move(span), 0);
    }
    void end_at(OpenSpan span, std::uint64_t end_unix_ns) {
        if (span) finish(std::move(span), end_unix_ns);
    }
    // The context of `span` as it leaves now with a message: with the time of sending on the trace's clock. None where
    // it does not travel, see rule 2.
    [[nodiscard]] base::TraceContext outgoing(const OpenSpan& span) const {
        return leaving(span.context(), span.shift_ns_);
    }
    // The same of a span that is over, and was on this node's clock.
    [[nodiscard]] base::TraceContext outgoing(const base::TraceContext& context) const { return leaving(context, 0); }

    // Kept for export if wanted; printing is the log's own affair (io/log.hpp).
    void log(LogRecord record);

    [[nodiscard]] std::uint64_t unix_ns() const { return clock_.unix_ns(); }
    void set_filter(const Filter& filter) { config_.filter = filter; }
    [[nodiscard]] const Filter& filter() const { return config_.filter; }

    // Oldest first, at most `count`.
    [[nodiscard]] std::vector<Span> take_spans(std::size_t count) { return spans_.take(count); }
    [[nodiscard]] std::vector<LogRecord> take_logs(std::size_t count) { return logs_.take(count); }
    [[nodiscard]] std::size_t spans_waiting() const { return spans_.size(); }
    [[nodiscard]] std::size_t logs_waiting() const { return logs_.size(); }
    // Of both.
    [[nodiscard]] std::size_t bytes_waiting() const { return spans_.bytes() + logs_.bytes(); }
    [[nodiscard]] const RecorderCounters& counters() const { return counters_; }
    // Spans that are open; its time is unix_ns().
    [[nodiscard]] const Ledger& ledger() const { return ledger_; }
    [[nodiscard]] const RecorderConfig& config() const { return config_; }

private:
    friend class OpenSpan;
    [[nodiscard]] const Filter& limits() const { return config_.filter; }
    OpenSpan make_root(const SpanSpec& spec, std::uint64_t start_unix_ns);
    OpenSpan make_child(const SpanSpec& spec, const OpenSpan& parent, std::uint64_t start_unix_ns);
    OpenSpan make_remote(const SpanSpec& spec, const base::TraceContext& parent, std::optional<ClockOffset> offset,
                         std::uint64_t start_unix_ns);
    OpenSpan make(const SpanSpec& spec, const base::TraceId& trace, const base::SpanId& parent, bool sampled,
                  std::uint64_t start_unix_ns);
    void finish(OpenSpan span, std::uint64_t end_unix_ns);
    [[nodiscard]] bool sample_root(const base::TraceId& trace) const;
    [[nodiscard]] base::TraceContext leaving(base::TraceContext context, std::int64_t shift_ns) const;
    void cut(Value& value);
    void cut(std::string& text);

    RecorderConfig config_;
    base::Rng rng_;
    const Clock& clock_;
    Ledger ledger_;
    RecordRing<Span> spans_;
    RecordRing<LogRecord> logs_;
    RecorderCounters counters_;
};

}  // namespace grapevine::telemetry
