#pragma once

// The Unix socket in a data directory, whatever the length of its path: a path longer than sun_path is reached through
// a descriptor of its directory.

#include <filesystem>

#include "base/result.hpp"
#include "io/control.hpp"
#include "io/fd.hpp"

namespace grapevine::io {

// The file's name in the directory.
std::string_view socket_name(ControlPeer peer);

// Listens on <data_dir>/<socket_name>, mode 0600. The caller holds the directory's lock, so that whatever socket is
// there belongs to a dead process and is replaced.
base::Result<Fd> listen_control_socket(const std::filesystem::path& data_dir, int backlog,
                                       ControlPeer peer = ControlPeer::node);

// Blocking for a moment at most: the kernel queues the connection or refuses. The result is non-blocking.
base::Result<Fd> connect_control_socket(const std::filesystem::path& data_dir, ControlPeer peer = ControlPeer::node);

}  // namespace grapevine::io
