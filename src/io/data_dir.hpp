#pragma once

// The data directory of a node, for one process at a time.
//
//   key           the identity (io/key_file.hpp)
//   lock          held by the running node; its text is the holder's process id
//   node.json     what the running node says about itself (io/node_registry.hpp); removed at a clean end
//   control.sock  the control socket
//
// The lock is an open-file-description lock: it ends with the process, however that ends, and is not passed on to
// children.

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/ed25519.hpp"
#include "base/result.hpp"
#include "io/fd.hpp"
#include "io/node_registry.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::io {

class DataDir {
public:
    // Makes the directory 0700 if absent and takes its lock. Errors: not a directory, not ours, not writable, disk
    // full, or (busy) held by another node, with its process id. `kind` is what its lock counts as: one that is of no
    // node is any descriptor.
    static base::Result<DataDir> open(const std::filesystem::path& path,
                                      telemetry::Kind kind = telemetry::Kind::data_dir);

    DataDir(DataDir&&) = default;
    DataDir& operator=(DataDir&&) = default;
    ~DataDir();

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] base::Result<base::SecretKey> load_or_mint_key() const;
    [[nodiscard]] base::Status write_record(const NodeRecord& record) const;

private:
    DataDir(std::filesystem::path path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
    std::filesystem::path path_;
    Fd lock_;
};

// Whether a process holds the lock of the directory, without taking it; the holder's process id.
std::optional<std::int64_t> data_dir_holder(const std::filesystem::path& path);

}  // namespace grapevine::io
