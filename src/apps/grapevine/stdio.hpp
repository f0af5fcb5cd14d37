#pragma once

// Standard input and output on the event loop, with back-pressure in both directions: nothing is read while the
// consumer is paused, and what a slow reader has not taken yet is bounded by whoever looks at pending().
//
// The descriptors are made non-blocking while in use and get their old mode back, since a terminal's is shared with the
// shell.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "io/runtime.hpp"

namespace grapevine::apps {

// Remembers a descriptor's mode and puts it back.
class ModeGuard {
public:
    explicit ModeGuard(int fd);
    ~ModeGuard();
    ModeGuard(const ModeGuard&) = delete;
    ModeGuard& operator=(const ModeGuard&) = delete;

private:
    int fd_;
    int flags_;
};

class Input {
public:
    static constexpr std::size_t kReadMax = 64 * 1024;  // Bytes handed over at once.

    // `data` gets what was read; an empty view is the end, after which nothing follows.
    Input(io::Runtime& runtime, int fd, std::function<void(std::string_view data)> data);
    ~Input();
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;

    void pause();
    void resume();
    [[nodiscard]] bool ended() const { return ended_; }

private:
    void on_readable();
    void end();

    io::Runtime& runtime_;
    int fd_;
    ModeGuard mode_;
    std::function<void(std::string_view)> data_;
    std::optional<io::WatchId> watch_;
    bool paused_ = false;
    bool ended_ = false;
};

class Output {
public:
    Output(io::Runtime& runtime, int fd);
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    // Writes at once what the reader takes and keeps the rest.
    void write(std::string_view data);
    // Bytes kept.
    [[nodiscard]] std::size_t pending() const { return buffer_.size() - sent_; }
    // The reader has gone away; what is written is thrown away.
    [[nodiscard]] bool broken() const { return broken_; }
    // Called after each write to the reader that followed a full one, and when the reader goes away.
    void on_progress(std::function<void()> progress) { progress_ = std::move(progress); }
    // Writes what is left, waiting for the reader: for the end of a program.
    void finish();

private:
    void pump();
    // Bytes taken; 0 means wait.
    std::size_t put(std::string_view data);

    io::Runtime& runtime_;
    int fd_;
    ModeGuard mode_;
    std::optional<io::WatchId> watch_;
    std::function<void()> progress_;
    std::string buffer_;
    std::size_t sent_ = 0;
    bool waiting_ = false;
    bool broken_ = false;
};

// Splits input into lines with a bound. A longer line is skipped whole and reported once.
class LineSplitter {
public:
    explicit LineSplitter(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}
    // Calls `line` for each whole line, without its newline, and `too_long` for each that was skipped.
    void push(std::string_view data, const std::function<void(std::string_view)>& line,
              const std::function<void()>& too_long);
    // A last line without a newline.
    void finish(const std::function<void(std::string_view)>& line, const std::function<void()>& too_long);

private:
    void take(std::string_view part);

    std::size_t line_bytes_max_;
    std::string partial_;
    bool skipping_ = false;
};

}  // namespace grapevine::apps
