#pragma once

// The token that changes through the console need: 32 random bytes as hex in <directory>/token, 0600. It stays the same
// from life to life, so that a link that was printed goes on working; whoever removes the file takes it back.

#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace grapevine::apps {

// Makes the directory 0700 if it is absent. Errors: the file is not ours alone, or is no token.
base::Result<std::string> load_or_mint_token(const std::filesystem::path& directory);

}  // namespace grapevine::apps
