#pragma once

// The authority of a closed mesh on disk: what signs its tickets and revocations, mode 0600, away from every node.
//
// Exactly three lines: "grapevine authority 1", "mesh NAME", "secret " and the 32-byte seed as 64 lower-case hex
// characters. The mesh is in the file so that a ticket is never signed for another one by a slip of the hand. Read
// strictly, as a key file is (key_file.hpp): whatever is wrong is refused with one line that names the file and the
// rule and never quotes the content.

#include <filesystem>
#include <string>
#include <string_view>

#include "base/ed25519.hpp"
#include "base/result.hpp"

namespace grapevine::io {

struct Authority {
    std::string mesh;
    base::SecretKey key;
};

inline constexpr std::string_view kAuthorityHeading = "grapevine authority 1\n";

// `subject` begins the error message.
base::Result<Authority> decode_authority(std::string_view subject, std::string_view text);

base::Result<Authority> read_authority_file(const std::filesystem::path& path);
// A file that is there is never touched: an authority that was lost closes its mesh for ever. Synced before this
// returns.
base::Status create_authority_file(const std::filesystem::path& path, const Authority& authority);

}  // namespace grapevine::io
