#include "console/audit_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <system_error>

#include <boost/json/serialize.hpp>

#include "base/utf8.hpp"
#include "io/fd.hpp"

namespace grapevine::console {

void AuditLog::add(base::WallTime at, const std::string& from, const std::string& what, boost::json::object detail,
                   const std::string& outcome) {
    boost::json::object row;
    row["unix_ms"] = at.unix_ms;
    row["from"] = from;
    row["what"] = what;
    row["detail"] = std::move(detail);
    row["outcome"] = base::repaired_utf8(outcome);
    const std::string line = boost::json::serialize(row) + "\n";
    std::error_code error;
    if (const auto size = std::filesystem::file_size(path_, error); !error && size + line.size() > kBytesMax) {
        std::filesystem::rename(path_, path_.string() + ".1", error);
    }
    const io::Fd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    const ssize_t written = file.valid() ? ::write(file.get(), line.data(), line.size()) : -1;
    if (written != static_cast<ssize_t>(line.size())) {
        ++lost_;
    }
}

}  // namespace grapevine::console
