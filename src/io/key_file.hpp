#pragma once

// The identity of a node on disk: the 32-byte secret seed as exactly 64 hex characters and one newline, mode 0600.
//
// Read strictly: a regular file, ours, closed to group and others, exactly 65 bytes. Whatever is wrong is refused with
// one line that names the file and the rule; a key is never guessed, repaired or replaced.

#include <filesystem>
#include <string_view>

#include "base/ed25519.hpp"
#include "base/result.hpp"

namespace grapevine::io {

inline constexpr std::size_t kKeyFileBytes = 65;

// The text of a key file. `subject` begins the error message. Never quotes the text.
base::Result<base::SecretKey> decode_key(std::string_view subject, std::string_view text);

base::Result<base::SecretKey> read_key_file(const std::filesystem::path& path);
// Written atomically and synced before this returns, so that an identity that was used is not lost.
base::Status write_key_file(const std::filesystem::path& path, const base::SecretKey& key);
// Reads the key, or mints one when there is no file.
base::Result<base::SecretKey> load_or_mint_key(const std::filesystem::path& path);

}  // namespace grapevine::io
