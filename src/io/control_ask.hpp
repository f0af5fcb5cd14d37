#pragma once

// One question to a control socket, on the loop: sent at once, answered later, once, by the line or by an error (the
// socket was closed, or the deadline passed: busy). Destroying it before that forgets it.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "io/control.hpp"
#include "io/runtime.hpp"

namespace grapevine::io {

class ControlAsk {
public:
    static constexpr base::Duration kSendDeadline = std::chrono::milliseconds(500);
    // May destroy the ask.
    using Done = std::function<void(base::Result<std::string> answer)>;

    // Error: the request could not be sent; `done` is not called then.
    static base::Result<std::unique_ptr<ControlAsk>> start(Runtime& runtime, ControlClient client,
                                                           std::string_view request, base::Duration deadline,
                                                           Done done);
    ~ControlAsk();
    ControlAsk(const ControlAsk&) = delete;
    ControlAsk& operator=(const ControlAsk&) = delete;

private:
    ControlAsk(Runtime& runtime, ControlClient client, Done done)
        : runtime_(runtime), client_(std::move(client)), done_(std::move(done)) {}
    void on_readable();
    void finish(base::Result<std::string> answer);
    void stop();

    Runtime& runtime_;
    ControlClient client_;
    Done done_;
    std::optional<WatchId> watch_;
    std::optional<TaskId> timer_;
};

}  // namespace grapevine::io
