#pragma once

// A directory of its own for each test, removed with all it holds.

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/assert.hpp"

namespace grapevine::io {

class TempDir {
public:
    TempDir() {
        std::string name = (std::filesystem::temp_directory_path() / "grapevine-test-XXXXXX").string();
        GRAPEVINE_ASSERT(::mkdtemp(name.data()) != nullptr, "a temporary directory can be made");
        path_ = name;
    }
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace grapevine::io
