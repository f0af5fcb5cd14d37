#include "io/supervisor_registry.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "io/data_dir.hpp"
#include "io/files.hpp"
#include "io/json.hpp"
#include "io/node_registry.hpp"

namespace grapevine::io {

namespace {

namespace fs = std::filesystem;

fs::path file_of(const fs::path& dir, std::int64_t pid) {
    return dir / (std::to_string(pid) + ".json");
}

std::optional<SupervisorRecord> read_alive(const fs::path& path) {
    const auto text = read_file("registry file", path, kSupervisorRecordBytesMax, Privacy::owner_only);
    if (!text) {
        return std::nullopt;
    }
    auto record = decode_supervisor_record(*text);
    if (!record || data_dir_holder(record->run_dir) != record->pid) {
        ::unlink(path.c_str());
        return std::nullopt;
    }
    return std::move(*record);
}

}  // namespace

std::string encode(const SupervisorRecord& record) {
    boost::json::object object;
    object["run_dir"] = record.run_dir;
    object["pid"] = record.pid;
    object["started_unix_ms"] = record.started_unix_ms;
    return boost::json::serialize(object);
}

base::Result<SupervisorRecord> decode_supervisor_record(std::string_view text) {
    if (text.size() > kSupervisorRecordBytesMax) {
        return base::invalid("supervisor record: longer than " + std::to_string(kSupervisorRecordBytesMax) + " bytes");
    }
    const auto object = parse_json_object("supervisor record", text);
    if (!object) {
        return tl::unexpected(object.error());
    }
    auto run_dir = string_member(*object, "run_dir");
    const auto pid = unsigned_member(*object, "pid");
    if (!run_dir || !pid || *pid > INT64_MAX) {
        return base::invalid("supervisor record: 'run_dir' and 'pid' are required");
    }
    return SupervisorRecord{std::move(*run_dir), static_cast<std::int64_t>(*pid),
                            unsigned_member(*object, "started_unix_ms").value_or(0)};
}

base::Result<SupervisorRegistry> SupervisorRegistry::open() {
    const auto nodes = registry_dir();
    if (!nodes) {
        return tl::unexpected(nodes.error());
    }
    fs::path dir = *nodes / "supervisors";
    if (const auto made = make_private_dir("registry directory", dir); !made) {
        return tl::unexpected(made.error());
    }
    return SupervisorRegistry(std::move(dir));
}

base::Status SupervisorRegistry::add(const SupervisorRecord& record) const {
    return write_file_atomically("registry file", file_of(dir_, record.pid), encode(record) + '\n', 0600,
                                 Durability::process);
}

void SupervisorRegistry::remove(std::int64_t pid) const {
    ::unlink(file_of(dir_, pid).c_str());
}

std::vector<SupervisorRecord> SupervisorRegistry::list() const {
    std::vector<SupervisorRecord> records;
    std::error_code error;
    fs::directory_iterator it(dir_, error);
    for (std::size_t seen = 0; !error && it != fs::directory_iterator() && seen < kSupervisorsMax;
         it.increment(error)) {
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

base::Result<SupervisorRecord> SupervisorRegistry::only() const {
    std::vector<SupervisorRecord> records = list();
    if (records.empty()) {
        return base::fail(base::ErrorCode::not_found, "no `grapevine up` of yours runs on this machine");
    }
    if (records.size() > 1) {
        constexpr std::size_t kShown = 4;
        std::string text;
        for (std::size_t i = 0; i < std::min(records.size(), kShown); ++i) {
            text += (i == 0 ? "" : ", ") + records[i].run_dir;
        }
        return base::invalid(std::to_string(records.size()) + " of `grapevine up` run here, say which by --up DIR: " +
                             text + (records.size() > kShown ? ", ..." : ""));
    }
    return std::move(records.front());
}

}  // namespace grapevine::io
