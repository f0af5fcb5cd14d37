#pragma once

// Who watches meshes of which no node runs here: the console's own node (src/apps/grapevine/node_watcher.hpp), or a
// test's stand-in.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "console/world_input.hpp"

namespace grapevine::console {

class MeshWatcher {
public:
    enum class State : std::uint8_t { seeking, up, down };
    struct Source {
        State state = State::seeking;
        std::optional<base::EndpointId> gateway{};  // Who tells, or told last.
        std::string text{};                         // Why it is not up.
    };
    struct Listener {
        std::function<void()> meshes;                         // Other ones are known.
        std::function<void(const std::string& mesh)> source;  // Of that mesh another one, or in another state.
        std::function<void(const std::string& mesh, const MeshEvent& event)> event;
        std::function<void(const std::string& mesh)> rows;  // Something changed that no event tells.
    };

    virtual ~MeshWatcher() = default;
    virtual void listen(Listener listener) = 0;
    // Those of the fabric that are known, without the own one.
    [[nodiscard]] virtual std::vector<std::string> meshes() const = 0;
    // Error: too many are watched.
    virtual base::Status watch(const std::string& mesh) = 0;
    virtual void unwatch(const std::string& mesh) = 0;
    // Nothing: it is not watched.
    [[nodiscard]] virtual std::optional<Source> source(const std::string& mesh) const = 0;
    // Ages count back from `now`.
    [[nodiscard]] virtual std::vector<DirectoryRow> rows(const std::string& mesh, base::TimePoint now) const = 0;
};

}  // namespace grapevine::console
