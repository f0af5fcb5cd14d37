#pragma once

// The configuration file: TOML, flat, keys as settings_table() names them.

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace grapevine {
namespace [[gnu::visibility("hidden")]] cli {

inline constexpr std::size_t kConfigFileBytesMax = 256 * 1024;
inline constexpr std::size_t kConfigLineBytesMax = 16 * 1024;  // The parser recurses over the parts of a key.
inline constexpr std::size_t kConfigListMax = 256;             // Items of one array.

struct FileValue {
    std::vector<std::string> items;  // One for a string, number or truth value; any number for an array of strings.
    std::uint32_t line = 0;
};
using FileValues = std::map<std::string, FileValue, std::less<>>;

// Errors name file, line and key: unreadable, larger than the bounds, no TOML, a key not in `keys`, a value of another
// kind.
base::Result<FileValues> read_config_file(const std::filesystem::path& path, std::span<const std::string_view> keys);
base::Result<FileValues> parse_config(std::string_view text, const std::string& path,
                                      std::span<const std::string_view> keys);

}  // namespace cli
}  // namespace grapevine
