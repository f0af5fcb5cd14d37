#pragma once

// What fills the world. The feed calls it with what real nodes say, tests with what simulated ones would.

#include <span>
#include <string>
#include <vector>

#include "console/world_types.hpp"

namespace grapevine::console {

// A row of a node's directory.
struct DirectoryRow {
    base::EndpointId id;
    Digest digest;
    std::vector<base::EndpointId> suspected_by;
};

struct NeighborFact {
    base::EndpointId id;
    bool eager = false;
};

// What a node said as it happened (docs/control-socket.md, `watch`).
struct MeshEvent {
    enum class Kind : std::uint8_t {
        joined,
        left,
        died,
        stale,
        expelled,
        unlisted,  // By the gateway through which its mesh is watched.
        suspected,
        refuted,
        neighbor_up,
        neighbor_down,
        mesh_appeared,
        mesh_gone,
        law_broken,
        law_kept
    };
    Kind kind = Kind::joined;
    base::EndpointId id{};  // Whom it is about; of laws and meshes nobody.
    std::string name;
    std::vector<base::EndpointId> who{};  // Accusers.
    std::string detail{};                 // A reason, a law, a mesh.
};

// A process of the supervisor's.
struct ProcessFact {
    std::string name;
    std::string mesh;
    std::string id;  // Empty until it was ready once.
    ProcessState state = ProcessState::none;
    std::string event{};  // "spawn", "ready", ...; empty: it is told as it is, not as it changes.
    std::string text{};   // How it ended.
};

class WorldInput {
public:
    virtual ~WorldInput() = default;

    // Where knowledge comes from: "supervisor", "nodes here", ...
    virtual void on_source(const std::string& name, SourceState state, const std::string& text, const Moment& at) = 0;
    virtual void on_source_gone(const std::string& name, const Moment& at) = 0;
    // A node whose control socket can be asked, of this mesh.
    virtual void on_viewer(base::EndpointId viewer, const std::string& mesh, const Moment& at) = 0;
    // A gateway elsewhere that tells of its mesh; it is one viewer until it is lost.
    virtual void on_watch(base::EndpointId gateway, const std::string& mesh, const Moment& at) = 0;
    // It is not heard any more. ended: its process is gone, so that nothing is expected of it.
    enum class Loss : std::uint8_t { silent, ended };
    virtual void on_viewer_lost(base::EndpointId viewer, Loss loss, const Moment& at) = 0;
    // The whole directory of a viewer.
    virtual void on_directory(base::EndpointId viewer, std::span<const DirectoryRow> rows, const Moment& at) = 0;
    // One row of it, new or changed.
    virtual void on_row(base::EndpointId viewer, const DirectoryRow& row, const Moment& at) = 0;
    // All overlay neighbours of a viewer.
    virtual void on_neighbors(base::EndpointId viewer, std::span<const NeighborFact> neighbors, const Moment& at) = 0;
    virtual void on_event(base::EndpointId viewer, const MeshEvent& event, const Moment& at) = 0;
    virtual void on_process(const ProcessFact& process, const Moment& at) = 0;
    // A message that was seen whole. It counts for the links between meshes, and may become a sample.
    virtual void on_message(MessageSample sample, const Moment& at) = 0;
    // Something that the user did here.
    virtual void on_note(TimelineEvent event, const Moment& at) = 0;
};

}  // namespace grapevine::console
