#pragma once

/// One event loop. Any number of endpoints and nodes may live on one loop; they, their callbacks and all calls on them
/// belong to the thread that runs it. Only post() and stop() may be called from other threads.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace grapevine {

namespace io {
class Runtime;
}

class Loop {
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Runs until stop().
    void run();
    /// Ends run() as soon as the current callback returns. Safe from any thread and from a signal handler's thread.
    void stop();
    /// Runs `work` on the loop's thread, in order. Safe from any thread.
    void post(std::function<void()> work);
    /// Runs `work` once after `delay` on the loop's thread.
    void after(std::chrono::nanoseconds delay, std::function<void()> work);
    /// Calls `handler` on the loop's thread for SIGINT and SIGTERM, instead of dying.
    void on_terminate(std::function<void(int signal)> handler);

    /// For the library itself.
    io::Runtime& runtime();

private:
    std::unique_ptr<io::Runtime> runtime_;
};

}  // namespace grapevine
