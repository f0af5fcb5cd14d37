#include "apps/grapevine/child_process.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>

#include "io/runtime_testing.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine::apps {
namespace {

struct ChildProcessTest : ::testing::Test {
    // A shell with this script.
    void start(const std::string& script) {
        auto started = ChildProcess::start(runtime, {"/bin/sh", "-c", script}, log(),
                                           {[this](std::string_view text) {
                                                ++lines;
                                                line = text;
                                            },
                                            [this](int wait_status) { status = wait_status; }});
        ASSERT_TRUE(started.has_value()) << started.error().message;
        child = std::move(*started);
    }
    bool until(const std::function<bool()>& condition) { return io::run_until(runtime, condition); }
    [[nodiscard]] std::filesystem::path log() const { return dir.path() / "child.log"; }
    [[nodiscard]] std::string logged() const {
        std::ifstream file(log());
        return {std::istreambuf_iterator<char>(file), {}};
    }

    io::TempDir dir;
    io::Runtime runtime;
    std::unique_ptr<ChildProcess> child;
    std::string line;
    int lines = 0;
    std::optional<int> status;
};

TEST_F(ChildProcessTest, SaysItsFirstLineAndHowItEnded) {
    start("echo ready; echo more; echo trouble >&2; exit 3");
    EXPECT_TRUE(child->running());
    ASSERT_TRUE(until([&] { return status.has_value(); }));
    ASSERT_TRUE(until([&] { return lines == 1; }));
    EXPECT_EQ(line, "ready");
    EXPECT_EQ(describe_wait_status(*status), "exit code 3");
    EXPECT_FALSE(child->running());
    EXPECT_EQ(child->pid(), 0);
    EXPECT_EQ(logged(), "trouble\ngrapevine up: ended, exit code 3\n");
    child->signal(SIGKILL);  // Reaches nobody.
    child->terminate();
}

TEST_F(ChildProcessTest, ALineWithoutEndIsNotKept) {
    start("head -c 100000 /dev/zero; echo; echo done >&2");
    ASSERT_TRUE(until([&] { return status.has_value(); }));
    EXPECT_EQ(lines, 0);
}

TEST_F(ChildProcessTest, IsAskedToEnd) {
    start("trap 'echo asked >&2; exit 0' TERM; echo ready; while :; do kill -STOP $$; done");
    ASSERT_TRUE(until([&] { return lines == 1; }));
    child->terminate();
    child->terminate();
    ASSERT_TRUE(until([&] { return status.has_value(); }));
    EXPECT_EQ(describe_wait_status(*status), "exit code 0");
    EXPECT_EQ(logged().find("asked"), logged().rfind("asked"));
}

TEST_F(ChildProcessTest, IsKilledWhenItDoesNotHear) {
    start("trap '' TERM; echo ready; while :; do kill -STOP $$; done");
    ASSERT_TRUE(until([&] { return lines == 1; }));
    child->terminate();
    ASSERT_TRUE(until([&] { return status.has_value(); }));
    EXPECT_TRUE(describe_wait_status(*status).starts_with("signal 9"));
}

TEST_F(ChildProcessTest, LeavesNothingBehind) {
    start("echo ready; while :; do kill -STOP $$; done");
    ASSERT_TRUE(until([&] { return lines == 1; }));
    const pid_t pid = child->pid();
    child.reset();
    EXPECT_EQ(::kill(pid, 0), -1);
    EXPECT_EQ(errno, ESRCH);
    EXPECT_FALSE(status.has_value());
}

TEST_F(ChildProcessTest, MayBeReplacedByItsOwnHandler) {
    int ends = 0;
    std::function<void(int)> again = [&](int) {
        ++ends;
        if (ends < 3) {
            auto started = ChildProcess::start(runtime, {"/bin/sh", "-c", "exit 1"}, log(), {{}, again});
            ASSERT_TRUE(started.has_value());
            child = std::move(*started);
        }
    };
    auto started = ChildProcess::start(runtime, {"/bin/sh", "-c", "exit 1"}, log(), {{}, again});
    ASSERT_TRUE(started.has_value());
    child = std::move(*started);
    EXPECT_TRUE(until([&] { return ends == 3; }));
}

TEST_F(ChildProcessTest, AProgramThatIsNotThereIsNamed) {
    const auto started = ChildProcess::start(runtime, {(dir.path() / "absent").string()}, log(), {});
    ASSERT_FALSE(started.has_value());
    EXPECT_NE(started.error().message.find("absent"), std::string::npos);
}

}  // namespace
}  // namespace grapevine::apps
