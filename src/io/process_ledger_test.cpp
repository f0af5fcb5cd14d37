#include "io/process_ledger.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/fd.hpp"
#include "io/law_watch.hpp"
#include "io/runtime.hpp"

namespace grapevine::io {
namespace {

using telemetry::Kind;

std::uint64_t alive(Kind kind) {
    return process_census().census[static_cast<std::size_t>(kind)].tally.alive();
}

// Our count is the kernel's.
void expect_agreement(const char* where) {
    const auto kernel = kernel_counts();
    ASSERT_TRUE(kernel.has_value());
    EXPECT_EQ(*kernel, (KernelCounts{alive(Kind::descriptor), alive(Kind::socket), alive(Kind::thread)})) << where;
}

TEST(ProcessLedger, AgreesWithTheKernelWhateverIsOpenedAndClosed) {
    expect_agreement("at the start");
    const auto before = alive(Kind::descriptor);
    {
        std::vector<Fd> fds;
        for (int i = 0; i < 10; ++i)
            fds.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        fds.emplace_back(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        expect_agreement("while open");
        EXPECT_EQ(alive(Kind::descriptor), before + 11);
        fds.erase(fds.begin(), fds.begin() + 5);
        Fd moved = std::move(fds.back());
        expect_agreement("after moving");
        moved = Fd(::eventfd(0, EFD_CLOEXEC));
        expect_agreement("after replacing");
    }
    expect_agreement("after closing");
    EXPECT_EQ(alive(Kind::descriptor), before);
}

TEST(ProcessLedger, KnowsWhatTheLoopOpensForItself) {
    {
        Runtime runtime;
        expect_agreement("a loop");
        runtime.on_signal({SIGUSR1}, [](int) {});
        expect_agreement("its signals");
        {
            Runtime second;
            expect_agreement("two loops");
        }
        expect_agreement("one again");
        EXPECT_EQ(runtime.ledger()[Kind::timer].alive(), 0U);
        const TaskId timer = runtime.at(runtime.now() + std::chrono::hours(1), {}, [] {});
        EXPECT_EQ(runtime.ledger()[Kind::timer].alive(), 1U);
        runtime.cancel(timer);
        EXPECT_EQ(runtime.ledger()[Kind::timer].alive(), 0U);
    }
    expect_agreement("none");
}

// A library's descriptor that the loop waits for is known for as long as it does.
TEST(ProcessLedger, KnowsWhatTheLoopWaitsFor) {
    Runtime runtime;
    const int foreign = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const auto before = alive(Kind::descriptor);
    const auto watch = runtime.watch(foreign, [] {});
    ASSERT_TRUE(watch.has_value());
    expect_agreement("watched");
    EXPECT_EQ(runtime.ledger()[Kind::watch].alive(), 1U);
    runtime.unwatch(*watch);
    ::close(foreign);
    EXPECT_EQ(alive(Kind::descriptor), before);
    EXPECT_EQ(runtime.ledger()[Kind::watch].alive(), 0U);
    expect_agreement("closed");
}

TEST(ProcessLedger, CountsADescriptorAsWhatItIsFor) {
    const auto before = alive(Kind::data_dir);
    std::optional<Fd> lock(std::in_place, ::open("/dev/null", O_RDONLY | O_CLOEXEC), Kind::data_dir);
    EXPECT_EQ(alive(Kind::data_dir), before + 1);
    lock.reset();
    EXPECT_EQ(alive(Kind::data_dir), before);
}

TEST(ProcessLedger, RoomForConnectionsIsLeftInTheLawsWhileItIsWanted) {
    Runtime runtime;
    telemetry::Ledger node;
    const LawWatch laws(runtime, node, nullptr, [] {});
    const auto allowed = [&laws](Kind kind) { return laws.allowances()[kind]->alive_max; };
    constexpr std::array kinds = {Kind::descriptor, Kind::socket, Kind::watch, Kind::timer};
    std::array<std::uint64_t, kinds.size()> before{};
    std::transform(kinds.begin(), kinds.end(), before.begin(), allowed);
    {
        const ConnectionRoom some(512);
        const ConnectionRoom more(32);
        for (std::size_t i = 0; i < kinds.size(); ++i) {
            EXPECT_EQ(allowed(kinds[i]), before[i] + 544) << telemetry::name(kinds[i]);
        }
        EXPECT_EQ(allowed(Kind::data_dir), 1U);
    }
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        EXPECT_EQ(allowed(kinds[i]), before[i]);
    }
}

TEST(ProcessLedger, AHeldDescriptorIsCountedUntilItIsReleased) {
    const int foreign = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto before = alive(Kind::socket);
    HeldFd held(foreign);
    HeldFd moved(std::move(held));
    EXPECT_EQ(alive(Kind::socket), before + 1);
    EXPECT_EQ(alive(Kind::descriptor), kernel_counts()->descriptors);
    moved = HeldFd();
    ::close(foreign);
    EXPECT_EQ(alive(Kind::socket), before);
    expect_agreement("released");
}

}  // namespace
}  // namespace grapevine::io
