#pragma once

// What was heard of the meshes: one entry a mesh and speaker, and graves of those that went.
//
// Rules, with their reasons:
//  1. A signer speaks for one mesh. If it says newer words for another, its entry moves: one key takes one place.
//  2. An entry goes stale when it was not refreshed for the staleness window, by this node's monotonic time. Its grave
//     keeps the sequence for grave_life, so that a recorded summary does not bring a mesh back soon.
//  3. The authority of a mesh is the pinned one, else what its first speaker says, for as long as the mesh is known.
//  4. In an open mesh anybody may speak. The first speaker of a mesh is vouched for, and so is, for good, whom a
//     vouched speaker names as a gateway. When speakers_max is reached, one that is vouched for takes the place of the
//     one heard of last that is not; nobody else is taken. So the gateways that came first cannot be pushed out by
//     strangers who name each other.
//  5. A speaker gives way to a fellow that it names itself, and that no longer names it: the fellow knows better that
//  it
//     is not on duty any more. One whom it did not name cannot do that.
//  6. When meshes_max is reached, a new mesh takes the place of the one that appeared last, if that is on probation (it
//     appeared less than `probation` ago) and nobody asked for it within used_for; else it is refused. So a flood of
//     invented names displaces its own kind, and never a mesh that is in use or known for long. The own mesh and
//     pinned ones are never displaced, and a pinned one displaces any mesh that nobody asked for.
//
// Bounds: meshes_max, speakers_max, graves_max (the oldest goes); what is over them is counted.

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "fabric/types.hpp"
#include "wire/summary.hpp"

namespace grapevine::fabric {

struct Speaker {
    wire::Summary summary;
    base::TimePoint first_heard;
    base::TimePoint heard_at;
    base::TokenBucket bucket;
    bool vouched = false;
};

struct Mesh {
    std::map<base::EndpointId, Speaker> speakers;  // Never empty.
    std::optional<base::EndpointId> authority;
    base::TimePoint appeared;
    std::optional<base::TimePoint> used;
};

// What putting a summary did.
struct Placed {
    enum class Kind : std::uint8_t { appeared, changed, refreshed };
    Kind kind = Kind::refreshed;
    bool names_newcomer = false;  // A gateway that no speaker of this mesh named before.
    std::vector<std::pair<std::string, GoneCause>> gone;
};

struct Expired {
    std::vector<std::string> gone;
    std::vector<std::string> changed;  // They lost a speaker, and have others.
};

class MeshTable {
public:
    MeshTable(const BackboneConfig& config, Counters& counters) : config_(config), counters_(counters) {}

    // What is wrong with a summary that can be told before its signature is checked.
    [[nodiscard]] std::optional<Refusal> screen(const base::EndpointId& signer, std::string_view mesh,
                                                wire::Sequence sequence, base::TimePoint now) const;
    // The authority that a summary of this mesh must name (rule 3), or nullptr when any will do.
    [[nodiscard]] const std::optional<base::EndpointId>* authority_of(std::string_view mesh) const;
    // The summary was screened and is admitted.
    Placed put(const base::EndpointId& signer, const wire::Summary& summary, base::TimePoint now);
    // Removes what is stale.
    Expired expire(base::TimePoint now);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    void note_used(std::string_view mesh, base::TimePoint now);
    [[nodiscard]] std::vector<Side> sides(std::string_view mesh) const;
    // Whether any summary names it.
    [[nodiscard]] bool names(const base::EndpointId& gateway) const;
    [[nodiscard]] const std::map<std::string, Mesh, std::less<>>& meshes() const { return meshes_; }
    [[nodiscard]] std::size_t graves() const { return graves_.size(); }
    [[nodiscard]] base::Duration staleness() const;

private:
    struct Grave {
        wire::Sequence sequence;
        base::TimePoint until;
        base::TokenBucket bucket;  // Removal does not refill it.
    };

    [[nodiscard]] bool is_protected(std::string_view mesh) const;
    [[nodiscard]] bool is_in_use(const Mesh& mesh, base::TimePoint now) const;
    [[nodiscard]] std::optional<std::string> displaceable(std::string_view newcomer, base::TimePoint now) const;
    [[nodiscard]] std::optional<base::EndpointId> displaceable_speaker(const Mesh& mesh,
                                                                       const base::EndpointId& newcomer) const;
    [[nodiscard]] const Speaker* find(const base::EndpointId& signer) const;

    void make_room(const base::EndpointId& signer, const std::string& mesh, base::TimePoint now, Placed& placed);
    Speaker& speaker(Mesh& mesh, const base::EndpointId& signer, const wire::Summary& summary, base::TimePoint now);
    void vouch(Mesh& mesh);
    void supersede(Mesh& mesh, const base::EndpointId& signer, base::TimePoint now);
    void remove_mesh(const std::string& mesh, base::TimePoint now);
    // True when the mesh went with its last speaker.
    bool remove_speaker(const base::EndpointId& signer, base::TimePoint now);
    void bury(const base::EndpointId& signer, const Speaker& speaker, base::TimePoint now);

    const BackboneConfig& config_;
    Counters& counters_;
    std::map<std::string, Mesh, std::less<>> meshes_;
    std::map<base::EndpointId, std::string> mesh_of_;  // Of each speaker.
    std::map<base::EndpointId, Grave> graves_;
    std::set<std::pair<base::TimePoint, base::EndpointId>> stale_;
    std::set<std::pair<base::TimePoint, base::EndpointId>> burials_;
    std::set<std::pair<base::TimePoint, std::string>> by_age_;
    base::TokenBucket new_speakers_;
};

[[nodiscard]] bool names(const wire::Summary& summary, const base::EndpointId& gateway);

}  // namespace grapevine::fabric
