#include "apps/grapevine/waterfall.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace grapevine::apps {
namespace {

namespace json = boost::json;

Pen pen_of(std::size_t columns, bool drawing) {
    Pen pen;
    pen.terminal.columns = columns;
    pen.terminal.live = pen.terminal.color = drawing;
    pen.drawing = drawing;
    return pen;
}

json::object span(const char* id, const char* parent, const char* name, std::int64_t offset, std::int64_t duration) {
    return {{"span_id", id},       {"parent_span_id", parent}, {"name", name},     {"node", "mesh1.broker.239dc9"},
            {"offset_ns", offset}, {"duration_ns", duration},  {"status", "unset"}};
}

json::object trace(json::array spans) {
    return {{"trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"},
            {"start_unix_us", 1'700'000'000'000'000},
            {"duration_ns", 1000},
            {"errors", 0},
            {"spans", std::move(spans)}};
}

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) {
        out += line + "\n";
    }
    return out;
}

std::size_t times(const std::string& text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

TEST(Waterfall, DrawsATreeOnTheTracesScale) {
    const auto lines = waterfall_lines(pen_of(80, false),
                                       trace({span("b", "a", "second", 500, 500), span("a", "", "whole", 0, 1000),
                                              span("c", "a", "first", 0, 250), span("d", "c", "inner", 100, 0)}),
                                       Attributes::hidden);
    ASSERT_EQ(lines.size(), 7U);
    EXPECT_EQ(lines[3].substr(0, 6), "whole ");
    EXPECT_EQ(lines[4].substr(0, 9), "|- first ");
    EXPECT_EQ(lines[5].substr(0, 12), "|  `- inner ");
    EXPECT_EQ(lines[6].substr(0, 10), "`- second ");
    const std::size_t begin = lines[3].find('=');
    const std::size_t length = static_cast<std::size_t>(times(lines[3], "="));
    EXPECT_GT(length, 40U);
    EXPECT_EQ(lines[6].find('='), begin + length / 2);
    EXPECT_EQ(times(lines[4], "="), (length + 3) / 4);
    EXPECT_EQ(lines[5].find('|', 3), begin + length / 10);
    EXPECT_TRUE(lines[3].ends_with("1.00 us")) << lines[3];
}

TEST(Waterfall, FitsEveryWidth) {
    json::array spans{span("0", "", "root", 0, 1000)};
    for (int i = 1; i < 60; ++i) {
        json::object deep = span(std::to_string(i).c_str(), std::to_string(i - 1).c_str(),
                                 "a.name.that.is.rather.long.and.does.not.fit", i, 900 - i);
        deep["status"] = i % 7 == 0 ? "error" : "ok";
        deep["status_text"] = std::string(300, 'x');
        deep["attributes"] = json::object{{"key", std::string(300, 'y')}, {"list", json::array{1, 2}}};
        deep["links"] =
            json::array{json::object{{"trace_id", std::string(32, 'a')}, {"span_id", std::string(16, 'b')}}};
        deep["node"] = i % 2 == 0 ? "mesh1.broker.239dc9" : std::string(200, 'n');
        spans.emplace_back(deep);
    }
    for (const std::size_t columns : {40U, 80U, 100U, 160U, 400U}) {
        for (const bool drawing : {false, true}) {
            for (const std::string& line : waterfall_lines(pen_of(columns, drawing), trace(spans), Attributes::shown)) {
                EXPECT_LE(columns_of(line), columns) << line;
            }
        }
    }
}

// Ids are somebody else's.
TEST(Waterfall, DrawsEachSpanOnceWhateverItsParentsAre) {
    const std::string circle =
        joined(waterfall_lines(pen_of(80, false),
                               trace({span("a", "b", "one", 0, 10), span("b", "a", "two", 5, 10),
                                      span("c", "c", "itself", 6, 10), span("d", "zz", "lost", 7, 10)}),
                               Attributes::hidden));
    const std::string spans = circle.substr(circle.find("17 ns\n"));  // Without title and scale.
    for (const char* name : {"one ", "two ", "itself ", "lost "}) {
        EXPECT_EQ(times(spans, name), 1U) << name << circle;
    }
    EXPECT_NE(circle.find("~ lost"), std::string::npos);
    EXPECT_NO_THROW(waterfall_lines(pen_of(80, false), trace({}), Attributes::shown));
    EXPECT_NO_THROW(waterfall_lines(pen_of(80, false), {{"spans", "none"}}, Attributes::shown));
}

// So are times, and the lengths of names.
TEST(Waterfall, DrawsWhateverTheTimesAre) {
    constexpr std::int64_t kLeast = INT64_MIN;
    constexpr std::int64_t kMost = INT64_MAX;
    json::object far =
        trace({span("a", "", std::string(300, 'n').c_str(), kMost, kMost), span("b", "a", "b", kLeast, kMost),
               span("c", "a", "c", kMost, kLeast), span("d", "a", "d", 0, 1)});
    far["duration_ns"] = kLeast;
    far["start_unix_us"] = kLeast;
    far["trace_id"] = std::string(300, 'f');
    for (const bool drawing : {false, true}) {
        const auto lines = waterfall_lines(pen_of(40, drawing), far, Attributes::shown);
        EXPECT_EQ(lines.size(), 7U);
        for (const std::string& line : lines) {
            EXPECT_LE(columns_of(line), 40U) << line;
        }
    }
    EXPECT_LE(covered_by_children(far), 1.0);
}

TEST(Waterfall, TellsHowMuchOfTheRootItsChildrenCover) {
    EXPECT_DOUBLE_EQ(covered_by_children(
                         trace({span("a", "", "root", 0, 100), span("b", "a", "x", 0, 40), span("c", "a", "y", 20, 40),
                                span("d", "a", "z", 90, 50), span("e", "b", "deeper", 60, 30)})),
                     0.7);
    EXPECT_LT(covered_by_children(trace({span("a", "", "root", 0, 100)})), 0);
    EXPECT_LT(covered_by_children(trace({})), 0);
}

TEST(TelemetryView, WritesFiguresShortly) {
    EXPECT_EQ(nanoseconds_text(812), "812 ns");
    EXPECT_EQ(nanoseconds_text(12'345), "12.3 us");
    EXPECT_EQ(nanoseconds_text(4'560'000), "4.56 ms");
    EXPECT_EQ(nanoseconds_text(1'230'000'000), "1.23 s");
    EXPECT_EQ(nanoseconds_text(200'000'000'000), "3 min");
    EXPECT_EQ(amount_text(12, "1"), "12");
    EXPECT_EQ(amount_text(12'400, "{frame}"), "12.4k");
    EXPECT_EQ(amount_text(3 * 1024 * 1024, "By"), "3.00 MiB");
    EXPECT_EQ(amount_text(-2, "1"), "-2");
    EXPECT_EQ(fitted("abc", 5), "abc  ");
    EXPECT_EQ(fitted("abcdef", 4), "abc~");
    EXPECT_EQ(fitted("│─", 3), "│─ ");
    EXPECT_EQ(columns_of("\x1b[31m│a\x1b[0m"), 2U);
    EXPECT_EQ(sparkline(pen_of(80, true), {0, 4, 8}, 10), "▁▅█");
    EXPECT_EQ(sparkline(pen_of(80, false), {5, 0, 8}, 2), "_#");
    EXPECT_EQ(sparkline(pen_of(80, true), {}, 2), "");
}

}  // namespace
}  // namespace grapevine::apps
