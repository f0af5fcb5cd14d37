// The files of the registry of collectors, which any process of this user may write. The first byte chooses between any
// bytes, and edits of the record of a collector that runs.
//
// A record survives its encoding, a refusal says why, and only a file that names a directory together with the process
// that holds its lock is believed; all others are removed.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <unistd.h>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "console/collector_registry.hpp"
#include "io/data_dir.hpp"
#include "io/files.hpp"
#include "io/temp_dir_testing.hpp"

using namespace grapevine;

namespace {

// Stores are named by relative paths, so that no input leads out of here, nor depends on where this is.
class Place {
public:
    Place() : registry_(dir_.path() / "collectors") {
        GRAPEVINE_ASSERT(io::make_private_dir("registry", registry_).has_value(), "a registry");
        GRAPEVINE_ASSERT(::chdir(dir_.path().c_str()) == 0, "a working directory");
        auto store = io::DataDir::open("store");
        GRAPEVINE_ASSERT(store.has_value(), "a store");
        store_.emplace(std::move(*store));
    }
    [[nodiscard]] static console::CollectorRecord running() {
        return {"http://127.0.0.1:4318", "store", static_cast<std::int64_t>(::getpid()), 1'700'000'000'000};
    }
    void check(std::string_view text) {
        const auto path = registry_ / "1.json";
        GRAPEVINE_ASSERT(io::write_file_atomically("file", path, text, 0600, io::Durability::process).has_value(), "");
        const auto record = console::decode_collector_record(text);
        const auto listed = console::CollectorRegistry(registry_).list();
        GRAPEVINE_ASSERT(listed.size() <= 1, "one file, one collector");
        if (!listed.empty()) {
            GRAPEVINE_ASSERT(record && listed.front() == *record, "what is listed stands in the file");
            GRAPEVINE_ASSERT(record->pid == running().pid, "only the holder of the lock is believed");
        } else if (record) {
            GRAPEVINE_ASSERT(record->store != "store" || record->pid != running().pid, "who holds the lock is listed");
        }
        const bool kept = std::filesystem::exists(path);
        GRAPEVINE_ASSERT(kept == !listed.empty() || text.size() > console::kCollectorRecordBytesMax,
                         "others are removed");
    }

private:
    io::TempDir dir_;
    std::filesystem::path registry_;
    std::optional<io::DataDir> store_;
};

void check_record(std::string_view text) {
    const auto record = console::decode_collector_record(text);
    if (!record) {
        const std::string& why = record.error().message;
        GRAPEVINE_ASSERT(why.starts_with("collector record: ") && why.find('\n') == std::string::npos, "one line");
        return;
    }
    GRAPEVINE_ASSERT(text.size() <= console::kCollectorRecordBytesMax && record->pid >= 0, "limits are kept");
    const std::string encoded = console::encode(*record);
    const auto again = console::decode_collector_record(encoded);
    GRAPEVINE_ASSERT(encoded.size() > console::kCollectorRecordBytesMax || (again && *again == *record),
                     "a record survives its encoding");
}

// Two bytes an edit: where, and what is put there.
std::string edited(std::string text, std::string_view edits) {
    for (; edits.size() >= 2; edits.remove_prefix(2))
        text[static_cast<std::uint8_t>(edits[0]) % text.size()] = edits[1];
    return text;
}

bool leads_out(std::string_view text) {
    const auto record = console::decode_collector_record(text);
    return record && (record->store.starts_with('/') || record->store.find("..") != std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Place place;
    if (size == 0) return 0;
    const std::string_view rest = base::as_text({data + 1, size - 1});
    const std::string text = (data[0] & 1U) != 0 ? edited(encode(Place::running()), rest) : std::string(rest);
    check_record(text);
    if (!leads_out(text)) place.check(text);
    return 0;
}
