#pragma once

// One running node, followed through its control socket: its `watch` tells what happens, and questions are asked when
// that makes them worth asking. Nothing is polled, so that an idle node stays idle.
//
// Rules
//  1. It is open once the node has said that it may watch. A socket that fails, a node that does not answer within
//     kAnswerWithin, is lost, and tried again: after kRetryFirst, twice as long each time up to `retry_max`.
//  2. A question that is asked while it waits is asked once more when its answer has come; one that comes several times
//     in a turn is asked once.
//  3. Handlers must not destroy the follower.

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "base/time.hpp"
#include "io/control.hpp"
#include "io/control_ask.hpp"
#include "io/runtime.hpp"

namespace grapevine::io {

class NodeFollower {
public:
    static constexpr base::Duration kRetryFirst = std::chrono::milliseconds(100);
    static constexpr base::Duration kDeadline = std::chrono::milliseconds(500);  // Of a connect or a send.
    static constexpr base::Duration kAnswerWithin = std::chrono::seconds(5);

    enum class Question : std::uint8_t { status, directory };

    struct Handlers {
        std::function<void()> opened;
        std::function<void(const boost::json::object& event)> event;  // Not the answer to `watch`.
        std::function<void(Question question, std::string_view line)> answer;
        std::function<void(const base::Error& error)> lost;  // Each time it was open, or could not be opened.
    };

    NodeFollower(Runtime& runtime, std::filesystem::path data_dir, Handlers handlers,
                 base::Duration retry_max = kRetryFirst);
    ~NodeFollower();
    NodeFollower(const NodeFollower&) = delete;
    NodeFollower& operator=(const NodeFollower&) = delete;

    // At the end of this turn (rule 2). While it is not open it does nothing: who opens asks anew.
    void ask(Question question);
    // The same after a while, unless it is asked before.
    void ask_later(Question question, base::Duration delay);
    // The answer is under way: events that came meanwhile may be newer than it.
    [[nodiscard]] bool is_asking(Question question) const {
        return pending_[static_cast<std::size_t>(question)].ask != nullptr;
    }
    [[nodiscard]] bool is_open() const { return open_; }

private:
    struct Pending {
        bool wanted = false;
        std::unique_ptr<ControlAsk> ask;
        std::optional<TaskId> later;
    };

    void connect();
    void lose(const base::Error& error);
    void close();
    void on_line(std::string_view line);
    void on_watch();
    void pump();
    void begin(Question question);
    Pending& pending(Question question) { return pending_[static_cast<std::size_t>(question)]; }
    void cancel(std::optional<TaskId>& task);

    Runtime& runtime_;
    std::filesystem::path data_dir_;
    Handlers handlers_;
    base::Duration retry_max_;
    base::Duration retry_after_ = kRetryFirst;
    bool open_ = false;
    std::optional<ControlClient> client_;
    std::optional<WatchId> watch_;
    std::optional<TaskId> timer_;  // The next try, or the end of patience for the answer to `watch`.
    std::optional<TaskId> pump_;
    std::array<Pending, 2> pending_;
};

}  // namespace grapevine::io
