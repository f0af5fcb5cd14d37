#include "console/watch_feed.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace grapevine::console {
namespace {

std::string source_name(const std::string& mesh) {
    return "mesh " + mesh;
}

}  // namespace

WatchFeed::WatchFeed(io::Runtime& runtime, WorldInput& world, MeshWatcher& watcher, std::function<void()> changed)
    : runtime_(runtime), world_(world), watcher_(watcher), changed_(std::move(changed)) {
    watcher_.listen({[this] { review(); }, [this](const std::string& mesh) { on_source(mesh); },
                     [this](const std::string& mesh, const MeshEvent& event) { on_event(mesh, event); },
                     [this](const std::string& mesh) { on_rows(mesh); }});
}

WatchFeed::~WatchFeed() {
    watcher_.listen({});
    if (refresh_) {
        runtime_.cancel(*refresh_);
    }
}

void WatchFeed::set_here(std::set<std::string> meshes) {
    if (here_ == meshes) {
        return;
    }
    here_ = std::move(meshes);
    review();
}

// Rule 1.
void WatchFeed::review() {
    const std::vector<std::string> known = watcher_.meshes();
    std::set<std::string> wanted(known.begin(), known.end());
    for (const std::string& mesh : here_) {
        wanted.erase(mesh);
    }
    std::vector<std::string> over;
    for (const auto& [mesh, watch] : watches_) {
        if (!wanted.contains(mesh)) {
            over.push_back(mesh);
        }
    }
    for (const std::string& mesh : over) {
        end(mesh,
            here_.contains(mesh) ? "its nodes on this machine are asked" : "the fabric does not know it any more");
    }
    for (const std::string& mesh : wanted) {
        if (!watches_.contains(mesh)) {
            begin(mesh);
        }
    }
    changed_();
}

void WatchFeed::begin(const std::string& mesh) {
    if (const auto watching = watcher_.watch(mesh); !watching) {
        world_.on_source(source_name(mesh), SourceState::down, watching.error().message, moment());
        return;
    }
    watches_[mesh];
    on_source(mesh);
}

void WatchFeed::end(const std::string& mesh, const std::string& why) {
    const auto watch = watches_.extract(mesh);
    watcher_.unwatch(mesh);
    if (watch.mapped().viewer) {
        world_.on_viewer_lost(*watch.mapped().viewer, WorldInput::Loss::silent, moment());
    }
    world_.on_source(source_name(mesh), SourceState::down, why, moment());
}

// Rule 2.
void WatchFeed::on_source(const std::string& mesh) {
    const auto it = watches_.find(mesh);
    const auto source = watcher_.source(mesh);
    if (it == watches_.end() || !source) {
        return;
    }
    Watch& watch = it->second;
    if (source->state == MeshWatcher::State::up && source->gateway) {
        const auto before = std::exchange(watch.viewer, source->gateway);
        world_.on_watch(*source->gateway, mesh, moment());
        take_rows(mesh, watch);
        if (before && before != source->gateway) {
            world_.on_viewer_lost(*before, WorldInput::Loss::silent, moment());
        }
        world_.on_source(source_name(mesh), SourceState::up,
                         "watched through its gateway " + source->gateway->short_hex(), moment());
    } else if (source->state == MeshWatcher::State::seeking && watch.viewer) {
        world_.on_source(source_name(mesh), SourceState::up, "another gateway is looked for: " + source->text,
                         moment());
    } else {
        if (watch.viewer) {
            world_.on_viewer_lost(*std::exchange(watch.viewer, std::nullopt), WorldInput::Loss::silent, moment());
        }
        world_.on_source(source_name(mesh), SourceState::down, "no gateway of it tells: " + source->text, moment());
    }
    changed_();
}

void WatchFeed::on_event(const std::string& mesh, const MeshEvent& event) {
    const auto it = watches_.find(mesh);
    if (it == watches_.end() || !it->second.viewer) {
        return;  // The rows follow with the source.
    }
    world_.on_event(*it->second.viewer, event, moment());
    it->second.dirty = true;
    refresh_later();
    changed_();
}

void WatchFeed::on_rows(const std::string& mesh) {
    const auto it = watches_.find(mesh);
    if (it != watches_.end()) {
        it->second.dirty = true;
        refresh_later();
    }
}

void WatchFeed::take_rows(const std::string& mesh, Watch& watch) {
    watch.dirty = false;
    const std::vector<DirectoryRow> rows = watcher_.rows(mesh, runtime_.now());
    world_.on_directory(*watch.viewer, rows, moment());
    refresh_later();
}

// Words that only are newer come without an event: all viewers' rows are taken once in a while.
void WatchFeed::take_dirty() {
    for (auto& [mesh, watch] : watches_) {
        if (watch.viewer) {
            take_rows(mesh, watch);
        }
    }
    changed_();
}

void WatchFeed::refresh_later() {
    const bool dirty = std::any_of(watches_.begin(), watches_.end(), [](const auto& w) { return w.second.dirty; });
    refresh_in(looked() ? (dirty ? Feed::kRowsSoon : Feed::kRowsEvery) : Feed::kRowsIdle);
}

void WatchFeed::refresh_in(base::Duration delay) {
    const base::TimePoint at = runtime_.now() + delay;
    if (refresh_ && refresh_at_ <= at) {
        return;
    }
    if (refresh_) {
        runtime_.cancel(*refresh_);
    }
    refresh_at_ = at;
    refresh_ = runtime_.at(at, delay / 4, [this] {
        refresh_.reset();
        take_dirty();
    });
}

bool WatchFeed::looked() const {
    return looked_ && runtime_.now() - *looked_ < Feed::kLooked;
}

void WatchFeed::attend() {
    const bool before = looked();
    looked_ = runtime_.now();
    if (!before && !watches_.empty()) {
        refresh_in(base::Duration::zero());
    }
}

}  // namespace grapevine::console
