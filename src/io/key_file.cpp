#include "io/key_file.hpp"

#include <string>

#include <string.h>

#include "base/encoding.hpp"
#include "io/files.hpp"

namespace grapevine::io {

namespace {

constexpr std::string_view kWhat = "key file";
constexpr std::size_t kReadMax = 4096;  // Enough to say "wrong length" of what is plainly not a key.

// Erases a secret that passed through memory.
template <typename Container>
void wipe(Container& container) {
    ::explicit_bzero(container.data(), container.size());
}

}  // namespace

base::Result<base::SecretKey> decode_key(std::string_view subject, std::string_view text) {
    const std::string prefix = std::string(subject) + ": ";
    if (text.size() != kKeyFileBytes) {
        return base::invalid(prefix + "has " + std::to_string(text.size()) +
                             " bytes, must be exactly 64 hex characters and a newline");
    }
    if (text.back() != '\n') {
        return base::invalid(prefix + "must end with a newline after 64 hex characters");
    }
    auto seed = base::hex_decode(text.substr(0, kKeyFileBytes - 1));
    if (!seed) {
        return base::invalid(prefix + "must be 64 hex characters and a newline, and nothing else");
    }
    auto key = base::SecretKey::from_seed(*seed);
    wipe(*seed);
    return key;
}

base::Result<base::SecretKey> read_key_file(const std::filesystem::path& path) {
    auto text = read_file(kWhat, path, kReadMax, Privacy::owner_only);
    if (!text) {
        return tl::unexpected(text.error());
    }
    auto key = decode_key(file_subject(kWhat, path), *text);
    wipe(*text);
    return key;
}

base::Status write_key_file(const std::filesystem::path& path, const base::SecretKey& key) {
    std::string text = base::hex_encode(key.seed()) + '\n';
    auto status = write_file_atomically(kWhat, path, text, 0600, Durability::synced);
    wipe(text);
    return status;
}

base::Result<base::SecretKey> load_or_mint_key(const std::filesystem::path& path) {
    auto key = read_key_file(path);
    if (key || key.error().code != base::ErrorCode::not_found) {
        return key;
    }
    auto fresh = base::SecretKey::generate();
    if (const auto status = write_key_file(path, fresh); !status) {
        return tl::unexpected(status.error());
    }
    return fresh;
}

}  // namespace grapevine::io
