#include "io/runtime.hpp"

#include <array>
#include <csignal>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "io/fd.hpp"
#include "io/runtime_testing.hpp"

namespace grapevine::io {
namespace {

using namespace std::chrono_literals;

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        read = Fd(ends[0]);
        write = Fd(ends[1]);
    }
    Fd read;
    Fd write;
};

TEST(Runtime, TimersRunInOrderAndNeverEarly) {
    Runtime runtime;
    std::vector<int> order;
    const base::TimePoint start = runtime.now();
    base::TimePoint ran{};
    runtime.at(start + 20ms, 0ms, [&] {
        order.push_back(2);
        ran = runtime.now();
        runtime.stop();
    });
    runtime.at(start + 5ms, 0ms, [&] { order.push_back(1); });
    runtime.run();
    EXPECT_EQ(order, (std::vector<int>{1, 2}));
    EXPECT_GE(ran, start + 20ms);
}

TEST(Runtime, NearTimersShareATurn) {
    Runtime runtime;
    const base::TimePoint start = runtime.now();
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    runtime.at(start + 10ms, 2ms, [&] { first = runtime.turns(); });
    runtime.at(start + 11ms, 2ms, [&] {
        second = runtime.turns();
        runtime.stop();
    });
    runtime.run();
    EXPECT_EQ(first, second);
}

TEST(Runtime, CancelledTimersAndTasksDoNotRun) {
    Runtime runtime;
    bool ran = false;
    const TaskId timer = runtime.at(runtime.now(), 0ms, [&] { ran = true; });
    const TaskId task = runtime.defer([&] { ran = true; });
    const TaskId quiet = runtime.when_quiet([&] { ran = true; });
    runtime.cancel(timer);
    runtime.cancel(quiet);
    runtime.cancel(task);
    runtime.cancel(task);
    runtime.at(runtime.now() + 3ms, 0ms, [&] { runtime.stop(); });
    runtime.run();
    EXPECT_FALSE(ran);
}

TEST(Runtime, DeferredWorkCancelsWhatWasDeferredWithIt) {
    Runtime runtime;
    bool ran = false;
    TaskId second;
    runtime.defer([&] { runtime.cancel(second); });
    second = runtime.defer([&] { ran = true; });
    runtime.defer([&] { runtime.stop(); });
    runtime.run();
    EXPECT_FALSE(ran);
}

TEST(Runtime, ATimerThatReturnsDoesNotStarveOthers) {
    Runtime runtime;
    int runs = 0;
    std::function<void()> again = [&] {
        ++runs;
        runtime.at(runtime.now(), 0ms, again);
    };
    again();
    runtime.at(runtime.now() + 5ms, 0ms, [&] { runtime.stop(); });
    runtime.run();
    EXPECT_GT(runs, 1);
}

TEST(Runtime, TheClockStandsStillInATurn) {
    Runtime runtime;
    runtime.post([&] {
        const base::TimePoint before = runtime.now();
        std::uint64_t work = 1;
        for (int i = 0; i < 1'000'000; ++i) {
            work = work * 6364136223846793005U + 1;
        }
        EXPECT_NE(work, 0U);
        EXPECT_EQ(before, runtime.now());
        runtime.stop();
    });
    runtime.run();
}

TEST(Runtime, DeferredWorkRunsOnceAtTheEndOfTheTurn) {
    Runtime runtime;
    std::vector<int> order;
    runtime.post([&] {
        runtime.defer([&] {
            order.push_back(2);
            runtime.stop();
        });
        order.push_back(1);
    });
    runtime.run();
    EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Runtime, QuietWorkRunsAfterAllThatIsReady) {
    Runtime runtime;
    std::vector<int> order;
    runtime.post([&] {
        runtime.when_quiet([&] {
            order.push_back(3);
            runtime.stop();
        });
        runtime.post([&] { order.push_back(2); });
        order.push_back(1);
    });
    runtime.run();
    EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(runtime.turns(), 2U) << "quiet work belongs to the turn before it";
}

TEST(Runtime, QuietWorkWaitsNoLongerThanItsBound) {
    Runtime runtime;
    std::function<void()> again = [&] { runtime.post(again); };
    base::TimePoint asked{};
    base::TimePoint ran{};
    runtime.post([&] {
        asked = runtime.now();
        runtime.when_quiet([&] {
            ran = runtime.now();
            runtime.stop();
        });
    });
    again();
    runtime.run();
    EXPECT_GE(ran - asked, Runtime::kQuietMax);
}

TEST(Runtime, WatchReportsUntilConsumedAndCanUnwatchItself) {
    Runtime runtime;
    Pipe pipe;
    int calls = 0;
    WatchId id;
    const auto watch = runtime.watch(pipe.read.get(), [&] {
        char byte = 0;
        EXPECT_EQ(::read(pipe.read.get(), &byte, 1), 1);
        if (++calls == 3) {
            runtime.unwatch(id);
            runtime.stop();
        }
    });
    ASSERT_TRUE(watch);
    id = *watch;
    ASSERT_EQ(write_fully(pipe.write.get(), "abcd"), 0);
    runtime.run();
    EXPECT_EQ(calls, 3);
    char byte = 0;
    EXPECT_EQ(::read(pipe.read.get(), &byte, 1), 1) << "the descriptor stays open and the fourth byte unread";
}

TEST(Runtime, PausedWatchIsSilentUntilResumed) {
    Runtime runtime;
    Pipe pipe;
    int calls = 0;
    const auto watch = runtime.watch(pipe.read.get(), [&] {
        char byte = 0;
        EXPECT_EQ(::read(pipe.read.get(), &byte, 1), 1);
        ++calls;
    });
    ASSERT_TRUE(watch);
    runtime.pause_reading(*watch);
    ASSERT_EQ(write_fully(pipe.write.get(), "a"), 0);
    EXPECT_FALSE(run_until(runtime, [&] { return calls > 0; }, 20ms));
    runtime.resume_reading(*watch);
    EXPECT_TRUE(run_until(runtime, [&] { return calls == 1; }));
}

TEST(Runtime, WritableIsReportedOnce) {
    Runtime runtime;
    Pipe pipe;
    const auto watch = runtime.watch(pipe.write.get(), [] {});
    ASSERT_TRUE(watch);
    int calls = 0;
    runtime.when_writable(*watch, [&] { ++calls; });
    EXPECT_TRUE(run_until(runtime, [&] { return calls == 1; }));
    EXPECT_FALSE(run_until(runtime, [&] { return calls > 1; }, 10ms));
}

TEST(Runtime, BadDescriptorIsAnError) {
    Runtime runtime;
    EXPECT_FALSE(runtime.watch(-1, [] {}));
}

TEST(Runtime, PostAndStopWorkFromOtherThreads) {
    Runtime runtime;
    std::vector<int> order;
    std::thread other([&] {
        runtime.post([&] { order.push_back(1); });
        runtime.post([&] {
            order.push_back(2);
            runtime.stop();
        });
    });
    runtime.run();
    other.join();
    EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Runtime, SignalsBecomeCallbacks) {
    Runtime runtime;
    int seen = 0;
    runtime.on_signal({SIGUSR1}, [&](int signal) {
        seen = signal;
        runtime.stop();
    });
    ::raise(SIGUSR1);
    runtime.run();
    EXPECT_EQ(seen, SIGUSR1);
}

TEST(Runtime, AnIdleRuntimeHasNoTurns) {
    Runtime runtime;
    runtime.at(runtime.now() + 30ms, 0ms, [&] { runtime.stop(); });
    const std::uint64_t before = runtime.turns();
    runtime.run();
    EXPECT_EQ(runtime.turns() - before, 1U);
}

}  // namespace
}  // namespace grapevine::io
