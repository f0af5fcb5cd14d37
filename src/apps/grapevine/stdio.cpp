#include "apps/grapevine/stdio.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "grapevine/node_main_flags.hpp"

namespace grapevine::apps {

ModeGuard::ModeGuard(int fd) : fd_(fd), flags_(::fcntl(fd, F_GETFL)) {}

ModeGuard::~ModeGuard() {
    if (flags_ >= 0) {
        ::fcntl(fd_, F_SETFL, flags_);
    }
}

Input::Input(io::Runtime& runtime, int fd, std::function<void(std::string_view)> data)
    : runtime_(runtime), fd_(fd), mode_(fd), data_(std::move(data)) {
    if (const auto watch = runtime_.watch(fd_, [this] { on_readable(); })) {
        watch_ = *watch;
    } else {
        runtime_.post([this] { end(); });  // A closed descriptor is an input without content.
    }
}

Input::~Input() {
    if (watch_) {
        runtime_.unwatch(*watch_);
    }
}

void Input::pause() {
    paused_ = true;
    if (watch_) {
        runtime_.pause_reading(*watch_);
    }
}

void Input::resume() {
    paused_ = false;
    if (watch_) {
        runtime_.resume_reading(*watch_);
    }
}

void Input::on_readable() {
    if (paused_ || ended_) {
        return;
    }
    std::array<char, kReadMax> chunk;
    const ssize_t size = ::read(fd_, chunk.data(), chunk.size());
    if (size > 0) {
        data_(std::string_view(chunk.data(), static_cast<std::size_t>(size)));
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        end();
    }
}

void Input::end() {
    if (std::exchange(ended_, true)) {
        return;
    }
    if (watch_) {
        runtime_.unwatch(*watch_);
        watch_.reset();
    }
    data_({});
}

Output::Output(io::Runtime& runtime, int fd) : runtime_(runtime), fd_(fd), mode_(fd) {
    if (const auto watch = runtime_.watch(fd_, [] {})) {
        watch_ = *watch;
        runtime_.pause_reading(*watch_);  // Only its writability matters.
    }
}

Output::~Output() {
    if (watch_) {
        runtime_.unwatch(*watch_);
    }
}

std::size_t Output::put(std::string_view data) {
    std::size_t taken = 0;
    while (taken < data.size() && !broken_) {
        const ssize_t written = ::write(fd_, data.data() + taken, data.size() - taken);
        if (written >= 0) {
            taken += static_cast<std::size_t>(written);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            broken_ = true;
        }
    }
    return broken_ ? data.size() : taken;
}

void Output::write(std::string_view data) {
    if (pending() == 0) {
        data.remove_prefix(put(data));
    }
    if (data.empty() || broken_) {
        return;
    }
    buffer_.append(data);
    pump();
}

void Output::pump() {
    if (waiting_ || pending() == 0 || !watch_) {
        return;
    }
    waiting_ = true;
    runtime_.when_writable(*watch_, [this] {
        waiting_ = false;
        sent_ += put(std::string_view(buffer_).substr(sent_));
        if (pending() == 0 || sent_ >= Input::kReadMax) {
            buffer_.erase(0, sent_);
            sent_ = 0;
        }
        pump();
        if (progress_) {
            progress_();
        }
    });
}

void Output::finish() {
    if (!broken_) {
        cli::write_all(fd_, std::string_view(buffer_).substr(sent_));
    }
    buffer_.clear();
    sent_ = 0;
}

void LineSplitter::take(std::string_view part) {
    skipping_ = skipping_ || partial_.size() + part.size() > line_bytes_max_;
    if (skipping_) {
        partial_.clear();
    } else {
        partial_.append(part);
    }
}

void LineSplitter::push(std::string_view data, const std::function<void(std::string_view)>& line,
                        const std::function<void()>& too_long) {
    for (std::size_t end = data.find('\n'); end != std::string_view::npos; end = data.find('\n')) {
        take(data.substr(0, end));
        data.remove_prefix(end + 1);
        skipping_ ? too_long() : line(partial_);
        partial_.clear();
        skipping_ = false;
    }
    take(data);
}

void LineSplitter::finish(const std::function<void(std::string_view)>& line, const std::function<void()>& too_long) {
    if (skipping_) {
        too_long();
    } else if (!partial_.empty()) {
        line(partial_);
    }
    partial_.clear();
    skipping_ = false;
}

}  // namespace grapevine::apps
