#pragma once

// The bodies of requests that change something, decoded. Unknown members are refused and named, so that a wish that is
// not understood is not half granted. Names follow the rule of all names ([a-z0-9][a-z0-9-]{0,62}).

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "console/supervisor_client.hpp"

namespace grapevine::console {

inline constexpr std::uint64_t kSpawnCountMax = 256;
inline constexpr std::uint64_t kMillicoresMax = 1'024'000;
inline constexpr std::uint64_t kMemoryKibMax = 4ULL * 1024 * 1024 * 1024;  // 4 TiB.
inline constexpr std::size_t kBootstrapMeshesMax = 64;
inline constexpr std::size_t kBootstrapTypesMax = 16;

// An error, and which member is to blame; empty: the body as a whole.
struct BadBody {
    std::string field;
    std::string message;
};
template <typename T>
using Decoded = tl::expected<T, BadBody>;

Decoded<SpawnWish> decode_spawn(std::string_view body);
Decoded<std::vector<MeshWish>> decode_bootstrap(std::string_view body);
// Of an action on a node: an empty body, or an empty object.
Decoded<std::string> decode_nothing(std::string_view body);

}  // namespace grapevine::console
