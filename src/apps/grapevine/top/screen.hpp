#pragma once

// The terminal of `grapevine top`: whole frames in, keys out.
//
// Rules
//  1. It opens the terminal anew, so that what it sets there (no blocking) is not set for the shell and its other jobs.
//  2. Whatever ends the process, the terminal gets back its screen, its cursor and its settings: by the destructor, on
//     suspend(), and by handlers of the signals of a crash.
//  3. Only lines that changed are written. A terminal that does not take what was written is waited for, and then gets
//     the frame of that moment: nothing is queued for it, and the loop never blocks.
//  4. Colours unless NO_COLOR is set; in a locale without UTF-8 other characters are question marks.

#include <termios.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/grapevine/top/draw.hpp"
#include "apps/grapevine/top/keys.hpp"
#include "base/result.hpp"
#include "io/fd.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {

class TopScreen {
public:
    struct Handlers {
        std::function<void(const std::vector<TopKey>&)> keys;
        std::function<void()> ready;  // It can take a frame again that it could not.
        std::function<void()> gone;   // The terminal was hung up.
    };

    // Errors: stdin and stdout are no terminal, or one that cannot be drawn on.
    static base::Result<std::unique_ptr<TopScreen>> open(io::Runtime& runtime, Handlers handlers);
    ~TopScreen();
    TopScreen(const TopScreen&) = delete;
    TopScreen& operator=(const TopScreen&) = delete;

    [[nodiscard]] TopSize size() const;
    void show(const std::vector<TopLine>& lines);
    // The next frame is written whole.
    void forget();
    // Gives the terminal back, stops the process until somebody continues it, and takes the terminal again.
    void suspend();
    // After a stop that nobody announced.
    void resume();

private:
    TopScreen(io::Runtime& runtime, io::Fd fd, termios before, Handlers handlers);
    void enter();
    void leave();
    void on_readable();
    void write(std::string bytes);
    void flush();
    [[nodiscard]] std::string line_text(const TopLine& line) const;

    io::Runtime& runtime_;
    Handlers handlers_;
    io::Fd fd_;
    termios before_;
    std::optional<io::WatchId> watch_;
    TopKeys keys_;
    std::vector<std::string> shown_;
    TopSize shown_size_{0, 0};
    std::string pending_;
    bool missed_ = false;  // A frame while something was pending.
    bool color_ = true;
    bool utf8_ = true;
};

}  // namespace grapevine::apps
