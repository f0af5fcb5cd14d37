#include "console/collector_registry.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "io/data_dir.hpp"
#include "io/files.hpp"
#include "io/json.hpp"
#include "io/node_registry.hpp"

namespace grapevine::console {
namespace {

namespace fs = std::filesystem;

fs::path file_of(const fs::path& dir, std::int64_t pid) {
    return dir / (std::to_string(pid) + ".json");
}

std::optional<CollectorRecord> read_alive(const fs::path& path) {
    const auto text = io::read_file("registry file", path, kCollectorRecordBytesMax, io::Privacy::owner_only);
    if (!text) {
        return std::nullopt;
    }
    auto record = decode_collector_record(*text);
    if (!record || io::data_dir_holder(record->store) != record->pid) {
        ::unlink(path.c_str());
        return std::nullopt;
    }
    return std::move(*record);
}

}  // namespace

std::string encode(const CollectorRecord& record) {
    boost::json::object object;
    object["url"] = record.url;
    object["store"] = record.store;
    object["pid"] = record.pid;
    object["started_unix_ms"] = record.started_unix_ms;
    return boost::json::serialize(object);
}

base::Result<CollectorRecord> decode_collector_record(std::string_view text) {
    if (text.size() > kCollectorRecordBytesMax) {
        return base::invalid("collector record: too long");
    }
    const auto object = io::parse_json_object("collector record", text);
    if (!object) {
        return tl::unexpected(object.error());
    }
    const auto url = io::string_member(*object, "url");
    const auto store = io::string_member(*object, "store");
    const auto pid = io::unsigned_member(*object, "pid");
    if (!url || !store || !pid || *pid > INT64_MAX) {
        return base::invalid("collector record: 'url', 'store' and 'pid' are required");
    }
    return CollectorRecord{*url, *store, static_cast<std::int64_t>(*pid),
                           io::unsigned_member(*object, "started_unix_ms").value_or(0)};
}

base::Result<CollectorRegistry> CollectorRegistry::open() {
    const auto nodes = io::registry_dir();
    if (!nodes) {
        return tl::unexpected(nodes.error());
    }
    fs::path dir = *nodes / "collectors";
    if (const auto made = io::make_private_dir("registry directory", dir); !made) {
        return tl::unexpected(made.error());
    }
    return CollectorRegistry(std::move(dir));
}

base::Status CollectorRegistry::add(const CollectorRecord& record) const {
    return io::write_file_atomically("registry file", file_of(dir_, record.pid), encode(record) + '\n', 0600,
                                     io::Durability::process);
}

void CollectorRegistry::remove(std::int64_t pid) const {
    ::unlink(file_of(dir_, pid).c_str());
}

std::vector<CollectorRecord> CollectorRegistry::list() const {
    std::vector<CollectorRecord> records;
    std::error_code error;
    fs::directory_iterator it(dir_, error);
    for (std::size_t seen = 0; !error && it != fs::directory_iterator() && seen < kCollectorsMax; it.increment(error)) {
        if (it->path().extension() != ".json") {
            continue;
        }
        ++seen;
        if (auto record = read_alive(it->path())) {
            records.push_back(std::move(*record));
        }
    }
    std::sort(records.begin(), records.end(),
              [](const auto& a, const auto& b) { return a.started_unix_ms > b.started_unix_ms; });
    return records;
}

}  // namespace grapevine::console
