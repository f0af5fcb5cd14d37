// What changes while a mesh runs: lists of revocations, and the policy itself.

#include <algorithm>

#include <gtest/gtest.h>

#include "admission/gatekeeper.hpp"
#include "admission/gatekeeper_testing.hpp"

namespace grapevine::admission {
namespace {

using namespace testing;

// Invariant 5.
TEST(Gatekeeper, ANewListNamesThoseWhoMustGo) {
    Gatekeeper gate = keeper();
    for (std::uint8_t node = 2; node <= 4; ++node)
        EXPECT_TRUE(admits(gate, node, bytes_of(ticket(node))));
    EXPECT_TRUE(admits(gate, 3, bytes_of(visitor_ticket(3)), Use::visitor));
    EXPECT_TRUE(admits(gate, 4, bytes_of(ticket(4)), Use::visitor));
    const Bytes list = list_of(3, {2, 4, 50});
    std::vector<Holder> gone{{id(2), Use::member}, {id(4), Use::member}, {id(4), Use::visitor}};
    std::sort(gone.begin(), gone.end());
    EXPECT_EQ(hear(gate, list), (Effects{RevocationsChanged{list}, Revoked{gone}}));
    EXPECT_EQ(gate.revocations()->envelope, list);
    EXPECT_EQ(gate.holders().size(), 2U);
    EXPECT_EQ(gate.counters().revoked, 3U);
    EXPECT_EQ(cause_of(gate, 2, bytes_of(ticket(2))), Cause::revoked);
    EXPECT_EQ(hear(gate, list), Effects{}) << "nobody is named twice";
    wire::AdmissionTicket renewed = ticket(2);
    renewed.serial = 51;
    EXPECT_TRUE(admits(gate, 2, bytes_of(renewed))) << "a ticket is revoked, not a node";
}

TEST(Gatekeeper, OnlyAHigherVersionCounts) {
    Gatekeeper gate = keeper();
    hear(gate, list_of(5, {2}));
    const Effects nothing;
    EXPECT_EQ(hear(gate, list_of(4, {})), nothing) << "a replayed list does not bring anybody back";
    EXPECT_EQ(hear(gate, list_of(5, {2})), nothing);
    EXPECT_EQ(hear(gate, list_of(5, {3})), Effects{RevocationsRefused{ListRefusal::conflicting}});
    EXPECT_EQ(gate.revocations()->envelope, list_of(5, {2}));
    EXPECT_EQ(cause_of(gate, 2, bytes_of(ticket(2))), Cause::revoked);
    EXPECT_TRUE(admits(gate, 3, bytes_of(ticket(3))));
    EXPECT_EQ(hear(gate, list_of(6, {})), Effects{RevocationsChanged{list_of(6, {})}});
    EXPECT_TRUE(admits(gate, 2, bytes_of(ticket(2)))) << "the authority takes a revocation back";
    const Counters& counters = gate.counters();
    EXPECT_EQ(counters.lists_accepted, 2U);
    EXPECT_EQ(counters[ListRefusal::older], 1U);
    EXPECT_EQ(counters[ListRefusal::known], 1U);
    EXPECT_EQ(counters[ListRefusal::conflicting], 1U);
}

TEST(Gatekeeper, ListsOfOthersAreRefused) {
    Gatekeeper gate = keeper();
    const auto refused = [](ListRefusal refusal) { return Effects{RevocationsRefused{refusal}}; };
    EXPECT_EQ(hear(gate, {}), refused(ListRefusal::malformed));
    EXPECT_EQ(hear(gate, Bytes(wire::kRevocationListMax + 1)), refused(ListRefusal::oversized));
    EXPECT_EQ(hear(gate, bytes_of(ticket(2))), refused(ListRefusal::unknown_kind));
    EXPECT_EQ(hear(gate, list_of(9, {2}, authority(), "mesh2")), refused(ListRefusal::other_mesh));
    EXPECT_EQ(hear(gate, list_of(9, {2}, other_authority())), refused(ListRefusal::foreign_authority));
    Bytes forged = list_of(9, {2}, other_authority());
    const auto id_bytes = authority().id().bytes;
    std::copy(id_bytes.begin(), id_bytes.end(), forged.begin() + 1);
    EXPECT_EQ(hear(gate, forged), refused(ListRefusal::bad_signature));
    EXPECT_EQ(gate.revocations(), nullptr);
    hear(gate, list_of(9, {}));
    EXPECT_EQ(hear(gate, forged), refused(ListRefusal::bad_signature)) << "nobody else raises the alarm of a conflict";
    EXPECT_EQ(gate.counters()[ListRefusal::conflicting], 0U);
    for (std::size_t i = 0; i < kListRefusals; ++i)
        EXPECT_NE(name(static_cast<ListRefusal>(i)), "unknown");
    EXPECT_EQ(name(ListRefusal::count_), "unknown");
}

TEST(Gatekeeper, AFloodOfListsChangesNothing) {
    Gatekeeper gate = keeper();
    EXPECT_TRUE(admits(gate, 2, bytes_of(ticket(2))));
    hear(gate, list_of(1000, {7}));
    std::size_t alarms = 0;
    for (std::uint64_t version = 1; version <= 1000; ++version)
        alarms += hear(gate, list_of(version, {2})).size();
    EXPECT_EQ(alarms, 1U) << "the one that conflicts";
    EXPECT_EQ(gate.counters()[ListRefusal::older], 999U);
    EXPECT_EQ(gate.revocations()->envelope, list_of(1000, {7}));
    EXPECT_NE(gate.find({id(2), Use::member}), nullptr);
}

std::string make_error(Policy policy, base::WallTime wall_time = wall(0s)) {
    const auto gate = Gatekeeper::make(id(1), std::move(policy), {}, at(0s), wall_time);
    return gate ? "" : gate.error().message;
}

// Rule 8.
TEST(Gatekeeper, AnUnusableOwnTicketIsAnErrorThatNamesTheRule) {
    const auto with = [](const wire::AdmissionTicket& own, const base::SecretKey& by = authority()) {
        Policy policy = closed_policy();
        policy.own_ticket = bytes_of(own, by);
        return make_error(policy);
    };
    EXPECT_EQ(make_error(closed_policy()), "");
    EXPECT_EQ(make_error(closed_policy(), wall(1h)),
              "own ticket: ticket 1: expired 2027-01-15T09:00:00Z by this node's clock, which says "
              "2027-01-15T09:00:00Z");
    EXPECT_EQ(with(ticket(2)), "own ticket: ticket 2: is for node " + id(2).short_hex() + ", not " + id(1).short_hex());
    EXPECT_EQ(with(visitor_ticket(1)), "own ticket: ticket 101: is a visitor's, not a member's");
    wire::AdmissionTicket own = ticket(1);
    own.types = {"gateway"};
    EXPECT_EQ(with(own), "own ticket: ticket 1: is not for type 'broker'");
    own = ticket(1);
    own.mesh = "mesh2";
    EXPECT_EQ(with(own), "own ticket: ticket 1: is for mesh 'mesh2', not 'mesh1'");
    EXPECT_EQ(with(ticket(1), other_authority()), "own ticket: ticket 1: is of authority " +
                                                      other_authority().id().short_hex() + ", not " +
                                                      authority().id().short_hex());
    Policy policy = closed_policy();
    policy.own_ticket.pop_back();
    EXPECT_EQ(make_error(policy),
              "own ticket: admission ticket: signature: truncated at byte " + std::to_string(policy.own_ticket.size()));
    policy.own_ticket.clear();
    EXPECT_EQ(make_error(policy), "own ticket: mesh 'mesh1' is closed by authority " + authority().id().short_hex() +
                                      ", so that this node needs one");
    policy = open_policy();
    policy.own_ticket = bytes_of(ticket(1));
    EXPECT_EQ(make_error(policy),
              "own ticket: mesh 'mesh1' has no authority that could have signed it; name the authority, or no ticket");
    policy = open_policy();
    policy.mesh = "Mesh";
    EXPECT_EQ(make_error(policy), "mesh 'Mesh': must match [a-z0-9][a-z0-9-]{0,62}");
    policy = open_policy();
    policy.type = "";
    EXPECT_EQ(make_error(policy), "type '': must match [a-z0-9][a-z0-9-]{0,62}");
}

// Invariant 7.
TEST(Gatekeeper, ClosingAnOpenMeshKeepsThoseWithTickets) {
    Gatekeeper gate = keeper(open_policy());
    EXPECT_TRUE(admits(gate, 2, bytes_of(ticket(2))));
    EXPECT_TRUE(admits(gate, 3, {}));
    EXPECT_TRUE(admits(gate, 4, bytes_of(ticket(4), other_authority())));
    EXPECT_TRUE(admits(gate, 4, bytes_of(visitor_ticket(4)), Use::visitor));
    EXPECT_TRUE(admits(gate, 5, Bytes(wire::kAdmissionTicketMax + 1)));
    Effects out;
    ASSERT_TRUE(gate.set_policy(closed_policy(), at(1s), wall(1s), out));
    std::vector<GrantWithdrawn> expected{{{id(3), Use::member}, Cause::no_ticket},
                                         {{id(4), Use::member}, Cause::foreign_authority},
                                         {{id(5), Use::member}, Cause::no_ticket}};
    std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return a.holder < b.holder; });
    EXPECT_EQ(out, Effects(expected.begin(), expected.end()));
    EXPECT_EQ(gate.counters().withdrawn, 3U);
    EXPECT_EQ(gate.counters().denied, Counters{}.denied) << "nobody asked";
    EXPECT_EQ(*gate.find({id(2), Use::member}), (Grant{Use::member, {}, kStartS + 3600, 2}));
    EXPECT_EQ(gate.next_deadline(), at(61s));
}

TEST(Gatekeeper, AnotherAuthorityWithdrawsWhatTheFirstOneGave) {
    Gatekeeper gate = keeper();
    EXPECT_TRUE(admits(gate, 2, bytes_of(ticket(2))));
    hear(gate, list_of(7, {3}));
    Effects out;
    ASSERT_TRUE(gate.set_policy(closed_policy(other_authority()), at(1s), wall(1s), out));
    EXPECT_EQ(out, Effects{GrantWithdrawn({{id(2), Use::member}, Cause::foreign_authority})});
    EXPECT_EQ(gate.revocations(), nullptr) << "the list of the former authority";
    EXPECT_TRUE(admits(gate, 3, bytes_of(ticket(3), other_authority())));
    EXPECT_EQ(hear(gate, list_of(1, {}, other_authority())).size(), 1U) << "versions begin anew";
}

TEST(Gatekeeper, OpeningAMeshKeepsEverybodyAndForgetsNoRevocation) {
    Gatekeeper gate = keeper();
    EXPECT_TRUE(admits(gate, 2, bytes_of(ticket(2))));
    hear(gate, list_of(7, {3}));
    Effects out;
    ASSERT_TRUE(gate.set_policy(open_policy(), at(1s), wall(1s), out));
    EXPECT_EQ(out, Effects{});
    EXPECT_EQ(*gate.find({id(2), Use::member}), Grant{});
    EXPECT_EQ(gate.revocations(), nullptr);
    EXPECT_FALSE(gate.next_deadline());
    EXPECT_TRUE(admits(gate, 3, bytes_of(ticket(3))));
    ASSERT_TRUE(gate.set_policy(closed_policy(), at(2s), wall(2s), out));
    EXPECT_EQ(out, Effects{GrantWithdrawn({{id(3), Use::member}, Cause::revoked})});
    EXPECT_EQ(gate.find({id(2), Use::member})->serial, 2U);
    EXPECT_EQ(gate.revocations()->envelope, list_of(7, {3}));
}

TEST(Gatekeeper, APolicyWithAnUnusableTicketChangesNothing) {
    Gatekeeper gate = keeper();
    EXPECT_TRUE(admits(gate, 2, bytes_of(ticket(2))));
    hear(gate, list_of(1, {60}));
    const Policy before = gate.policy();
    const auto deadline = gate.next_deadline();
    Effects out;
    Policy policy = closed_policy();
    wire::AdmissionTicket own = ticket(1);
    own.serial = 60;
    policy.own_ticket = bytes_of(own);
    EXPECT_EQ(gate.set_policy(policy, at(1s), wall(1s), out).error().message,
              "own ticket: ticket 60: is revoked by list 1");
    policy = closed_policy();
    policy.authority = other_authority().id();
    EXPECT_FALSE(gate.set_policy(policy, at(1s), wall(1s), out));
    policy = open_policy();
    policy.mesh = "mesh2";
    EXPECT_EQ(gate.set_policy(policy, at(1s), wall(1s), out).error().message,
              "policy: mesh 'mesh1' stays what it is; for another one start a node");
    EXPECT_EQ(out, Effects{});
    EXPECT_EQ(gate.policy(), before);
    EXPECT_EQ(gate.next_deadline(), deadline);
    EXPECT_NE(gate.find({id(2), Use::member}), nullptr);
}

TEST(Gatekeeper, ANewOwnTicketIsWatchedInsteadOfTheLostOne) {
    Gatekeeper gate = keeper();
    EXPECT_EQ(wait(gate, 1h), Effects{OwnTicketLost{Cause::expired}});
    Policy policy = closed_policy();
    wire::AdmissionTicket own = ticket(1);
    own.expires_unix_s = kStartS + 3630;
    own.serial = 61;
    policy.own_ticket = bytes_of(own);
    Effects out;
    ASSERT_TRUE(gate.set_policy(policy, at(1h), wall(1h), out));
    EXPECT_EQ(out, Effects{});
    EXPECT_EQ(gate.next_deadline(), at(1h + 30s));
    EXPECT_EQ(wait(gate, 1h + 30s), Effects{OwnTicketLost{Cause::expired}});
}

}  // namespace
}  // namespace grapevine::admission
