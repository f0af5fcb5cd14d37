#pragma once

// The requests of the supervisor's socket, decoded. docs/supervisor.md is their specification.
//
// Names of meshes and types are checked here by the rule of all names (wire::parse_name), so that none can lead out of
// a directory or become an option of a program. Nothing else of a request reaches a command line but numbers.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "apps/grapevine/supervisor.hpp"
#include "base/result.hpp"

namespace grapevine::apps {

struct TypeCount {
    std::string type;
    std::size_t count = 0;
    friend bool operator==(const TypeCount&, const TypeCount&) = default;
};

struct ListRequest {};
struct EventsRequest {};  // "watch"

struct SpawnRequest {
    std::string mesh;
    std::string type;
    std::size_t count = 1;  // 1 to Supervisor::kChildrenMax.
    Budgets budgets;
};

enum class Action : std::uint8_t { stop, kill, restart, wedge, resume };
std::string_view name(Action action);

struct ActionRequest {
    Action action = Action::stop;
    std::string node;  // A name, an id, or MESH.TYPE.
};

struct MeshLayout {
    std::string mesh;
    std::vector<TypeCount> per_mesh;  // In the order of the request, each type once.
};
struct BootstrapRequest {
    std::vector<MeshLayout> meshes;  // Each once; at most Supervisor::kChildrenMax nodes in all.
};

enum class Follow : std::uint8_t { no, yes };
struct LogsRequest {
    std::string node;
    std::size_t lines = 0;  // Up to kLogLinesMax.
    Follow follow = Follow::no;
};

using SupervisorRequest =
    std::variant<ListRequest, EventsRequest, SpawnRequest, ActionRequest, BootstrapRequest, LogsRequest>;

inline constexpr std::size_t kNodeNameMax = 256;  // Bytes of a node's name in a request.
inline constexpr std::size_t kLogLinesMax = 10'000;
inline constexpr std::size_t kLogLinesDefault = 100;
inline constexpr std::uint32_t kMillicoresMax = 1'024'000;  // As of the setting cpu_budget_millicores.

// One line without its newline. Unknown operations and unknown members are errors, and named.
base::Result<SupervisorRequest> decode_supervisor_request(std::string_view line);

// The requests, as a client sends them.
std::string encode(const SpawnRequest& request);
std::string encode(const ActionRequest& request);
std::string encode(const LogsRequest& request);

}  // namespace grapevine::apps
