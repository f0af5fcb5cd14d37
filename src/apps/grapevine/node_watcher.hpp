#pragma once

// What the console's own node watches of other meshes, as the console wants it (console/mesh_watcher.hpp).

#include <string>
#include <vector>

#include "console/mesh_watcher.hpp"

#include <grapevine/node.hpp>

namespace grapevine::apps {

class NodeWatcher final : public console::MeshWatcher {
public:
    // The node outlives it, and has no other listener of what it watches.
    explicit NodeWatcher(Node& node);
    ~NodeWatcher() override;
    NodeWatcher(const NodeWatcher&) = delete;
    NodeWatcher& operator=(const NodeWatcher&) = delete;

    void listen(Listener listener) override { listener_ = std::move(listener); }
    [[nodiscard]] std::vector<std::string> meshes() const override { return node_.meshes(); }
    base::Status watch(const std::string& mesh) override;
    void unwatch(const std::string& mesh) override { node_.unwatch_mesh(mesh); }
    [[nodiscard]] std::optional<Source> source(const std::string& mesh) const override;
    [[nodiscard]] std::vector<console::DirectoryRow> rows(const std::string& mesh, base::TimePoint now) const override;

private:
    void on_event(const WatchEvent& event);

    Node& node_;
    Listener listener_;
};

}  // namespace grapevine::apps
