#include "io/data_dir.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "io/files.hpp"
#include "io/key_file.hpp"

namespace grapevine::io {

namespace {

constexpr std::string_view kWhat = "data directory";

struct flock whole_file(short type) {
    struct flock lock{};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

std::int64_t read_pid(int fd) {
    std::array<char, 24> text{};
    const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
    std::int64_t pid = 0;
    if (got > 0) {
        std::from_chars(text.data(), text.data() + got, pid);
    }
    return pid;
}

base::Status write_pid(const std::string& subject, int fd) {
    const std::string text = std::to_string(::getpid()) + '\n';
    if (::ftruncate(fd, 0) != 0) {
        return tl::unexpected(system_error(subject, "cannot be written", errno));
    }
    const ssize_t written = ::pwrite(fd, text.data(), text.size(), 0);
    if (written != static_cast<ssize_t>(text.size())) {
        return tl::unexpected(system_error(subject, "cannot be written", written < 0 ? errno : ENOSPC));
    }
    return {};
}

}  // namespace

base::Result<DataDir> DataDir::open(const std::filesystem::path& path, telemetry::Kind kind) {
    if (const auto status = make_private_dir(kWhat, path); !status) {
        return tl::unexpected(status.error());
    }
    const std::string subject = file_subject(kWhat, path);
    Fd fd(::open((path / "lock").c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), kind);
    if (!fd.valid()) {
        return tl::unexpected(system_error(subject, "its lock cannot be opened", errno));
    }
    struct flock lock = whole_file(F_WRLCK);
    if (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) {
        if (errno != EAGAIN && errno != EACCES) {
            return tl::unexpected(system_error(subject, "cannot be locked", errno));
        }
        return base::fail(base::ErrorCode::busy,
                          subject + ": in use by another node, process " + std::to_string(read_pid(fd.get())));
    }
    if (const auto status = write_pid(subject, fd.get()); !status) {
        return tl::unexpected(status.error());
    }
    return DataDir(path, std::move(fd));
}

DataDir::~DataDir() {
    if (lock_.valid()) {
        ::unlink((path_ / "node.json").c_str());
    }
}

base::Result<base::SecretKey> DataDir::load_or_mint_key() const {
    return io::load_or_mint_key(path_ / "key");
}

base::Status DataDir::write_record(const NodeRecord& record) const {
    return write_file_atomically("state file", path_ / "node.json", encode(record) + '\n', 0600, Durability::process);
}

std::optional<std::int64_t> data_dir_holder(const std::filesystem::path& path) {
    const Fd fd(::open((path / "lock").c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) {
        return std::nullopt;
    }
    struct flock lock = whole_file(F_RDLCK);
    if (::fcntl(fd.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) {
        return std::nullopt;
    }
    return read_pid(fd.get());
}

}  // namespace grapevine::io
