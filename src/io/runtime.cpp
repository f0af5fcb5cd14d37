#include "io/runtime.hpp"

#include <algorithm>
#include <ctime>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include <sys/timerfd.h>
#include <unistd.h>

#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/assert.hpp"
#include "io/fd.hpp"
#include "io/process_ledger.hpp"
#include "io/trim.hpp"

namespace grapevine::io {

namespace {

namespace asio = boost::asio;
using Executor = asio::io_context::executor_type;
using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
using SignalSet = asio::basic_signal_set<Executor>;

base::TimePoint read_clock() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return base::TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

struct Timer {
    base::TimePoint when;
    Runtime::Work work;
    telemetry::Life life;
};

struct Watch {
    Watch(Descriptor&& from, telemetry::Ledger& ledger)
        : descriptor(std::move(from)),
          held(HeldFd::if_unknown(descriptor.native_handle())),
          life(ledger, telemetry::Kind::watch) {}
    Descriptor descriptor;
    HeldFd held;  // Of a library that does not tell.
    telemetry::Life life;
    Runtime::Work readable;
    Runtime::Work writable;
    bool reading = true;
    bool read_armed = false;
};

}  // namespace

class Runtime::Impl {
public:
    Impl();
    ~Impl();

    void run();
    void stop() { context_.stop(); }
    void post(Work work);
    TaskId defer(Work work);
    TaskId when_quiet(Work work);
    TaskId at(base::TimePoint when, base::Duration slack, Work work, telemetry::Kind kind);
    void cancel(TaskId task);
    base::Result<WatchId> watch(int fd, Work readable);
    void when_writable(WatchId id, Work writable);
    void set_reading(WatchId id, bool reading);
    void unwatch(WatchId id);
    void on_signal(std::initializer_list<int> signals, std::function<void(int)> handler);
    base::TimePoint now() const { return in_turn_ ? now_ : read_clock(); }

    LibraryFds library_fds_;  // Outlive the context, which closes them.
    telemetry::Ledger ledger_;
    asio::io_context context_{1};
    Log log_ = Log::from_environment();
    std::uint64_t turns_ = 0;
    std::unique_ptr<std::uint8_t[]> scratch_;
    std::size_t scratch_bytes_ = 0;

private:
    using Tasks = std::vector<std::pair<std::uint64_t, Work>>;
    using TimerKey = std::pair<base::TimePoint, std::uint64_t>;  // Latest time to run, id.

    template <typename Callback>
    void turn(Callback&& callback);
    template <typename Callback>
    void run_at_once(Callback&& callback);
    void step();
    void run_deferred();
    void arm();
    void set_kernel_timer(std::optional<base::TimePoint> when);
    void wait_timer();
    void run_timers();
    void arm_read(WatchId id, Watch& watch);
    void on_readable(WatchId id);
    void on_writable(WatchId id);
    void wait_signal();
    Watch* find(WatchId id);

    asio::executor_work_guard<Executor> guard_{context_.get_executor()};
    bool in_turn_ = false;
    base::TimePoint now_{};
    std::uint64_t last_id_ = 0;
    Tasks deferred_;
    Tasks running_;  // The batch that runs now; what is cancelled in it stays where it is, empty.
    Tasks quiet_;
    base::TimePoint quiet_since_{};  // When quiet_ was empty last.
    std::map<TimerKey, Timer> timers_;
    std::map<std::uint64_t, TimerKey> timer_keys_;
    std::map<WatchId, Watch> watches_;
    Fd timer_fd_;
    std::optional<Descriptor> timer_;
    std::optional<base::TimePoint> armed_;
    std::optional<SignalSet> signals_;
    std::function<void(int)> signal_handler_;
};

Runtime::Impl::Impl() : timer_fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
    GRAPEVINE_ASSERT(timer_fd_.valid(), "a process can have one timer");
    static_cast<void>(keep_free_heap());
    timer_.emplace(context_.get_executor(), timer_fd_.get());
    library_fds_.adopt();
    wait_timer();
}

Runtime::Impl::~Impl() {
    timer_->release();
    for (auto& [id, watch] : watches_) {
        watch.descriptor.release();
    }
}

void Runtime::Impl::run() {
    arm();
    while (!context_.stopped()) {
        step();
    }
    context_.restart();
}

void Runtime::Impl::step() {
    if (!deferred_.empty()) {
        turn([] {});
    }
    if (quiet_.empty()) {
        context_.run_one();
    } else if (now_ - quiet_since_ >= kQuietMax || context_.poll_one() == 0) {
        deferred_.insert(deferred_.end(), std::make_move_iterator(quiet_.begin()),
                         std::make_move_iterator(quiet_.end()));
        quiet_.clear();
        run_at_once([] {});
    }
}

// Every callback passes through here.
template <typename Callback>
void Runtime::Impl::turn(Callback&& callback) {
    ++turns_;
    run_at_once(std::forward<Callback>(callback));
}

// All of it at one time.
template <typename Callback>
void Runtime::Impl::run_at_once(Callback&& callback) {
    now_ = read_clock();
    in_turn_ = true;
    callback();
    run_deferred();
    in_turn_ = false;
    arm();
}

// Work that deferred work defers runs in the same turn; what runs is bounded by what was there when a round began.
void Runtime::Impl::run_deferred() {
    constexpr int kRounds = 4;
    for (int round = 0; round < kRounds && !deferred_.empty(); ++round) {
        running_.swap(deferred_);
        for (std::size_t i = 0; i < running_.size(); ++i) {
            const Work work = std::exchange(running_[i].second, nullptr);
            if (work) {
                work();
            }
        }
        running_.clear();
    }
    if (!deferred_.empty()) {
        asio::post(context_, [this] { turn([] {}); });
    }
}

void Runtime::Impl::post(Work work) {
    asio::post(context_, [this, work = std::move(work)] { turn(work); });
}

TaskId Runtime::Impl::defer(Work work) {
    deferred_.emplace_back(++last_id_, std::move(work));
    return TaskId{last_id_};
}

TaskId Runtime::Impl::when_quiet(Work work) {
    if (quiet_.empty()) {
        quiet_since_ = now();
    }
    quiet_.emplace_back(++last_id_, std::move(work));
    return TaskId{last_id_};
}

TaskId Runtime::Impl::at(base::TimePoint when, base::Duration slack, Work work, telemetry::Kind kind) {
    const TimerKey key{when + slack, ++last_id_};
    ledger_.set_now(now());
    timers_.emplace(key, Timer{when, std::move(work), {ledger_, kind}});
    timer_keys_.emplace(last_id_, key);
    if (!in_turn_) {
        arm();
    }
    return TaskId{last_id_};
}

void Runtime::Impl::cancel(TaskId task) {
    const auto it = timer_keys_.find(task.value);
    if (it != timer_keys_.end()) {
        timers_.erase(it->second);
        timer_keys_.erase(it);
        return;
    }
    for (Tasks* tasks : {&deferred_, &running_, &quiet_}) {
        for (auto& [id, work] : *tasks) {
            if (id == task.value) {
                work = nullptr;
            }
        }
    }
}

void Runtime::Impl::arm() {
    if (timers_.empty()) {
        return;  // A kernel timer that is still armed costs one idle wake-up, less than unsetting it each time.
    }
    const base::TimePoint wanted = timers_.begin()->first.first;
    if (!armed_ || wanted < *armed_ || wanted > *armed_ + kRearmSlack) {
        set_kernel_timer(wanted);
    }
}

void Runtime::Impl::set_kernel_timer(std::optional<base::TimePoint> when) {
    armed_ = when;
    // A zero value would switch the timer off; a time in the past fires at once.
    const auto since = when ? std::max(when->time_since_epoch(), base::Duration(1)) : base::Duration(0);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
    itimerspec spec{};
    spec.it_value.tv_sec = seconds.count();
    spec.it_value.tv_nsec = (since - seconds).count();
    ::timerfd_settime(timer_fd_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void Runtime::Impl::wait_timer() {
    timer_->async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        std::uint64_t expirations = 0;
        static_cast<void>(::read(timer_fd_.get(), &expirations, sizeof expirations) > 0);
        armed_.reset();
        turn([this] { run_timers(); });
        wait_timer();
    });
}

// Runs what was due when the turn began. Timers are ordered by their latest time, and slacks are alike, so the first
// that is not yet due ends the search; the clock does not move, so a timer that re-arms itself cannot keep the loop.
void Runtime::Impl::run_timers() {
    const std::uint64_t newest = last_id_;
    while (!timers_.empty()) {
        const auto it = timers_.begin();
        if (it->second.when > now_ || it->first.second > newest) {
            return;
        }
        const Work work = std::move(it->second.work);
        timer_keys_.erase(it->first.second);
        timers_.erase(it);
        work();
    }
}

Watch* Runtime::Impl::find(WatchId id) {
    const auto it = watches_.find(id);
    return it == watches_.end() ? nullptr : &it->second;
}

base::Result<WatchId> Runtime::Impl::watch(int fd, Work readable) {
    Descriptor descriptor(context_.get_executor());
    boost::system::error_code error;
    descriptor.assign(fd, error);
    if (error) {
        return tl::unexpected(system_error("descriptor " + std::to_string(fd), "cannot be watched", error.value()));
    }
    const WatchId id{++last_id_};
    ledger_.set_now(now());
    Watch& watch = watches_.try_emplace(id, std::move(descriptor), ledger_).first->second;
    watch.readable = std::move(readable);
    arm_read(id, watch);
    return id;
}

void Runtime::Impl::arm_read(WatchId id, Watch& watch) {
    watch.read_armed = true;
    watch.descriptor.async_wait(Descriptor::wait_read, [this, id](const boost::system::error_code& error) {
        if (error != asio::error::operation_aborted) {
            on_readable(id);
        }
    });
}

// The callback leaves the table while it runs, because it may unwatch itself.
void Runtime::Impl::on_readable(WatchId id) {
    Watch* watch = find(id);
    if (watch == nullptr) {
        return;
    }
    watch->read_armed = false;
    if (!watch->reading) {
        return;
    }
    Work work = std::exchange(watch->readable, nullptr);
    turn(work);
    watch = find(id);
    if (watch == nullptr) {
        return;
    }
    watch->readable = std::move(work);
    if (watch->reading && !watch->read_armed) {
        arm_read(id, *watch);
    }
}

void Runtime::Impl::when_writable(WatchId id, Work writable) {
    Watch* watch = find(id);
    if (watch == nullptr) {
        return;
    }
    const bool waiting = static_cast<bool>(watch->writable);
    watch->writable = std::move(writable);
    if (waiting) {
        return;
    }
    watch->descriptor.async_wait(Descriptor::wait_write, [this, id](const boost::system::error_code& error) {
        if (error != asio::error::operation_aborted) {
            on_writable(id);
        }
    });
}

void Runtime::Impl::on_writable(WatchId id) {
    Watch* watch = find(id);
    if (watch == nullptr) {
        return;
    }
    const Work work = std::exchange(watch->writable, nullptr);
    if (work) {
        turn(work);
    }
}

void Runtime::Impl::set_reading(WatchId id, bool reading) {
    Watch* watch = find(id);
    if (watch == nullptr) {
        return;
    }
    watch->reading = reading;
    // While its callback runs, on_readable() arms it again.
    if (reading && !watch->read_armed && watch->readable) {
        arm_read(id, *watch);
    }
}

void Runtime::Impl::unwatch(WatchId id) {
    const auto it = watches_.find(id);
    if (it == watches_.end()) {
        return;
    }
    it->second.descriptor.release();  // Cancels what waits; the descriptor stays open.
    watches_.erase(it);
}

void Runtime::Impl::on_signal(std::initializer_list<int> signals, std::function<void(int)> handler) {
    signals_.emplace(context_.get_executor());
    for (const int signal : signals) {
        signals_->add(signal);
    }
    library_fds_.adopt();
    signal_handler_ = std::move(handler);
    wait_signal();
}

void Runtime::Impl::wait_signal() {
    signals_->async_wait([this](const boost::system::error_code& error, int signal) {
        if (error) {
            return;
        }
        wait_signal();
        turn([this, signal] { signal_handler_(signal); });
    });
}

Runtime::Runtime() : impl_(std::make_unique<Impl>()) {}
Runtime::~Runtime() = default;

void Runtime::run() {
    impl_->run();
}
void Runtime::stop() {
    impl_->stop();
}
void Runtime::post(Work work) {
    impl_->post(std::move(work));
}
TaskId Runtime::defer(Work work) {
    return impl_->defer(std::move(work));
}
TaskId Runtime::when_quiet(Work work) {
    return impl_->when_quiet(std::move(work));
}
TaskId Runtime::at(base::TimePoint when, base::Duration slack, Work work, telemetry::Kind kind) {
    return impl_->at(when, slack, std::move(work), kind);
}
void Runtime::cancel(TaskId task) {
    impl_->cancel(task);
}
base::Result<WatchId> Runtime::watch(int fd, Work readable) {
    return impl_->watch(fd, std::move(readable));
}
void Runtime::when_writable(WatchId watch, Work writable) {
    impl_->when_writable(watch, std::move(writable));
}
void Runtime::pause_reading(WatchId watch) {
    impl_->set_reading(watch, false);
}
void Runtime::resume_reading(WatchId watch) {
    impl_->set_reading(watch, true);
}
void Runtime::unwatch(WatchId watch) {
    impl_->unwatch(watch);
}
void Runtime::on_signal(std::initializer_list<int> signals, std::function<void(int)> handler) {
    impl_->on_signal(signals, std::move(handler));
}
base::TimePoint Runtime::now() const {
    return impl_->now();
}
std::uint64_t Runtime::turns() const {
    return impl_->turns_;
}
Log& Runtime::log() {
    return impl_->log_;
}
const telemetry::Ledger& Runtime::ledger() const {
    return impl_->ledger_;
}
boost::asio::io_context& Runtime::context() {
    return impl_->context_;
}

base::WallTime Runtime::wall_now() const {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return base::WallTime{static_cast<std::uint64_t>(time.tv_sec) * 1000 +
                          static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000};
}

std::span<std::uint8_t> Runtime::scratch(std::size_t bytes) {
    if (impl_->scratch_bytes_ < bytes) {
        impl_->scratch_ = std::make_unique_for_overwrite<std::uint8_t[]>(bytes);
        impl_->scratch_bytes_ = bytes;
    }
    return {impl_->scratch_.get(), impl_->scratch_bytes_};
}

}  // namespace grapevine::io
