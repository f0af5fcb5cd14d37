#include "apps/grapevine/exec_jobs.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>

#include "apps/grapevine/durations.hpp"
#include "apps/grapevine/handled_log.hpp"
#include "io/runtime_testing.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine::apps {
namespace {

using namespace std::chrono_literals;

std::string text_of(const std::vector<std::uint8_t>& bytes) {
    return {bytes.begin(), bytes.end()};
}

struct ExecJobsTest : ::testing::Test {
    // As the program does: a command may end before it has read its stdin.
    ExecJobsTest() { std::signal(SIGPIPE, SIG_IGN); }

    std::optional<Answer> answer_of(const std::string& command, std::vector<std::uint8_t> payload = {},
                                    std::chrono::nanoseconds time_left = 60s) {
        ExecJobs jobs(runtime, {command, time_max, 1000, 2});
        Incoming incoming;
        incoming.from_id = std::string(64, 'a');
        incoming.name = "mesh1.broker";
        incoming.is_request = true;
        incoming.payload = std::move(payload);
        incoming.time_left = time_left;
        std::optional<Answer> out;
        jobs.run(incoming, [&](Answer answer) {
            EXPECT_FALSE(out) << "answered once";
            out = std::move(answer);
        });
        EXPECT_TRUE(io::run_until(runtime, [&] { return out.has_value(); }));
        EXPECT_EQ(jobs.running(), 0U);
        return out;
    }
    void expect_done(const std::string& command, const std::string& reply, std::vector<std::uint8_t> payload = {}) {
        const auto answer = answer_of(command, std::move(payload));
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->verdict, Answer::Verdict::done) << text_of(answer->payload);
        EXPECT_EQ(text_of(answer->payload), reply);
    }
    void expect_failed(const std::string& command, const std::string& text, std::vector<std::uint8_t> payload = {},
                       std::chrono::nanoseconds time_left = 60s) {
        const auto answer = answer_of(command, std::move(payload), time_left);
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->verdict, Answer::Verdict::failed);
        EXPECT_EQ(text_of(answer->payload), text);
    }

    io::Runtime runtime;
    base::Duration time_max = 60s;
};

// Rules 1 and 2.
TEST_F(ExecJobsTest, ThePayloadIsStdinAndStdoutTheReply) {
    expect_done("tr a-z A-Z", "HELLO", {'h', 'e', 'l', 'l', 'o'});
    expect_done("printf %s \"$GRAPEVINE_KIND $GRAPEVINE_NAME $GRAPEVINE_FROM\"",
                "request mesh1.broker " + std::string(64, 'a'));
    expect_done("wc -c | tr -d ' \\n'", "61440", std::vector<std::uint8_t>(61440, 'x'));
    expect_done("true", "", std::vector<std::uint8_t>(61440, 'x'));
    expect_done("exec <&-; echo read nothing", "read nothing\n", std::vector<std::uint8_t>(61440, 'x'));
}

// Rule 2.
TEST_F(ExecJobsTest, AFailureSaysWhy) {
    expect_failed("echo first >&2; echo last words >&2; echo half a reply; exit 3", "last words");
    expect_failed("exit 7", "exit code 7");
    expect_failed("kill -SEGV $$", "signal 11 (Segmentation fault)");
    const auto answer = answer_of("no-such-command-here");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->verdict, Answer::Verdict::failed);
    EXPECT_NE(text_of(answer->payload).find("not found"), std::string::npos) << text_of(answer->payload);
}

// Rule 3.
TEST_F(ExecJobsTest, WhatTakesTooLongOrSaysTooMuchIsKilled) {
    time_max = 50ms;
    expect_failed("sleep 600", "no answer within 50 ms: killed");
    time_max = 60s;
    expect_failed("sleep 600", "no answer within 30 ms: killed", {}, 30ms);
    expect_failed("yes", "more than 1000 bytes of output: killed");
}

TEST_F(ExecJobsTest, WhatTheShellLeftInTheBackgroundGoesWithIt) {
    const io::TempDir dir;
    const std::string file = (dir.path() / "pid").string();
    expect_done("sleep 600 & echo $! > " + file, "");
    pid_t left = 0;
    std::ifstream(file) >> left;
    ASSERT_GT(left, 0);
    // It may be a zombie until its new parent looks.
    EXPECT_TRUE(io::run_until(runtime, [&] {
        std::ifstream stat("/proc/" + std::to_string(left) + "/stat");
        const std::string line{std::istreambuf_iterator<char>(stat), {}};
        return line.empty() || line.find(") Z ") != std::string::npos;
    }));
}

TEST_F(ExecJobsTest, BeyondItsBoundItRefusesAndItsEndKillsAll) {
    std::vector<Answer> answers;
    {
        ExecJobs jobs(runtime, {"sleep 600", 60s, 1000, 2});
        Incoming incoming;
        incoming.time_left = 60s;
        for (int i = 0; i < 3; ++i) {
            jobs.run(incoming, [&](Answer answer) { answers.push_back(std::move(answer)); });
        }
        EXPECT_EQ(jobs.running(), 2U);
    }
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].verdict, Answer::Verdict::refused);
}

TEST(HandledLog, EachMessageIsOneWholeRecord) {
    const io::TempDir dir;
    Incoming incoming;
    incoming.from_id = std::string(62, '0') + "ff";
    incoming.message = {0x0102030405060708, 258};
    const std::string line = incoming.from_id + " 0102030405060708 258\n";
    for (const auto& [format, record] :
         {std::pair(HandledLog::Format::lines, line),
          std::pair(HandledLog::Format::binary,
                    std::string(31, '\0') + "\xff" + "\1\2\3\4\5\6\7\10" + std::string(6, '\0') + "\1\2")}) {
        const auto path = dir.path() / (format == HandledLog::Format::lines ? "lines" : "binary");
        for (int life = 0; life < 2; ++life) {
            auto log = HandledLog::open(path, format);
            ASSERT_TRUE(log) << log.error().message;
            EXPECT_TRUE(log->add(incoming));
        }
        std::ifstream file(path);
        EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), record + record);
    }
    EXPECT_EQ(encode_handled(incoming, HandledLog::Format::binary).size(), HandledLog::kBinaryBytes);
}

TEST(HandledLog, WhatCannotBeWrittenIsAnError) {
    const io::TempDir dir;
    const auto none = HandledLog::open(dir.path() / "none" / "log", HandledLog::Format::lines);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, base::ErrorCode::not_found);
    auto full = HandledLog::open("/dev/full", HandledLog::Format::lines);
    ASSERT_TRUE(full);
    const auto added = full->add({});
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().message, "record '/dev/full': cannot be written: No space left on device");
}

TEST(Durations, AreANumberAndAUnit) {
    EXPECT_EQ(*parse_duration("--for", "500ms", 60s), 500ms);
    EXPECT_EQ(*parse_duration("--for", "60s", 60s), 1min);
    EXPECT_EQ(*parse_duration("--for", "2h", 48h), 2h);
    for (const char* bad : {"", "5", "s", "0s", "-1s", "1.5s", "61s", "2m", "1d", "1 s", "99999999999999999999ms"}) {
        const auto refused = parse_duration("--for", bad, 60s);
        ASSERT_FALSE(refused) << bad;
        EXPECT_EQ(refused.error().message,
                  "--for: '" + std::string(bad) + "' is no time: a number with ms, s, m or h, at most 60 seconds");
    }
    EXPECT_NE(parse_duration("x", "", 720h).error().message.find("at most 30 days"), std::string::npos);
}

}  // namespace
}  // namespace grapevine::apps
