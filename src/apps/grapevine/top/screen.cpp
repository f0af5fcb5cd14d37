#include "apps/grapevine/top/screen.hpp"

#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstring>
#include <utility>

#include "apps/grapevine/terminal.hpp"
#include "apps/grapevine/top/text.hpp"

namespace grapevine::apps {
namespace {

// Another screen, no cursor, no wrapping at the last column; and back.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[0m\x1b[2J";
constexpr std::string_view kLeave = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
constexpr std::array kCrashes{SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGQUIT};
constexpr int kLeaveWithinMs = 200;
constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kColumnsMax = 1000, kRowsMax = 1000;

// What a handler of a crash needs: it can be called at any instruction, so these are plain values set before.
struct CrashTerminal {
    int fd = -1;
    termios before{};
};
CrashTerminal crash_terminal;

extern "C" void give_back_and_die(int signal) {
    if (crash_terminal.fd >= 0) {
        [[maybe_unused]] const ssize_t written = ::write(crash_terminal.fd, kLeave.data(), kLeave.size());
        ::tcsetattr(crash_terminal.fd, TCSANOW, &crash_terminal.before);
    }
    ::raise(signal);  // SA_RESETHAND: with its default action, once this returns.
}

void guard_crashes(int fd, const termios& before) {
    crash_terminal = {fd, before};
    struct sigaction action{};
    action.sa_handler = fd >= 0 ? give_back_and_die : SIG_DFL;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (const int signal : kCrashes) {
        ::sigaction(signal, &action, nullptr);
    }
}

std::string_view code_of(Look look, bool color) {
    switch (look) {
        case Look::plain: return "";
        case Look::dim: return color ? "\x1b[2m" : "";
        case Look::bold:
        case Look::title: return "\x1b[1m";
        case Look::good: return color ? "\x1b[32m" : "";
        case Look::warn: return color ? "\x1b[33m" : "";
        case Look::bad: return color ? "\x1b[1;31m" : "\x1b[1m";
        case Look::unknown: return color ? "\x1b[35m" : "";
        case Look::chosen: return "\x1b[7m";
        case Look::loud: return color ? "\x1b[1;30;43m" : "\x1b[1;7m";
    }
    return "";
}

// Keys as they are pressed, unseen; Ctrl-C and Ctrl-Z stay signals, Ctrl-S and Ctrl-Q are keys.
termios raw_of(termios mode) {
    mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
    mode.c_iflag &= ~static_cast<tcflag_t>(IXON | IXOFF | ICRNL | INLCR);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    return mode;
}

}  // namespace

base::Result<std::unique_ptr<TopScreen>> TopScreen::open(io::Runtime& runtime, Handlers handlers) {
    if (::isatty(STDIN_FILENO) != 1 || !inspect_terminal(STDOUT_FILENO).live) {
        return base::invalid(
            "no terminal to draw on: `grapevine top --once` prints one frame, `--once --json` one object");
    }
    io::Fd fd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    termios before{};
    if (!fd.valid() || ::tcgetattr(fd.get(), &before) != 0) {
        return tl::unexpected(io::system_error("terminal '/dev/tty'", "open", errno));
    }
    std::unique_ptr<TopScreen> screen(new TopScreen(runtime, std::move(fd), before, std::move(handlers)));
    auto watch = runtime.watch(screen->fd_.get(), [raw = screen.get()] { raw->on_readable(); });
    if (!watch) {
        return tl::unexpected(watch.error());
    }
    screen->watch_ = *watch;
    screen->enter();
    return screen;
}

TopScreen::TopScreen(io::Runtime& runtime, io::Fd fd, termios before, Handlers handlers)
    : runtime_(runtime), handlers_(std::move(handlers)), fd_(std::move(fd)), before_(before) {
    std::setlocale(LC_CTYPE, "");
    utf8_ = std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0;
    color_ = inspect_terminal(STDOUT_FILENO).color;
}

TopScreen::~TopScreen() {
    if (watch_) {
        runtime_.unwatch(*watch_);
        leave();
        guard_crashes(-1, before_);
    }
}

void TopScreen::enter() {
    guard_crashes(fd_.get(), before_);
    const termios raw = raw_of(before_);
    ::tcsetattr(fd_.get(), TCSADRAIN, &raw);
    pending_.clear();
    forget();
    write(std::string(kEnter));
}

// In order: what it did not take yet, then all back. It gets a moment for that, and no more.
void TopScreen::leave() {
    pending_ += kLeave;
    pollfd ready{fd_.get(), POLLOUT, 0};
    while (!pending_.empty() && ::poll(&ready, 1, kLeaveWithinMs) > 0 && (ready.revents & (POLLERR | POLLHUP)) == 0) {
        const ssize_t written = ::write(fd_.get(), pending_.data(), pending_.size());
        if (written <= 0) {
            break;
        }
        pending_.erase(0, static_cast<std::size_t>(written));
    }
    pending_.clear();
    ::tcsetattr(fd_.get(), TCSANOW, &before_);
}

TopSize TopScreen::size() const {
    winsize size{};
    if (::ioctl(fd_.get(), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        return {};
    }
    return {std::min<std::size_t>(size.ws_col, kColumnsMax), std::min<std::size_t>(size.ws_row, kRowsMax)};
}

std::string TopScreen::line_text(const TopLine& line) const {
    std::string out;
    for (const TopSpan& span : line) {
        const std::string_view code = code_of(span.look, color_);
        out += code;
        out += utf8_ ? span.text : ascii_only(span.text);
        if (!code.empty()) {
            out += "\x1b[0m";
        }
    }
    return out;
}

void TopScreen::show(const std::vector<TopLine>& lines) {
    if (!pending_.empty()) {
        missed_ = true;
        return;
    }
    const TopSize now = size();
    std::string out;
    if (now != shown_size_) {
        shown_.clear();
        shown_size_ = now;
        out += "\x1b[0m\x1b[2J";
    }
    shown_.resize(lines.size(), std::string());
    for (std::size_t i = 0; i < lines.size(); ++i) {
        std::string text = line_text(lines[i]);
        if (text == shown_[i]) {
            continue;
        }
        const bool full = width_of(lines[i]) >= now.columns;  // Erasing would take its last character.
        out += "\x1b[" + std::to_string(i + 1) + ";1H" + text + (full ? "" : "\x1b[K");
        shown_[i] = std::move(text);
    }
    write(std::move(out));
}

void TopScreen::forget() {
    shown_.clear();
    shown_size_ = {0, 0};
}

void TopScreen::suspend() {
    leave();
    ::kill(::getpid(), SIGSTOP);
    enter();
}

void TopScreen::resume() {
    enter();
}

void TopScreen::on_readable() {
    std::array<char, kReadBytes> bytes{};
    std::vector<TopKey> keys;
    for (;;) {
        const ssize_t count = ::read(fd_.get(), bytes.data(), bytes.size());
        if (count > 0) {
            keys_.feed({bytes.data(), static_cast<std::size_t>(count)}, keys);
            continue;
        }
        if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
            handlers_.gone();
            return;
        }
        if (errno == EAGAIN) {
            break;
        }
    }
    if (!keys.empty()) {
        handlers_.keys(keys);
    }
}

void TopScreen::write(std::string bytes) {
    pending_ += bytes;
    flush();
}

void TopScreen::flush() {
    while (!pending_.empty()) {
        const ssize_t written = ::write(fd_.get(), pending_.data(), pending_.size());
        if (written > 0) {
            pending_.erase(0, static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            runtime_.when_writable(*watch_, [this] { flush(); });
            return;
        } else if (errno != EINTR) {
            handlers_.gone();
            return;
        }
    }
    if (std::exchange(missed_, false)) {
        handlers_.ready();
    }
}

}  // namespace grapevine::apps
