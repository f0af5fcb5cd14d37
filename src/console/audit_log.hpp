#pragma once

// Who had what changed through this console: audit.log, a JSON object a line, 0600. At kBytesMax the file becomes
// audit.log.1, of which there is one. Never the token. A line that cannot be written is counted, and the change goes
// on.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include <boost/json/object.hpp>

#include "base/time.hpp"

namespace grapevine::console {

class AuditLog {
public:
    static constexpr std::uint64_t kBytesMax = 4ULL * 1024 * 1024;

    explicit AuditLog(const std::filesystem::path& directory) : path_(directory / "audit.log") {}

    // `what` as in "spawn", `detail` its arguments, `outcome` "done" or the error.
    void add(base::WallTime at, const std::string& from, const std::string& what, boost::json::object detail,
             const std::string& outcome);
    [[nodiscard]] std::uint64_t lost() const { return lost_; }

private:
    std::filesystem::path path_;
    std::uint64_t lost_ = 0;
};

}  // namespace grapevine::console
