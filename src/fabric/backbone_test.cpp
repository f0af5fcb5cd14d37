// What is heard of other meshes: what counts, what is refused, and what is kept.

#include "fabric/backbone.hpp"

#include <gtest/gtest.h>

#include "fabric/fabric_testing.hpp"

namespace grapevine::fabric {
namespace {

using namespace testing;

std::vector<std::uint32_t> numbers(std::uint32_t first, std::uint32_t count) {
    std::vector<std::uint32_t> result;
    result.reserve(count);
    for (std::uint32_t n = 0; n < count; ++n)
        result.push_back(first + n);
    return result;
}

TEST(Backbone, AMeshAppearsChangesAndGoes) {
    Gateway gateway;
    gateway.hear(9, summary("mesh2", 10, {9, 8}), at(0s));
    EXPECT_EQ(gateway.out, (Effects{MeshAppeared{"mesh2"}}));
    EXPECT_EQ(gateway.backbone.route("mesh2", at(0s)), (std::vector{Side{addrs({9, 8})}}));
    gateway.hear(9, summary("mesh2", 11, {9, 8}), at(60s));
    EXPECT_TRUE(gateway.out.empty()) << "refreshed";
    gateway.hear(9, summary("mesh2", 12, {9, 7}), at(70s));
    EXPECT_EQ(gateway.out, (Effects{MeshChanged{"mesh2"}}));
    gateway.run_until(at(70s + 188s));
    EXPECT_TRUE(gateway.out.empty());
    gateway.run_until(at(70s + 189s));
    EXPECT_EQ(gateway.out, (Effects{MeshGone{"mesh2", GoneCause::stale}}));
    EXPECT_TRUE(gateway.backbone.route("mesh2", at(260s)).empty());
    EXPECT_EQ(gateway.backbone.counters().gone_stale, 1U);
}

TEST(Backbone, ForgedAndBrokenSummariesChangeNothing) {
    Gateway gateway;
    gateway.hear(9, summary("mesh2", 10, {9}), at(0s));
    Bytes forged = said(9, summary("mesh2", 11, {9, 7}));
    forged.back() ^= 1U;
    gateway.hear(forged, at(1s), 55);
    EXPECT_EQ(gateway.out, (Effects{Refused{id(55), Refusal::bad_signature}}));

    // Signed by another key than the one that it names.
    Bytes stolen = said(6, summary("mesh2", 11, {9, 7}));
    const EndpointId victim = id(9);
    std::copy(victim.bytes.begin(), victim.bytes.end(), stolen.begin() + 1);
    gateway.hear(stolen, at(1s));
    EXPECT_EQ(gateway.refused(Refusal::bad_signature), 2U);

    gateway.hear(Bytes(wire::kSummaryMax + 1), at(1s));
    gateway.hear(Bytes(100), at(1s));
    Bytes other_kind = said(9, summary("mesh2", 11, {9}));
    other_kind[0] = 2;
    gateway.hear(other_kind, at(1s));
    EXPECT_EQ(gateway.refused(Refusal::oversized), 1U);
    EXPECT_EQ(gateway.refused(Refusal::malformed), 1U);
    EXPECT_EQ(gateway.refused(Refusal::unknown_kind), 1U);
    EXPECT_EQ(gateway.backbone.route("mesh2", at(1s)), (std::vector{Side{addrs({9})}}));
}

TEST(Backbone, OnlyWhoNamesItselfAGatewayMaySpeak) {
    Gateway gateway;
    gateway.hear(9, summary("mesh2", 10, {8, 7}), at(0s));
    EXPECT_EQ(gateway.out, (Effects{Refused{id(99), Refusal::not_a_gateway}}));
    gateway.hear(9, summary("mesh2", 11, {}), at(0s));
    EXPECT_EQ(gateway.refused(Refusal::not_a_gateway), 2U);
}

TEST(Backbone, AnotherFabricIsAnother) {
    Gateway gateway;
    wire::Summary other = summary("mesh2", 10, {9});
    other.fabric = "other";
    gateway.hear(9, other, at(0s));
    EXPECT_EQ(gateway.out, (Effects{Refused{id(99), Refusal::other_fabric}}));
}

TEST(Backbone, ReplayedSummariesAreRefused) {
    Gateway gateway;
    const Bytes old = said(9, summary("mesh2", 10, {9, 8}));
    const Bytes fresh = said(9, summary("mesh2", 11, {9}));
    gateway.hear(old, at(0s));
    gateway.hear(fresh, at(2s));
    gateway.hear(fresh, at(3s));
    EXPECT_EQ(gateway.out, (Effects{Refused{id(99), Refusal::duplicate}}));
    gateway.hear(old, at(4s));
    EXPECT_EQ(gateway.out, (Effects{Refused{id(99), Refusal::not_newer}}));
    gateway.run_until(at(200s));
    ASSERT_TRUE(gateway.backbone.route("mesh2", at(200s)).empty());
    gateway.hear(fresh, at(201s));
    EXPECT_EQ(gateway.out, (Effects{Refused{id(99), Refusal::after_removal}})) << "also after it was stale";
    gateway.hear(9, summary("mesh2", 12, {9}), at(202s));
    EXPECT_EQ(gateway.out, (Effects{MeshAppeared{"mesh2"}}));
    EXPECT_EQ(gateway.backbone.table().graves(), 0U);
}

TEST(Backbone, GravesEndAndAreBounded) {
    BackboneConfig c = config();
    c.graves_max = 2;
    Gateway gateway(1, c);
    for (std::uint32_t n = 10; n < 13; ++n)
        gateway.hear(n, summary("mesh" + std::to_string(n), 10, {n}), at(0s));
    gateway.run_until(at(200s));
    EXPECT_EQ(gateway.backbone.table().graves(), 2U);
    EXPECT_EQ(gateway.backbone.counters().graves_displaced, 1U);
    gateway.run_until(at(189s + 10min));
    EXPECT_EQ(gateway.backbone.table().graves(), 0U);
    EXPECT_FALSE(gateway.backbone.next_deadline());
}

TEST(Backbone, AKeySpeaksForOneMesh) {
    Gateway gateway;
    gateway.hear(9, summary("mesh2", 10, {9}), at(0s));
    gateway.hear(8, summary("mesh3", 10, {8}), at(0s));
    gateway.hear(9, summary("mesh3", 11, {9}), at(1s));
    EXPECT_EQ(gateway.out, (Effects{MeshGone{"mesh2", GoneCause::moved}, MeshChanged{"mesh3"}}));
    gateway.hear(9, summary("mesh2", 10, {9}), at(2s));
    EXPECT_EQ(gateway.refused(Refusal::not_newer), 1U);
}

TEST(Backbone, ASignerIsLimited) {
    Gateway gateway;
    for (std::uint64_t sequence = 1; sequence <= 8; ++sequence)
        gateway.hear(9, summary("mesh2", sequence, {9}), at(0s));
    EXPECT_EQ(gateway.backbone.counters().accepted, 8U);
    gateway.hear(9, summary("mesh2", 9, {9}), at(0s));
    EXPECT_EQ(gateway.out, (Effects{Refused{id(99), Refusal::rate_limited}}));
    gateway.hear(9, summary("mesh3", 9, {9}), at(0s));
    EXPECT_EQ(gateway.refused(Refusal::rate_limited), 2U) << "also when it moves";
    gateway.hear(9, summary("mesh2", 9, {9}), at(1s));
    EXPECT_EQ(gateway.backbone.counters().accepted, 9U);
}

TEST(Backbone, NewSpeakersAreLimitedAllTogether) {
    BackboneConfig c = config();
    c.new_speakers = {1, 3};
    Gateway gateway(1, c);
    for (std::uint32_t n = 10; n < 14; ++n)
        gateway.hear(n, summary("mesh" + std::to_string(n), 1, {n}), at(0s));
    EXPECT_EQ(gateway.refused(Refusal::rate_limited), 1U);
    gateway.hear(10, summary("mesh10", 2, {10}), at(0s));
    EXPECT_EQ(gateway.refused(Refusal::rate_limited), 1U) << "who is known is not new";
    gateway.hear(13, summary("mesh13", 1, {13}), at(1s));
    EXPECT_EQ(gateway.backbone.table().meshes().size(), 4U);
}

TEST(Backbone, AMeshSplitInTwoShowsBothSides) {
    Gateway gateway;
    gateway.hear(10, summary("mesh2", 1, {10, 11, 12}), at(0s));
    gateway.hear(11, summary("mesh2", 1, {11, 12}), at(10s));
    EXPECT_EQ(gateway.backbone.route("mesh2", at(10s)), (std::vector{Side{addrs({11, 12})}}))
        << "10 named 11, which says that 10 is not on duty";
    EXPECT_EQ(gateway.backbone.counters().speakers_superseded, 1U);
    gateway.hear(10, summary("mesh2", 2, {10, 13}), at(11s));
    EXPECT_EQ(gateway.backbone.route("mesh2", at(11s)), (std::vector{Side{addrs({11, 12})}, Side{addrs({10, 13})}}));
    EXPECT_EQ(gateway.backbone.snapshot(at(12s)).at(0).sides.size(), 2U);

    gateway.hear(10, summary("mesh2", 3, {10, 11, 12}), at(20s));
    ASSERT_EQ(gateway.backbone.route("mesh2", at(20s)).size(), 1U) << "healed";
}

TEST(Backbone, StrangersDoNotSupersedeWhoDidNotNameThem) {
    Gateway gateway;
    gateway.hear(10, summary("mesh2", 1, {10, 11}), at(0s));
    gateway.hear(66, summary("mesh2", 1, {66, 11}), at(1s));
    EXPECT_EQ(gateway.backbone.counters().speakers_superseded, 0U);
    wire::Summary false_addrs = summary("mesh2", 2, {66, 10});
    false_addrs.gateways[1].addrs = {base::SocketAddr::v4(6, 6, 6, 6, 666)};
    gateway.hear(66, false_addrs, at(2s));
    const auto sides = gateway.backbone.route("mesh2", at(2s));
    ASSERT_EQ(sides.size(), 1U);
    EXPECT_EQ(sides[0].gateways, (std::vector{addr(10), addr(11), addr(66)})) << "the first speaker's word on 10";
}

TEST(Backbone, TheFirstSpeakersOfAMeshAreNotPushedOut) {
    Gateway gateway;
    gateway.hear(10, summary("mesh2", 1, {10, 11, 12}), at(0s));
    // Strangers that name each other.
    for (std::uint32_t n = 60; n < 80; ++n)
        gateway.hear(n, summary("mesh2", 1, {n, n ^ 1U}), at(1s));
    EXPECT_EQ(gateway.refused(Refusal::speakers_full), 15U);
    EXPECT_EQ(gateway.backbone.route("mesh2", at(1s))[0].gateways, addrs({10, 11, 12}));
    // Those that the first speaker named find a place.
    gateway.hear(11, summary("mesh2", 1, {10, 11, 12}), at(2s));
    gateway.hear(12, summary("mesh2", 1, {10, 11, 12}), at(2s));
    EXPECT_EQ(gateway.backbone.counters().speakers_displaced, 2U);
    const auto& speakers = gateway.backbone.table().meshes().at("mesh2").speakers;
    EXPECT_EQ(speakers.size(), 6U);
    EXPECT_TRUE(speakers.contains(id(10)) && speakers.contains(id(11)) && speakers.contains(id(12)));
}

// Invariant 3.
TEST(Backbone, AFloodOfInventedMeshesDisplacesItsOwnKind) {
    BackboneConfig c = config();
    c.meshes_max = 6;
    Gateway gateway(1, c);
    gateway.hear(10, summary("old", 1, {10}), at(0s));
    gateway.hear(11, summary("used", 1, {11}), at(150s));
    gateway.hear(12, summary("idle", 1, {12}), at(151s));
    gateway.backbone.route("used", at(152s));
    for (std::uint32_t n = 100; n < 150; ++n)
        gateway.hear(n, summary("flood" + std::to_string(n), 1, {n}), at(160s));
    EXPECT_EQ(gateway.backbone.counters().gone_displaced, 47U);
    const auto& meshes = gateway.backbone.table().meshes();
    EXPECT_EQ(meshes.size(), 6U);
    EXPECT_TRUE(meshes.contains("old")) << "known for long";
    EXPECT_TRUE(meshes.contains("used"));
    EXPECT_TRUE(meshes.contains("idle")) << "older than the flood";
    EXPECT_TRUE(meshes.contains("flood149"));
}

TEST(Backbone, AFullTableOfOldMeshesRefusesNewOnes) {
    BackboneConfig c = config();
    c.meshes_max = 2;
    c.pins = {{"pinned", id(70)}};
    FakeAdmits admits;
    admits.authority_of[id(13)] = id(70);
    c.admits = &admits;
    Gateway gateway(1, c);
    gateway.hear(10, summary("a", 1, {10}), at(0s));
    gateway.hear(11, summary("b", 1, {11}), at(0s));
    gateway.hear(12, summary("c", 1, {12}), at(121s));
    EXPECT_EQ(gateway.out, (Effects{Refused{id(99), Refusal::table_full}}));
    wire::Summary pinned = summary("pinned", 1, {13});
    pinned.authority = id(70);
    gateway.backbone.route("b", at(121s));
    gateway.hear(13, pinned, at(121s));
    EXPECT_EQ(gateway.out, (Effects{MeshGone{"a", GoneCause::displaced}, MeshAppeared{"pinned"}}));
}

TEST(Backbone, TheAuthorityOfAMeshIsTheFirstThatWasSeen) {
    FakeAdmits admits;
    admits.authority_of = {{id(10), id(70)}, {id(11), id(71)}};
    BackboneConfig c = config();
    c.admits = &admits;
    Gateway gateway(1, c);
    wire::Summary closed = summary("mesh2", 1, {10});
    closed.authority = id(70);
    closed.ticket = {1};
    gateway.hear(10, closed, at(0s));
    EXPECT_EQ(gateway.backbone.authority("mesh2"), id(70));
    gateway.hear(12, summary("mesh2", 1, {12}), at(1s));
    EXPECT_EQ(gateway.refused(Refusal::other_authority), 1U) << "an open one of that name";
    closed.authority = id(71);
    closed.gateways = addrs({11});
    gateway.hear(11, closed, at(1s));
    EXPECT_EQ(gateway.refused(Refusal::other_authority), 2U);
    closed.authority = id(70);
    gateway.hear(11, closed, at(1s));
    EXPECT_EQ(gateway.refused(Refusal::not_admitted), 1U) << "its ticket is of another authority";
    gateway.run_until(at(200s));
    gateway.hear(12, summary("mesh2", 1, {12}), at(200s));
    EXPECT_EQ(gateway.out, (Effects{MeshAppeared{"mesh2"}})) << "only while the entry lives";
    EXPECT_EQ(gateway.backbone.authority("mesh2"), std::nullopt);
}

TEST(Backbone, APinnedAuthorityIsTheOnlyOne) {
    FakeAdmits admits;
    admits.authority_of = {{id(10), id(70)}, {id(11), id(71)}};
    BackboneConfig c = config();
    c.admits = &admits;
    c.pins = {{"mesh2", id(71)}};
    Gateway gateway(1, c);
    EXPECT_EQ(gateway.backbone.authority("mesh2"), id(71)) << "also before anything is heard";
    gateway.hear(12, summary("mesh2", 1, {12}), at(0s));
    wire::Summary closed = summary("mesh2", 1, {10});
    closed.authority = id(70);
    gateway.hear(10, closed, at(0s));
    EXPECT_EQ(gateway.refused(Refusal::other_authority), 2U);
    closed = summary("mesh2", 1, {11});
    closed.authority = id(71);
    gateway.hear(11, closed, at(0s));
    EXPECT_EQ(gateway.out, (Effects{MeshAppeared{"mesh2"}}));
}

TEST(Backbone, WithoutAJudgeNobodyIsAdmitted) {
    Gateway gateway;
    wire::Summary closed = summary("mesh2", 1, {10});
    closed.authority = id(70);
    gateway.hear(10, closed, at(0s));
    EXPECT_EQ(gateway.out, (Effects{Refused{id(99), Refusal::not_admitted}}));
}

TEST(Backbone, TheOtherPartOfItsOwnMeshIsTold) {
    Gateway gateway(1);
    gateway.own({1, 2}, at(0s));
    gateway.hear(2, summary("mesh1", 1, {1, 2}), at(1s));
    EXPECT_TRUE(gateway.out.empty());
    gateway.hear(3, summary("mesh1", 1, {2, 3}), at(2s));
    EXPECT_EQ(gateway.out, (Effects{OwnMeshElsewhere{addrs({3})}}));
    EXPECT_TRUE(gateway.backbone.snapshot(at(2s)).empty()) << "it is no other mesh";
    gateway.run_until(at(200s));
    EXPECT_TRUE(pick<MeshGone>(gateway.out).empty());
}

TEST(Backbone, ItsOwnMeshIsClosedOrOpenAsItIs) {
    Gateway gateway(1);
    gateway.own({1, 2}, at(0s));
    wire::Summary closed = summary("mesh1", 1, {2});
    closed.authority = id(70);
    gateway.hear(2, closed, at(1s));
    EXPECT_EQ(gateway.refused(Refusal::other_authority), 1U);
}

TEST(Backbone, BootstrapNamesSeedsFellowsAndGatewaysHeardOf) {
    BackboneConfig c = config();
    c.seeds = addrs({50, 1, 2});
    Gateway gateway(1, c);
    gateway.own({1, 2, 3}, at(0s));
    gateway.hear(10, summary("mesh2", 1, {10, 11}), at(0s));
    EXPECT_EQ(gateway.backbone.bootstrap(), addrs({50, 2, 3, 10, 11}));
    for (std::uint32_t n = 20; n < 40; ++n)
        gateway.hear(n, summary("mesh" + std::to_string(n), 1, {n}), at(0s));
    EXPECT_EQ(gateway.backbone.bootstrap().size(), kBootstrapMax);
}

TEST(Backbone, ARowForEachMesh) {
    Gateway gateway;
    gateway.hear(11, summary("mesh3", 1, {11}), at(0s));
    wire::Summary two = summary("mesh2", 1, {10});
    two.members = {{"broker", 4}};
    gateway.hear(10, two, at(5s));
    const auto rows = gateway.backbone.snapshot(at(10s));
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0], (MeshRow{"mesh2", {Side{addrs({10})}}, {{"broker", 4}}, std::nullopt, 5s}));
    EXPECT_EQ(rows[1].mesh, "mesh3");
    EXPECT_EQ(rows[1].age, 10s);
}

// Rule 8.
TEST(Backbone, ASeedThatNobodyNamesIsTriedForEver) {
    BackboneConfig c = config();
    c.seeds = addrs({50, 60, 1, 2});
    Gateway gateway(1, c);
    gateway.own({1, 2}, at(0s));
    gateway.hear(60, summary("mesh6", 1, {60, 61}), at(1s));
    gateway.run_until(at(120s));
    const auto joins = pick<JoinBackbone>(gateway.out);
    ASSERT_EQ(joins.size(), 4U) << "after 5, 15, 35 and 75 seconds";
    for (const JoinBackbone& join : joins)
        EXPECT_EQ(join.peers, addrs({50})) << "the others are there";
    gateway.hear(50, summary("mesh5", 1, {50}), at(121s));
    gateway.hear(60, summary("mesh6", 2, {60, 61}), at(121s));
    gateway.run_until(at(300s));
    EXPECT_TRUE(pick<JoinBackbone>(gateway.out).empty());
    gateway.run_until(at(500s));
    EXPECT_FALSE(pick<JoinBackbone>(gateway.out).empty()) << "both went stale";
    gateway.own({3, 4, 5}, at(500s));
    gateway.run_until(at(900s));
    EXPECT_TRUE(pick<JoinBackbone>(gateway.out).empty()) << "off duty";
}

TEST(Backbone, EveryRefusalOccasionAndCauseHasAName) {
    for (std::size_t i = 0; i < kRefusals; ++i)
        EXPECT_NE(name(static_cast<Refusal>(i)), "unknown");
    for (const auto occasion :
         {Occasion::first, Occasion::change, Occasion::introduction, Occasion::refresh, Occasion::correction})
        EXPECT_NE(name(occasion), "unknown");
    EXPECT_EQ(name(GoneCause::moved), "moved");
    EXPECT_EQ(name(Refusal::count_), "unknown");
}

TEST(Backbone, MeshesBeyondTheBootstrapAreStillRouted) {
    Gateway gateway;
    for (const std::uint32_t n : numbers(100, 50))
        gateway.hear(n, summary("mesh" + std::to_string(n), 1, {n}), at(0s));
    for (const std::uint32_t n : numbers(100, 50))
        EXPECT_EQ(gateway.backbone.route("mesh" + std::to_string(n), at(1s)), (std::vector{Side{addrs({n})}}));
}

}  // namespace
}  // namespace grapevine::fabric
