#include "admission/gatekeeper.hpp"

#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "admission/gatekeeper_testing.hpp"
#include "base/rng.hpp"

namespace grapevine::admission {
namespace {

using namespace testing;

// Invariant 1.
TEST(Gatekeeper, AnOpenMeshAdmitsEverybody) {
    Gatekeeper gate = keeper(open_policy());
    EXPECT_FALSE(gate.closed());
    EXPECT_EQ(ask(gate, 2, {}), Verdict(Grant{}));
    EXPECT_EQ(ask(gate, 3, Bytes(5000), Use::visitor), Verdict(Grant{Use::visitor, {}, std::nullopt, std::nullopt}));
    EXPECT_EQ(gate.holders().size(), 2U);
    EXPECT_FALSE(gate.next_deadline());
    EXPECT_EQ(hear(gate, list_of(1, {2})), Effects{RevocationsRefused{ListRefusal::open_mesh}});
    EXPECT_EQ(gate.revocations(), nullptr);
}

TEST(Gatekeeper, AClosedMeshAdmitsByTicket) {
    Gatekeeper gate = keeper();
    wire::AdmissionTicket typed = ticket(2);
    typed.types = {"broker", "gateway"};
    const Grant grant{Use::member, {"broker", "gateway"}, kStartS + 3600, 2};
    EXPECT_EQ(ask(gate, 2, bytes_of(typed)), Verdict(grant));
    ASSERT_NE(gate.find({id(2), Use::member}), nullptr);
    EXPECT_EQ(*gate.find({id(2), Use::member}), grant);
    EXPECT_EQ(ask(gate, 3, bytes_of(visitor_ticket(3)), Use::visitor),
              Verdict(Grant{Use::visitor, {}, kStartS + 3600, 103}));
    EXPECT_EQ(gate.counters().granted, 2U);
    gate.release({id(2), Use::member});
    EXPECT_EQ(gate.find({id(2), Use::member}), nullptr);
    EXPECT_EQ(gate.holders().size(Use::visitor), 1U);
}

TEST(Gatekeeper, AMemberMayVisitWithWhateverType) {
    Gatekeeper gate = keeper();
    wire::AdmissionTicket typed = ticket(2);
    typed.types = {"gateway"};
    EXPECT_EQ(cause_of(gate, 2, bytes_of(typed)), Cause::wrong_type);
    EXPECT_TRUE(admits(gate, 2, bytes_of(typed), Use::visitor));
}

// Invariant 2.
TEST(Gatekeeper, EachDenialHasItsCause) {
    Gatekeeper gate = keeper();
    EXPECT_EQ(cause_of(gate, 2, {}), Cause::no_ticket);
    EXPECT_EQ(cause_of(gate, 2, Bytes{0x11, 1, 2}), Cause::malformed);
    EXPECT_EQ(cause_of(gate, 2, Bytes(wire::kAdmissionTicketMax + 1)), Cause::oversized);
    EXPECT_EQ(cause_of(gate, 2, list_of(1, {})), Cause::unknown_kind);
    EXPECT_EQ(cause_of(gate, 3, bytes_of(ticket(2))), Cause::other_node);
    EXPECT_EQ(cause_of(gate, 2, bytes_of(visitor_ticket(2))), Cause::wrong_use);
    EXPECT_EQ(cause_of(gate, 2, bytes_of(ticket(2), other_authority())), Cause::foreign_authority);

    wire::AdmissionTicket changed = ticket(2);
    changed.mesh = "mesh2";
    EXPECT_EQ(cause_of(gate, 2, bytes_of(changed)), Cause::other_mesh);
    changed = ticket(2);
    changed.types = {"gateway"};
    EXPECT_EQ(cause_of(gate, 2, bytes_of(changed)), Cause::wrong_type);
    Bytes forged = bytes_of(ticket(2));
    forged.back() ^= 1U;
    EXPECT_EQ(cause_of(gate, 2, forged), Cause::bad_signature);
    EXPECT_EQ(gate.holders().size(), 0U);
    EXPECT_EQ(gate.counters().granted, 0U);
    for (std::size_t i = 0; i < kCauses; ++i)
        EXPECT_NE(name(static_cast<Cause>(i)), "unknown");
    EXPECT_EQ(name(Cause::count_), "unknown");
}

TEST(Gatekeeper, MessagesAreForTheOwnLog) {
    Gatekeeper gate = keeper();
    const std::string who = id(2).short_hex();
    EXPECT_EQ(message_of(gate, 2, {}), who + " as member: no ticket");
    wire::AdmissionTicket changed = ticket(2);
    changed.mesh = "mesh2";
    EXPECT_EQ(message_of(gate, 2, bytes_of(changed)), who + " as member: ticket 2: is for mesh 'mesh2', not 'mesh1'");
    changed = ticket(2);
    changed.expires_unix_s = kStartS;
    EXPECT_EQ(message_of(gate, 2, bytes_of(changed), Use::visitor),
              who +
                  " as visitor: ticket 2: expired 2027-01-15T08:00:00Z by this node's clock, which says "
                  "2027-01-15T08:00:00Z");
    hear(gate, list_of(4, {2}));
    EXPECT_EQ(message_of(gate, 2, bytes_of(ticket(2))), who + " as member: ticket 2: is revoked by list 4");
    EXPECT_EQ(kDenialText, "not admitted");
}

// The checks come in the order of the contract: with several things wrong, the first one is the cause.
TEST(Gatekeeper, TheFirstThingWrongIsTheCause) {
    Gatekeeper gate = keeper();
    hear(gate, list_of(1, {9}));
    wire::AdmissionTicket wrong = ticket(2);
    wrong.mesh = "mesh2";
    wrong.use = Use::visitor;
    wrong.expires_unix_s = 1;
    wrong.serial = 9;
    const auto cause = [&] { return cause_of(gate, 3, bytes_of(wrong, other_authority())); };
    EXPECT_EQ(cause(), Cause::other_mesh);
    wrong.mesh = "mesh1";
    EXPECT_EQ(cause(), Cause::other_node);
    wrong.node = id(3);
    EXPECT_EQ(cause(), Cause::wrong_use);
    wrong.use = Use::member;
    wrong.types = {"gateway"};
    EXPECT_EQ(cause(), Cause::wrong_type);
    wrong.types = {};
    EXPECT_EQ(cause(), Cause::expired);
    wrong.expires_unix_s = kStartS + 1;
    EXPECT_EQ(cause(), Cause::revoked);
    wrong.serial = 8;
    EXPECT_EQ(cause(), Cause::foreign_authority);
}

TEST(Gatekeeper, AnyChangedBitOfATicketIsRefused) {
    Gatekeeper gate = keeper();
    const Bytes good = bytes_of(ticket(2));
    ASSERT_TRUE(admits(gate, 2, good));
    gate.release({id(2), Use::member});
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        Bytes changed = good;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        EXPECT_FALSE(admits(gate, 2, changed)) << bit;
    }
    EXPECT_EQ(gate.holders().size(), 0U);
}

TEST(Gatekeeper, AForeignAuthorityThatNamesOursIsRefused) {
    Gatekeeper gate = keeper();
    Bytes forged = bytes_of(ticket(2), other_authority());
    const auto id_bytes = authority().id().bytes;
    std::copy(id_bytes.begin(), id_bytes.end(), forged.begin() + 1);
    EXPECT_EQ(cause_of(gate, 2, forged), Cause::bad_signature);
}

// Invariant 3.
TEST(Gatekeeper, ATicketIsVerifiedOnce) {
    base::VerificationMemo memo;
    Config config;
    config.verified = &memo;
    Gatekeeper gate = keeper(closed_policy(), config);
    EXPECT_EQ(memo.size(), 1U) << "the own ticket";
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(admits(gate, 2, bytes_of(ticket(2))));
    EXPECT_EQ(memo.size(), 2U);
    Bytes forged = bytes_of(ticket(3));
    forged.back() ^= 1U;
    EXPECT_FALSE(admits(gate, 3, forged));
    EXPECT_EQ(memo.size(), 2U) << "what did not hold is not remembered";
    // A memo that holds a hash stands for the signature, and for nothing else.
    Gatekeeper sharing = keeper(closed_policy(), config);
    memo.add(base::blake3(forged));
    EXPECT_TRUE(admits(sharing, 3, forged)) << "so the memo was asked";
    EXPECT_EQ(cause_of(sharing, 2, forged), Cause::other_node);
    EXPECT_EQ(cause_of(sharing, 3, forged, Use::member, "broker", 1h), Cause::expired);
    hear(sharing, list_of(1, {3}));
    EXPECT_EQ(cause_of(sharing, 3, forged), Cause::revoked);
}

TEST(Gatekeeper, ATicketIsGoodUpToItsLastMillisecond) {
    Gatekeeper gate = keeper();
    const Bytes bytes = bytes_of(ticket(2));
    EXPECT_TRUE(admits(gate, 2, bytes, Use::member, 1h - 1ms));
    EXPECT_EQ(cause_of(gate, 2, bytes, Use::member, "broker", 1h), Cause::expired);
    const auto with_clock = [&](std::uint64_t unix_ms) {
        return std::holds_alternative<Grant>(
            gate.judge({id(2), Use::member, "broker", bytes}, at(0s), base::WallTime{unix_ms}));
    };
    EXPECT_TRUE(with_clock(0)) << "a clock that was never set knows of nothing that has expired";
    EXPECT_FALSE(with_clock(std::numeric_limits<std::uint64_t>::max()));
}

// Invariants 4 and 6.
TEST(Gatekeeper, AGrantThatExpiresIsNamedAtTheDeadline) {
    Gatekeeper gate = keeper();
    wire::AdmissionTicket brief = ticket(2);
    brief.expires_unix_s = kStartS + 90;
    EXPECT_EQ(gate.next_deadline(), at(60s)) << "of the own ticket";
    EXPECT_TRUE(admits(gate, 2, bytes_of(brief), Use::member, 10s));
    EXPECT_TRUE(admits(gate, 2, bytes_of(brief), Use::visitor, 10s));
    EXPECT_TRUE(admits(gate, 3, bytes_of(ticket(3)), Use::member, 10s));
    EXPECT_EQ(gate.next_deadline(), at(60s));
    EXPECT_EQ(wait(gate, 59s), Effects{});
    EXPECT_EQ(wait(gate, 60s), Effects{});
    EXPECT_EQ(gate.next_deadline(), at(90s));
    EXPECT_EQ(wait(gate, 90s), (Effects{GrantExpired{{id(2), Use::member}}, GrantExpired{{id(2), Use::visitor}}}));
    EXPECT_EQ(gate.find({id(2), Use::member}), nullptr);
    EXPECT_EQ(gate.counters().expired, 2U);
    EXPECT_EQ(gate.next_deadline(), at(150s));
}

TEST(Gatekeeper, AClockThatJumpsForwardIsObeyedWithinAMinute) {
    Gatekeeper gate = keeper();
    wire::AdmissionTicket brief = ticket(2);
    brief.expires_unix_s = kStartS + 1800;
    EXPECT_TRUE(admits(gate, 2, bytes_of(brief)));
    ASSERT_EQ(gate.next_deadline(), at(60s));
    EXPECT_EQ(wait(gate, 60s, wall(30min)), Effects{GrantExpired(Holder{id(2), Use::member})});
}

TEST(Gatekeeper, AClockThatStandsStillOrGoesBackNeverMakesDeadlinesSpin) {
    Gatekeeper gate = keeper();
    wire::AdmissionTicket brief = ticket(2);
    brief.expires_unix_s = kStartS + 1;
    EXPECT_TRUE(admits(gate, 2, bytes_of(brief)));
    EXPECT_EQ(gate.next_deadline(), at(1s));
    for (int second = 1; second < 10; ++second) {
        EXPECT_EQ(wait(gate, second * 1s, wall(999ms)), Effects{});
        EXPECT_EQ(gate.next_deadline(), at(second * 1s + 1s));
    }
    EXPECT_EQ(wait(gate, 10s, base::WallTime{0}), Effects{});
    EXPECT_EQ(gate.next_deadline(), at(70s));
    EXPECT_EQ(wait(gate, 70s, wall(1s)), Effects{GrantExpired(Holder{id(2), Use::member})});
}

TEST(Gatekeeper, TheOwnTicketsEndIsSaidOnce) {
    Gatekeeper gate = keeper();
    EXPECT_EQ(wait(gate, 1h), Effects{OwnTicketLost{Cause::expired}});
    EXPECT_FALSE(gate.next_deadline());
    EXPECT_EQ(wait(gate, 2h), Effects{});
    EXPECT_EQ(hear(gate, list_of(1, {1})), Effects{RevocationsChanged{list_of(1, {1})}});
    Gatekeeper revoked = keeper();
    EXPECT_EQ(hear(revoked, list_of(1, {1})),
              (Effects{RevocationsChanged{list_of(1, {1})}, OwnTicketLost{Cause::revoked}}));
    EXPECT_EQ(hear(revoked, list_of(2, {1})), Effects{RevocationsChanged{list_of(2, {1})}});
    EXPECT_EQ(wait(revoked, 1h), Effects{});
    EXPECT_FALSE(revoked.next_deadline());
}

// Rule 4.
TEST(Gatekeeper, AFullTableOfAClosedMeshAdmitsNobodyNew) {
    Config config;
    config.members_max = 2;
    config.visitors_max = 1;
    Gatekeeper gate = keeper(closed_policy(), config);
    EXPECT_TRUE(admits(gate, 2, bytes_of(ticket(2))));
    EXPECT_TRUE(admits(gate, 3, bytes_of(ticket(3))));
    EXPECT_EQ(cause_of(gate, 4, bytes_of(ticket(4))), Cause::holders_full);
    EXPECT_TRUE(admits(gate, 2, bytes_of(ticket(2)))) << "who is there stays";
    EXPECT_TRUE(admits(gate, 4, bytes_of(visitor_ticket(4)), Use::visitor)) << "visitors are counted apart";
    EXPECT_EQ(cause_of(gate, 5, bytes_of(visitor_ticket(5)), Use::visitor), Cause::holders_full);
    gate.release({id(2), Use::member});
    EXPECT_TRUE(admits(gate, 4, bytes_of(ticket(4))));
}

TEST(Gatekeeper, AFullTableOfAnOpenMeshDoesNotCloseIt) {
    Config config;
    config.members_max = 1;
    Gatekeeper gate = keeper(open_policy(), config);
    EXPECT_TRUE(admits(gate, 2, {}));
    EXPECT_TRUE(admits(gate, 3, {}));
    EXPECT_EQ(gate.find({id(3), Use::member}), nullptr);
    EXPECT_EQ(gate.counters().unrecorded, 1U);
    EXPECT_EQ(gate.counters().granted, 2U);
}

TEST(Gatekeeper, ADenialTakesNoGrantAwayAndANewerTicketTakesThePlace) {
    Gatekeeper gate = keeper();
    EXPECT_TRUE(admits(gate, 2, bytes_of(ticket(2))));
    EXPECT_FALSE(admits(gate, 2, {}));
    ASSERT_NE(gate.find({id(2), Use::member}), nullptr);
    wire::AdmissionTicket renewed = ticket(2);
    renewed.serial = 51;
    renewed.expires_unix_s = kStartS + 7200;
    EXPECT_TRUE(admits(gate, 2, bytes_of(renewed)));
    EXPECT_EQ(hear(gate, list_of(1, {2})), Effects{RevocationsChanged{list_of(1, {2})}});
    EXPECT_EQ(gate.find({id(2), Use::member})->serial, 51U);
}

TEST(Gatekeeper, TheTableNeverPassesItsLimitsAndDeadlinesLieAhead) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        base::Rng rng(seed);
        Config config;
        config.members_max = 3;
        config.visitors_max = 2;
        Gatekeeper gate = keeper(closed_policy(), config);
        base::Duration since = 0s;
        for (int i = 0; i < 40; ++i) {
            since += rng.between(0ms, 30s);
            const auto node = static_cast<std::uint8_t>(2 + rng.below(6));
            const Use use = rng.chance(0.5) ? Use::member : Use::visitor;
            wire::AdmissionTicket made = use == Use::member ? ticket(node) : visitor_ticket(node);
            made.expires_unix_s = kStartS + 1 + rng.below(300);
            (void)ask(gate, node, bytes_of(made), use, "broker", since);
            const Effects out = wait(gate, since);
            RC_ASSERT(gate.holders().size(Use::member) <= config.members_max);
            RC_ASSERT(gate.holders().size(Use::visitor) <= config.visitors_max);
            RC_ASSERT(!gate.next_deadline() || *gate.next_deadline() > at(since));
        }
    }));
}

}  // namespace
}  // namespace grapevine::admission
