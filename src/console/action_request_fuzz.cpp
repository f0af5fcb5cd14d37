// Bodies of requests that change something. The first byte chooses which.
//
// What is accepted keeps every rule: names as names must be, numbers within their bounds, each mesh once. What is
// refused says why.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "console/action_request.hpp"

using namespace grapevine;

namespace {

// Read by hand.
bool is_name(std::string_view text) {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !text.empty() && text.size() <= 63 && text[0] != '-' && std::all_of(text.begin(), text.end(), fits);
}

template <typename T>
bool accepted(const console::Decoded<T>& decoded) {
    GRAPEVINE_ASSERT(decoded || !decoded.error().message.empty(), "a refusal says why");
    return decoded.has_value();
}

void spawn(std::string_view body) {
    const auto wish = console::decode_spawn(body);
    if (!accepted(wish)) return;
    GRAPEVINE_ASSERT(is_name(wish->mesh) && is_name(wish->type), "names are names");
    GRAPEVINE_ASSERT(wish->count >= 1 && wish->count <= console::kSpawnCountMax, "a count is within its bounds");
    GRAPEVINE_ASSERT(wish->cpu_millicores <= console::kMillicoresMax, "so is a budget");
    GRAPEVINE_ASSERT(wish->memory_kib <= console::kMemoryKibMax, "and the other");
}

void bootstrap(std::string_view body) {
    const auto meshes = console::decode_bootstrap(body);
    if (!accepted(meshes)) return;
    std::set<std::string> names;
    for (const console::MeshWish& mesh : *meshes) {
        GRAPEVINE_ASSERT(is_name(mesh.mesh) && names.insert(mesh.mesh).second, "each mesh once");
        GRAPEVINE_ASSERT(!mesh.per_mesh.empty(), "of something");
        for (const console::TypeWish& type : mesh.per_mesh) {
            GRAPEVINE_ASSERT(is_name(type.type) && type.count >= 1 && type.count <= console::kSpawnCountMax, "bounded");
        }
    }
    GRAPEVINE_ASSERT(!meshes->empty() && meshes->size() <= console::kBootstrapMeshesMax, "so many meshes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view body = base::as_text({data + 1, size - 1});
    switch (data[0] % 3) {
        case 0: spawn(body); break;
        case 1: bootstrap(body); break;
        default: accepted(console::decode_nothing(body)); break;
    }
    return 0;
}
