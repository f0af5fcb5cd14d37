#pragma once

// Programs that stand in for nodes: shell scripts that write down their arguments and say that they are ready.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "io/temp_dir_testing.hpp"

namespace grapevine::apps {

inline std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

class FakePrograms {
public:
    // A node: its arguments go to <data dir>/args, its name ends with its directory's. It waits until it is ended.
    static constexpr const char* kNode =
        "#!/bin/sh\n"
        "all=\"$*\"\n"
        "while [ $# -gt 0 ]; do\n"
        "  [ \"$1\" = --data-dir ] && dir=$2\n"
        "  [ \"$1\" = --mesh ] && mesh=$2\n"
        "  shift\n"
        "done\n"
        "echo \"$all\" > \"$dir/args\"\n"
        "name=${dir##*/}\n"
        "echo hello from $name >&2\n"
        "echo "
        "'{\"event\":\"ready\",\"name\":\"'$mesh.$name.x'\",\"id\":\"id-'$mesh-$name'\",\"ticket\":\"t-'$mesh-$name'\"}"
        "'\n"
        "exec tail -f /dev/null\n";
    static constexpr const char* kBroken = "#!/bin/sh\necho the disk is on fire >&2\nexit 3\n";
    static constexpr const char* kSilent = "#!/bin/sh\nexec tail -f /dev/null\n";

    FakePrograms() {
        write("broker", kNode);
        write("gateway", kNode);
        write("compute", kBroken);
        write("registry", kSilent);
    }

    [[nodiscard]] std::filesystem::path path() const { return dir_.path(); }

private:
    void write(const std::string& name, const std::string& script) {
        std::ofstream(dir_.path() / name) << script;
        std::filesystem::permissions(dir_.path() / name, std::filesystem::perms::owner_all);
    }

    io::TempDir dir_;
};

}  // namespace grapevine::apps
