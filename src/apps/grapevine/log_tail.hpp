#pragma once

// The last lines of a child's log (child_log.hpp), and further ones for those who follow it.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/grapevine/stdio.hpp"
#include "apps/grapevine/supervisor.hpp"
#include "io/control_server.hpp"

namespace grapevine::apps {

inline constexpr std::size_t kLogTailBytesMax = 64 * 1024;

struct LogTail {
    std::vector<std::string> lines;  // Whole ones.
    std::string begun;               // What follows the last newline.
};

// At most `lines`, from the last kLogTailBytesMax bytes of the log and, before it, the older one. A log that is not
// there is empty.
LogTail read_log_tail(const std::filesystem::path& log, std::size_t lines);

// At most one log a client, which bounds their number by the server's.
class LogFollowers {
public:
    static constexpr std::size_t kLineMax = 16 * 1024;  // A longer one is left out, and that is said.

    // Nothing instead of a line: it was too long.
    using Tell = std::function<void(io::ClientId, const std::optional<std::string>& line)>;

    // `begun`: what is there of the first line.
    void add(io::ClientId client, ChildId child, std::string_view begun);
    void remove(io::ClientId client) { followers_.erase(client); }
    // What a child wrote; each whole line is told to each of its followers. `tell` may remove.
    void on_log(ChildId child, std::string_view text, const Tell& tell);

private:
    struct Follower {
        ChildId child;
        LineSplitter splitter{kLineMax};
    };
    std::map<io::ClientId, Follower> followers_;
};

}  // namespace grapevine::apps
