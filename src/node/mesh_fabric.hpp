#pragma once

// A mesh among others: what this node tells the fabric's backbone of its mesh, and where names of other meshes are.
//
// Rules
//  1. Members of type kGatewayType are the mesh's gateways; who of them is on duty, each member computes from its
//     directory (fabric/duty.hpp). So a name of another mesh can be asked about by every member, gateway or not.
//  2. What is said of the mesh is what the directory says, of this node, too: then all gateways say the same.
//  3. Gateways of other meshes are remembered, and tried at random while the backbone's topic has no neighbour. The
//     fabric's seeds are tried for ever.
//  4. Of a closed mesh its gateways say who closed it and show their tickets, and not how many members it has.
//  5. Questions of the own outbox and of the application have one row of numbers; delivery_question() tells which is
//     the former's. An outbox asks one question a name at a time, which bounds them.

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/ed25519.hpp"
#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "delivery/types.hpp"
#include "directory/directory.hpp"
#include "fabric/backbone.hpp"
#include "fabric/resolver.hpp"
#include "node/mesh_admission.hpp"
#include "node/types.hpp"
#include "paths/remembered.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::node {

// How long the outbox waits for an answer before it counts as unreachable: as long as the resolver waits for a fellow.
inline constexpr base::Duration kDeliveryQuestionMax = std::chrono::seconds(5);

class MeshFabric : private fabric::Members {
public:
    // All outlive this.
    MeshFabric(const MeshConfig& config, const directory::Directory& directory, MeshAdmission& admission,
               const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger);

    // The directory changed, or may have.
    void refresh(base::TimePoint now, fabric::Effects& out);
    void remember_gateways(std::string_view mesh, base::TimePoint now);

    [[nodiscard]] fabric::QuestionId next_question() { return fabric::QuestionId{++last_question_}; }
    // `id` is the next_question().
    void ask_for_delivery(delivery::QuestionId question, fabric::QuestionId id, std::string_view name,
                          base::TimePoint now, fabric::ResolverEffects& out);
    // The outbox's question that this one stands for, once.
    std::optional<delivery::QuestionId> delivery_question(fabric::QuestionId question);

    // An id of the own mesh.
    [[nodiscard]] fabric::Outcome find(const base::EndpointId& id, base::TimePoint now) const;

    [[nodiscard]] const base::TopicId& topic() const { return topic_; }
    [[nodiscard]] fabric::Backbone& backbone() { return backbone_; }
    [[nodiscard]] const fabric::Backbone& backbone() const { return backbone_; }
    [[nodiscard]] fabric::Resolver& resolver() { return resolver_; }
    [[nodiscard]] const fabric::Resolver& resolver() const { return resolver_; }
    // Of the backbone's topic: neighbours or none.
    void set_connectivity(paths::Connectivity connectivity, base::TimePoint now);
    // Gateways of other meshes to join the topic through (rule 3).
    void try_remembered(base::TimePoint now, std::vector<paths::TryRemembered>& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

private:
    fabric::Lookup lookup(const wire::NameParts& name, base::TimePoint now) override;
    [[nodiscard]] fabric::Candidate candidate(const base::EndpointId& id, base::TimePoint now) const;
    [[nodiscard]] fabric::OwnFacts facts() const;

    const directory::Directory& directory_;
    const MeshAdmission& admission_;
    base::TopicId topic_;
    fabric::Backbone backbone_;
    fabric::Resolver resolver_;
    paths::RememberedPeers remembered_;
    paths::Connectivity connectivity_ = paths::Connectivity::isolated;
    std::map<fabric::QuestionId, delivery::QuestionId> for_delivery_;
    std::uint64_t last_question_ = 0;
};

// What an answer makes of a message.
delivery::Resolution resolution_of(const fabric::Outcome& outcome);

}  // namespace grapevine::node
