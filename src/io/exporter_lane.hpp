#pragma once

// One signal's way to its receiver: takes a batch when it is time, sends it, tries again, gives up. At most one batch
// lives in a lane; what comes meanwhile waits where it came from.
//
// States: idle -> scheduled (a timer) -> sending -> idle, or -> backing_off (a timer) -> sending.
//
// Rules
//  1. A batch goes when `delay` has passed since the first record waited, or at once when a full batch waits.
//  2. Tried again are failures of transport and 429, 502, 503, 504 (OTLP 1.x, "Failures"): first after kRetryFirst,
//     doubling to kRetryMax, jittered by a quarter. The doubling goes on from batch to batch until one arrives, so that
//     an absent receiver costs two wake-ups a minute. Retry-After in seconds or as a date is honoured, up to
//     kRetryAfterMax.
//  3. A batch is given up when it is older than kBatchAgeMax and failed once more; any other answer drops it at once.
//  4. A periodic lane (metrics: cumulative values) replaces a batch that is older than one period by a new one: nothing
//     is lost but a point of the curve.
//  5. Timers may be late by an eighth, at most a second, to share wake-ups.
//  6. flush(): no more delays. Batches go until nothing waits, a periodic lane's last one included; a failure of
//     transport ends the lane; 429, 502, 503 and 504 are tried again from kFlushRetryFirst on. Its owner limits the
//     time.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "io/http_client.hpp"
#include "io/otel_environment.hpp"
#include "io/runtime.hpp"
#include "stack/types.hpp"

namespace grapevine::io {

struct ExportBatch {
    std::string body;       // The encoded request.
    std::size_t items = 0;  // Spans, log records, points. Zero: there was nothing.
};

struct ExportLaneCounters {
    std::uint64_t items_sent = 0, batches_sent = 0, bytes_sent = 0;  // Accepted; bytes of bodies, compressed.
    // Attempts that failed: answered with a status that is no success; not answered in time; any other reason.
    std::uint64_t failed_status = 0, failed_timeout = 0, failed_transport = 0;
    std::uint64_t retries = 0;
    // Items lost, by cause.
    std::uint64_t dropped_refused = 0;     // The receiver answered that it does not want them.
    std::uint64_t dropped_rejected = 0;    // Of an accepted batch, by partial success.
    std::uint64_t dropped_expired = 0;     // Rule 3.
    std::uint64_t dropped_stopping = 0;    // Could not be delivered at the end.
    std::uint64_t dropped_superseded = 0;  // Rule 4.
};

class ExportLane {
public:
    static constexpr base::Duration kRetryFirst = std::chrono::seconds(1);
    static constexpr base::Duration kRetryMax = std::chrono::seconds(30);
    static constexpr base::Duration kRetryAfterMax = std::chrono::seconds(120);
    static constexpr base::Duration kBatchAgeMax = std::chrono::minutes(5);
    static constexpr base::Duration kFlushRetryFirst = std::chrono::milliseconds(200);
    static constexpr std::size_t kAnswerBytesMax = 64 * 1024;

    struct Settings {
        const char* name = "";                 // "spans"
        const SignalTarget* target = nullptr;  // Outlives the lane.
        base::Duration delay{};
        std::size_t batch_max = 512;
        bool periodic = false;  // `delay` is a period; full batches are nobody's business.
    };
    struct Source {
        std::function<std::size_t()> waiting;
        std::function<ExportBatch()> take;
    };

    ExportLane(Runtime& runtime, HttpClient& client, base::Rng rng, Settings settings, Source source);
    ~ExportLane();
    ExportLane(const ExportLane&) = delete;
    ExportLane& operator=(const ExportLane&) = delete;

    void poke();
    // Rule 6. `done` is called once, in this turn or a later one.
    void flush(std::function<void()> done);
    // Ends a flush at once, without calling back.
    void abandon();

    [[nodiscard]] const ExportLaneCounters& counters() const { return counters_; }
    [[nodiscard]] bool holds_batch() const { return batch_.items > 0; }
    [[nodiscard]] const char* name() const { return settings_.name; }

private:
    enum class State : std::uint8_t { idle, scheduled, sending, backing_off, over };

    void schedule(base::Duration delay, State state);
    void on_timer();
    void take_batch();
    void send();
    void on_result(const HttpResult& result);
    void on_accepted(const HttpAnswer& answer);
    void on_failed(const HttpResult& result);
    void drop(std::uint64_t& counter);
    void next();
    void count_failure(const HttpResult& result);
    void back_off(base::Duration at_least);
    void end_flush();
    [[nodiscard]] bool flushing() const { return static_cast<bool>(flushed_); }
    void report_failing(const std::string& why);

    Runtime& runtime_;
    HttpClient& client_;
    base::Rng rng_;
    Settings settings_;
    Source source_;
    std::vector<std::pair<std::string, std::string>> headers_;
    State state_ = State::idle;
    bool hurried_ = false;  // The timer was moved because a full batch waits.
    TaskId timer_;
    HttpRequestId request_;
    ExportBatch batch_;
    base::TimePoint taken_at_;
    base::Duration backoff_{};  // The next one, before jitter.
    bool last_due_ = false;     // A periodic lane that flushes owes its last batch.
    bool failing_ = false;      // Said in the log; said again when it is over.
    std::function<void()> flushed_;
    ExportLaneCounters counters_;
};

// Retry-After (RFC 9110, section 10.2.3): seconds or a date; zero if it is neither or past.
base::Duration parse_retry_after(std::string_view value, base::WallTime now);

}  // namespace grapevine::io
