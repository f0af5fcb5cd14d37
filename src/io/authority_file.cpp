#include "io/authority_file.hpp"

#include <utility>

#include <string.h>

#include "base/encoding.hpp"
#include "io/files.hpp"
#include "wire/digest.hpp"

namespace grapevine::io {

namespace {

constexpr std::string_view kWhat = "authority file";
constexpr std::size_t kReadMax = 4096;  // Enough to say what is plainly something else.
constexpr std::string_view kMeshWord = "mesh ";
constexpr std::string_view kSecretWord = "secret ";
constexpr std::size_t kSeedDigits = 64;

// Takes "<word><value>\n" from the front of `text`; nothing if it does not begin so.
std::string_view take_line(std::string_view& text, std::string_view word) {
    const std::size_t end = text.find('\n');
    if (!text.starts_with(word) || end == std::string_view::npos) {
        return {};
    }
    const std::string_view value = text.substr(word.size(), end - word.size());
    text.remove_prefix(end + 1);
    return value;
}

bool is_lower_hex(std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void wipe(std::string& text) {
    ::explicit_bzero(text.data(), text.size());
}

}  // namespace

base::Result<Authority> decode_authority(std::string_view subject, std::string_view text) {
    const std::string prefix = std::string(subject) + ": ";
    if (text.empty()) {
        return base::invalid(prefix + "is empty");
    }
    if (!text.starts_with(kAuthorityHeading)) {
        return base::invalid(prefix + "is none: its first line must be 'grapevine authority 1'");
    }
    text.remove_prefix(kAuthorityHeading.size());
    const auto mesh = wire::parse_name("mesh", take_line(text, kMeshWord));
    if (!mesh) {
        return base::invalid(prefix + "is cut off or altered: its second line must be 'mesh' and a name");
    }
    const std::string_view digits = take_line(text, kSecretWord);
    if (digits.size() != kSeedDigits || !is_lower_hex(digits)) {
        return base::invalid(prefix + "is cut off or altered: its third line must be 'secret' and 64 hex characters");
    }
    if (!text.empty()) {
        return base::invalid(prefix + "must end after its third line");
    }
    auto seed = base::hex_decode(digits);
    auto key = seed ? base::SecretKey::from_seed(*seed)
                    : base::Result<base::SecretKey>(base::invalid(prefix + "its secret is none"));
    if (seed) {
        ::explicit_bzero(seed->data(), seed->size());
    }
    if (!key) {
        return tl::unexpected(key.error());
    }
    return Authority{*mesh, std::move(*key)};
}

base::Result<Authority> read_authority_file(const std::filesystem::path& path) {
    auto text = read_file(kWhat, path, kReadMax, Privacy::owner_only);
    if (!text) {
        return tl::unexpected(text.error());
    }
    auto authority = decode_authority(file_subject(kWhat, path), *text);
    wipe(*text);
    return authority;
}

base::Status create_authority_file(const std::filesystem::path& path, const Authority& authority) {
    std::error_code error;
    if (std::filesystem::symlink_status(path, error).type() != std::filesystem::file_type::not_found) {
        return base::fail(file_subject(kWhat, path) + ": exists; an authority is never overwritten");
    }
    std::string text(kAuthorityHeading);
    text.append(kMeshWord).append(authority.mesh).append("\n");
    text.append(kSecretWord).append(base::hex_encode(authority.key.seed())).append("\n");
    auto status = write_file_atomically(kWhat, path, text, 0600, Durability::synced);
    wipe(text);
    return status;
}

}  // namespace grapevine::io
