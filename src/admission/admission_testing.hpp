#pragma once

// What the tests and the fuzzer of this folder share: fixed keys, tickets by small numbers, and effects by kind.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "admission/gatekeeper.hpp"
#include "base/assert.hpp"
#include "base/ed25519.hpp"
#include "base/time.hpp"
#include "wire/admission.hpp"

namespace grapevine::admission::testing {

using namespace std::chrono_literals;

inline constexpr std::uint64_t kStartS = 1'800'000'000;  // 2027-01-15T08:00:00Z.

inline base::TimePoint at(base::Duration since_start) {
    return base::TimePoint{} + 1h + since_start;
}
// The wall clock of a node whose clock is right.
inline base::WallTime wall(base::Duration since_start) {
    return {kStartS * 1000 + static_cast<std::uint64_t>(since_start / 1ms)};
}

inline base::SecretKey key(std::uint8_t n) {
    return *base::SecretKey::from_seed(base::Bytes(32, n));
}
inline base::EndpointId id(std::uint8_t n) {
    return key(n).id();
}
inline const base::SecretKey& authority() {
    static const base::SecretKey kKey = key(200);
    return kKey;
}
inline const base::SecretKey& other_authority() {
    static const base::SecretKey kKey = key(201);
    return kKey;
}

// A member's ticket of "mesh1" for any type, good for an hour; its serial is the node's number.
inline wire::AdmissionTicket ticket(std::uint8_t node) {
    wire::AdmissionTicket made;
    made.mesh = "mesh1";
    made.node = id(node);
    made.expires_unix_s = kStartS + 3600;
    made.serial = node;
    return made;
}
inline wire::AdmissionTicket visitor_ticket(std::uint8_t node) {
    wire::AdmissionTicket made = ticket(node);
    made.use = Use::visitor;
    made.serial = 100U + node;
    return made;
}
inline base::Bytes bytes_of(wire::AdmissionTicket made, const base::SecretKey& by = authority()) {
    return wire::sign_ticket(by, std::move(made)).envelope;
}

inline base::Bytes list_of(std::uint64_t version, const std::vector<std::uint64_t>& serials,
                           const base::SecretKey& by = authority(), const std::string& mesh = "mesh1") {
    wire::RevocationList list{wire::kAdmissionVersion, mesh, version, {}};
    for (const std::uint64_t serial : serials)
        list.revoked.push_back({serial, kStartS + 3600});
    return wire::sign_revocations(by, std::move(list)).envelope;
}

inline Policy open_policy() {
    return {"mesh1", "broker", std::nullopt, {}};
}
// The node itself is number 1.
inline Policy closed_policy(const base::SecretKey& by = authority()) {
    return {"mesh1", "broker", by.id(), bytes_of(ticket(1), by)};
}

inline Gatekeeper keeper(Policy policy = closed_policy(), const Config& config = {}) {
    auto made = Gatekeeper::make(id(1), std::move(policy), config, at(0s), wall(0s));
    GRAPEVINE_ASSERT(made.has_value(), "the policy is good");
    return *std::move(made);
}

}  // namespace grapevine::admission::testing
