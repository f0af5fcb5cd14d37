#include "io/files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "io/fd.hpp"

namespace grapevine::io {

namespace {

constexpr mode_t kGroupOrOther = S_IRWXG | S_IRWXO;

tl::unexpected<base::Error> refuse(const std::string& subject, std::string_view rule, base::ErrorCode code) {
    return base::fail(code, subject + ": " + std::string(rule));
}

base::Status check_file(const std::string& subject, const struct stat& info, std::size_t bytes_max, Privacy privacy) {
    if (S_ISDIR(info.st_mode)) {
        return refuse(subject, "is a directory, must be a regular file", base::ErrorCode::invalid);
    }
    if (!S_ISREG(info.st_mode)) {
        return refuse(subject, "must be a regular file", base::ErrorCode::invalid);
    }
    if (privacy == Privacy::owner_only && info.st_uid != ::geteuid()) {
        return refuse(subject, "belongs to another user", base::ErrorCode::denied);
    }
    if (privacy == Privacy::owner_only && (info.st_mode & kGroupOrOther) != 0) {
        return refuse(subject, "is open to others, its mode must be 0600", base::ErrorCode::denied);
    }
    if (info.st_size > static_cast<off_t>(bytes_max)) {
        return refuse(subject, "is too long, at most " + std::to_string(bytes_max) + " bytes",
                      base::ErrorCode::invalid);
    }
    return {};
}

// Reads one byte beyond the limit, so that a file that grew meanwhile is noticed. `expected` is the file's length as
// the kernel says it, which files that are made up as they are read do not have.
base::Result<std::string> read_all(const std::string& subject, int fd, std::size_t expected, std::size_t bytes_max) {
    std::string content(std::min(expected, bytes_max) + 1, '\0');
    std::size_t length = 0;
    while (length <= bytes_max) {
        if (length == content.size()) {
            content.resize(std::min(2 * length, bytes_max + 1));
        }
        const ssize_t got = ::read(fd, content.data() + length, content.size() - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return tl::unexpected(system_error(subject, "cannot be read", errno));
        }
        if (got == 0) {
            break;
        }
        length += static_cast<std::size_t>(got);
    }
    if (length > bytes_max) {
        return refuse(subject, "is too long, at most " + std::to_string(bytes_max) + " bytes",
                      base::ErrorCode::invalid);
    }
    content.resize(length);
    return content;
}

base::Status sync_dir(const std::string& subject, const std::filesystem::path& dir) {
    const Fd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid() || ::fsync(fd.get()) != 0) {
        return tl::unexpected(system_error(subject, "cannot sync its directory", errno));
    }
    return {};
}

base::Status write_all(const std::string& subject, int fd, std::string_view content, mode_t mode,
                       Durability durability) {
    if (const int error = write_fully(fd, content); error != 0) {
        return tl::unexpected(system_error(subject, "cannot be written", error));
    }
    if (::fchmod(fd, mode) != 0 || (durability == Durability::synced && ::fsync(fd) != 0)) {
        return tl::unexpected(system_error(subject, "cannot be written", errno));
    }
    return {};
}

std::filesystem::path parent_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

std::string file_subject(std::string_view what, const std::filesystem::path& path) {
    return std::string(what) + " '" + base::printable(path.native(), 256) + '\'';
}

base::Result<std::string> read_file(std::string_view what, const std::filesystem::path& path, std::size_t bytes_max,
                                    Privacy privacy) {
    const std::string subject = file_subject(what, path);
    // O_NONBLOCK: a pipe in the file's place must not hang us before fstat() tells.
    const Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid()) {
        if (errno == ELOOP) {
            return refuse(subject, "is a symbolic link, must be a regular file", base::ErrorCode::invalid);
        }
        return tl::unexpected(system_error(subject, "cannot be opened", errno));
    }
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) {
        return tl::unexpected(system_error(subject, "cannot be examined", errno));
    }
    if (const auto status = check_file(subject, info, bytes_max, privacy); !status) {
        return tl::unexpected(status.error());
    }
    return read_all(subject, fd.get(), static_cast<std::size_t>(std::max<off_t>(info.st_size, 0)), bytes_max);
}

base::Status write_file_atomically(std::string_view what, const std::filesystem::path& path, std::string_view content,
                                   mode_t mode, Durability durability) {
    const std::string subject = file_subject(what, path);
    std::string temporary = path.native() + ".XXXXXX";
    const Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!fd.valid()) {
        return tl::unexpected(system_error(subject, "cannot be created", errno));
    }
    if (auto status = write_all(subject, fd.get(), content, mode, durability); !status) {
        ::unlink(temporary.c_str());
        return status;
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        return tl::unexpected(system_error(subject, "cannot be replaced", error));
    }
    return durability == Durability::synced ? sync_dir(subject, parent_of(path)) : base::Status{};
}

base::Status make_private_dir(std::string_view what, const std::filesystem::path& path) {
    const std::string subject = file_subject(what, path);
    std::error_code error;
    if (path.has_parent_path()) {
        std::filesystem::create_directories(path.parent_path(), error);
        if (error) {
            return tl::unexpected(system_error(subject, "cannot create what leads to it", error.value()));
        }
    }
    if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
        return tl::unexpected(system_error(subject, "cannot be created", errno));
    }
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
        return tl::unexpected(system_error(subject, "cannot be examined", errno));
    }
    if (!S_ISDIR(info.st_mode)) {
        return refuse(subject, "is not a directory", base::ErrorCode::invalid);
    }
    if (info.st_uid != ::geteuid()) {
        return refuse(subject, "belongs to another user", base::ErrorCode::denied);
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return refuse(subject, "can be written by others, its mode must be 0700", base::ErrorCode::denied);
    }
    if (::access(path.c_str(), W_OK | X_OK) != 0) {
        return tl::unexpected(system_error(subject, "cannot be written", errno));
    }
    return {};
}

}  // namespace grapevine::io
