#include "console/store.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include <gtest/gtest.h>

#include "console/store_testing.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine::console {
namespace {

using namespace testing;

constexpr base::WallTime kWall{kNow / 1'000'000};

base::WallTime after(std::chrono::milliseconds time) {
    return {kWall.unix_ms + static_cast<std::uint64_t>(time.count())};
}

std::unique_ptr<Store> open_store(const io::TempDir& dir, const StoreLimits& limits = {}) {
    auto store = Store::open(dir.path(), limits);
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? std::move(*store) : nullptr;
}

std::int64_t rows_in(Store& store, const char* sql) {
    return store.database().integer(sql);
}

// A trace of `spans` spans with much to say.
otlp::Decoded<otlp::SpanRow> big_trace(std::uint64_t trace, std::size_t spans) {
    std::vector<otlp::SpanRow> rows;
    for (std::size_t i = 0; i < spans; ++i) {
        rows.push_back(span_of(trace, i + 1, i, "mesh.big"));
        rows.back().attributes = {attribute("text", std::string(2000, static_cast<char>('a' + i % 26)))};
    }
    return spans_of(std::move(rows));
}

TEST(Store, KeepsWhatItAnsweredAcrossARestart) {
    const io::TempDir dir;
    {
        const auto store = open_store(dir);
        const auto added = store->add(spans_of({span_of(1, 1, 0, "root"), span_of(1, 2, 1, "child")}), kWall);
        ASSERT_TRUE(added) << added.error().message;
        EXPECT_EQ(added->stored, 2U);
    }
    const auto store = open_store(dir);
    EXPECT_EQ(rows_in(*store, "SELECT COUNT(*) FROM spans"), 2);
    EXPECT_EQ(rows_in(*store, "SELECT spans FROM traces"), 2);
}

TEST(Store, IsClosedToOthers) {
    const io::TempDir dir;
    const auto store = open_store(dir);
    ASSERT_TRUE(store->add(spans_of({span_of(1, 1, 0, "root")}), kWall));
    for (const char* name : {"telemetry.db", "telemetry.db-wal", "telemetry.db-shm"}) {
        struct stat info{};
        ASSERT_EQ(::stat((dir.path() / name).c_str(), &info), 0) << name;
        EXPECT_EQ(info.st_mode & 0777U, 0600U) << name;
    }
}

TEST(Store, CountsASpanThatIsSentTwiceOnce) {
    const io::TempDir dir;
    const auto store = open_store(dir);
    const auto batch = spans_of({span_of(1, 1, 0, "root"), span_of(1, 2, 1, "child")});
    ASSERT_TRUE(store->add(batch, kWall));
    const auto again = store->add(batch, kWall);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->stored, 0U);
    EXPECT_EQ(again->duplicates, 2U);
    EXPECT_EQ(rows_in(*store, "SELECT spans FROM traces"), 2);
}

// Rule 2.
TEST(Store, TakesHostileValuesAsValues) {
    const io::TempDir dir;
    const auto store = open_store(dir);
    auto span = span_of(1, 1, 0, "'); DROP TABLE spans; --");
    span.name += std::string("\xff\0\n", 3);
    span.start_unix_ns = UINT64_MAX - 5;
    span.end_unix_ns = UINT64_MAX;
    span.attributes = {attribute("\"k", "v\x80"),
                       {"json", "{not json", false},
                       {"n", "12", false},
                       attribute("big", std::string(2 * Store::kAttributesBytesMax, 'x')),
                       attribute("n", "twice")};
    const auto added = store->add(spans_of({span}), kWall);
    ASSERT_TRUE(added) << added.error().message;
    EXPECT_EQ(added->stored, 1U);
    EXPECT_EQ(added->cut, 1U);
    Rows rows = store->database().query("SELECT attributes, end_ns FROM spans");
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(rows.text(0), "{\"\\\"k\":\"v\xEF\xBF\xBD\",\"json\":\"{not json\",\"n\":12}");
    EXPECT_EQ(rows.integer(1), INT64_MAX);
}

TEST(Store, CallsATraceByItsRootAndUntilThenByItsEarliestSpan) {
    const io::TempDir dir;
    const auto store = open_store(dir);
    const char* name = "SELECT n.id FROM traces t JOIN span_names n ON n.id = t.root_name WHERE n.name = ?";
    ASSERT_TRUE(store->add(spans_of({span_of(1, 3, 2, "late", kNow + 50)}), kWall));
    EXPECT_NE(store->database().integer(name, {std::string_view("late")}), 0);
    ASSERT_TRUE(store->add(spans_of({span_of(1, 2, 1, "early", kNow + 10)}), kWall));
    EXPECT_NE(store->database().integer(name, {std::string_view("early")}), 0);
    ASSERT_TRUE(store->add(spans_of({span_of(1, 1, 0, "root", kNow + 20)}), kWall));
    ASSERT_TRUE(store->add(spans_of({span_of(1, 4, 2, "earliest", kNow)}), kWall));
    EXPECT_NE(store->database().integer(name, {std::string_view("root")}), 0);
    EXPECT_EQ(rows_in(*store, "SELECT start_ns FROM traces"), static_cast<std::int64_t>(kNow));
}

// Rule 3, by size, and rule 4: the file is bounded, the oldest traces go whole, and it shrinks again.
TEST(Store, StaysWithinItsSizeAndLosesTheOldestFirst) {
    const io::TempDir dir;
    StoreLimits limits;
    limits.bytes_max = 8ULL << 20U;
    const auto store = open_store(dir, limits);
    std::uint64_t trace = 0;
    while (trace < 200) {
        ++trace;
        const auto added = store->add(big_trace(trace, 50), after(std::chrono::milliseconds(trace)));
        ASSERT_TRUE(added) << added.error().message;
        ASSERT_LE(store->bytes_of_file(), limits.bytes_max);
        ASSERT_LE(std::filesystem::file_size(dir.path() / "telemetry.db"), limits.bytes_max);
        ASSERT_LE(std::filesystem::file_size(dir.path() / "telemetry.db-wal"), 16ULL << 20U);
    }
    const auto kept = static_cast<std::uint64_t>(rows_in(*store, "SELECT COUNT(*) FROM traces"));
    EXPECT_GT(kept, 20U);
    EXPECT_EQ(store->counters().traces_evicted_size, 200 - kept);
    EXPECT_EQ(rows_in(*store, "SELECT min(touched_ms) FROM traces"),
              static_cast<std::int64_t>(after(std::chrono::milliseconds(200 - kept + 1)).unix_ms));
    EXPECT_EQ(rows_in(*store, "SELECT COUNT(*) FROM spans"), static_cast<std::int64_t>(kept * 50));
    EXPECT_EQ(store->counters().items_dropped_full, 0U);
}

TEST(Store, LetsGoOfWhatIsTooOldAndGivesTheSpaceBack) {
    const io::TempDir dir;
    StoreLimits limits;
    limits.age_max = std::chrono::hours(1);
    const auto store = open_store(dir, limits);
    for (std::uint64_t trace = 1; trace <= 100; ++trace) {
        ASSERT_TRUE(store->add(big_trace(trace, 50), kWall));
    }
    ASSERT_TRUE(store->add(points_of({gauge("m", 1, kNow)}), kWall));
    ASSERT_TRUE(store->add(spans_of({span_of(999, 1, 0, "young")}), after(std::chrono::minutes(30))));
    const std::uint64_t before = store->bytes_of_file();
    EXPECT_FALSE(store->maintain(after(std::chrono::minutes(59))));
    EXPECT_EQ(rows_in(*store, "SELECT COUNT(*) FROM traces"), 101);
    int pieces = 0;
    while (store->maintain(after(std::chrono::minutes(61)))) {
        ASSERT_LT(++pieces, 1000);
    }
    EXPECT_EQ(rows_in(*store, "SELECT COUNT(*) FROM traces"), 1);
    EXPECT_EQ(rows_in(*store, "SELECT COUNT(*) FROM spans"), 1);
    EXPECT_EQ(rows_in(*store, "SELECT COUNT(*) FROM points") + rows_in(*store, "SELECT COUNT(*) FROM series"), 0);
    EXPECT_EQ(rows_in(*store, "SELECT COUNT(*) FROM span_names"), 1);
    EXPECT_EQ(store->counters().traces_evicted_age, 100U);
    EXPECT_GT(before, 8ULL << 20U);
    EXPECT_LT(store->bytes_of_file(), before / 2);
}

// Rule 4: a request that finds no room even after trimming is refused whole, and the next small one is taken.
TEST(Store, RefusesWhatIsLargerThanItself) {
    const io::TempDir dir;
    StoreLimits limits;
    limits.bytes_max = StoreLimits::kBytesMin;
    const auto store = open_store(dir, limits);
    ASSERT_TRUE(store->add(spans_of({span_of(1, 1, 0, "first")}), kWall));
    const auto refused = store->add(big_trace(2, 4000), kWall);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, base::ErrorCode::exhausted);
    EXPECT_EQ(store->counters().items_dropped_full, 4000U);
    EXPECT_EQ(rows_in(*store, "SELECT COUNT(*) FROM traces WHERE spans > 1"), 0);
    EXPECT_TRUE(store->add(spans_of({span_of(3, 1, 0, "third")}), kWall));
}

// A disk that is full, here a small file system in memory: refused and counted, then taken when there is room again.
TEST(Store, OutlivesAFullDisk) {
    const io::TempDir dir;
    if (::mount("none", dir.path().c_str(), "tmpfs", 0, "size=3m,mode=700") != 0) {
        GTEST_SKIP() << "needs the right to mount";
    }
    {
        const auto store = open_store(dir);
        std::uint64_t trace = 0;
        base::Result<Added> added = Added{};
        while (added && trace < 100) {
            added = store->add(big_trace(++trace, 50), after(std::chrono::milliseconds(trace)));
        }
        ASSERT_FALSE(added);
        EXPECT_EQ(added.error().code, base::ErrorCode::exhausted) << added.error().message;
        EXPECT_EQ(store->counters().items_dropped_full, 50U);
        EXPECT_GE(rows_in(*store, "SELECT COUNT(*) FROM spans"), 50);
        ASSERT_EQ(::mount("none", dir.path().c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
        EXPECT_TRUE(store->add(big_trace(200, 50), after(std::chrono::seconds(1))));
    }
    ::umount(dir.path().c_str());
}

// Rule 5.
TEST(Store, BoundsEveryTable) {
    const io::TempDir dir;
    StoreLimits limits;
    limits.spans_per_trace_max = 3;
    limits.span_names_max = 4;
    limits.resources_max = 2;
    limits.series_max = 2;
    const auto store = open_store(dir, limits);
    const auto five = store->add(spans_of({span_of(1, 1, 0, "a"), span_of(1, 2, 0, "a"), span_of(1, 3, 0, "a"),
                                           span_of(1, 4, 0, "a"), span_of(1, 5, 0, "a")}),
                                 kWall);
    ASSERT_TRUE(five);
    EXPECT_EQ(five->refused, 2U);
    EXPECT_NE(five->reason.find("at most 3 spans"), std::string::npos);
    const auto names = store->add(
        spans_of({span_of(2, 1, 0, "b"), span_of(3, 1, 0, "c"), span_of(4, 1, 0, "d"), span_of(5, 1, 0, "e")}), kWall);
    ASSERT_TRUE(names);
    EXPECT_EQ(names->refused, 1U);
    ASSERT_TRUE(store->add(spans_of({span_of(6, 1, 0, "a")}, resource_of("s", "two")), kWall));
    const auto third = store->add(spans_of({span_of(7, 1, 0, "a")}, resource_of("s", "three")), kWall);
    ASSERT_TRUE(third);
    EXPECT_EQ(third->refused, 1U);
    const auto series = store->add(points_of({gauge("x", 1, kNow), gauge("y", 1, kNow), gauge("z", 1, kNow)}), kWall);
    ASSERT_TRUE(series);
    EXPECT_EQ(series->refused, 1U);
    // What has not been in use for a while makes room.
    EXPECT_EQ(store->add(spans_of({span_of(8, 1, 0, "f")}, resource_of("s", "four")), after(std::chrono::minutes(6)))
                  ->refused,
              0U);
    EXPECT_EQ(store->counters().refused, 5U);
}

// Rule 6.
TEST(Store, KeepsAnUnchangedPointOnceAMinute) {
    const io::TempDir dir;
    const auto store = open_store(dir);
    for (std::uint64_t second = 0; second <= 120; second += 10) {
        ASSERT_TRUE(store->add(points_of({gauge("idle", 5, kNow + second * kSecond),
                                          gauge("busy", static_cast<double>(second), kNow + second * kSecond)}),
                               kWall));
    }
    const char* count = "SELECT COUNT(*) FROM points WHERE series = (SELECT id FROM series WHERE metric = ?)";
    EXPECT_EQ(store->database().integer(count, {std::string_view("busy")}), 13);
    EXPECT_EQ(store->database().integer(count, {std::string_view("idle")}), 2);
    EXPECT_EQ(rows_in(*store, "SELECT min(unix_ns) FROM series"), static_cast<std::int64_t>(kNow + 120 * kSecond));
}

TEST(Store, RefusesAFileThatIsNotItsOwn) {
    const io::TempDir dir;
    std::ofstream(dir.path() / "telemetry.db") << std::string(8192, 'x');
    const auto opened = Store::open(dir.path(), {});
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().message.find("telemetry.db"), std::string::npos) << opened.error().message;
}

TEST(Store, RefusesANewerSchemaAndSomebodyElsesTables) {
    const io::TempDir newer;
    ASSERT_TRUE(open_store(newer)->database().script("PRAGMA user_version = 99"));
    const auto opened = Store::open(newer.path(), {});
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().message.find("newer version"), std::string::npos) << opened.error().message;

    const io::TempDir other;
    ASSERT_TRUE(open_store(other)->database().script("PRAGMA application_id = 7"));
    EXPECT_FALSE(Store::open(other.path(), {}));
}

TimelineEvent event_of(std::uint64_t seq, std::string kind = "joined") {
    return {seq, kWall.unix_ms + seq, std::move(kind), "node", "m", "text " + std::to_string(seq), {"a", "b"}};
}

TEST(Store, KeepsTheTimelineAcrossARestart) {
    const io::TempDir dir;
    const std::vector<TimelineEvent> events{event_of(1), event_of(2, "died"), event_of(3)};
    {
        const auto store = open_store(dir);
        ASSERT_TRUE(store->add_timeline(events, kWall));
        ASSERT_TRUE(store->add_timeline(events, kWall)) << "once more";
    }
    const auto store = open_store(dir);
    EXPECT_EQ(*store->timeline_since(0, 100), events);
    EXPECT_EQ(store->timeline_since(kWall.unix_ms + 2, 100)->size(), 2U);
    EXPECT_EQ(store->timeline_since(0, 1)->front().seq, 3U);
    TimelineFilter filter;
    filter.kind = "died";
    ASSERT_EQ(store->find_timeline(filter)->size(), 1U);
    EXPECT_EQ(store->find_timeline(filter)->front(), events[1]);
    filter = {};
    filter.before_seq = 3;
    EXPECT_EQ(store->find_timeline(filter)->front().seq, 2U);
    filter.text = "text 1";
    EXPECT_EQ(store->find_timeline(filter)->size(), 1U);
}

TEST(Store, TheTimelineAgesAsAllElse) {
    const io::TempDir dir;
    const auto store = open_store(dir);
    ASSERT_TRUE(store->add_timeline(std::vector{event_of(1)}, kWall));
    ASSERT_TRUE(store->add_timeline(std::vector{event_of(2)}, after(std::chrono::hours(20))));
    while (store->maintain(after(std::chrono::hours(25)))) {
    }
    ASSERT_EQ(store->timeline_since(0, 10)->size(), 1U);
    EXPECT_EQ(store->timeline_since(0, 10)->front().seq, 2U);
}

// A file of the first version, which had no timeline, is brought up to this one with all that is in it.
TEST(Store, BringsAnOlderFileUp) {
    const io::TempDir dir;
    {
        const auto store = open_store(dir);
        ASSERT_TRUE(store->add(spans_of({span_of(1, 1, 0, "root")}), kWall));
        ASSERT_TRUE(store->database().script("DROP TABLE timeline; PRAGMA user_version = 1;"));
    }
    const auto store = open_store(dir);
    EXPECT_EQ(rows_in(*store, "SELECT COUNT(*) FROM spans"), 1);
    EXPECT_TRUE(store->add_timeline(std::vector{event_of(1)}, kWall));
    EXPECT_EQ(rows_in(*store, "PRAGMA user_version"), 2);
}

}  // namespace
}  // namespace grapevine::console
