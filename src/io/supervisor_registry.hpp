#pragma once

// Which supervisors (`grapevine up`) of this user run on this machine: one small JSON file each, in "supervisors" below
// the registry of the nodes (io/node_registry.hpp). As there, a file is believed only while its process holds the lock
// of its run directory; the file of one that is gone is removed by whoever reads it.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace grapevine::io {

struct SupervisorRecord {
    std::string run_dir;  // It has locked it, and listens in it.
    std::int64_t pid = 0;
    std::uint64_t started_unix_ms = 0;
    friend bool operator==(const SupervisorRecord&, const SupervisorRecord&) = default;
};

std::string encode(const SupervisorRecord& record);
// At most kSupervisorRecordBytesMax; unknown members are ignored.
inline constexpr std::size_t kSupervisorRecordBytesMax = 16U * 1024U;
base::Result<SupervisorRecord> decode_supervisor_record(std::string_view text);

class SupervisorRegistry {
public:
    static constexpr std::size_t kSupervisorsMax = 1024;  // Files looked at.

    // In the registry of this user.
    static base::Result<SupervisorRegistry> open();
    // `dir` exists.
    explicit SupervisorRegistry(std::filesystem::path dir) : dir_(std::move(dir)) {}

    base::Status add(const SupervisorRecord& record) const;
    void remove(std::int64_t pid) const;
    // All that are alive, the newest first.
    [[nodiscard]] std::vector<SupervisorRecord> list() const;
    // The only one there is. Errors: not_found; invalid when there are several, naming their directories.
    [[nodiscard]] base::Result<SupervisorRecord> only() const;

private:
    std::filesystem::path dir_;
};

}  // namespace grapevine::io
