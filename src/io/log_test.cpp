#include "io/log.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/utf8.hpp"
#include "io/fd.hpp"
#include "io/json.hpp"

namespace grapevine::io {
namespace {

using telemetry::Filter;
using telemetry::LogRecord;
using telemetry::Target;

// One end is the log's; each write(2) arrives as a packet of its own at the other.
struct Wire {
    Wire() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        log_end = Fd(ends[0]);
        other_end = Fd(ends[1]);
    }
    std::vector<std::string> packets() {
        std::vector<std::string> all;
        std::string buffer(65536, '\0');
        for (ssize_t got = 0; (got = ::read(other_end.get(), buffer.data(), buffer.size())) > 0;)
            all.push_back(buffer.substr(0, static_cast<std::size_t>(got)));
        return all;
    }
    Fd log_end, other_end;
};

LogRecord record(std::string body) {
    return {1'700'000'000'123'000'000, LogLevel::warn, Target::io, "io.udp", std::move(body), {}, {}};
}

base::TraceContext context() {
    return *base::TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
}

TEST(LogLine, ForPeople) {
    EXPECT_EQ(log_line(LogFormat::human, record("it works"), 0), "2023-11-14T22:13:20.123Z warn  io.udp: it works\n");
    LogRecord full = record("a\nb");
    full.attributes = {{"peer", std::string("x y")}, {"n", std::int64_t{-3}}, {"ok", true}, {"r", 0.5}};
    full.context = context();
    EXPECT_EQ(log_line(LogFormat::human, full, 7),
              "2023-11-14T22:13:20.123Z warn  io.udp: a\\nb (7 lines of io.udp left out)"
              " trace=0af7651916cd43dd8448eb211c80319c peer=x y n=-3 ok=true r=0.5\n");
}

TEST(LogLine, AsJson) {
    LogRecord full = record("say \"hi\"\\\x01");
    full.attributes = {{"peer", std::string("x\ty")},
                       {"n", std::int64_t{-3}},
                       {"ok", true},
                       {"r", std::numeric_limits<double>::quiet_NaN()}};
    full.context = context();
    const std::string line = log_line(LogFormat::json, full, 7);
    EXPECT_EQ(line, R"({"time":"2023-11-14T22:13:20.123Z","level":"warn","target":"io","site":"io.udp",)"
                    R"("message":"say \"hi\"\\\u0001","trace_id":"0af7651916cd43dd8448eb211c80319c",)"
                    R"("span_id":"b7ad6b7169203331","suppressed":7,)"
                    R"("attributes":{"peer":"x\ty","n":-3,"ok":true,"r":null}})"
                    "\n");
}

void check_line(const LogRecord& made, std::uint64_t suppressed) {
    for (const LogFormat format : {LogFormat::human, LogFormat::json}) {
        const std::string line = log_line(format, made, suppressed);
        RC_ASSERT(!line.empty() && line.size() <= kLogLineBytesMax);
        RC_ASSERT(line.back() == '\n');
        RC_ASSERT(base::is_utf8(line));
        const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
        RC_ASSERT(std::none_of(line.begin(), line.end() - 1, control));
        if (format == LogFormat::json) {
            const auto parsed = parse_json_object("line", std::string_view(line).substr(0, line.size() - 1));
            RC_ASSERT(parsed.has_value());
            RC_ASSERT(string_member(*parsed, "message").has_value());
        }
    }
}

std::string hostile(const std::vector<std::uint8_t>& bytes, std::uint8_t times) {
    std::string out;
    for (unsigned i = 0; i <= times; ++i)
        out.append(bytes.begin(), bytes.end());
    return out;
}

// Any bytes in every text, far beyond the bounds: a line, valid, bounded.
TEST(LogLine, IsValidWhateverAPeerSays) {
    EXPECT_TRUE(rc::check([](const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b, std::uint8_t times,
                             std::uint8_t attributes) {
        LogRecord made = record(hostile(a, times));
        made.site = hostile(b, times);
        for (unsigned i = 0; i < attributes % 20U; ++i)
            made.attributes.push_back({"key\"\n", hostile(i % 2 == 0 ? a : b, times)});
        made.context = context();
        check_line(made, times);
    }));
}

TEST(LogLine, SaysWhatItCut) {
    LogRecord made = record(std::string(5000, '"'));
    for (int i = 0; i < 20; ++i)
        made.attributes.push_back({"key", std::string(5000, 'v')});
    const std::string json = log_line(LogFormat::json, made, 0);
    EXPECT_NE(json.find(R"(...","attributes")"), std::string::npos);
    EXPECT_NE(json.find(R"("cut":true)"), std::string::npos);
    EXPECT_NE(log_line(LogFormat::human, made, 0).find("(cut)"), std::string::npos);
    check_line(made, 0);
}

TEST(LogLine, CutsBetweenCharacters) {
    std::string text;
    for (int i = 0; i < 3000; ++i)
        text += "\xF0\x9F\x8D\x87";
    check_line(record("a" + text), 0);
    check_line(record("ab" + text), 0);
}

TEST(Log, OneWriteALine) {
    Wire wire;
    Log log(Filter(), LogFormat::human, wire.log_end.get());
    log.write(LogLevel::info, "io.udp", "first %d", 1);
    log.write(LogLevel::warn, "control", context(), "second %s", "two\nlines");
    log.write(LogLevel::debug, "io.udp", "not wanted");
    const auto packets = wire.packets();
    ASSERT_EQ(packets.size(), 2U);
    EXPECT_TRUE(packets[0].ends_with(" info  io.udp: first 1\n")) << packets[0];
    EXPECT_TRUE(packets[1].ends_with(" warn  control: second two\\nlines trace=0af7651916cd43dd8448eb211c80319c\n"))
        << packets[1];
}

TEST(Log, FiltersByTheTargetThatTheSiteBeginsWith) {
    Wire wire;
    Log log(*Filter::parse("warn,gossip=debug,io=off"), LogFormat::human, wire.log_end.get());
    EXPECT_TRUE(log.enabled(LogLevel::debug));
    EXPECT_FALSE(log.enabled(LogLevel::trace));
    log.write(LogLevel::debug, "gossip.join", "yes");
    log.write(LogLevel::debug, "directory", "no");
    log.write(LogLevel::error, "io.udp", "no");
    log.write(LogLevel::error, "supervisor", "no: a site without a target is io's");
    EXPECT_EQ(wire.packets().size(), 1U);
    log.set_filter(Filter(LogLevel::trace));
    log.write(LogLevel::trace, "directory", "yes");
    EXPECT_EQ(wire.packets().size(), 1U);
}

TEST(Log, ASiteHasABurstAndTheRestIsCounted) {
    Wire wire;
    Log log(Filter(), LogFormat::json, wire.log_end.get());
    LogRecord made = record("x");
    for (std::uint32_t i = 0; i < Log::kBurst + 5; ++i)
        log.write(made);
    EXPECT_EQ(wire.packets().size(), Log::kBurst);
    EXPECT_EQ(log.suppressed(), 5U);
    LogRecord other = record("another site");
    other.site = "io.other";
    log.write(other);
    EXPECT_EQ(wire.packets().size(), 1U);
    made.unix_ns += 1'000'000'000;
    log.write(made);
    const auto packets = wire.packets();
    ASSERT_EQ(packets.size(), 1U);
    EXPECT_NE(packets[0].find(R"("suppressed":5)"), std::string::npos);
}

TEST(Log, TheRecorderGetsWhatIsPrintedAndTheFilter) {
    struct FixedClock : telemetry::Clock {
        [[nodiscard]] std::uint64_t unix_ns() const override { return 1; }
    } clock;
    telemetry::Recorder recorder(telemetry::RecorderConfig{}, base::Rng(1), clock);
    Wire wire;
    Log log(*Filter::parse("warn"), LogFormat::human, wire.log_end.get());
    log.set_recorder(recorder);
    EXPECT_EQ(recorder.filter(), log.filter());
    log.write(LogLevel::warn, "control", context(), "kept");
    log.write(LogLevel::info, "control", "not wanted");
    log.set_filter(Filter(LogLevel::error));
    EXPECT_EQ(recorder.filter(), Filter(LogLevel::error));
    log.drop_recorder(recorder);
    log.write(LogLevel::error, "control", "printed only");
    const auto logs = recorder.take_logs(9);
    ASSERT_EQ(logs.size(), 1U);
    EXPECT_EQ(logs[0].body, "kept");
    EXPECT_EQ(logs[0].target, Target::control);
    EXPECT_EQ(logs[0].context, context());
    EXPECT_GT(logs[0].unix_ns, 1'700'000'000'000'000'000U);
    EXPECT_EQ(wire.packets().size(), 2U);
}

TEST(LogFormat, IsOneOfTwoWords) {
    EXPECT_EQ(parse_log_format("human"), LogFormat::human);
    EXPECT_EQ(parse_log_format("json"), LogFormat::json);
    EXPECT_EQ(parse_log_format("JSON"), std::nullopt);
}

}  // namespace
}  // namespace grapevine::io
