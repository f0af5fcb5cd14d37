#include "apps/grapevine/child_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace grapevine::apps {

base::Result<ChildLog> ChildLog::open(std::filesystem::path path) {
    ChildLog log;
    log.path_ = std::move(path);
    if (const auto opened = log.reopen(); !opened) {
        return tl::unexpected(opened.error());
    }
    return log;
}

base::Status ChildLog::reopen() {
    file_ = io::Fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!file_.valid()) {
        return tl::unexpected(io::system_error(path_.string(), "open", errno));
    }
    const off_t end = ::lseek(file_.get(), 0, SEEK_END);
    size_ = end > 0 ? static_cast<std::uint64_t>(end) : 0;
    return {};
}

void ChildLog::append(std::string_view text) {
    if (!file_.valid()) {
        return;
    }
    if (size_ + text.size() > kBytesMax) {
        std::rename(path_.c_str(), (path_.string() + kOlder).c_str());
        if (!reopen()) {
            return;
        }
    }
    if (io::write_fully(file_.get(), text) == 0) {
        size_ += text.size();
    }
}

}  // namespace grapevine::apps
