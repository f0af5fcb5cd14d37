// Liars: which answers count, and what follows from those that do not. Invariant 6.

#include "fabric/answer_check.hpp"

#include <gtest/gtest.h>

#include "fabric/resolver_testing.hpp"

namespace grapevine::fabric {
namespace {

using namespace testing;
using wire::ResolveCode;

struct Liar {
    const char* what;
    Lie lie;
    wire::Resolved answer;
};

wire::Resolved altered() {
    wire::Resolved answer = found("mesh2", "broker", {30});
    answer.digests[0].envelope[50] ^= 1U;
    return answer;
}
wire::Resolved accusing() {
    wire::Resolved answer = found("mesh2", "broker", {});
    const wire::Accusation claim{
        1, "mesh2", id(31), wire::Sequence{1}, wire::AccusationPhase::confirmed, wire::AccusationReason::silent};
    answer.digests.push_back({0, wire::sign(key(30), claim).envelope});
    return answer;
}
wire::Resolved leaving() {
    wire::Digest gone = digest("mesh2", "broker", 10);
    gone.presence = wire::Presence::leaving;
    return {ResolveCode::found, {{0, wire::sign(key(30), gone).envelope}}, {}};
}
// One good digest does not excuse a bad one.
wire::Resolved half_true() {
    wire::Resolved answer = found("mesh2", "broker", {30});
    answer.digests.push_back(found("mesh3", "broker", {31}).digests[0]);
    return answer;
}

std::vector<Liar> liars() {
    return {
        {"altered digest", Lie::bad_signature, altered()},
        {"no statement", Lie::bad_statement, {ResolveCode::found, {{0, Bytes(100)}}, {}}},
        {"an accusation", Lie::bad_statement, accusing()},
        {"other mesh", Lie::other_mesh, found("mesh3", "broker", {30})},
        {"other type", Lie::other_type, found("mesh2", "registry", {30})},
        {"goodbye", Lie::left, leaving()},
        {"too old", Lie::too_old, found("mesh2", "broker", {30}, 10, 30'001)},
        {"nothing", Lie::nothing_found, found("mesh2", "broker", {})},
        {"half true", Lie::other_mesh, half_true()},
        {"ambiguous lie", Lie::other_mesh, {ResolveCode::ambiguous, found("mesh3", "broker", {30}).digests, {}}},
    };
}

TEST(AnswerCheck, ALiarIsCountedAndTheNextIsAsked) {
    for (const Liar& liar : liars()) {
        Asker node;
        node.routes.meshes["mesh2"] = {Side{addrs({20, 21})}};
        node.ask(1, "mesh2.broker", at(0s));
        const SendQuestion first = node.only_sent();
        node.answer(first.id, liar.answer, at(1s));
        EXPECT_EQ(pick<Lied>(node.out), (std::vector{Lied{first.to.id, liar.lie}})) << liar.what;
        EXPECT_EQ(node.resolver.counters()[liar.lie], 1U) << liar.what;
        const SendQuestion second = node.only_sent();
        EXPECT_NE(second.to.id, first.to.id);
        node.answer(second.id, found("mesh2", "broker", {30}), at(1s));
        EXPECT_EQ(ids_of(node.only_outcome()), std::vector{id(30)}) << liar.what;
    }
}

TEST(AnswerCheck, OnlyLiarsEndUnreachable) {
    Asker node;
    node.routes.meshes["mesh2"] = {Side{addrs({20, 21})}};
    node.ask(1, "mesh2.broker", at(0s));
    node.answer(node.only_sent().id, altered(), at(0s));
    node.answer(node.only_sent().id, altered(), at(0s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::unreachable);
    EXPECT_TRUE(node.only_outcome().candidates.empty());
}

TEST(AnswerCheck, DigitsMustFit) {
    Asker node;
    node.routes.meshes["mesh2"] = {Side{addrs({20, 21})}};
    node.ask(1, "mesh2.broker." + id(31).short_hex(6), at(0s));
    node.answer(node.only_sent().id, found("mesh2", "broker", {30}), at(0s));
    EXPECT_EQ(node.resolver.counters()[Lie::other_digits], 1U);
    node.answer(node.only_sent().id, found("mesh2", "broker", {31}), at(0s));
    EXPECT_EQ(ids_of(node.only_outcome()), std::vector{id(31)});
}

TEST(AnswerCheck, AReplayedDigestIsRefused) {
    Asker node;
    node.routes.meshes["mesh2"] = {Side{addrs({20, 21})}};
    node.ask(1, "mesh2.broker", at(0s));
    node.answer(node.only_sent().id, found("mesh2", "broker", {30}, 20), at(0s));
    node.ask(2, "mesh2.broker", at(31s));
    const SendQuestion first = node.only_sent();
    node.answer(first.id, found("mesh2", "broker", {30}, 19), at(31s));
    EXPECT_EQ(pick<Lied>(node.out), (std::vector{Lied{first.to.id, Lie::replayed}}));
    node.answer(node.only_sent().id, found("mesh2", "broker", {30}, 20), at(31s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::found) << "the same again is no replay";
    node.ask(3, "mesh2.broker", at(151s));
    node.answer(node.only_sent().id, found("mesh2", "broker", {30}, 5), at(151s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::found) << "who was away for long may have a clock behind";
}

TEST(AnswerCheck, LiarsAreAskedLast) {
    Asker node;
    node.routes.meshes["mesh2"] = {Side{addrs({20, 21, 22})}};
    node.ask(1, "mesh2.broker", at(0s));
    const EndpointId liar = node.only_sent().to.id;
    node.answer(node.only_sent().id, altered(), at(0s));
    for (std::uint64_t n = 0; n < 20; ++n) {
        node.ask(2 + n, "mesh2.t" + std::to_string(n), at(200s));
        EXPECT_NE(node.only_sent().to.id, liar);
    }
}

TEST(AnswerCheck, OfAClosedMeshOnlyMembersCount) {
    FakeAdmits admits;
    admits.authority_of[id(30)] = id(70);
    ResolverConfig c = resolver_config();
    c.admits = &admits;
    Asker node(c);
    node.routes.meshes["mesh2"] = {Side{addrs({20, 21})}};
    node.routes.authorities["mesh2"] = id(70);
    node.ask(1, "mesh2.broker", at(0s));
    node.answer(node.only_sent().id, found("mesh2", "broker", {31}), at(0s));
    EXPECT_EQ(node.resolver.counters()[Lie::not_admitted], 1U);
    node.answer(node.only_sent().id, found("mesh2", "broker", {30}), at(0s));
    EXPECT_EQ(ids_of(node.only_outcome()), std::vector{id(30)});

    Asker without;
    without.routes = node.routes;
    without.ask(1, "mesh2.broker", at(0s));
    without.answer(without.only_sent().id, found("mesh2", "broker", {30}), at(0s));
    EXPECT_EQ(without.resolver.counters()[Lie::not_admitted], 1U) << "without a judge nobody is";
}

TEST(AnswerCheck, ANodeNamedTwiceIsOne) {
    Asker node;
    node.routes.meshes["mesh2"] = {Side{addrs({20})}};
    node.ask(1, "mesh2.broker", at(0s));
    node.answer(node.only_sent().id, found("mesh2", "broker", {30, 30}), at(0s));
    EXPECT_EQ(ids_of(node.only_outcome()), std::vector{id(30)});
}

TEST(AnswerCheck, DigestsBesideAnotherCodeAreIgnored) {
    Asker node;
    node.routes.meshes["mesh2"] = {Side{addrs({20})}};
    node.ask(1, "mesh2.broker", at(0s));
    wire::Resolved answer = found("mesh3", "broker", {30});
    answer.code = ResolveCode::no_such_node;
    node.answer(node.only_sent().id, answer, at(0s));
    EXPECT_EQ(node.only_outcome().verdict, Verdict::no_such_node);
    EXPECT_TRUE(node.only_outcome().candidates.empty());
}

}  // namespace
}  // namespace grapevine::fabric
