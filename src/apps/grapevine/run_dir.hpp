#pragma once

// Where `up` keeps its nodes' data: a directory the user names and keeps, or a fresh one that is removed at the end.
//
// Fresh ones are <state>/up/<pid>-<time>, mode 0700, and locked while in use, so that what a killed run left behind is
// known for what it is and removed by the next.

#include <filesystem>
#include <optional>
#include <utility>

#include "base/result.hpp"
#include "io/data_dir.hpp"

namespace grapevine::apps {

class RunDir {
public:
    // `given` empty: a fresh directory.
    static base::Result<RunDir> open(const std::filesystem::path& given);
    RunDir(RunDir&& other) noexcept : lock_(std::move(other.lock_)), fresh_(std::exchange(other.fresh_, false)) {}
    RunDir& operator=(RunDir&&) = delete;
    // Removes a fresh directory and all that is in it.
    ~RunDir();

    [[nodiscard]] const std::filesystem::path& path() const { return lock_->path(); }

private:
    RunDir(io::DataDir lock, bool fresh) : lock_(std::move(lock)), fresh_(fresh) {}

    std::optional<io::DataDir> lock_;
    bool fresh_;
};

// The directory of this process's program, where the node types' programs are too.
base::Result<std::filesystem::path> program_dir();

}  // namespace grapevine::apps
