#include "console/queries.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "console/store_testing.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine::console {
namespace {

using namespace testing;
namespace json = boost::json;

constexpr base::WallTime kWall{kNow / 1'000'000};
constexpr std::uint64_t kMinute = 60 * kSecond;

class QueriesTest : public ::testing::Test {
protected:
    QueriesTest() : store_(*Store::open(dir_.path(), {})), queries_(*store_) {}

    void add(std::vector<otlp::SpanRow> rows, const otlp::ResourceRow& resource = resource_of("broker", "n1")) {
        ASSERT_TRUE(store_->add(spans_of(std::move(rows), resource), kWall));
    }

    std::vector<std::string> names(const TraceFilter& filter) {
        std::vector<std::string> out;
        const auto answer = queries_.traces(filter);
        EXPECT_TRUE(answer);
        for (const json::value& trace : answer->at("traces").as_array()) {
            out.emplace_back(trace.at("name").as_string().c_str());
        }
        return out;
    }

    io::TempDir dir_;
    std::unique_ptr<Store> store_;
    Queries queries_;
};

using Names = std::vector<std::string>;

TEST_F(QueriesTest, ListsTracesByEveryFilter) {
    add({span_of(1, 1, 0, "first", kNow, 5000), span_of(1, 2, 1, "inner", kNow, 10)});
    add({span_of(2, 1, 0, "second", kNow + kSecond, 9000)}, resource_of("compute", "n2"));
    add({span_of(1, 3, 1, "far", kNow + 10, 20)}, resource_of("gateway", "n3"));
    EXPECT_EQ(names({}), (Names{"second", "first"}));
    EXPECT_EQ(names({.service = "compute"}), (Names{"second"}));
    EXPECT_EQ(names({.service = "gateway"}), (Names{"first"}));
    EXPECT_EQ(names({.name = "inner"}), (Names{"first"}));
    EXPECT_EQ(names({.name = "no such"}), (Names{}));
    EXPECT_EQ(names({.mesh = "mesh1"}), (Names{"second", "first"}));
    EXPECT_EQ(names({.mesh = "mesh2"}), (Names{}));
    EXPECT_EQ(names({.node = "n3"}), (Names{"first"}));
    EXPECT_EQ(names({.node = "n2-id"}), (Names{"second"}));
    EXPECT_EQ(names({.min_duration_ns = 6000}), (Names{"second"}));
    EXPECT_EQ(names({.since_unix_ns = kNow + 1}), (Names{"second"}));
    EXPECT_EQ(names({.limit = 1}), (Names{"second"}));
}

TEST_F(QueriesTest, FindsATraceByItsBeginning) {
    auto span = span_of(0, 1, 0, "root", kNow, 100);
    span.trace_id = "abc" + std::string(29, '1');
    auto child = span_of(0, 2, 1, "child", kNow + 10, 50);
    child.trace_id = span.trace_id;
    child.status = telemetry::SpanStatus::error;
    child.status_text = "refused";
    child.kind = telemetry::SpanKind::client;
    child.links = {{id_of(7, 32), id_of(8, 16)}};
    child.attributes = {attribute("peer", "x"), {"bytes", "12", false}};
    auto other = span_of(0, 1, 0, "other");
    other.trace_id = "abd" + std::string(29, '1');
    add({child, span, other});

    const auto found = queries_.trace("ABC");
    ASSERT_TRUE(found) << found.error().message;
    const json::array& spans = found->at("spans").as_array();
    ASSERT_EQ(spans.size(), 2U);
    EXPECT_EQ(found->at("duration_ns").as_int64(), 100);
    EXPECT_EQ(spans[0].at("name").as_string(), "root");
    EXPECT_EQ(spans[1].at("offset_ns").as_int64(), 10);
    EXPECT_EQ(spans[1].at("parent_span_id").as_string(), spans[0].at("span_id").as_string());
    EXPECT_EQ(spans[1].at("status").as_string(), "error");
    EXPECT_EQ(spans[1].at("kind").as_string(), "client");
    EXPECT_EQ(spans[1].at("attributes").at("bytes").as_int64(), 12);
    EXPECT_EQ(spans[1].at("links").as_array()[0].at("span_id").as_string(), id_of(8, 16).c_str());
    EXPECT_EQ(queries_.trace("ab").error().code, base::ErrorCode::invalid);
    EXPECT_EQ(queries_.trace("abe").error().code, base::ErrorCode::not_found);
    EXPECT_EQ(queries_.trace("").error().code, base::ErrorCode::invalid);
    EXPECT_EQ(queries_.trace("xyz").error().code, base::ErrorCode::invalid);
    EXPECT_EQ(queries_.trace(std::string(33, 'a')).error().code, base::ErrorCode::invalid);
}

TEST_F(QueriesTest, FindsTheNewestBootOfANode) {
    add({span_of(1, 1, 0, "mesh.node.ready", kNow, 100)});
    add({span_of(2, 1, 0, "mesh.node.ready", kNow + kSecond, 200),
         span_of(2, 2, 1, "mesh.boot.identity_loaded", kNow + kSecond)});
    add({span_of(3, 1, 0, "mesh.node.ready", kNow + kMinute, 300)}, resource_of("broker", "n2"));
    auto named = span_of(4, 1, 0, "mesh.node.ready", kNow, 400);
    named.attributes = {attribute("node_name", "by-attribute")};
    add({named}, {{attribute("service.name", "broker")}});
    EXPECT_EQ(queries_.boot("n1")->at("trace_id"), json::value(id_of(2, 32)));
    EXPECT_EQ(queries_.boot("n2-id")->at("trace_id"), json::value(id_of(3, 32)));
    EXPECT_EQ(queries_.boot("by-attribute")->at("trace_id"), json::value(id_of(4, 32)));
    EXPECT_EQ(queries_.boot("n3").error().code, base::ErrorCode::not_found);
    EXPECT_EQ(queries_.boot("' OR 1=1 --").error().code, base::ErrorCode::not_found);
}

TEST_F(QueriesTest, SaysWhichSpanNamesCameAndWhichWentSilent) {
    std::uint64_t id = 0;
    std::vector<otlp::SpanRow> rows;
    for (std::uint64_t minute = 0; minute <= 10; ++minute) {  // Minutes before now.
        const std::uint64_t start = kNow - minute * kMinute - kSecond;
        rows.push_back(span_of(++id, 1, 0, "steady", start, 1000 * (minute + 1)));
        if (minute >= 1) {
            rows.push_back(span_of(++id, 1, 0, "stopped", start));
        }
        if (minute == 1 || minute == 5 || minute == 9) {
            rows.push_back(span_of(++id, 1, 0, "now and then", start));
        }
        if (minute == 9) {
            rows.push_back(span_of(++id, 1, 0, "once", start));
        }
    }
    for (std::uint64_t i = 1; i <= 99; ++i) {
        rows.push_back(span_of(++id, 1, 0, "many", kNow - 2 * kSecond, i * 1000));
    }
    add(std::move(rows));
    const auto answer = queries_.span_names(kWall, std::chrono::minutes(1));
    ASSERT_TRUE(answer) << answer.error().message;
    std::map<std::string, json::object> by_name;
    for (const json::value& row : answer->at("spans").as_array()) {
        by_name[row.at("name").as_string().c_str()] = row.as_object();
    }
    EXPECT_EQ(by_name.at("steady").at("state").as_string(), "ok");
    EXPECT_EQ(by_name.at("steady").at("count").as_uint64(), 1U);
    EXPECT_EQ(by_name.at("stopped").at("state").as_string(), "silent");
    EXPECT_DOUBLE_EQ(by_name.at("stopped").at("usual_per_minute").as_double(), 1.0);
    EXPECT_TRUE(by_name.at("stopped").at("p50_ns").is_null());
    EXPECT_EQ(by_name.at("now and then").at("state").as_string(), "rare");
    EXPECT_EQ(by_name.at("once").at("state").as_string(), "rare");
    EXPECT_DOUBLE_EQ(by_name.at("many").at("per_minute").as_double(), 99.0);
    EXPECT_EQ(by_name.at("many").at("p50_ns").as_int64(), 50'000);
    EXPECT_EQ(by_name.at("many").at("p99_ns").as_int64(), 99'000);
}

TEST_F(QueriesTest, GivesMetricsWithHistory) {
    for (std::uint64_t i = 0; i < 5; ++i) {
        ASSERT_TRUE(store_->add(points_of({gauge("mesh.cpu", static_cast<double>(i), kNow + i * kSecond)}), kWall));
    }
    otlp::PointRow histogram = gauge("mesh.rtt", 30, kNow);
    histogram.kind = otlp::PointRow::Kind::histogram;
    histogram.count = 3;
    histogram.bounds = {1, 10};
    histogram.buckets = {1, 1, 1};
    histogram.max = 20;
    histogram.exemplar_trace_id = id_of(9, 32);
    histogram.exemplar_span_id = id_of(9, 16);
    ASSERT_TRUE(store_->add(points_of({histogram}, resource_of("compute", "n2")), kWall));

    const auto list = queries_.metrics();
    ASSERT_TRUE(list);
    ASSERT_EQ(list->at("metrics").as_array().size(), 2U);
    EXPECT_EQ(list->at("metrics").as_array()[0].at("name").as_string(), "mesh.cpu");

    const auto cpu = queries_.metric("mesh.cpu", {.since_unix_ns = kNow + 2 * kSecond});
    ASSERT_TRUE(cpu);
    const json::object& series = cpu->at("series").as_array()[0].as_object();
    EXPECT_EQ(series.at("value").as_double(), 4.0);
    EXPECT_EQ(series.at("history").as_array().size(), 3U);
    EXPECT_EQ(series.at("history").as_array()[0].as_array()[1].as_double(), 2.0);

    const auto rtt = queries_.metric("mesh.rtt", {.node = "n2"});
    ASSERT_TRUE(rtt);
    const json::object& point = rtt->at("series").as_array()[0].as_object();
    EXPECT_EQ(json::serialize(point.at("buckets")), "[1,1,1]");
    EXPECT_TRUE(point.at("min").is_null());
    EXPECT_EQ(point.at("exemplar").at("trace_id").as_string(), id_of(9, 32).c_str());
    EXPECT_EQ(queries_.metric("no.such", {}).error().code, base::ErrorCode::not_found);
    EXPECT_TRUE(queries_.metric("mesh.cpu", {.node = "n2"})->at("series").as_array().empty());
}

TEST_F(QueriesTest, GivesTheLogsOfATrace) {
    otlp::Decoded<otlp::LogRow> logs;
    logs.resources = {resource_of("broker", "n1")};
    for (std::uint64_t i = 0; i < 3; ++i) {
        otlp::LogRow row;
        row.unix_ns = kNow + i;
        row.body = "line " + std::to_string(i);
        row.severity = 9;
        row.trace_id = i == 1 ? id_of(1, 32) : std::string();
        logs.rows.push_back(row);
    }
    ASSERT_TRUE(store_->add(logs, kWall));
    add({span_of(1, 1, 0, "root")});
    EXPECT_EQ(queries_.logs("", 2)->at("logs").as_array()[0].at("body").as_string(), "line 2");
    const auto of_trace = queries_.logs(id_of(1, 32), 10);
    ASSERT_TRUE(of_trace);
    ASSERT_EQ(of_trace->at("logs").as_array().size(), 1U);
    EXPECT_EQ(of_trace->at("logs").as_array()[0].at("node").as_string(), "n1");
    EXPECT_EQ(queries_.trace(id_of(1, 32))->at("logs").as_array().size(), 1U);
}

}  // namespace
}  // namespace grapevine::console
