#pragma once

// Whoever owns the node processes, as the console asks it. Answers come later, once, as the objects of
// docs/design/0003-console.md ("The API"); errors have the supervisor's own words.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"

namespace grapevine::console {

enum class NodeAction : std::uint8_t { stop, kill, restart, wedge, resume };
std::string_view name(NodeAction action);

struct SpawnWish {
    std::string mesh;
    std::string type;
    std::uint64_t count = 1;
    std::uint64_t cpu_millicores = 0;  // 0: as the program has it.
    std::uint64_t memory_kib = 0;
};

struct TypeWish {
    std::string type;
    std::uint64_t count = 0;
};
struct MeshWish {
    std::string mesh;
    std::vector<TypeWish> per_mesh;
};

class SupervisorClient {
public:
    using Done = std::function<void(base::Result<boost::json::object>)>;

    virtual ~SupervisorClient() = default;
    [[nodiscard]] virtual bool present() const = 0;
    // Why nothing can be spawned; empty if it can.
    [[nodiscard]] virtual std::string why_not() const = 0;
    virtual void spawn(const SpawnWish& wish, Done done) = 0;
    virtual void act(NodeAction action, const std::string& node, Done done) = 0;
    virtual void bootstrap(const std::vector<MeshWish>& meshes, Done done) = 0;
    virtual void log(const std::string& node, std::uint64_t lines, Done done) = 0;
};

}  // namespace grapevine::console
