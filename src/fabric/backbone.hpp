#pragma once

// The meshes of a fabric as their gateways tell them: what this node says of its own mesh while it is on duty, and what
// it heard of others.
//
// Rules, with their reasons:
//  1. Only gateways on duty (duty.hpp) subscribe to the topic and speak there; announcer.hpp has when.
//  2. A summary counts only if its signature holds, it is of this fabric, it is newer than what is known of its signer,
//     and the signer names itself among the gateways: a gateway speaks for its mesh, nobody else. What is cheap to
//     check comes before the signature. All else is refused and counted by cause.
//  3. The larger sequence wins, whatever any clock says. The first one is the wall time of the start; hearing its own
//     signature on a sequence not below its own, this node jumps above it and speaks again. Staleness is judged by the
//     receiver's monotonic time alone.
//  4. A closed mesh's summary counts only with a ticket of the authority that is pinned for that mesh, or else was seen
//     first. Where a mesh was first heard of as an open one, it stays open, for as long as it is known: whoever must be
//     sure pins the authority.
//  5. What is kept, and who gives way when a table is full, is mesh_table.hpp's.
//  6. A summary that names a gateway which is new here makes this node say its own again, and so does a neighbour on
//  the
//     topic that nobody named: newcomers have heard nothing yet, and a refresh may be a minute away.
//  7. Summaries of the own mesh are heard, too: they spare this node its own words, and those of gateways that this
//  part
//     of the mesh does not know tell that the mesh is split (OwnMeshElsewhere).
//  8. A seed that is neither a fellow nor named by any summary is tried for ever: a topic can fall into parts, the
//     gateways of one mesh in a part of their own for example, and none of them would notice, having neighbours.
//
// Bounds are in BackboneConfig; each has a counter. `from` is the neighbour that handed a summary on. The key, the Rng
// and what the configuration points to outlive the backbone. Nothing here sets a timer: call on_deadline at
// next_deadline. A node that goes off duty keeps what it heard until that is stale.

#include <optional>
#include <string_view>
#include <vector>

#include "base/ed25519.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "fabric/announcer.hpp"
#include "fabric/mesh_table.hpp"
#include "fabric/routes.hpp"
#include "fabric/types.hpp"

namespace grapevine::fabric {

class Backbone : public Routes {
public:
    // Fabric and mesh are valid names.
    Backbone(BackboneConfig config, const base::SecretKey& key, base::Rng& rng);
    Backbone(const Backbone&) = delete;
    Backbone& operator=(const Backbone&) = delete;

    // What the own directory knows now, also when nothing changed. Names are valid.
    void set_own(const OwnFacts& facts, base::TimePoint now, Effects& out);
    void on_summary(const base::EndpointId& from, base::ByteView envelope, base::TimePoint now, Effects& out);
    // The topic has a new neighbour.
    void on_neighbor_up(const base::EndpointId& peer, base::TimePoint now, Effects& out);
    void on_deadline(base::TimePoint now, Effects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    [[nodiscard]] bool on_duty() const override { return announcer_.on_duty(); }
    [[nodiscard]] std::vector<wire::EndpointAddr> fellows() const override;
    std::vector<Side> route(std::string_view mesh, base::TimePoint now) override;
    [[nodiscard]] std::optional<base::EndpointId> authority(std::string_view mesh) const override;

    // Through whom the topic can be joined: seeds, fellows, and gateways that were heard of. At most kBootstrapMax.
    [[nodiscard]] std::vector<wire::EndpointAddr> bootstrap() const;
    // Other meshes, sorted by name.
    [[nodiscard]] std::vector<MeshRow> snapshot(base::TimePoint now) const;
    [[nodiscard]] const MeshTable& table() const { return table_; }
    [[nodiscard]] wire::Sequence sequence() const { return announcer_.sequence(); }
    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] const BackboneConfig& config() const { return config_; }

private:
    void refuse(const base::EndpointId& from, Refusal refusal, Effects& out);
    void emit_due(base::TimePoint now, Effects& out);
    void retry_seeds(base::TimePoint now, Effects& out);
    [[nodiscard]] std::optional<Refusal> screen(base::ByteView envelope, const wire::SummaryGlance& seen,
                                                base::TimePoint now) const;
    [[nodiscard]] std::optional<Refusal> judge(const wire::SignedSummary& heard) const;
    [[nodiscard]] std::optional<base::EndpointId> expected_authority(const wire::Summary& summary) const;
    void accept_own(const base::EndpointId& from, const wire::Summary& summary, base::TimePoint now, Effects& out);
    void accept(const wire::SignedSummary& heard, base::TimePoint now, Effects& out);
    void accept_fellow(const wire::SignedSummary& heard, base::TimePoint now, Effects& out);
    void tell_gone(const std::string& mesh, GoneCause cause, Effects& out);

    BackboneConfig config_;
    base::EndpointId self_;
    Counters counters_;
    Announcer announcer_;
    MeshTable table_;
    base::TopicId topic_;
    base::Bytes said_;                           // This node's last envelope.
    std::vector<base::EndpointId> joined_with_;  // The fellows of the last JoinBackbone.
    std::optional<base::TimePoint> seeds_at_;    // When to look after the seeds; absent off duty, or without any.
    base::Duration seeds_wait_{};
};

}  // namespace grapevine::fabric
