#include "apps/grapevine/console_node.hpp"

#include <algorithm>
#include <utility>

#include "apps/grapevine/node_view.hpp"
#include "io/node_registry.hpp"

namespace grapevine::apps {
namespace {

constexpr const char* kSource = "own node";

bool is_below(const std::filesystem::path& path, const std::filesystem::path& directory) {
    return directory.empty() ||
           std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

// Nodes of the mesh that run here know the rest of it.
std::vector<std::string> seeds_here(const std::string& mesh, const std::filesystem::path& run_dir) {
    std::vector<std::string> seeds;
    const auto registry = io::registry_dir();
    if (!registry) {
        return seeds;
    }
    for (const io::NodeRecord& record : io::NodeRegistry(*registry).list()) {
        if (record.mesh == mesh && record.type != kObserverType && is_below(record.data_dir, run_dir) &&
            seeds.size() < ConsoleNode::kSeedsMax) {
            seeds.push_back(record.ticket);
        }
    }
    return seeds;
}

base::Status failed(const Error& error) {
    return base::fail(base::ErrorCode::failed, error.message);
}

}  // namespace

ConsoleNode::ConsoleNode(Loop& loop, console::Console& console, NodeOptions options, std::filesystem::path run_dir)
    : loop_(loop), console_(console), options_(std::move(options)), run_dir_(std::move(run_dir)) {}

ConsoleNode::~ConsoleNode() {
    if (joining_) {
        loop_.runtime().cancel(*joining_);
    }
    if (node_) {
        console_.lose_own();
    }
}

base::Status ConsoleNode::begin() {
    if (!options_.seeds.empty()) {
        return join(options_.seeds);
    }
    if (!joining_) {
        tell(console::SourceState::down, "waits for a node of " + options_.mesh + " on this machine, or for --seed");
    }
    return {};
}

// In a turn of its own: the registry is being read.
void ConsoleNode::on_meshes(const std::set<std::string>& meshes) {
    if (node_ || joining_ || !options_.seeds.empty() || !meshes.contains(options_.mesh)) {
        return;
    }
    joining_ = loop_.runtime().defer([this] {
        joining_.reset();
        std::vector<std::string> seeds = seeds_here(options_.mesh, run_dir_);
        if (seeds.empty()) {
            return;
        }
        if (const auto joined = join(std::move(seeds)); !joined) {
            tell(console::SourceState::down, joined.error().message);
        }
    });
}

base::Status ConsoleNode::join(std::vector<std::string> seeds) {
    NodeOptions options = options_;
    options.seeds = std::move(seeds);
    auto started = Node::start(loop_, options);
    if (!started) {
        return failed(started.error());
    }
    auto watcher = std::make_unique<NodeWatcher>(**started);
    if (const auto watching = (*started)->watch_meshes(); !watching) {
        return failed(watching.error());
    }
    const auto self = base::EndpointId::parse((*started)->id());
    if (!self) {
        return tl::unexpected(self.error());
    }
    node_ = std::move(*started);
    watcher_ = std::move(watcher);
    console_.set_own(*self, *watcher_);
    tell(console::SourceState::up, "a member of " + options_.mesh);
    return {};
}

void ConsoleNode::leave(std::function<void()> done) {
    if (node_) {
        node_->shutdown(std::move(done));
    } else {
        done();
    }
}

void ConsoleNode::tell(console::SourceState state, const std::string& text) {
    console_.input().on_source(kSource, state, text, console_.moment());
    console_.changed();
}

}  // namespace grapevine::apps
