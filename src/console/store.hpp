#pragma once

// What the collector keeps: one SQLite file, bounded by size and by age, for one process at a time.
//
// Rules
//  1. A request is one transaction: what was answered as stored is in the file, and of a refused request nothing is.
//  2. Nothing in a row is trusted: values are bound, never part of a statement; text is made valid UTF-8; times are
//     clamped to what SQLite can hold; attributes beyond their bytes are left out and counted.
//  3. The oldest goes first, by when it came here (senders' clocks are not believed): at 90 % of bytes_max down to
//     80 %, and everything older than age_max. Traces go whole. What goes is counted.
//  4. The file itself never grows beyond bytes_max (SQLite's page limit; the write-ahead log has 4 MiB on top), and
//     shrinks again after a burst. When it is full, or its disk is, room is made once and the request tried again;
//     then it is refused (exhausted) and counted.
//  5. Every table has a limit of its own; at the limit what came last seen longest ago goes, or the item is refused.
//  6. A point that says the same as the one before is kept once in kSamePointEvery: an idle counter costs little.
//
// The store reads no clock: every method takes `now`.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "console/sqlite.hpp"
#include "console/timeline.hpp"
#include "otlp/decode.hpp"

namespace grapevine::console {

struct StoreLimits {
    static constexpr std::uint64_t kBytesMin = 4ULL * 1024 * 1024;

    std::uint64_t bytes_max = 256ULL * 1024 * 1024;  // At least kBytesMin.
    base::Duration age_max = std::chrono::hours(24);
    std::uint64_t spans_per_trace_max = 10'000;
    std::uint64_t span_names_max = 4096;
    std::uint64_t resources_max = 16'384;
    std::uint64_t series_max = 65'536;
};

// What became of the items of a request.
struct Added {
    std::uint64_t stored = 0;
    std::uint64_t duplicates = 0;  // Here already.
    std::uint64_t refused = 0;     // Rule 5.
    std::uint64_t cut = 0;         // Attributes beyond their bytes.
    std::string reason;            // Of the first that was refused.
};

struct StoreCounters {
    std::uint64_t spans_stored = 0, logs_stored = 0, points_stored = 0, events_stored = 0;
    std::uint64_t duplicates = 0, refused = 0, attributes_cut = 0;
    std::uint64_t traces_evicted_size = 0, traces_evicted_age = 0;
    std::uint64_t rows_evicted_size = 0, rows_evicted_age = 0;  // Logs, points and series.
    std::uint64_t items_dropped_full = 0;                       // Rule 4: of requests that found no room.
    std::uint64_t items_dropped_failed = 0;                     // Any other error of the file.
};

class Store {
public:
    static constexpr std::size_t kAttributesBytesMax = 64U * 1024U;         // Of a span or log record, as JSON.
    static constexpr std::size_t kResourceAttributesBytesMax = 8U * 1024U;  // Of a resource.
    static constexpr std::size_t kSeriesAttributesBytesMax = 2U * 1024U;
    static constexpr std::size_t kEventBytesMax = 4096;     // Of an event's text.
    static constexpr std::size_t kEventsLookedAt = 20'000;  // Of one question.
    static constexpr base::Duration kSamePointEvery = std::chrono::seconds(60);

    // <directory>/telemetry.db, made with mode 0600 if absent. The directory exists and is held by this process. Errors
    // name the file: of something else, of a newer version, damaged, not writable, disk full.
    static base::Result<std::unique_ptr<Store>> open(const std::filesystem::path& directory, const StoreLimits& limits);
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    // Errors: exhausted (rule 4), busy (another process has locked the file), failed. Nothing was stored then.
    base::Result<Added> add(const otlp::Decoded<otlp::SpanRow>& spans, base::WallTime now);
    base::Result<Added> add(const otlp::Decoded<otlp::LogRow>& logs, base::WallTime now);
    base::Result<Added> add(const otlp::Decoded<otlp::PointRow>& points, base::WallTime now);

    // What happened, for the console: events with the sequence numbers that they have; one that is there already is
    // left as it is. As with add(), all of it or nothing is stored.
    base::Status add_timeline(std::span<const TimelineEvent> events, base::WallTime now);
    // Oldest first, from `since_unix_ms` on, the newest `limit`.
    base::Result<std::vector<TimelineEvent>> timeline_since(std::uint64_t since_unix_ms, std::size_t limit);
    // Newest first.
    base::Result<std::vector<TimelineEvent>> find_timeline(const TimelineFilter& filter);

    // Rule 3, a piece at a time; true while there is more to do. To be called now and then also when nothing comes.
    bool maintain(base::WallTime now);

    // Bytes of the file that hold rows, and of the file.
    std::uint64_t bytes_used();
    std::uint64_t bytes_of_file();
    [[nodiscard]] const StoreLimits& limits() const { return limits_; }
    [[nodiscard]] const StoreCounters& counters() const { return counters_; }
    // For reading.
    [[nodiscard]] Database& database() { return database_; }

private:
    enum class Cause : std::uint8_t { size, age };
    enum class Kind : std::uint8_t { traces, logs, points, timeline, series, resources, names };

    Store(Database database, const StoreLimits& limits) : database_(std::move(database)), limits_(limits) {}
    base::Status prepare();

    template <typename Row>
    base::Result<Added> add_rows(const otlp::Decoded<Row>& decoded, base::WallTime now);
    template <typename Row>
    base::Result<Added> try_rows(const otlp::Decoded<Row>& decoded, base::WallTime now);
    // One item; `resource` is its row's id.
    base::Status insert(const otlp::SpanRow& span, std::int64_t resource, Added& out);
    base::Status insert(const otlp::LogRow& log, std::int64_t resource, Added& out);
    base::Status insert(const otlp::PointRow& point, std::int64_t resource, Added& out);
    base::Status insert_point(const otlp::PointRow& point, std::int64_t series, Added& out);
    // Ids of rows that are made if absent; 0 when rule 5 refuses.
    base::Result<std::int64_t> resource_id(const otlp::ResourceRow& resource, Added& out);
    base::Result<std::int64_t> name_id(std::string_view name, std::int64_t start_ns);
    base::Result<std::int64_t> series_id(const otlp::PointRow& point, std::int64_t resource, Added& out);
    struct TraceId {
        std::int64_t id = 0;
        std::uint64_t spans = 0;
    };
    base::Result<TraceId> trace_id(std::string_view trace, const otlp::SpanRow& span, std::int64_t name,
                                   std::int64_t resource);
    static void refuse(Added& out, std::string_view reason);
    void count(const Added& added, const otlp::SpanRow& kind);
    void count(const Added& added, const otlp::LogRow& kind);
    void count(const Added& added, const otlp::PointRow& kind);

    // store_trim.cpp
    base::Status trim_to(std::uint64_t bytes, std::int64_t now_ms);
    base::Result<bool> trim_age(std::int64_t cut_ms);
    base::Status trim_piece(Kind kind, std::int64_t cut_ms, Cause cause);
    base::Status trim_traces(std::int64_t cut_ms, Cause cause);
    base::Status trim_series(std::int64_t cut_ms, Cause cause);
    std::optional<Kind> oldest(std::int64_t& received_ms);
    base::Status make_room(Kind kind, const std::uint64_t& rows, std::uint64_t rows_max);
    void recount();

    Database database_;
    StoreLimits limits_;
    StoreCounters counters_;
    std::int64_t now_ms_ = 0;  // Of the request at hand.
    std::uint64_t resources_ = 0, names_ = 0, series_ = 0;
};

}  // namespace grapevine::console
