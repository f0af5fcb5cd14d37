#pragma once

// The console's own node: of type console, a member of one mesh that says who it is and otherwise only looks, and by
// which the other meshes of its fabric are watched.
//
// It enters its mesh by the seeds that it is given, else by nodes of that mesh that run here, as soon as there is one;
// meanwhile the console says that it waits. It founds no mesh. Where it knows its run directory, only nodes of that run
// are meant: another run's mesh may have the same name, and a member of both would join them into one.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apps/grapevine/node_watcher.hpp"
#include "base/result.hpp"
#include "console/console.hpp"
#include "io/runtime.hpp"

#include <grapevine/loop.hpp>
#include <grapevine/node.hpp>

namespace grapevine::apps {

class ConsoleNode {
public:
    static constexpr std::size_t kSeedsMax = 8;  // Of the nodes of its mesh that run here.

    // Both outlive it. `run_dir` is that of a `grapevine up`, or empty.
    ConsoleNode(Loop& loop, console::Console& console, NodeOptions options, std::filesystem::path run_dir);
    ~ConsoleNode();
    ConsoleNode(const ConsoleNode&) = delete;
    ConsoleNode& operator=(const ConsoleNode&) = delete;

    // Error: the node cannot be, for another reason than that its mesh is not there.
    base::Status begin();
    // Nodes of these meshes run here.
    void on_meshes(const std::set<std::string>& meshes);
    // It says goodbye; `done` follows.
    void leave(std::function<void()> done);

private:
    base::Status join(std::vector<std::string> seeds);
    void tell(console::SourceState state, const std::string& text);

    Loop& loop_;
    console::Console& console_;
    NodeOptions options_;
    std::filesystem::path run_dir_;
    std::optional<io::TaskId> joining_;
    std::unique_ptr<Node> node_;
    std::unique_ptr<NodeWatcher> watcher_;
};

}  // namespace grapevine::apps
