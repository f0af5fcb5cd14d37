#pragma once

// Other meshes, into the world: each of the fabric of which no node runs on this machine is watched through one gateway
// of it (mesh_watcher.hpp).
//
// Rules
//  1. A mesh with nodes here is told by them (feed.hpp), and is not watched.
//  2. The gateway that tells is the mesh's viewer and the source of its rows; when another one has told all it knows,
//  it
//     takes that place. While one is looked for, what was known stands; when none is found the viewer is lost, so that
//     all that hangs on it is unknown.
//  3. Whole rows are taken when something changed, at most every kRowsEvery, and every kRowsIdle while nobody looks.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "console/feed.hpp"
#include "console/mesh_watcher.hpp"
#include "console/world_input.hpp"
#include "io/runtime.hpp"

namespace grapevine::console {

class WatchFeed {
public:
    // All outlive it. `changed` follows each input.
    WatchFeed(io::Runtime& runtime, WorldInput& world, MeshWatcher& watcher, std::function<void()> changed);
    ~WatchFeed();
    WatchFeed(const WatchFeed&) = delete;
    WatchFeed& operator=(const WatchFeed&) = delete;

    // Of these meshes nodes run here.
    void set_here(std::set<std::string> meshes);
    // Somebody looks.
    void attend();
    [[nodiscard]] std::size_t watched() const { return watches_.size(); }

private:
    struct Watch {
        std::optional<base::EndpointId> viewer;
        bool dirty = false;
    };

    void review();
    void begin(const std::string& mesh);
    void end(const std::string& mesh, const std::string& why);
    void on_source(const std::string& mesh);
    void on_event(const std::string& mesh, const MeshEvent& event);
    void on_rows(const std::string& mesh);
    void take_rows(const std::string& mesh, Watch& watch);
    void take_dirty();
    void refresh_later();
    void refresh_in(base::Duration delay);
    [[nodiscard]] bool looked() const;
    [[nodiscard]] Moment moment() const { return {runtime_.now(), runtime_.wall_now()}; }

    io::Runtime& runtime_;
    WorldInput& world_;
    MeshWatcher& watcher_;
    std::function<void()> changed_;
    std::set<std::string> here_;
    std::map<std::string, Watch> watches_;
    std::optional<base::TimePoint> looked_;
    std::optional<io::TaskId> refresh_;
    base::TimePoint refresh_at_{};
};

}  // namespace grapevine::console
