#pragma once

// The ledger of the process: descriptors, sockets, threads and held data directories, which the kernel counts by
// process and not by node. `/proc/self/fd` and `/proc/self/task` must show the same numbers.
//
// 1. What was open before the first question is counted as inherited: standard input and output, and whatever the
//    parent left open.
// 2. Descriptors are known by number, so that nothing is counted twice, whoever tells of it: io::Fd, and those who
//    own descriptors that a library opened (HeldFd, LibraryFds).
// 3. Safe from any thread: nodes on different loops share the process. That is also why there is one for all: the
//    kernel's table, which this mirrors, is one for all.

#include <cstdint>
#include <optional>
#include <vector>

#include "telemetry/ledger.hpp"

namespace grapevine::io {

// A descriptor was opened, or is about to be closed. Nothing happens to the descriptor itself. It counts as `what`,
// too.
void note_opened(int fd, std::optional<telemetry::Kind> what = std::nullopt);
void note_closing(int fd);

// A descriptor that a library opens and closes, for as long as this lives.
class HeldFd {
public:
    HeldFd() = default;
    explicit HeldFd(int fd);
    // Empty where somebody has told of it already.
    static HeldFd if_unknown(int fd);
    HeldFd(HeldFd&& other) noexcept;
    HeldFd& operator=(HeldFd&& other) noexcept;
    HeldFd(const HeldFd&) = delete;
    HeldFd& operator=(const HeldFd&) = delete;
    ~HeldFd() { release(); }
    void release();

private:
    int fd_ = -1;
};

// Descriptors that a library opened without saying so: those of the loop (epoll, its timer and its event, the pipe of
// its signals). adopt() takes all of these kinds that nobody has told of.
class LibraryFds {
public:
    void adopt();

private:
    std::vector<HeldFd> held_;
};

// What is no descriptor, for as long as this lives.
class ProcessLife {
public:
    explicit ProcessLife(telemetry::Kind kind);
    ProcessLife(ProcessLife&& other) noexcept;
    ProcessLife& operator=(ProcessLife&& other) noexcept;
    ProcessLife(const ProcessLife&) = delete;
    ProcessLife& operator=(const ProcessLife&) = delete;
    ~ProcessLife();

private:
    telemetry::Life life_;
};

// Connections that the program has beside its nodes, at most so many while this lives, each with a descriptor, a
// socket, a watch and a timer: the laws of its nodes leave room for them (io/law_watch.hpp).
class ConnectionRoom {
public:
    explicit ConnectionRoom(std::uint64_t most);
    ConnectionRoom(const ConnectionRoom&) = delete;
    ConnectionRoom& operator=(const ConnectionRoom&) = delete;
    ~ConnectionRoom();

private:
    std::uint64_t most_;
};

struct ProcessCensus {
    telemetry::Census census;
    std::uint64_t connection_room = 0;
    std::uint64_t inherited_fds = 0;  // Of those alive.
    std::uint64_t inherited_threads = 0;
};
ProcessCensus process_census();

// What the kernel says at this moment; nothing where it does not say.
struct KernelCounts {
    std::uint64_t descriptors = 0, sockets = 0, threads = 0;
    friend bool operator==(const KernelCounts&, const KernelCounts&) = default;
};
std::optional<KernelCounts> kernel_counts();

}  // namespace grapevine::io
