#include "admission/authority.hpp"

#include <limits>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "admission/admission_testing.hpp"
#include "admission/calendar.hpp"
#include "base/rng.hpp"

namespace grapevine::admission {
namespace {

using namespace testing;

std::string ticket_error(const wire::AdmissionTicket& made) {
    const auto result = make_ticket(authority(), made, wall(0s));
    return result ? "" : result.error().message;
}

TEST(Calendar, SecondsAsUtc) {
    EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00Z");
    EXPECT_EQ(utc_text(951'827'696), "2000-02-29T12:34:56Z");
    EXPECT_EQ(utc_text(kStartS), "2027-01-15T08:00:00Z");
    EXPECT_EQ(utc_text(wire::kExpiryMax), "9999-12-31T23:59:59Z");
    EXPECT_EQ(utc_text(std::numeric_limits<std::uint64_t>::max()), "9999-12-31T23:59:59Z");
}

TEST(Calendar, ReadsWhatItWritesAndNothingElse) {
    for (const std::uint64_t second : {std::uint64_t{0}, std::uint64_t{951'827'696}, kStartS, wire::kExpiryMax})
        EXPECT_EQ(parse_utc(utc_text(second)), second);
    EXPECT_EQ(parse_utc("2027-01-15"), kStartS - 8 * 3600);
    for (const char* text : {"", "2027", "2027-1-15", "2027-01-15T08:00:00", "2027-01-15T08:00:00+01", "20270115",
                             " 2027-01-15", "2027-01-15 ", "2027-01-15t08:00:00Z"})
        EXPECT_NE(parse_utc(text).error().message.find("is no time: must be like 2027-01-15"), std::string::npos);
    for (const char* text : {"2027-02-29", "2027-13-01", "2027-00-01", "1969-12-31", "2027-01-15T24:00:00Z",
                             "2027-01-15T08:60:00Z", "2027-01-15T08:00:60Z"})
        EXPECT_EQ(parse_utc(text).error().message, "'" + std::string(text) + "' is not in the calendar");
}

TEST(Calendar, ASecondHasComeWhenItBegins) {
    EXPECT_FALSE(has_expired(10, {9'999}));
    EXPECT_TRUE(has_expired(10, {10'000}));
    EXPECT_TRUE(has_expired(0, {0}));
}

TEST(Authority, MakesTicketsThatOpen) {
    wire::AdmissionTicket wanted = ticket(2);
    wanted.types = {"gateway", "broker", "gateway"};
    const auto made = make_ticket(authority(), wanted, wall(0s));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->value.types, (std::vector<std::string>{"broker", "gateway"}));
    EXPECT_EQ(wire::open_ticket(made->envelope)->value, made->value);
    EXPECT_EQ(revocation_of(made->value), (wire::RevokedTicket{2, kStartS + 3600}));
}

TEST(Authority, RefusesTicketsThatNobodyWouldTake) {
    const std::string what = "ticket for node " + id(2).short_hex() + ": ";
    wire::AdmissionTicket made = ticket(2);
    made.expires_unix_s = 0;
    EXPECT_EQ(ticket_error(made), what + "expiry: must be given, every ticket expires");
    made.expires_unix_s = kStartS;
    EXPECT_EQ(ticket_error(made), what + "expiry: 2027-01-15T08:00:00Z has passed");
    made.expires_unix_s = wire::kExpiryMax + 1;
    EXPECT_EQ(ticket_error(made), what + "expiry: 253402300800 s lie after the year 9999");
    made = ticket(2);
    made.mesh = "Mesh";
    EXPECT_EQ(ticket_error(made), what + "mesh 'Mesh': must match [a-z0-9][a-z0-9-]{0,62}");
    made = ticket(2);
    made.types = {"a b"};
    EXPECT_EQ(ticket_error(made), what + "type 'a b': must match [a-z0-9][a-z0-9-]{0,62}");
    made.types.clear();
    for (char c = 'a'; c <= 'i'; ++c)
        made.types.emplace_back(1, c);
    EXPECT_EQ(ticket_error(made), what + "types: 9 items where 8 are allowed");
    made = visitor_ticket(2);
    made.types = {"broker"};
    EXPECT_EQ(ticket_error(made), what + "types: a visitor has none");
}

// Invariant 9.
TEST(Authority, AListFollowsTheOneBefore) {
    const auto first = next_revocations(authority(), "mesh1", std::nullopt, {{5, kStartS + 10}}, wall(0s));
    ASSERT_TRUE(first);
    EXPECT_EQ(first->value, (wire::RevocationList{1, "mesh1", 1, {{5, kStartS + 10}}}));
    const auto second = next_revocations(authority(), "mesh1", *first, {{9, kStartS + 99}, {2, kStartS}}, wall(0s));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->value,
              (wire::RevocationList{1, "mesh1", 2, {{2, kStartS}, {5, kStartS + 10}, {9, kStartS + 99}}}));
    EXPECT_TRUE(wire::open_revocations(second->envelope));
    const auto again = next_revocations(authority(), "mesh1", *second, {{5, kStartS + 50}, {9, 1}}, wall(0s));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->value.revoked,
              (std::vector<wire::RevokedTicket>{{2, kStartS}, {5, kStartS + 50}, {9, kStartS + 99}}))
        << "the later expiry stays";
}

TEST(Authority, WhatExpiredADayAgoLeavesTheList) {
    const auto first = next_revocations(authority(), "mesh1", std::nullopt, {{1, kStartS}, {2, kStartS + 1}}, wall(0s));
    ASSERT_TRUE(first);
    const auto before = next_revocations(authority(), "mesh1", *first, {}, wall(24h - 1ms));
    ASSERT_TRUE(before);
    EXPECT_EQ(before->value.revoked.size(), 2U);
    const auto after = next_revocations(authority(), "mesh1", *before, {}, wall(24h));
    ASSERT_TRUE(after);
    EXPECT_EQ(after->value, (wire::RevocationList{1, "mesh1", 3, {{2, kStartS + 1}}}));
}

TEST(Authority, AFullListIsAnErrorThatSaysWhenThereIsRoom) {
    std::vector<wire::RevokedTicket> all;
    all.reserve(wire::kRevokedMax);
    for (std::uint64_t serial = 0; serial < wire::kRevokedMax; ++serial)
        all.push_back({serial, kStartS + 60 + serial});
    const auto list = next_revocations(authority(), "mesh1", std::nullopt, all, wall(0s));
    ASSERT_TRUE(list);
    const auto full = next_revocations(authority(), "mesh1", *list, {{1000, kStartS + 5000}}, wall(0s));
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error(),
              (base::Error{base::ErrorCode::exhausted,
                           "revocation list 2: 257 revoked tickets where 256 are allowed; the next leaves "
                           "at 2027-01-16T08:01:00Z"}));
    EXPECT_TRUE(next_revocations(authority(), "mesh1", *list, {{1000, kStartS + 5000}}, wall(24h + 60s)));
    EXPECT_TRUE(next_revocations(authority(), "mesh1", *list, {{0, kStartS + 5000}}, wall(0s))) << "one that is there";
}

TEST(Authority, RefusesAListThatIsNotTheOneBefore) {
    const auto error = [](const wire::SignedRevocations& previous) {
        const auto next = next_revocations(authority(), "mesh1", previous, {}, wall(0s));
        return next ? "" : next.error().message;
    };
    const auto signed_list = [](const base::Bytes& bytes) { return *wire::open_revocations(bytes); };
    EXPECT_EQ(error(signed_list(list_of(4, {1}))), "");
    EXPECT_EQ(error(signed_list(list_of(4, {1}, authority(), "mesh2"))),
              "revocation list 4: is for mesh 'mesh2', not 'mesh1'");
    EXPECT_EQ(error(signed_list(list_of(4, {1}, other_authority()))), "revocation list 4: is of authority " +
                                                                          other_authority().id().short_hex() +
                                                                          ", not " + authority().id().short_hex());
    wire::SignedRevocations forged = signed_list(list_of(4, {1}));
    forged.envelope.back() ^= 1U;
    EXPECT_EQ(error(forged), "revocation list 4: is not signed by authority " + authority().id().short_hex());
    EXPECT_EQ(error(signed_list(list_of(std::numeric_limits<std::uint64_t>::max(), {1}))),
              "revocation list 18446744073709551615: there is no higher version");
    EXPECT_EQ(next_revocations(authority(), "Mesh", std::nullopt, {}, wall(0s)).error().message,
              "revocation list 1: mesh 'Mesh': must match [a-z0-9][a-z0-9-]{0,62}");
    const std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(next_revocations(authority(), "mesh1", std::nullopt, {{7, never}}, wall(0s)).error().message,
              "revocation list 1: serial 7: expiry: 18446744073709551615 s lie after the year 9999");
}

TEST(Authority, DescribesForPeople) {
    wire::AdmissionTicket made = ticket(2);
    made.types = {"broker", "gateway"};
    EXPECT_EQ(describe(wire::sign_ticket(authority(), made), wall(0s)),
              (std::vector<TextRow>{{"mesh", "mesh1"},
                                    {"node", id(2).hex()},
                                    {"use", "member"},
                                    {"types", "broker, gateway"},
                                    {"expires", "2027-01-15T09:00:00Z"},
                                    {"serial", "2"},
                                    {"authority", authority().id().hex()}}));
    EXPECT_EQ(describe(wire::sign_ticket(authority(), visitor_ticket(2)), wall(1h)),
              (std::vector<TextRow>{{"mesh", "mesh1"},
                                    {"node", id(2).hex()},
                                    {"use", "visitor"},
                                    {"expires", "2027-01-15T09:00:00Z (expired)"},
                                    {"serial", "102"},
                                    {"authority", authority().id().hex()}}));
    EXPECT_EQ(describe(wire::sign_ticket(authority(), ticket(2)), wall(0s))[3], (TextRow{"types", "any"}));
    EXPECT_EQ(describe(*wire::open_revocations(list_of(3, {7})), wall(0s)),
              (std::vector<TextRow>{{"mesh", "mesh1"},
                                    {"version", "3"},
                                    {"authority", authority().id().hex()},
                                    {"revoked", "1 of at most 256"},
                                    {"serial 7", "expires 2027-01-15T09:00:00Z"}}));
}

// Every list that the authority makes is taken by a node, and forbids exactly what was revoked and has not expired.
TEST(Authority, NodesFollowItsLists) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        base::Rng rng(seed);
        Gatekeeper gate = keeper();
        std::optional<wire::SignedRevocations> list;
        std::set<std::uint64_t> revoked;
        for (int i = 0; i < 5; ++i) {
            std::vector<wire::RevokedTicket> added;
            for (std::uint64_t n = rng.below(4); n > 0; --n)
                added.push_back({10 + rng.below(20), kStartS + 3600});
            list = *next_revocations(authority(), "mesh1", list, added, wall(0s));
            for (const auto& one : added)
                revoked.insert(one.serial);
            Effects out;
            gate.on_revocations(list->envelope, out);
            RC_ASSERT(out == Effects{RevocationsChanged{list->envelope}});
        }
        for (std::uint64_t serial = 10; serial < 30; ++serial)
            RC_ASSERT(gate.revocations()->value.contains(serial) == revoked.contains(serial));
    }));
}

}  // namespace
}  // namespace grapevine::admission
