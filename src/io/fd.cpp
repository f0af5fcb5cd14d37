#include "io/fd.hpp"

#include <cerrno>
#include <cstring>

#include <sys/random.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "io/process_ledger.hpp"

namespace grapevine::io {

namespace {

base::ErrorCode code_of(int error) {
    switch (error) {
        case EACCES:
        case EPERM:
        case EROFS: return base::ErrorCode::denied;
        case ENOENT: return base::ErrorCode::not_found;
        case EADDRINUSE: return base::ErrorCode::busy;
        case ENOSPC:
        case EDQUOT:
        case EMFILE:
        case ENFILE: return base::ErrorCode::exhausted;
        default: return base::ErrorCode::failed;
    }
}

}  // namespace

// errno is what the caller looks at next when `fd` is none.
Fd::Fd(int fd) : fd_(fd) {
    if (fd >= 0) {
        note_opened(fd);
    }
}

Fd::Fd(int fd, telemetry::Kind what) : fd_(fd) {
    if (fd >= 0) {
        note_opened(fd, what);
    }
}

Fd& Fd::operator=(Fd&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

void Fd::reset() {
    if (fd_ >= 0) {
        note_closing(fd_);
        ::close(fd_);
    }
    fd_ = -1;
}

std::string errno_text(int error) {
    const char* text = ::strerrordesc_np(error);
    return text != nullptr ? text : "error " + std::to_string(error);
}

base::Error system_error(std::string_view subject, std::string_view action, int error) {
    std::string message(subject);
    message += ": ";
    message += action;
    message += ": ";
    message += errno_text(error);
    return base::Error{code_of(error), std::move(message)};
}

int write_fully(int fd, std::string_view data) {
    while (!data.empty()) {
        const ssize_t written = ::write(fd, data.data(), data.size());
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written > 0) {
            data.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    return 0;
}

void fill_random(std::uint8_t* out, std::size_t size) {
    std::size_t filled = 0;
    while (filled < size) {
        const ssize_t got = ::getrandom(out + filled, size - filled, 0);
        GRAPEVINE_ASSERT(got > 0 || errno == EINTR, "the kernel has randomness");
        if (got > 0) {
            filled += static_cast<std::size_t>(got);
        }
    }
}

base::Rng seeded_rng() {
    std::uint64_t seed = 0;
    fill_random(reinterpret_cast<std::uint8_t*>(&seed), sizeof seed);
    return base::Rng(seed);
}

}  // namespace grapevine::io
