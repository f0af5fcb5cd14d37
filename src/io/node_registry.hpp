#pragma once

// Which nodes of this user run on this machine: one small JSON file a node in a directory that only the user can enter,
// ${XDG_RUNTIME_DIR}/grapevine, else /tmp/grapevine-<uid>. A file whose node is gone is removed by whoever reads it; a
// node is alive while it holds the lock of its data directory, so a recycled process id never fools anyone.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace grapevine::io {

// What a running node says about itself: the content of <data dir>/node.json and of its file in the registry.
struct NodeRecord {
    std::string name;
    std::string id;
    std::string mesh;
    std::string type;
    std::string ticket;
    std::vector<std::string> addresses;
    std::int64_t pid = 0;
    std::uint64_t started_unix_ms = 0;
    std::string data_dir;
    friend bool operator==(const NodeRecord&, const NodeRecord&) = default;
};

std::string encode(const NodeRecord& record);
// At most kRecordBytesMax; unknown members are ignored.
inline constexpr std::size_t kRecordBytesMax = 64U * 1024U;
base::Result<NodeRecord> decode_node_record(std::string_view text);

// The registry's directory, made 0700 if absent. Refused unless it is ours alone.
base::Result<std::filesystem::path> registry_dir();

class NodeRegistry {
public:
    static constexpr std::size_t kNodesMax = 65536;  // Files looked at.

    explicit NodeRegistry(std::filesystem::path dir) : dir_(std::move(dir)) {}

    base::Status add(const NodeRecord& record) const;
    void remove(std::string_view id) const;
    // All that are alive, sorted by name; the files of the others are removed.
    [[nodiscard]] std::vector<NodeRecord> list() const;
    // By exact name, by id, or by "<mesh>" or "<mesh>.<type>" when exactly one fits. Empty text: the only one there is.
    // Errors: not_found; invalid when several fit, naming them.
    [[nodiscard]] base::Result<NodeRecord> find(std::string_view name) const;

private:
    std::filesystem::path dir_;
};

// find() in the registry of this user.
base::Result<NodeRecord> find_running_node(std::string_view name);

}  // namespace grapevine::io
