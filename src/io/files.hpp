#pragma once

// Small files, read with a limit and written so that a crash leaves either the old content or the new.

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/result.hpp"

namespace grapevine::io {

// Error messages begin with `what` and the path: "key file '/a/b': is a directory".
std::string file_subject(std::string_view what, const std::filesystem::path& path);

// Who may have touched a file that we are about to trust.
enum class Privacy { anyone, owner_only };

// A regular file of at most `bytes_max`. With owner_only it must be ours, and closed to group and others. Symbolic
// links are not followed.
base::Result<std::string> read_file(std::string_view what, const std::filesystem::path& path, std::size_t bytes_max,
                                    Privacy privacy);

// Whether the content must survive a power cut (file and directory are synced, milliseconds on a disk), or only a crash
// of the process.
enum class Durability { synced, process };

// Writes a temporary file beside `path` and renames it over `path`.
base::Status write_file_atomically(std::string_view what, const std::filesystem::path& path, std::string_view content,
                                   mode_t mode, Durability durability);

// Makes `path` (and what leads to it) with mode 0700 if it is absent. An existing one must be a directory that is ours
// and that nobody else can write.
base::Status make_private_dir(std::string_view what, const std::filesystem::path& path);

}  // namespace grapevine::io
