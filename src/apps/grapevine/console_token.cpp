#include "apps/grapevine/console_token.hpp"

#include <system_error>

#include "base/ed25519.hpp"
#include "base/encoding.hpp"
#include "io/files.hpp"

namespace grapevine::apps {
namespace {

constexpr std::size_t kTokenDigits = 64;

}  // namespace

base::Result<std::string> load_or_mint_token(const std::filesystem::path& directory) {
    if (const auto made = io::make_private_dir("console directory", directory); !made) {
        return tl::unexpected(made.error());
    }
    const std::filesystem::path path = directory / "token";
    std::error_code error;
    if (std::filesystem::exists(std::filesystem::symlink_status(path, error))) {
        auto text = io::read_file("token", path, kTokenDigits + 1, io::Privacy::owner_only);
        if (text && text->ends_with('\n')) {
            text->pop_back();
        }
        if (text && (text->size() != kTokenDigits || !base::hex_decode(*text))) {
            return base::invalid(io::file_subject("token", path) + ": is not 64 hexadecimal digits");
        }
        return text;
    }
    // 32 bytes of the kernel's randomness, and nobody's key.
    const std::string token = base::hex_encode(base::SecretKey::generate().seed());
    const auto written = io::write_file_atomically("token", path, token + "\n", 0600, io::Durability::process);
    return written ? base::Result<std::string>(token) : tl::unexpected(written.error());
}

}  // namespace grapevine::apps
