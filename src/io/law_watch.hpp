#pragma once

// The laws of what a node's edge holds (timers, watches, clients) and of what its process holds (descriptors, sockets,
// threads), beside those that the stack judges itself; and the words of the log about broken laws of either.
//
// Judged in turns that the node has anyway. Only a breach that nobody knows of yet costs a timer.

#include <deque>
#include <functional>
#include <optional>

#include "io/process_ledger.hpp"
#include "io/runtime.hpp"
#include "stack/types.hpp"
#include "telemetry/laws.hpp"
#include "telemetry/ledger.hpp"
#include "telemetry/recorder.hpp"

namespace grapevine::io {

class LawWatch {
public:
    // `runtime`, `node`, the node's own ledger, and `recorder`, which may be null, outlive this. `wake` makes a turn of
    // the node.
    LawWatch(Runtime& runtime, const telemetry::Ledger& node, telemetry::Recorder* recorder,
             std::function<void()> wake);
    ~LawWatch();
    LawWatch(const LawWatch&) = delete;
    LawWatch& operator=(const LawWatch&) = delete;

    // Once a turn; most calls cost a comparison.
    void check();
    // What check() found, one after the other.
    std::optional<stack::Event> poll_event();

    // Of node, loop and process together.
    [[nodiscard]] telemetry::Census census() const;
    [[nodiscard]] telemetry::Allowances allowances() const;
    [[nodiscard]] const telemetry::Laws& laws() const { return laws_; }

private:
    Runtime& runtime_;
    const telemetry::Ledger& node_;
    telemetry::Recorder* recorder_;
    std::function<void()> wake_;
    ProcessLife life_{telemetry::Kind::node};
    telemetry::Laws laws_;
    std::deque<stack::Event> events_;
    std::optional<TaskId> timer_;
};

// A broken law is an error, a kept one a warning; anything else says nothing.
void log_law(Log& log, const stack::Event& event);

}  // namespace grapevine::io
