#pragma once

// fork and exec of a child that dies with its parent.

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.hpp"
#include "io/fd.hpp"

namespace grapevine::apps {

struct SpawnedProcess {
    pid_t pid = 0;
    io::Fd pidfd;  // Readable once the child has ended.
    io::Fd out;    // Its stdout and stderr.
    io::Fd err;
};

// command[0] is the program's path. stdin is empty. The environment loses every MESH_* variable except MESH_LOG
// and MESH_LOG_FORMAT.
base::Result<SpawnedProcess> spawn_process(const std::vector<std::string>& command);

}  // namespace grapevine::apps
