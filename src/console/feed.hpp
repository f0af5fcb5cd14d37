#pragma once

// What real nodes say, into the world: every node of this user that runs on this machine is found in the registry
// (io/node_registry.hpp, watched by inotify) and followed through its control socket.
//
// Rules
//  1. Each follower's own events change its own directory in the world; whole rows come from one node a mesh, the
//     speaker: the console's own node, else a gateway, else who opened first. It is asked when something changed, at
//     most every kRowsEvery, and every kRowsIdle while nobody looks. Nodes tell no event of digests that only refresh
//     a load: they are asked for every kRefreshEvery, or kRowsIdle.
//  2. Whether links are eager is said by `status` alone, and no event tells of it: it is asked when a link comes or
//     goes, and every kRefreshEvery while somebody looks.
//  3. A node that does not answer is not heard any more (its directory counts no longer), and is tried again; one whose
//     process is gone is ended.
//  4. At most kNodesMax followers; those beyond are counted, and the source says so.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/result.hpp"
#include "console/world_input.hpp"
#include "io/fd.hpp"
#include "io/node_follower.hpp"
#include "io/node_registry.hpp"
#include "io/process_ledger.hpp"
#include "io/runtime.hpp"

namespace grapevine::console {

class Feed {
public:
    static constexpr std::size_t kNodesMax = 512;
    static constexpr base::Duration kRowsSoon = std::chrono::milliseconds(50);
    static constexpr base::Duration kRowsEvery = std::chrono::seconds(1);
    static constexpr base::Duration kRowsIdle = std::chrono::seconds(10);
    static constexpr base::Duration kRefreshEvery = std::chrono::seconds(5);
    static constexpr base::Duration kLooked = std::chrono::seconds(20);  // More than Live::kAlive.
    static constexpr base::Duration kScanDelay = std::chrono::milliseconds(20);
    static constexpr base::Duration kRetryMax = std::chrono::seconds(2);

    // `changed` follows each input.
    Feed(io::Runtime& runtime, WorldInput& world, std::function<void()> changed);
    ~Feed();
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;

    // Told before a node is followed, when they are others: the meshes of which nodes run here.
    void on_meshes(std::function<void(std::set<std::string>)> listener) { on_meshes_ = std::move(listener); }
    // Watches the registry. Error: it cannot be had.
    base::Status start();
    // The own node's id.
    void set_self(const base::EndpointId& self) { self_ = self; }
    // Somebody looks.
    void attend();
    // The data directory of a node that runs here.
    [[nodiscard]] std::optional<std::filesystem::path> data_dir(const base::EndpointId& id) const;
    [[nodiscard]] std::size_t followed() const { return nodes_.size(); }

private:
    struct Node {
        io::NodeRecord record;
        std::unique_ptr<io::NodeFollower> follower;
    };
    using Id = base::EndpointId;
    using Question = io::NodeFollower::Question;

    void scan_soon();
    void scan();
    void follow(const Id& id, io::NodeRecord record);
    void on_opened(const Id& id);
    void on_event(const Id& id, const boost::json::object& event);
    void on_answer(const Id& id, Question question, std::string_view line);
    void on_lost(const Id& id, const base::Error& error);
    [[nodiscard]] std::optional<Id> speaker(const std::string& mesh) const;
    [[nodiscard]] bool looked() const;
    void tell_source(const std::string& mesh);
    void refresh();
    [[nodiscard]] Moment moment() const { return {runtime_.now(), runtime_.wall_now()}; }

    io::Runtime& runtime_;
    WorldInput& world_;
    Id self_{};
    std::function<void()> changed_;
    std::function<void(std::set<std::string>)> on_meshes_;
    std::filesystem::path registry_;
    io::Fd inotify_;
    std::optional<io::WatchId> watch_;
    std::optional<io::TaskId> scan_;
    std::optional<io::TaskId> refresh_;
    std::optional<base::TimePoint> looked_;
    std::size_t left_out_ = 0;
    io::ConnectionRoom room_{kNodesMax};
    std::map<Id, Node> nodes_;
};

}  // namespace grapevine::console
