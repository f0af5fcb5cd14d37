#pragma once

// Closed meshes for tests of whole stacks: an authority, tickets by node, and members that have them.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ed25519.hpp"
#include "stack/cluster_testing.hpp"
#include "wire/admission.hpp"

namespace grapevine::stack::testing {

inline constexpr std::uint64_t kWallStartS = 1'800'000'000;  // 2027-01-15T08:00:00Z, at the clusters' time zero.

inline base::WallTime wall_of(base::TimePoint now) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
    return {kWallStartS * 1000 + static_cast<std::uint64_t>(ms)};
}

inline const base::SecretKey& authority() {
    static const base::SecretKey kKey = *base::SecretKey::from_seed(base::Bytes(32, 200));
    return kKey;
}
inline const base::SecretKey& foreign_authority() {
    static const base::SecretKey kKey = *base::SecretKey::from_seed(base::Bytes(32, 201));
    return kKey;
}

// A member's ticket of "mesh1" for any type, good for a day.
inline wire::AdmissionTicket ticket_for(const base::EndpointId& node, std::uint64_t serial) {
    wire::AdmissionTicket ticket;
    ticket.mesh = "mesh1";
    ticket.node = node;
    ticket.expires_unix_s = kWallStartS + 86'400;
    ticket.serial = serial;
    return ticket;
}
inline base::Bytes signed_by(const base::SecretKey& key, wire::AdmissionTicket ticket) {
    return wire::sign_ticket(key, std::move(ticket)).envelope;
}
inline base::Bytes list_of(std::uint64_t version, std::vector<wire::RevokedTicket> revoked) {
    return wire::sign_revocations(authority(), {wire::kAdmissionVersion, "mesh1", version, std::move(revoked)})
        .envelope;
}

// Makes "mesh1" closed for this node, which shows `ticket`.
inline void close_mesh(Config& config, base::Bytes ticket) {
    config.mesh->started_unix_ms = kWallStartS * 1000;
    config.mesh->admission.authority = authority().id();
    config.mesh->admission.ticket = std::move(ticket);
    config.mesh->admission.wall = wall_of;
}

// A cluster whose member n has serial n + 1.
class ClosedCluster : public TestCluster {
public:
    using TestCluster::TestCluster;

    std::size_t add_member(const std::string& type, std::vector<std::size_t> seeds) {
        const std::uint64_t serial = size() + 1;
        return add("mesh1", type, std::move(seeds), [serial](Config& config, const base::EndpointId& id) {
            close_mesh(config, signed_by(authority(), ticket_for(id, serial)));
        });
    }
    std::vector<std::size_t> add_members(std::size_t count) {
        std::vector<std::size_t> all{add_member("broker", {})};
        while (all.size() < count)
            all.push_back(add_member(all.size() % 2 == 0 ? "broker" : "gateway", {0}));
        return all;
    }
    std::uint64_t figure(std::size_t index, std::string_view name) {
        for (const auto& figure : stack(index).figures())
            if (figure.name == name) return figure.value;
        return ~std::uint64_t{0};
    }
    bool knows(std::size_t index, const base::EndpointId& id) {
        const auto rows = stack(index).directory(now());
        return std::any_of(rows.begin(), rows.end(), [&](const DirectoryRow& row) { return row.id == id; });
    }
};

}  // namespace grapevine::stack::testing
