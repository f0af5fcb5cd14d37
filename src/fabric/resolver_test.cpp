// Whom a question is sent to, and how it ends.

#include "fabric/resolver.hpp"

#include <gtest/gtest.h>

#include "fabric/resolver_testing.hpp"

namespace grapevine::fabric {
namespace {

using namespace testing;
using wire::ResolveCode;

// A gateway of mesh1 that knows mesh2 by one side of three gateways.
struct OnDuty : Asker {
    explicit OnDuty(ResolverConfig c = resolver_config(), std::uint64_t seed = 1) : Asker(std::move(c), seed) {
        routes.meshes["mesh2"] = {Side{addrs({20, 21, 22})}};
        members.of_type["broker"] = {5, 6};
    }
};

std::string full_name(std::uint32_t n) {
    return "mesh2.broker." + id(n).hex();
}

TEST(Resolver, ItsOwnMeshIsAnsweredAtOnce) {
    OnDuty node;
    node.ask(7, "mesh1.broker", at(0s));
    ASSERT_EQ(node.done().size(), 1U);
    EXPECT_EQ(node.done()[0].question, QuestionId{7});
    const Outcome outcome = node.only_outcome();
    EXPECT_EQ(outcome.verdict, Verdict::found);
    EXPECT_EQ(outcome.origin, Origin::own_mesh);
    EXPECT_EQ(ids_of(outcome), (std::vector{id(5), id(6)}));
    EXPECT_EQ(outcome.candidates[0].via, id(1));
    EXPECT_EQ(outcome.candidates[0].age, 1s);
    node.ask(8, "mesh1.broker." + id(6).short_hex(6), at(0s));
    EXPECT_EQ(ids_of(node.only_outcome()), std::vector{id(6)});
    node.ask(9, "mesh1.registry", at(0s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::no_such_node);
    EXPECT_EQ(node.resolver.in_flight(), 0U);
}

TEST(Resolver, WhatIsNoNameIsNobody) {
    OnDuty node;
    for (const std::string& bad : {std::string(""), std::string("mesh2"), std::string("mesh2.Broker"), id(5).hex()}) {
        node.ask(1, bad, at(0s));
        EXPECT_EQ(node.only_outcome().verdict, Verdict::no_such_node) << bad;
    }
    EXPECT_EQ(node.resolver.counters().bad_names, 4U);
}

TEST(Resolver, AGatewayAsksAGatewayOfTheTarget) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s));
    const SendQuestion asked = node.only_sent();
    EXPECT_EQ(asked.name, "mesh2.broker");
    EXPECT_EQ(asked.hops, 1);
    EXPECT_EQ(node.routes.used, std::vector<std::string>{"mesh2"});
    node.answer(asked.id, found("mesh2", "broker", {30, 31}), at(100ms));
    const Outcome outcome = node.only_outcome();
    EXPECT_EQ(outcome.verdict, Verdict::found);
    EXPECT_EQ(outcome.origin, Origin::asked);
    EXPECT_EQ(ids_of(outcome), sorted_ids({30, 31}));
    EXPECT_EQ(outcome.candidates[0].via, asked.to.id);
    EXPECT_EQ(outcome.candidates[0].age, 1s);
    EXPECT_EQ(outcome.candidates[0].digest, digest("mesh2", "broker", 10));
    EXPECT_EQ(node.resolver.in_flight(), 0U);
    EXPECT_FALSE(node.resolver.next_deadline());
}

TEST(Resolver, AMemberAsksAFellow) {
    Asker node;
    node.routes.duty = false;
    node.routes.own = addrs({2, 3});
    node.routes.meshes["mesh2"] = {Side{addrs({20})}};
    node.ask(1, "mesh2.broker", at(0s));
    EXPECT_EQ(node.only_sent().hops, 2) << "what it heard when it was on duty is old";
    EXPECT_TRUE(node.only_sent().to.id == id(2) || node.only_sent().to.id == id(3));
    node.answer(node.only_sent().id, nothing(ResolveCode::unknown_mesh), at(1s));
    EXPECT_EQ(node.only_sent().hops, 2);
    node.answer(node.only_sent().id, found("mesh2", "broker", {30}), at(2s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::found);
}

TEST(Resolver, WithoutAnyGatewayOtherMeshesAreUnknown) {
    Asker node;
    node.routes.duty = false;
    node.ask(1, "mesh2.broker", at(0s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::unknown_mesh);
    EXPECT_EQ(node.only_outcome().text, "this mesh has no gateway");
}

TEST(Resolver, OnDutyFellowsAreAskedForAnUnknownMesh) {
    OnDuty node;
    node.ask(1, "mesh3.broker", at(0s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::unknown_mesh);
    node.routes.own = addrs({2});
    node.ask(2, "mesh3.broker", at(10s));
    EXPECT_EQ(node.only_sent().hops, 2) << "this node may be new on duty";
    node.answer(node.only_sent().id, nothing(ResolveCode::unknown_mesh), at(11s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::unknown_mesh);
}

TEST(Resolver, TheNextIsAskedWhenOneFails) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s));
    const SendQuestion first = node.only_sent();
    node.fail(first.id, at(100ms));
    const SendQuestion second = node.only_sent();
    EXPECT_NE(second.to.id, first.to.id);
    node.fail(second.id, at(200ms));
    EXPECT_TRUE(node.sent().empty()) << "two are asked";
    EXPECT_EQ(node.only_outcome().verdict, Verdict::unreachable);
    EXPECT_EQ(node.resolver.counters().failed, 2U);
}

TEST(Resolver, TheNextIsAskedWhenOneIsSilentAndEitherMayAnswer) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s));
    const SendQuestion first = node.only_sent();
    node.run_until(at(1499ms));
    EXPECT_TRUE(node.out.empty());
    node.run_until(at(1500ms));
    const SendQuestion second = node.only_sent();
    node.answer(first.id, found("mesh2", "broker", {30}), at(1600ms));
    EXPECT_EQ(node.only_outcome().candidates[0].via, first.to.id);
    EXPECT_EQ(pick<DropQuestion>(node.out), std::vector{DropQuestion{second.id}});
    node.answer(second.id, found("mesh2", "broker", {31}), at(1700ms));
    EXPECT_TRUE(node.out.empty());
    EXPECT_EQ(node.resolver.counters().late, 1U);
}

TEST(Resolver, SilenceEndsUnreachable) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s));
    node.run_until(at(4499ms));
    EXPECT_TRUE(node.done().empty());
    node.run_until(at(4500ms));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::unreachable);
    EXPECT_EQ(node.resolver.counters().overdue, 2U);
    EXPECT_FALSE(node.resolver.next_deadline());
}

TEST(Resolver, TheDeadlineIsTheEnd) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s), 700ms);
    const SendQuestion asked = node.only_sent();
    node.run_until(at(700ms));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::deadline);
    EXPECT_EQ(pick<DropQuestion>(node.out), std::vector{DropQuestion{asked.id}});
    node.ask(2, "mesh2.broker", at(1s), 0s);
    EXPECT_EQ(node.only_outcome().verdict, Verdict::deadline);
    EXPECT_TRUE(node.sent().empty());
}

TEST(Resolver, TheDeadlineTellsWhatIsKnownByThen) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s), 700ms);
    node.answer(node.only_sent().id, nothing(ResolveCode::no_such_node, "no broker here"), at(100ms));
    EXPECT_EQ(node.sent().size(), 1U) << "one gateway may withhold";
    node.run_until(at(700ms));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::no_such_node);
    EXPECT_EQ(node.only_outcome().text, "no broker here");
}

TEST(Resolver, TheVerdictThatTellsMostIsTaken) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s));
    node.answer(node.only_sent().id, nothing(ResolveCode::no_such_node), at(1s));
    node.answer(node.only_sent().id, nothing(ResolveCode::busy), at(1s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::no_such_node);
    node.ask(2, "mesh2.registry", at(2s));
    node.answer(node.only_sent().id, nothing(ResolveCode::refused), at(2s));
    node.fail(node.only_sent().id, at(2s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::refused);
}

TEST(Resolver, AnswersAreKeptForAWhile) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s));
    const SendQuestion asked = node.only_sent();
    node.answer(asked.id, found("mesh2", "broker", {30}), at(0s));
    node.ask(2, "mesh2.broker", at(29s));
    const Outcome cached = node.only_outcome();
    EXPECT_EQ(cached.origin, Origin::cache);
    EXPECT_EQ(cached.as_of, 29s);
    EXPECT_EQ(cached.candidates[0].age, 30s);
    node.ask(3, "mesh2.broker", at(30s));
    EXPECT_EQ(node.sent().size(), 1U);

    node.ask(4, "mesh2.registry", at(40s));
    node.answer(node.only_sent().id, nothing(ResolveCode::no_such_node), at(40s));
    node.answer(node.only_sent().id, nothing(ResolveCode::no_such_node), at(40s));
    node.ask(5, "mesh2.registry", at(41s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::no_such_node);
    EXPECT_EQ(node.only_outcome().origin, Origin::cache);
    node.ask(6, "mesh2.registry", at(42s));
    EXPECT_EQ(node.sent().size(), 1U);
    EXPECT_EQ(node.resolver.counters().cache_hits, 2U);
}

TEST(Resolver, BusyAndRefusedAreNotKept) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s));
    node.answer(node.only_sent().id, nothing(ResolveCode::busy), at(0s));
    node.answer(node.only_sent().id, nothing(ResolveCode::busy), at(0s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::busy);
    node.ask(2, "mesh2.broker", at(0s));
    EXPECT_EQ(node.sent().size(), 1U);
}

TEST(Resolver, ANodeThatWasNotReachedIsAskedForAnew) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s));
    node.answer(node.only_sent().id, found("mesh2", "broker", {30}), at(0s));
    node.resolver.forget(id(31));
    node.ask(2, "mesh2.broker", at(1s));
    EXPECT_EQ(node.done().size(), 1U);
    node.resolver.forget(id(30));
    node.ask(3, "mesh2.broker", at(1s));
    EXPECT_EQ(node.sent().size(), 1U);
}

TEST(Resolver, TheSameQuestionInFlightIsAskedOnce) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s));
    const TryId asked = node.only_sent().id;
    node.ask(2, "mesh2.broker", at(10ms), 50ms);
    EXPECT_TRUE(node.out.empty());
    node.serve(9, 4, "mesh2.broker", 2, at(20ms));
    EXPECT_TRUE(node.out.empty());
    node.ask(3, "mesh2.registry", at(30ms));
    EXPECT_EQ(node.sent().size(), 1U) << "another question";
    node.run_until(at(60ms));
    Outcome late{Verdict::deadline, {}, "no answer in time", Origin::asked, {}};
    late.steps = {{id(20), 1, 0ms, 60ms, StepEnd::passed_over, Verdict::deadline}};
    EXPECT_EQ(node.out, (ResolverEffects{Done{QuestionId{2}, late}}));
    node.answer(asked, found("mesh2", "broker", {30}), at(100ms));
    ASSERT_EQ(node.out.size(), 2U);
    EXPECT_EQ(node.done()[0].question, QuestionId{1});
    EXPECT_EQ(pick<Answer>(node.out), (std::vector{Answer{id(9), AskRef{4}, found("mesh2", "broker", {30})}}));
    EXPECT_EQ(node.resolver.counters().joined, 2U);
}

TEST(Resolver, WaitersAndFlightsAreBounded) {
    ResolverConfig c = resolver_config();
    c.waiters_max = 2;
    c.flights_max = 2;
    OnDuty node(c);
    node.ask(1, "mesh2.a", at(0s));
    node.ask(2, "mesh2.a", at(0s));
    node.ask(3, "mesh2.a", at(0s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::busy);
    node.ask(4, "mesh2.b", at(0s));
    EXPECT_EQ(node.sent().size(), 1U);
    node.ask(5, "mesh2.c", at(0s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::busy);
    node.serve(9, 1, "mesh2.c", 2, at(0s));
    EXPECT_EQ(pick<Answer>(node.out)[0].resolved.code, ResolveCode::busy);
    EXPECT_EQ(node.resolver.counters().busy_waiters, 1U);
    EXPECT_EQ(node.resolver.counters().busy_flights, 2U);
}

TEST(Resolver, WhoCancelsHearsNothing) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s));
    const TryId asked = node.only_sent().id;
    node.ask(2, "mesh2.broker", at(0s));
    node.out.clear();
    node.resolver.cancel(QuestionId{1}, at(1s), node.out);
    EXPECT_TRUE(node.out.empty()) << "another waits still";
    node.resolver.cancel(QuestionId{2}, at(1s), node.out);
    EXPECT_EQ(node.out, (ResolverEffects{DropQuestion{asked}}));
    EXPECT_EQ(node.resolver.in_flight(), 0U);
    EXPECT_FALSE(node.resolver.next_deadline());
}

TEST(Resolver, BothSidesOfASplitMeshAreAskedAtOnce) {
    OnDuty node;
    node.routes.meshes["mesh2"] = {Side{addrs({20, 21})}, Side{addrs({22, 23})}, Side{addrs({24})}};
    node.ask(1, "mesh2.broker", at(0s));
    const auto asked = node.sent();
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_TRUE(asked[0].to.id == id(20) || asked[0].to.id == id(21));
    EXPECT_TRUE(asked[1].to.id == id(22) || asked[1].to.id == id(23));
    node.answer(asked[0].id, found("mesh2", "broker", {30}), at(100ms));
    EXPECT_TRUE(node.out.empty()) << "the other side may know more";
    node.answer(asked[1].id, found("mesh2", "broker", {31}), at(200ms));
    EXPECT_EQ(ids_of(node.only_outcome()), sorted_ids({30, 31}));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::found);
}

TEST(Resolver, ASilentSideDelaysNobodyForLong) {
    OnDuty node;
    node.routes.meshes["mesh2"] = {Side{addrs({20})}, Side{addrs({22})}};
    node.ask(1, "mesh2.broker", at(0s));
    node.answer(node.sent()[1].id, found("mesh2", "broker", {30}), at(100ms));
    node.run_until(at(349ms));
    EXPECT_TRUE(node.out.empty());
    node.run_until(at(350ms));
    EXPECT_EQ(ids_of(node.only_outcome()), std::vector{id(30)});
    EXPECT_EQ(node.only_outcome().candidates[0].age, 1250ms);

    node.ask(2, full_name(31), at(1s));
    const auto asked = node.sent();
    node.answer(asked[0].id, found("mesh2", "broker", {31}), at(1s));
    EXPECT_EQ(node.done().size(), 1U) << "nobody else can have this id";
}

TEST(Resolver, ANodeOnOneSideIsFoundWhateverTheOtherSays) {
    OnDuty node;
    node.routes.meshes["mesh2"] = {Side{addrs({20})}, Side{addrs({22})}};
    node.ask(1, full_name(31), at(0s));
    const auto asked = node.sent();
    node.answer(asked[0].id, nothing(ResolveCode::no_such_node), at(0s));
    EXPECT_TRUE(node.done().empty());
    node.answer(asked[1].id, found("mesh2", "broker", {31}), at(1s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::found);
}

TEST(Resolver, AnAmbiguousNameIsToldAsSuch) {
    OnDuty node;
    node.ask(1, "mesh2.broker." + id(30).short_hex(6), at(0s));
    wire::Resolved two = found("mesh2", "broker", {30});
    two.code = ResolveCode::ambiguous;
    node.answer(node.only_sent().id, two, at(0s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::ambiguous);
    EXPECT_EQ(ids_of(node.only_outcome()), std::vector{id(30)});
}

// Invariant 5.
TEST(Resolver, PeersAreServed) {
    OnDuty node;
    node.serve(9, 4, "mesh1.broker", 1, at(0s));
    ASSERT_EQ(pick<Answer>(node.out).size(), 1U);
    EXPECT_EQ(pick<Answer>(node.out)[0], (Answer{id(9), AskRef{4}, found("mesh1", "broker", {5, 6})}));
    node.serve(9, 5, "mesh2.broker", 1, at(0s));
    EXPECT_EQ(pick<Answer>(node.out)[0].resolved.code, ResolveCode::refused) << "it has no hop left";
    node.serve(9, 6, "mesh3.broker", 2, at(0s));
    EXPECT_EQ(pick<Answer>(node.out)[0].resolved.code, ResolveCode::unknown_mesh);
    node.serve(9, 7, "nonsense", 2, at(0s));
    EXPECT_EQ(pick<Answer>(node.out)[0].resolved.code, ResolveCode::no_such_node);
    node.serve(9, 8, "mesh2.broker", 255, at(0s));
    EXPECT_EQ(node.only_sent().hops, 1) << "whatever was asked for";
    node.run_until(at(10s));
    EXPECT_EQ(pick<Answer>(node.out)[0].resolved.code, ResolveCode::unreachable);
    node.routes.duty = false;
    node.serve(9, 9, "mesh2.broker", 2, at(20s));
    EXPECT_EQ(pick<Answer>(node.out)[0].resolved.code, ResolveCode::refused);
    EXPECT_EQ(pick<Answer>(node.out)[0].resolved.text, "not on duty as a gateway");
    node.serve(9, 10, "mesh1.broker", 2, at(20s));
    EXPECT_EQ(pick<Answer>(node.out)[0].resolved.code, ResolveCode::found) << "its own mesh it knows";
}

TEST(Resolver, AServedQuestionNeverWaitsForAFellow) {
    OnDuty node;
    node.routes.own = addrs({2});
    node.ask(1, "mesh3.broker", at(0s));
    EXPECT_EQ(node.only_sent().to.id, id(2));
    node.serve(2, 1, "mesh3.broker", 2, at(0s));
    ASSERT_EQ(pick<Answer>(node.out).size(), 1U) << "or two fellows would wait for each other";
    EXPECT_EQ(pick<Answer>(node.out)[0].resolved.code, ResolveCode::unknown_mesh);
}

TEST(Resolver, PeersAreAnsweredFromTheCacheWhileItIsYoung) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s));
    node.answer(node.only_sent().id, found("mesh2", "broker", {30}, 10, 10'000), at(0s));
    node.serve(9, 1, "mesh2.broker", 2, at(20s));
    ASSERT_EQ(pick<Answer>(node.out).size(), 1U);
    EXPECT_EQ(pick<Answer>(node.out)[0].resolved.digests[0].age_ms, 30'000U);
    node.serve(9, 2, "mesh2.broker", 2, at(21s));
    EXPECT_EQ(node.sent().size(), 1U) << "the peer would take it for a lie";
}

TEST(Resolver, APeerThatAsksTooOftenWaits) {
    OnDuty node;
    for (std::uint64_t n = 0; n < 40; ++n)
        node.serve(9, n, "mesh1.broker", 1, at(0s));
    node.serve(9, 40, "mesh1.broker", 1, at(0s));
    EXPECT_EQ(pick<Answer>(node.out)[0].resolved.code, ResolveCode::busy);
    node.serve(8, 1, "mesh1.broker", 1, at(0s));
    EXPECT_EQ(pick<Answer>(node.out)[0].resolved.code, ResolveCode::found);
    node.serve(9, 41, "mesh1.broker", 1, at(50ms));
    EXPECT_EQ(pick<Answer>(node.out)[0].resolved.code, ResolveCode::found);
    EXPECT_EQ(node.resolver.counters().busy_rate, 1U);
}

TEST(Resolver, AnAskerThatGoesIsNotAnswered) {
    OnDuty node;
    node.serve(9, 1, "mesh2.broker", 2, at(0s));
    const TryId asked = node.only_sent().id;
    node.out.clear();
    node.resolver.on_asker_gone(id(9), AskRef{2}, at(1s), node.out);
    EXPECT_EQ(node.resolver.in_flight(), 1U);
    node.resolver.on_asker_gone(id(9), AskRef{1}, at(1s), node.out);
    EXPECT_EQ(node.out, (ResolverEffects{DropQuestion{asked}}));
}

TEST(Resolver, GatewaysThatFailedAreAskedLast) {
    OnDuty node;
    node.ask(1, "mesh2.a", at(0s));
    const EndpointId silent = node.only_sent().to.id;
    node.fail(node.only_sent().id, at(0s));
    node.answer(node.only_sent().id, found("mesh2", "a", {30}), at(0s));
    for (std::uint64_t n = 0; n < 20; ++n) {
        node.ask(2 + n, "mesh2.b" + std::to_string(n), at(1s));
        EXPECT_NE(node.only_sent().to.id, silent);
    }
    bool asked_again = false;
    for (std::uint64_t n = 0; n < 20; ++n) {
        node.ask(50 + n, "mesh2.c" + std::to_string(n), at(31s));
        asked_again = asked_again || node.only_sent().to.id == silent;
    }
    EXPECT_TRUE(asked_again) << "after a while it is tried again";
}

TEST(Resolver, LoadSpreadsOverTheGateways) {
    OnDuty node;
    std::map<EndpointId, int> asked;
    for (std::uint64_t n = 0; n < 300; ++n) {
        node.ask(n, "mesh2.t" + std::to_string(n), at(0s));
        ++asked[node.only_sent().to.id];
    }
    ASSERT_EQ(asked.size(), 3U);
    for (const auto& [gateway, count] : asked)
        EXPECT_GT(count, 60);
}

TEST(Resolver, ACacheHasARowForEachCandidate) {
    OnDuty node;
    node.ask(1, "mesh2.broker", at(0s));
    const EndpointId via = node.only_sent().to.id;
    node.answer(node.only_sent().id, found("mesh2", "broker", {30}), at(0s));
    node.ask(2, "mesh2.registry", at(4s));
    node.answer(node.only_sent().id, nothing(ResolveCode::no_such_node), at(4s));
    node.answer(node.only_sent().id, nothing(ResolveCode::no_such_node), at(4s));
    const auto rows = node.resolver.cache(at(5s));
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0], (CacheRow{"mesh2.broker", Verdict::found, "mesh2.broker." + id(30).short_hex(6), "mesh2",
                                 "broker", id(30), digest("mesh2", "broker", 10).addrs, 6s, via, 5s}));
    EXPECT_EQ(rows[1].asked, "mesh2.registry");
    EXPECT_EQ(rows[1].verdict, Verdict::no_such_node);
    EXPECT_EQ(rows[1].as_of, 1s);
    EXPECT_EQ(node.resolver.cache(at(29s)).size(), 1U);
    EXPECT_TRUE(node.resolver.cache(at(30s)).empty());
}

TEST(Resolver, TheCacheIsBounded) {
    ResolverConfig c = resolver_config();
    c.cache_max = 2;
    OnDuty node(c);
    for (const std::string& type : {std::string("a"), std::string("b"), std::string("c")}) {
        node.ask(1, "mesh2." + type, at(0s));
        node.answer(node.only_sent().id, found("mesh2", type, {30}), at(0s));
    }
    EXPECT_EQ(node.resolver.cache(at(1s)).size(), 2U);
    EXPECT_EQ(node.resolver.counters().cache_displaced, 1U);
}

TEST(Resolver, EveryVerdictOriginAndLieHasAName) {
    EXPECT_EQ(name(Verdict::found), "found");
    EXPECT_EQ(name(Verdict::unreachable), "unreachable");
    EXPECT_EQ(name(Verdict::deadline), "deadline");
    EXPECT_EQ(name(Origin::own_mesh), "own_mesh");
    for (std::size_t i = 0; i < kLies; ++i)
        EXPECT_NE(name(static_cast<Lie>(i)), "unknown");
}

}  // namespace
}  // namespace grapevine::fabric
