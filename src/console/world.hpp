#pragma once

// The state that the console shows, sans-IO: rows with versions, the timeline, samples of messages, alerts.
//
// Rules
//  1. What a node says of itself (its newest digest, the larger sequence) makes its row; whether it is a member is what
//     directories say: it is one as long as one of its mesh that is known here holds it; suspected if one of them has
//     accusers of it; dead, left or unknown by the last word of those that dropped it.
//  2. A mesh of which no directory is known is unknown, and so is every node of it that was not dead or gone before.
//  3. A link is what its ends say: a node that can be asked by its own table of neighbours, any other by its digest,
//  one
//     whose process ended nothing. It is drawn while both ends are drawn, and said_by tells who says it. Eagerness is
//     known if both can be asked.
//  4. Alerts are derived and go with their cause. Directories of one mesh that disagree for kSplitAfter are a split:
//     shorter ones are changes under way.
//  5. Everything is bounded: nodes (kNodesMax; more are ignored and counted), links by neighbours a node
//     (kNeighborsMax), flows between meshes (kFlowsMax), samples (kSamplesMax, kSampleRate). A row of one that is gone
//     goes after kGoneShown, of one of which nothing is known after kUnknownShown.
//  6. Versions begin at `first`, so that one of another life (which began earlier) is not mistaken for one of this.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/token_bucket.hpp"
#include "console/change_table.hpp"
#include "console/past.hpp"
#include "console/timeline.hpp"
#include "console/world_input.hpp"
#include "console/world_types.hpp"

namespace grapevine::console {

class World : public WorldInput {
public:
    static constexpr std::size_t kNodesMax = 16'384;
    static constexpr std::size_t kNeighborsMax = 64;
    static constexpr std::size_t kViewersMax = 1024;
    static constexpr std::size_t kAlertsMax = 4096;
    static constexpr std::size_t kFlowsMax = 1024;
    static constexpr std::size_t kSamplesMax = 500;
    static constexpr base::RateLimit kSampleRate{50, 50};
    static constexpr base::Duration kSplitAfter = std::chrono::seconds(10);
    static constexpr base::Duration kSplitEvery = std::chrono::seconds(1);
    static constexpr base::Duration kFlowStep = std::chrono::seconds(10);  // Six of them are the minute that counts.
    static constexpr base::Duration kGoneShown = std::chrono::minutes(10);
    static constexpr base::Duration kUnknownShown = std::chrono::hours(1);
    static constexpr base::Duration kTidyEvery = std::chrono::seconds(30);

    struct Counters {
        std::uint64_t changes = 0;
        std::uint64_t nodes_refused = 0, viewers_refused = 0, alerts_refused = 0, flows_refused = 0;
        std::uint64_t messages = 0, samples_left_out = 0;
    };

    World(Version first, const Moment& at);

    void on_source(const std::string& name, SourceState state, const std::string& text, const Moment& at) override;
    void on_source_gone(const std::string& name, const Moment& at) override;
    void on_viewer(base::EndpointId viewer, const std::string& mesh, const Moment& at) override;
    void on_watch(base::EndpointId gateway, const std::string& mesh, const Moment& at) override;
    void on_viewer_lost(base::EndpointId viewer, Loss loss, const Moment& at) override;
    void on_directory(base::EndpointId viewer, std::span<const DirectoryRow> rows, const Moment& at) override;
    void on_row(base::EndpointId viewer, const DirectoryRow& row, const Moment& at) override;
    void on_neighbors(base::EndpointId viewer, std::span<const NeighborFact> neighbors, const Moment& at) override;
    void on_event(base::EndpointId viewer, const MeshEvent& event, const Moment& at) override;
    void on_process(const ProcessFact& process, const Moment& at) override;
    void on_message(MessageSample sample, const Moment& at) override;
    void on_note(TimelineEvent event, const Moment& at) override;

    void on_deadline(const Moment& at);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    // Of the newest change.
    [[nodiscard]] Version version() const { return version_; }
    // Whether what changed after `version` can be told; otherwise all must be asked for anew.
    [[nodiscard]] bool reaches(Version version) const;
    [[nodiscard]] const ChangeTable<base::EndpointId, NodeRow>& nodes() const { return nodes_; }
    [[nodiscard]] const ChangeTable<LinkId, LinkRow>& links() const { return links_; }
    [[nodiscard]] const ChangeTable<std::string, MeshRow>& meshes() const { return meshes_; }
    [[nodiscard]] const ChangeTable<std::string, SourceRow>& sources() const { return sources_; }
    [[nodiscard]] const ChangeTable<std::string, AlertRow>& alerts() const { return alerts_; }
    [[nodiscard]] Timeline& timeline() { return timeline_; }
    [[nodiscard]] const Timeline& timeline() const { return timeline_; }
    // Oldest first, those after `seq`.
    [[nodiscard]] std::vector<MessageSample> samples_after(std::uint64_t seq) const;
    [[nodiscard]] std::uint64_t last_sample() const { return last_sample_; }
    // Nothing for a moment before what is kept.
    [[nodiscard]] std::optional<PastWorld> at(std::uint64_t unix_ms) const;
    [[nodiscard]] std::uint64_t past_since_unix_ms() const { return past_.since_unix_ms(); }
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    using Id = base::EndpointId;
    enum class Word : std::uint8_t { none, died, left, other };

    enum class Seat : std::uint8_t { here, elsewhere };

    // A directory as one node has it.
    struct View {
        std::string mesh;
        Seat seat = Seat::here;
        bool known = false;
        std::map<Id, std::vector<Id>> members;  // With their accusers.
        std::optional<std::map<Id, bool>> neighbors;
    };
    struct Info {
        Word word = Word::none;
        ProcessState process = ProcessState::none;
        std::vector<Id> said;          // Neighbours by its own word, sorted.
        std::uint64_t ended_with = 0;  // The sequence of its digest when its process ended: that one says nothing more.
        base::TimePoint since{};
    };
    struct Flow {
        std::array<std::uint32_t, 6> steps{};
    };

    Version next() { return version_ = version_ + 1; }
    // world.cpp
    [[nodiscard]] bool add_view(const Id& viewer, const std::string& mesh, Seat seat);
    void learn(const DirectoryRow& row, const Id& viewer, const Moment& at);
    void refresh(const Id& id, const Moment& at);
    void set_process(const Id& id, ProcessState state);
    void put(const Id& id, NodeRow row, const Moment& at);
    void drop_node(const Id& id, const Moment& at);
    [[nodiscard]] NodeState state_of(const Id& id, const std::string& mesh, const Info& info,
                                     std::vector<Id>& accusers) const;
    [[nodiscard]] bool mesh_known(const std::string& mesh) const;
    void refresh_mesh(const std::string& mesh, const Moment& at);
    void count_mesh(const NodeRow* before, const NodeRow* after, const Moment& at);
    void put_mesh(const std::string& mesh, const MeshRow& row);
    void tidy(const Moment& at);
    // world_links.cpp
    void relink(const Id& id, const Moment& at);
    void update_link(const Id& one, const Id& other, const Moment& at);
    void settle_links(const Moment& at);
    [[nodiscard]] bool drawn(const Id& id) const;
    [[nodiscard]] bool says(const Id& id, const Id& other) const;
    [[nodiscard]] Eager eager_of(const LinkId& link) const;
    void put_link(const LinkId& id, const std::optional<LinkRow>& row, const Moment& at);
    void count_flow(const Id& from, const Id& to, const Moment& at);
    void step_flows(const Moment& at);
    // world_events.cpp
    void tell(const MeshEvent& event, const Id& viewer, const View& view, const Moment& at);
    void apply(const MeshEvent& event, View& view, const Moment& at);
    void tell_law(const MeshEvent& event, const Id& viewer, const View& view, const Moment& at);
    // world_alerts.cpp
    void judge(const Id& id, const NodeRow* row, const Moment& at);
    void set_alert(const std::string& kind, const std::string& subject, Severity severity, const std::string& text,
                   const Moment& at);
    void clear_alert(const std::string& kind, const std::string& subject);
    void check_splits(const Moment& at);
    void check_split(const std::string& mesh, base::TimePoint since);

    Version version_;
    Version first_;
    ChangeTable<Id, NodeRow> nodes_;
    ChangeTable<LinkId, LinkRow> links_;
    ChangeTable<std::string, MeshRow> meshes_;
    ChangeTable<std::string, SourceRow> sources_;
    ChangeTable<std::string, AlertRow> alerts_;
    Timeline timeline_;
    Past past_;
    std::map<Id, View> views_;
    std::map<Id, Info> infos_;
    std::map<LinkId, Flow> flows_;
    std::optional<base::TimePoint> flows_step_;
    std::map<std::string, base::TimePoint> split_dirty_;  // Since when it is to be looked at.
    std::set<Id> redrawn_;                                // Whose links are to be looked at anew.
    std::map<std::string, base::TimePoint> differ_since_;
    base::TimePoint split_checked_{};
    base::TimePoint tidied_{};
    std::deque<MessageSample> samples_;
    std::uint64_t last_sample_ = 0;
    base::TokenBucket sampling_;
    Counters counters_;
};

}  // namespace grapevine::console
