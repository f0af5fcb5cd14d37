#pragma once

// fork and exec of a child that dies with its parent.

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.hpp"
#include "io/fd.hpp"

namespace grapevine::apps {

struct SpawnedProcess {
    pid_t pid = 0;
    io::Fd pidfd;  // Readable once the child has ended.
    io::Fd in;     // Its stdin, if that is a pipe.
    io::Fd out;    // Its stdout and stderr.
    io::Fd err;
};

enum class ChildInput : std::uint8_t { none, pipe };

// command[0] is the program's path. The child leads a process group of its own. The environment loses every MESH_*
// variable except MESH_LOG and MESH_LOG_FORMAT, and gets `extra` ("NAME=value").
base::Result<SpawnedProcess> spawn_process(const std::vector<std::string>& command, ChildInput input = ChildInput::none,
                                           const std::vector<std::string>& extra = {});

}  // namespace grapevine::apps
