#pragma once

// The event loop: one thread, one Boost.Asio context, no thread of its own. Everything on a runtime belongs to the
// thread that calls run(); only post() and stop() may be called from others.
//
// A turn is one callback and what it deferred. The clock is read once a turn, so that all that happens in a turn
// happens at one time. Deferred work runs at the end of the turn: inputs are gathered first and their effects are
// written once.
//
// Quiet work runs when nothing is left that is ready to run, just before the loop would sleep: what can wait stays out
// of the way of what came in. Under load it waits no longer than kQuietMax; it never costs a wake-up of its own.
//
// Timers carry a slack: the loop may run them up to that much late, never early, so that deadlines that lie close
// together share one wake-up. All timers of a runtime share one kernel timer, which is moved only when that is worth a
// system call: when the next deadline came closer, or went away by more than kRearmSlack.
//
// Callbacks are held by id. Cancelling an id that is gone does nothing, and a callback may cancel itself.

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "io/log.hpp"
#include "telemetry/ledger.hpp"

namespace boost::asio {
class io_context;
}

namespace grapevine::io {

struct TaskId {
    std::uint64_t value = 0;
    friend auto operator<=>(const TaskId&, const TaskId&) = default;
};
struct WatchId {
    std::uint64_t value = 0;
    friend auto operator<=>(const WatchId&, const WatchId&) = default;
};

class Runtime {
public:
    static constexpr base::Duration kRearmSlack = base::Duration(std::chrono::milliseconds(1));
    static constexpr base::Duration kQuietMax = base::Duration(std::chrono::milliseconds(1));

    using Work = std::function<void()>;

    Runtime();
    ~Runtime();
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;

    // Runs until stop(); a stop() that came first counts. May be called again.
    void run();
    // Ends run() when the present turn is over. Safe from any thread.
    void stop();
    // Runs `work` in a turn of its own, in order. Safe from any thread.
    void post(Work work);

    // Runs `work` at the end of this turn (outside a turn: of the next).
    TaskId defer(Work work);
    // Runs `work` once nothing else is ready to run, at most about kQuietMax from now.
    TaskId when_quiet(Work work);
    // Runs `work` once, not before `when` and at the latest at `when + slack` as far as the machine allows.
    // `kind` is what the ledger counts it as.
    TaskId at(base::TimePoint when, base::Duration slack, Work work, telemetry::Kind kind = telemetry::Kind::timer);
    void cancel(TaskId task);

    // Calls `readable` whenever `fd` has something to read or an error to report; it must consume that or unwatch. The
    // descriptor becomes non-blocking and stays the caller's, who must unwatch before closing it. A file that the
    // kernel cannot watch counts as always readable. Errors: bad descriptor, or already watched.
    base::Result<WatchId> watch(int fd, Work readable);
    // Calls `writable` once, when the watched descriptor can take data.
    void when_writable(WatchId watch, Work writable);
    // Stops or resumes the calls of `readable`: back-pressure.
    void pause_reading(WatchId watch);
    void resume_reading(WatchId watch);
    void unwatch(WatchId watch);

    // Calls `handler` in a turn for each of the signals, instead of their default action. Once per runtime.
    void on_signal(std::initializer_list<int> signals, std::function<void(int)> handler);

    // The time at which this turn began; outside a turn, the time now.
    [[nodiscard]] base::TimePoint now() const;
    [[nodiscard]] base::WallTime wall_now() const;
    // Turns so far: what an idle process should have few of.
    [[nodiscard]] std::uint64_t turns() const;

    [[nodiscard]] Log& log();
    // Timers and watches of this loop, all nodes' on it.
    [[nodiscard]] const telemetry::Ledger& ledger() const;
    // Scratch memory for reading sockets, `bytes` long at least, shared by all that read in this runtime, valid until
    // the turn ends. Untouched pages cost nothing.
    [[nodiscard]] std::span<std::uint8_t> scratch(std::size_t bytes);
    // For services that are written on Asio itself.
    [[nodiscard]] boost::asio::io_context& context();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine::io
