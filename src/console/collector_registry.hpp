#pragma once

// Which collectors of this user run on this machine: one small JSON file each, in "collectors" below the registry of
// the nodes (io/node_registry.hpp). As there, a file is believed only while its process holds the lock of its
// directory; the file of one that is gone is removed by whoever reads it.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace grapevine::console {

struct CollectorRecord {
    std::string url;    // "http://127.0.0.1:4318"
    std::string store;  // Its directory, which it has locked.
    std::int64_t pid = 0;
    std::uint64_t started_unix_ms = 0;
    friend bool operator==(const CollectorRecord&, const CollectorRecord&) = default;
};

std::string encode(const CollectorRecord& record);
// At most kCollectorRecordBytesMax; unknown members are ignored.
inline constexpr std::size_t kCollectorRecordBytesMax = 16U * 1024U;
base::Result<CollectorRecord> decode_collector_record(std::string_view text);

class CollectorRegistry {
public:
    static constexpr std::size_t kCollectorsMax = 1024;  // Files looked at.

    // In the registry of this user.
    static base::Result<CollectorRegistry> open();
    // `dir` exists.
    explicit CollectorRegistry(std::filesystem::path dir) : dir_(std::move(dir)) {}

    base::Status add(const CollectorRecord& record) const;
    void remove(std::int64_t pid) const;
    // All that are alive, the newest first.
    [[nodiscard]] std::vector<CollectorRecord> list() const;

private:
    std::filesystem::path dir_;
};

}  // namespace grapevine::console
