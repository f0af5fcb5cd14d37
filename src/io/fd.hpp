#pragma once

// File descriptors with one owner, counted in the ledger of the process (process_ledger.hpp), and the system's errors
// as text.

#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::io {

// Closes its descriptor when destroyed.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd);
    // Counted as `what` besides.
    Fd(int fd, telemetry::Kind what);
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept;
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool valid() const { return fd_ >= 0; }
    void reset();

private:
    int fd_ = -1;
};

// "Permission denied" for EACCES: the C library's words, without locale and safe in any thread.
std::string errno_text(int error);

// An error "<subject>: <what failed>: <errno_text>", coded denied for EACCES, EPERM and EROFS, not_found for ENOENT,
// busy for EADDRINUSE, exhausted for ENOSPC, EDQUOT, EMFILE and ENFILE, else failed.
base::Error system_error(std::string_view subject, std::string_view action, int error);

// Writes all of `data` to a blocking descriptor; returns 0 or the errno.
int write_fully(int fd, std::string_view data);

// Fills `out` from the kernel's randomness.
void fill_random(std::uint8_t* out, std::size_t size);
// A generator seeded by it.
base::Rng seeded_rng();

}  // namespace grapevine::io
