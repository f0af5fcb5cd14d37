#include "console/feed.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <utility>

#include "console/node_words.hpp"

namespace grapevine::console {
namespace {

constexpr std::uint32_t kRegistryChanges = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE;

}  // namespace

Feed::Feed(io::Runtime& runtime, WorldInput& world, std::function<void()> changed)
    : runtime_(runtime), world_(world), changed_(std::move(changed)) {}

Feed::~Feed() {
    if (watch_) {
        runtime_.unwatch(*watch_);
    }
    for (const auto& task : {scan_, refresh_}) {
        if (task) {
            runtime_.cancel(*task);
        }
    }
}

base::Status Feed::start() {
    auto directory = io::registry_dir();
    if (!directory) {
        return tl::unexpected(directory.error());
    }
    registry_ = std::move(*directory);
    inotify_ = io::Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify_.valid() || ::inotify_add_watch(inotify_.get(), registry_.c_str(), kRegistryChanges) < 0) {
        return tl::unexpected(io::system_error("registry '" + registry_.string() + "'", "watch", errno));
    }
    const auto watch = runtime_.watch(inotify_.get(), [this] {
        std::array<char, 4096> waste{};
        while (::read(inotify_.get(), waste.data(), waste.size()) > 0) {
        }
        scan_soon();
    });
    if (!watch) {
        return tl::unexpected(watch.error());
    }
    watch_ = *watch;
    scan();
    refresh();
    return {};
}

void Feed::scan_soon() {
    if (!scan_) {
        scan_ = runtime_.at(runtime_.now() + kScanDelay, base::Duration::zero(), [this] {
            scan_.reset();
            scan();
        });
    }
}

// Who is there now; who is not any more has ended.
void Feed::scan() {
    std::map<Id, io::NodeRecord> present;
    for (io::NodeRecord& record : io::NodeRegistry(registry_).list()) {
        if (const auto id = Id::parse(record.id)) {
            present.emplace(*id, std::move(record));
        }
    }
    std::set<std::string> meshes;
    for (auto it = nodes_.begin(); it != nodes_.end();) {
        const auto still = present.find(it->first);
        if (still != present.end() && still->second.pid == it->second.record.pid) {
            ++it;
            continue;
        }
        meshes.insert(it->second.record.mesh);
        const Id id = it->first;
        it = nodes_.erase(it);
        world_.on_viewer_lost(id, WorldInput::Loss::ended, moment());
    }
    if (on_meshes_) {
        std::set<std::string> here;
        for (const auto& [id, record] : present) {
            here.insert(record.mesh);
        }
        on_meshes_(std::move(here));
    }
    left_out_ = 0;
    for (auto& [id, record] : present) {
        if (nodes_.contains(id)) {
            continue;
        }
        if (nodes_.size() >= kNodesMax) {
            ++left_out_;
            continue;
        }
        meshes.insert(record.mesh);
        follow(id, std::move(record));
    }
    for (const std::string& mesh : meshes) {
        tell_source(mesh);
    }
    changed_();
}

void Feed::follow(const Id& id, io::NodeRecord record) {
    Node& node = nodes_[id];
    const std::filesystem::path directory = record.data_dir;
    node.record = std::move(record);
    node.follower = std::make_unique<io::NodeFollower>(
        runtime_, directory,
        io::NodeFollower::Handlers{
            [this, id] { on_opened(id); }, [this, id](const boost::json::object& event) { on_event(id, event); },
            [this, id](Question question, std::string_view line) { on_answer(id, question, line); },
            [this, id](const base::Error& error) { on_lost(id, error); }},
        kRetryMax);
}

void Feed::on_opened(const Id& id) {
    Node& node = nodes_.at(id);
    world_.on_viewer(id, node.record.mesh, moment());
    node.follower->ask(Question::status);
    node.follower->ask(Question::directory);
    tell_source(node.record.mesh);
    changed_();
}

void Feed::on_event(const Id& id, const boost::json::object& object) {
    Node& node = nodes_.at(id);
    const auto event = decode_event(object);
    const bool speaks = speaker(node.record.mesh) == id;
    if (!event) {
        if (speaks) {  // "updated", most of all.
            node.follower->ask_later(Question::directory, looked() ? kRowsEvery : kRowsIdle);
        }
        return;
    }
    world_.on_event(id, *event, moment());
    if (node.follower->is_asking(Question::directory)) {
        node.follower->ask(Question::directory);  // The answer may be older than this.
    }
    if (event->kind == MeshEvent::Kind::neighbor_up || event->kind == MeshEvent::Kind::neighbor_down) {
        node.follower->ask(Question::status);
    }
    if (speaks && event->kind == MeshEvent::Kind::joined) {
        node.follower->ask_later(Question::directory, kRowsSoon);
    }
    changed_();
}

void Feed::on_answer(const Id& id, Question question, std::string_view line) {
    if (question == Question::directory) {
        if (const auto rows = decode_directory(line, runtime_.now())) {
            world_.on_directory(id, *rows, moment());
        }
    } else if (const auto neighbors = decode_neighbors(line)) {
        world_.on_neighbors(id, *neighbors, moment());
    }
    changed_();
}

// Whether its process is gone, the registry tells.
void Feed::on_lost(const Id& id, const base::Error&) {
    const std::string mesh = nodes_.at(id).record.mesh;
    world_.on_viewer_lost(id, WorldInput::Loss::silent, moment());
    scan_soon();
    if (const auto next = speaker(mesh)) {
        nodes_.at(*next).follower->ask(Question::directory);
    }
    tell_source(mesh);
    changed_();
}

std::optional<base::EndpointId> Feed::speaker(const std::string& mesh) const {
    std::optional<Id> best;
    for (const auto& [id, node] : nodes_) {
        if (node.record.mesh != mesh || !node.follower->is_open()) {
            continue;
        }
        if (id == self_) {
            return id;
        }
        const bool gateway = node.record.type == "gateway";
        if (!best || (gateway && nodes_.at(*best).record.type != "gateway")) {
            best = id;
        }
    }
    return best;
}

void Feed::tell_source(const std::string& mesh) {
    const auto open = std::count_if(nodes_.begin(), nodes_.end(), [&](const auto& entry) {
        return entry.second.record.mesh == mesh && entry.second.follower->is_open();
    });
    const auto present = std::count_if(nodes_.begin(), nodes_.end(),
                                       [&](const auto& entry) { return entry.second.record.mesh == mesh; });
    const std::string source = "mesh " + mesh;
    if (open == 0) {
        world_.on_source(source, SourceState::down,
                         present > 0 ? "none of its nodes on this machine answers"
                                     : "none of its nodes runs on this machine any more",
                         moment());
        return;
    }
    const bool own = nodes_.contains(self_) && nodes_.at(self_).record.mesh == mesh;
    world_.on_source(source, SourceState::up,
                     std::string(own ? "by gossip, as a member; " : "") + "asked of " + std::to_string(open) + " of " +
                         std::to_string(present) + " nodes on this machine" +
                         (left_out_ > 0 ? "; " + std::to_string(left_out_) + " are too many and left out" : ""),
                     moment());
}

bool Feed::looked() const {
    return looked_ && runtime_.now() - *looked_ < kLooked;
}

void Feed::attend() {
    const bool before = looked();
    looked_ = runtime_.now();
    if (!before && refresh_) {
        runtime_.cancel(*refresh_);
        refresh();
    }
}

void Feed::refresh() {
    std::set<std::string> asked;
    for (const auto& [id, node] : nodes_) {
        if (looked()) {
            node.follower->ask(Question::status);
        }
        if (asked.insert(node.record.mesh).second) {
            if (const auto speaks = speaker(node.record.mesh)) {
                nodes_.at(*speaks).follower->ask(Question::directory);
            }
        }
    }
    const base::Duration every = looked() ? kRefreshEvery : kRowsIdle;
    refresh_ = runtime_.at(runtime_.now() + every, every / 4, [this] { refresh(); });
}

std::optional<std::filesystem::path> Feed::data_dir(const base::EndpointId& id) const {
    const auto it = nodes_.find(id);
    return it == nodes_.end() ? std::nullopt : std::optional<std::filesystem::path>(it->second.record.data_dir);
}

}  // namespace grapevine::console
