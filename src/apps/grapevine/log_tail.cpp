#include "apps/grapevine/log_tail.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "apps/grapevine/child_log.hpp"
#include "io/fd.hpp"

namespace grapevine::apps {
namespace {

struct End {
    std::string text;
    bool whole = true;  // It begins where the file does.
};

End read_end(const std::filesystem::path& path, std::size_t bytes_max) {
    End out;
    const io::Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    struct stat status{};
    if (!file.valid() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0) {
        return out;
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    const std::uint64_t from = size > bytes_max ? size - bytes_max : 0;
    out.whole = from == 0;
    out.text.resize(static_cast<std::size_t>(size - from));
    const ssize_t got = ::pread(file.get(), out.text.data(), out.text.size(), static_cast<off_t>(from));
    out.text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return out;
}

}  // namespace

LogTail read_log_tail(const std::filesystem::path& log, std::size_t lines) {
    End end = read_end(log, kLogTailBytesMax);
    if (end.whole) {
        End older = read_end(log.string() + ChildLog::kOlder, kLogTailBytesMax - end.text.size());
        end = {older.text + end.text, older.whole};
    }
    std::string_view rest = end.text;
    if (!end.whole) {
        const std::size_t first = rest.find('\n');
        rest.remove_prefix(first == std::string_view::npos ? rest.size() : first + 1);
    }
    LogTail out;
    for (std::size_t at = rest.find('\n'); at != std::string_view::npos; at = rest.find('\n')) {
        out.lines.emplace_back(rest.substr(0, at));
        rest.remove_prefix(at + 1);
    }
    out.begun = rest;
    const std::size_t surplus = out.lines.size() - std::min(lines, out.lines.size());
    out.lines.erase(out.lines.begin(), out.lines.begin() + static_cast<std::ptrdiff_t>(surplus));
    return out;
}

void LogFollowers::add(io::ClientId client, ChildId child, std::string_view begun) {
    Follower& follower = followers_[client];
    follower = Follower{child};
    follower.splitter.push(begun, [](std::string_view) {}, [] {});
}

void LogFollowers::on_log(ChildId child, std::string_view text, const Tell& tell) {
    std::vector<std::pair<io::ClientId, std::optional<std::string>>> told;
    for (auto& [client, follower] : followers_) {
        if (follower.child == child) {
            follower.splitter.push(
                text, [&, to = client](std::string_view line) { told.emplace_back(to, std::string(line)); },
                [&, to = client] { told.emplace_back(to, std::nullopt); });
        }
    }
    for (const auto& [client, line] : told) {
        tell(client, line);
    }
}

}  // namespace grapevine::apps
