#pragma once

// What `grapevine top` shows: a copy of the console's world as it was at one moment, in the order and the words of a
// view, with what a world does not keep: rates of messages, from two digests of a node.
//
// Rules
//  1. It is brought up to date by what changed since the last time; one that is not is the world of that moment, whole,
//     so that a view can stand still.
//  2. What is wrong with a node is one thing, the worst (`Trouble`, worst first): the directory's word, the
//  supervisor's
//     and the budgets.
//  3. All is well only if something is known, every source is up, every mesh is known, and there is no alert.
//  4. The last kEventsMax events; older ones go.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "console/world.hpp"

namespace grapevine::apps {

enum class Trouble : std::uint8_t { dead, suspected, wedged, over_budget, unknown, ended, changing, well, left };
// "dead", "suspected", ..., "over", "starting", "member": also what a filter's `state:` takes.
std::string_view name(Trouble trouble);

bool is_over_cpu(const console::Load& load);
bool is_over_memory(const console::Load& load);
Trouble trouble_of(const console::NodeRow& row);

struct TopNode {
    base::EndpointId id;
    console::NodeRow row;
    Trouble trouble = Trouble::unknown;
    std::optional<double> sent_per_s, received_per_s;  // Of its last two digests; nothing before the second.
};

struct TopAlert {
    std::string id;
    console::AlertRow row;
};

// Best last, so that the smaller is the worse.
enum class Verdict : std::uint8_t { critical, warning, unknown, info, well };
std::string_view name(Verdict verdict);

class TopPicture {
public:
    static constexpr std::size_t kEventsMax = 1000;

    struct Link {
        console::LinkId id;
        console::LinkRow row;
    };

    explicit TopPicture(std::string fabric) : fabric_(std::move(fabric)) {}

    void observe(const console::World& world, const console::Moment& at);

    [[nodiscard]] const std::string& fabric() const { return fabric_; }
    [[nodiscard]] const console::Moment& at() const { return at_; }
    [[nodiscard]] const std::map<base::EndpointId, TopNode>& nodes() const { return nodes_; }
    [[nodiscard]] const std::map<std::string, console::MeshRow>& meshes() const { return meshes_; }
    [[nodiscard]] const std::map<std::string, console::SourceRow>& sources() const { return sources_; }
    // Worst first, of the same severity the newest first.
    [[nodiscard]] const std::vector<TopAlert>& alerts() const { return alerts_; }
    // Newest first.
    [[nodiscard]] const std::deque<console::TimelineEvent>& events() const { return events_; }
    // Those of the overlay that end at `id`.
    [[nodiscard]] std::vector<Link> links_of(const base::EndpointId& id) const;
    // The name of the node with this id in hexadecimal, else the beginning of the id.
    [[nodiscard]] std::string name_of(const base::EndpointId& id) const;
    [[nodiscard]] Verdict verdict() const;

private:
    void take_node(const base::EndpointId& id, const console::NodeRow& row);
    void take_alerts(const console::World& world);

    std::string fabric_;
    console::Moment at_{};
    std::optional<console::Version> seen_;
    std::uint64_t seen_event_ = 0;
    std::map<base::EndpointId, TopNode> nodes_;
    std::map<console::LinkId, console::LinkRow> links_;
    std::map<std::string, console::MeshRow> meshes_;
    std::map<std::string, console::SourceRow> sources_;
    std::vector<TopAlert> alerts_;
    std::deque<console::TimelineEvent> events_;
};

}  // namespace grapevine::apps
