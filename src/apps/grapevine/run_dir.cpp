#include "apps/grapevine/run_dir.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <system_error>

#include "grapevine/node_main_settings.hpp"
#include "io/files.hpp"

namespace grapevine::apps {
namespace {

namespace fs = std::filesystem;

// A directory younger than this may belong to a run that has not locked it yet.
constexpr std::chrono::minutes kLeftoverAge{1};

void remove_leftovers(const fs::path& parent) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(parent, error)) {
        const auto age = fs::file_time_type::clock::now() - entry.last_write_time(error);
        if (!error && age > kLeftoverAge && entry.is_directory(error) && !entry.is_symlink(error) &&
            !io::data_dir_holder(entry.path())) {
            fs::remove_all(entry.path(), error);
        }
    }
}

base::Result<fs::path> fresh_path() {
    fs::path state = cli::default_state_dir([](const char* name) { return std::getenv(name); });
    if (state.empty()) {
        return base::invalid("--data-dir: is required where HOME is not set");
    }
    const fs::path parent = state / "up";
    if (const auto made = io::make_private_dir("data directory", parent); !made) {
        return tl::unexpected(made.error());
    }
    remove_leftovers(parent);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return parent / (std::to_string(::getpid()) + "-" +
                     std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()));
}

}  // namespace

base::Result<RunDir> RunDir::open(const fs::path& given) {
    const bool fresh = given.empty();
    const auto path = fresh ? fresh_path() : base::Result<fs::path>(fs::absolute(given));
    if (!path) {
        return tl::unexpected(path.error());
    }
    auto lock = io::DataDir::open(*path, telemetry::Kind::descriptor);
    if (!lock) {
        return tl::unexpected(lock.error());
    }
    return RunDir(std::move(*lock), fresh);
}

RunDir::~RunDir() {
    if (!lock_ || !fresh_) {
        return;
    }
    std::error_code ignored;
    fs::remove_all(lock_->path(), ignored);
}

base::Result<fs::path> program_dir() {
    std::error_code error;
    const fs::path self = fs::read_symlink("/proc/self/exe", error);
    if (error) {
        return base::fail("/proc/self/exe: " + error.message());
    }
    return self.parent_path();
}

}  // namespace grapevine::apps
