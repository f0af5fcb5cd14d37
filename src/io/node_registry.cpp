#include "io/node_registry.hpp"

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.hpp"
#include "io/data_dir.hpp"
#include "io/files.hpp"
#include "io/json.hpp"

namespace grapevine::io {

namespace {

namespace json = boost::json;

constexpr std::string_view kSuffix = ".json";

std::filesystem::path file_of(const std::filesystem::path& dir, std::string_view id) {
    return dir / (std::string(id) + std::string(kSuffix));
}

// A record in the registry is believed only while its node holds the lock of its data directory.
std::optional<NodeRecord> read_alive(const std::filesystem::path& path) {
    const auto text = read_file("registry file", path, kRecordBytesMax, Privacy::owner_only);
    if (!text) {
        return std::nullopt;
    }
    auto record = decode_node_record(*text);
    if (!record || data_dir_holder(record->data_dir) != record->pid) {
        ::unlink(path.c_str());
        return std::nullopt;
    }
    return std::move(*record);
}

bool fits(const NodeRecord& record, std::string_view name) {
    return name.empty() || record.name == name || record.id == name || record.mesh == name ||
           record.mesh + '.' + record.type == name;
}

std::string names_of(const std::vector<NodeRecord>& records) {
    constexpr std::size_t kShown = 8;
    std::string text;
    for (std::size_t i = 0; i < records.size() && i < kShown; ++i) {
        text += (i == 0 ? "" : ", ") + records[i].name;
    }
    return records.size() > kShown ? text + ", ..." : text;
}

}  // namespace

std::string encode(const NodeRecord& record) {
    json::object object;
    object["name"] = record.name;
    object["id"] = record.id;
    object["mesh"] = record.mesh;
    object["type"] = record.type;
    object["ticket"] = record.ticket;
    object["addrs"] = json::array(record.addresses.begin(), record.addresses.end());
    object["pid"] = record.pid;
    object["started_unix_ms"] = record.started_unix_ms;
    object["data_dir"] = record.data_dir;
    return json::serialize(object);
}

base::Result<NodeRecord> decode_node_record(std::string_view text) {
    if (text.size() > kRecordBytesMax) {
        return base::invalid("node record: longer than " + std::to_string(kRecordBytesMax) + " bytes");
    }
    const auto object = parse_json_object("node record", text);
    if (!object) {
        return tl::unexpected(object.error());
    }
    NodeRecord record;
    struct Member {
        const char* name;
        std::string NodeRecord::* value;
    };
    for (const Member& member : {Member{"name", &NodeRecord::name}, Member{"id", &NodeRecord::id},
                                 Member{"mesh", &NodeRecord::mesh}, Member{"type", &NodeRecord::type},
                                 Member{"ticket", &NodeRecord::ticket}, Member{"data_dir", &NodeRecord::data_dir}}) {
        auto value = string_member(*object, member.name);
        if (!value) {
            return base::invalid(std::string("node record: '") + member.name + "' must be a string");
        }
        record.*member.value = std::move(*value);
    }
    const auto pid = unsigned_member(*object, "pid");
    if (!pid || *pid > INT64_MAX) {
        return base::invalid("node record: 'pid' must be a process id");
    }
    record.pid = static_cast<std::int64_t>(*pid);
    record.started_unix_ms = unsigned_member(*object, "started_unix_ms").value_or(0);
    if (const json::value* addrs = object->if_contains("addrs"); addrs != nullptr && addrs->is_array()) {
        for (const json::value& addr : addrs->get_array()) {
            if (addr.is_string()) {
                record.addresses.emplace_back(addr.get_string().data(), addr.get_string().size());
            }
        }
    }
    return record;
}

base::Result<std::filesystem::path> registry_dir() {
    const char* runtime_dir = std::getenv("XDG_RUNTIME_DIR");
    const bool usable = runtime_dir != nullptr && runtime_dir[0] == '/';
    std::filesystem::path dir = usable ? std::filesystem::path(runtime_dir) / "grapevine"
                                       : std::filesystem::path("/tmp/grapevine-" + std::to_string(::geteuid()));
    if (auto status = make_private_dir("registry directory", dir); !status) {
        return tl::unexpected(status.error());
    }
    return dir;
}

base::Status NodeRegistry::add(const NodeRecord& record) const {
    return write_file_atomically("registry file", file_of(dir_, record.id), encode(record) + '\n', 0600,
                                 Durability::process);
}

void NodeRegistry::remove(std::string_view id) const {
    ::unlink(file_of(dir_, id).c_str());
}

std::vector<NodeRecord> NodeRegistry::list() const {
    std::vector<NodeRecord> records;
    std::error_code error;
    std::filesystem::directory_iterator it(dir_, error);
    std::size_t looked_at = 0;
    for (; !error && it != std::filesystem::directory_iterator() && looked_at < kNodesMax; it.increment(error)) {
        if (it->path().extension() != kSuffix) {
            continue;
        }
        ++looked_at;
        if (auto record = read_alive(it->path())) {
            records.push_back(std::move(*record));
        }
    }
    std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return records;
}

base::Result<NodeRecord> NodeRegistry::find(std::string_view name) const {
    std::vector<NodeRecord> records = list();
    std::erase_if(records, [&](const NodeRecord& record) { return !fits(record, name); });
    if (records.empty()) {
        const std::string what = name.empty() ? "no node of yours" : "no node '" + base::printable(name) + "'";
        return base::fail(base::ErrorCode::not_found, what + " runs on this machine");
    }
    if (records.size() > 1) {
        return base::invalid("'" + base::printable(name) + "' fits several running nodes: " + names_of(records));
    }
    return std::move(records.front());
}

base::Result<NodeRecord> find_running_node(std::string_view name) {
    const auto dir = registry_dir();
    if (!dir) {
        return tl::unexpected(dir.error());
    }
    return NodeRegistry(*dir).find(name);
}

}  // namespace grapevine::io
