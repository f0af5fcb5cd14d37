#include "io/process_ledger.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

namespace grapevine::io {

namespace {

using telemetry::Kind;
using telemetry::Life;

base::TimePoint read_clock() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return base::TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

bool is_socket(int fd) {
    struct stat info{};
    return ::fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode);
}

// The numbers that name the entries of a directory of /proc; of file descriptors, without that of the reading itself.
std::optional<std::vector<int>> numbers_in(const char* path) {
    DIR* dir = ::opendir(path);
    if (dir == nullptr) return std::nullopt;
    std::vector<int> numbers;
    while (const dirent* entry = ::readdir(dir)) {
        const std::string_view name = entry->d_name;
        int number = -1;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
        if (parsed.ec == std::errc() && number != ::dirfd(dir)) numbers.push_back(number);
    }
    ::closedir(dir);
    return numbers;
}

std::vector<int> open_fds() {
    return numbers_in("/proc/self/fd").value_or(std::vector<int>{});
}

std::size_t threads() {
    const auto tasks = numbers_in("/proc/self/task");
    return tasks ? tasks->size() : 1;
}

// Of the kinds that the loop's library opens for itself.
bool is_loop_fd(int fd) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    std::array<char, 64> text{};
    const ssize_t length = ::readlink(path.c_str(), text.data(), text.size());
    const std::string_view target(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    return target == "anon_inode:[eventpoll]" || target == "anon_inode:[timerfd]" || target == "anon_inode:[eventfd]" ||
           target.starts_with("pipe:[");
}

struct Descriptor {
    Life life;
    Life socket;
    Life what;
    bool inherited = false;
};

class Table {
public:
    Table() {
        ledger_.set_now(read_clock());
        for (const int fd : open_fds())
            enter(fd, true);
        for (std::size_t i = 0; i < threads(); ++i)
            threads_.emplace_back(ledger_, Kind::thread);
    }

    void enter(int fd, bool inherited, std::optional<Kind> what = std::nullopt) {
        Descriptor fresh{Life(ledger_, Kind::descriptor), {}, {}, inherited};
        if (what) fresh.what = Life(ledger_, *what);
        if (is_socket(fd)) fresh.socket = Life(ledger_, Kind::socket);
        fds_.insert_or_assign(fd, std::move(fresh));
    }
    void erase(int fd) { fds_.erase(fd); }
    [[nodiscard]] bool knows(int fd) const { return fds_.contains(fd); }

    [[nodiscard]] ProcessCensus census() const {
        ProcessCensus out;
        telemetry::add(out.census, ledger_);
        out.connection_room = connection_room_;
        out.inherited_threads = threads_.size();
        out.inherited_fds = static_cast<std::uint64_t>(
            std::count_if(fds_.begin(), fds_.end(), [](const auto& entry) { return entry.second.inherited; }));
        return out;
    }

    std::mutex mutex_;
    telemetry::Ledger ledger_;
    std::uint64_t connection_room_ = 0;

private:
    std::map<int, Descriptor> fds_;
    std::vector<Life> threads_;
};

// Never destroyed: descriptors are closed until the very end of the process.
Table& table() {
    static Table& instance = *new Table;
    return instance;
}

template <typename Action>
auto locked(Action action) {
    Table& all = table();
    const std::lock_guard lock(all.mutex_);
    all.ledger_.set_now(read_clock());
    return action(all);
}

}  // namespace

void note_opened(int fd, std::optional<Kind> what) {
    if (fd >= 0) locked([fd, what](Table& all) { all.enter(fd, false, what); });
}

void note_closing(int fd) {
    if (fd >= 0) locked([fd](Table& all) { all.erase(fd); });
}

HeldFd::HeldFd(int fd) : fd_(fd) {
    note_opened(fd);
}

HeldFd HeldFd::if_unknown(int fd) {
    return fd < 0 || locked([fd](const Table& all) { return all.knows(fd); }) ? HeldFd() : HeldFd(fd);
}

HeldFd::HeldFd(HeldFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

HeldFd& HeldFd::operator=(HeldFd&& other) noexcept {
    if (this != &other) {
        release();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

void HeldFd::release() {
    note_closing(std::exchange(fd_, -1));
}

void LibraryFds::adopt() {
    for (const int fd : open_fds()) {
        if (is_loop_fd(fd)) held_.push_back(HeldFd::if_unknown(fd));
    }
}

ProcessLife::ProcessLife(Kind kind) {
    locked([&](Table& all) { life_ = Life(all.ledger_, kind); });
}

ProcessLife::ProcessLife(ProcessLife&& other) noexcept {
    locked([&](Table&) { life_ = std::move(other.life_); });
}

ProcessLife& ProcessLife::operator=(ProcessLife&& other) noexcept {
    locked([&](Table&) { life_ = std::move(other.life_); });
    return *this;
}

ProcessLife::~ProcessLife() {
    locked([&](Table&) { life_ = Life(); });
}

ConnectionRoom::ConnectionRoom(std::uint64_t most) : most_(most) {
    locked([most](Table& all) { all.connection_room_ += most; });
}

ConnectionRoom::~ConnectionRoom() {
    locked([this](Table& all) { all.connection_room_ -= most_; });
}

ProcessCensus process_census() {
    return locked([](const Table& all) { return all.census(); });
}

std::optional<KernelCounts> kernel_counts() {
    const auto fds = numbers_in("/proc/self/fd");
    const auto tasks = numbers_in("/proc/self/task");
    if (!fds || !tasks) return std::nullopt;
    return KernelCounts{fds->size(), static_cast<std::uint64_t>(std::count_if(fds->begin(), fds->end(), is_socket)),
                        tasks->size()};
}

}  // namespace grapevine::io
