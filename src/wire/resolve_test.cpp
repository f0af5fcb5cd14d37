#include "wire/resolve.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "wire/digest.hpp"
#include "wire/generators_testing.hpp"
#include "wire/mesh.hpp"
#include "wire/vectors_testing.hpp"

namespace grapevine::wire {
namespace {

using testing::concat;
using testing::hex;

template <typename Frame>
base::Bytes bytes_of(const Frame& frame) {
    Writer out;
    write(out, frame);
    return out.take();
}

base::Result<Resolve> resolve_of(base::ByteView bytes) {
    Reader in("resolve", bytes);
    Resolve resolve = read_resolve(in);
    return in.finish(std::move(resolve));
}
base::Result<Resolved> resolved_of(base::ByteView bytes) {
    Reader in("resolved", bytes);
    Resolved resolved = read_resolved(in);
    return in.finish(std::move(resolved));
}

Resolve question() {
    return {"mesh2.broker", 2};
}
Resolved answer() {
    return {ResolveCode::found, {{300, hex("aabbcc")}, {0, hex("dd")}}, "two"};
}

constexpr std::string_view kQuestionHex = "0c 6d657368322e62726f6b6572 02";
constexpr std::string_view kAnswerHex = "00 02 ac02 03 aabbcc 00 01 dd 03 74776f";

TEST(Resolve, BytesOfAQuestionArePinned) {
    EXPECT_EQ(bytes_of(question()), hex(kQuestionHex));
    EXPECT_EQ(resolve_of(hex(kQuestionHex)), question());
    Resolve traced = question();
    traced.context = testing::sampled_context();
    EXPECT_EQ(bytes_of(traced), hex(concat({kQuestionHex, testing::kContextHex})));
    EXPECT_EQ(resolve_of(hex(concat({kQuestionHex, testing::kContextHex}))), traced);
}

TEST(Resolved, BytesOfAnAnswerArePinned) {
    EXPECT_EQ(bytes_of(answer()), hex(kAnswerHex));
    EXPECT_EQ(resolved_of(hex(kAnswerHex)), answer());
    EXPECT_EQ(bytes_of(Resolved{ResolveCode::unreachable, {}, ""}), hex("06 00 00"));
    Resolved traced = answer();
    traced.context = testing::sampled_context();
    traced.times = AnswerTimes{1, 0x0102030405060708};
    const base::Bytes expected =
        hex(concat({kAnswerHex, testing::kContextHex, "01 0000000000000001 0102030405060708"}));
    EXPECT_EQ(bytes_of(traced), expected);
    EXPECT_EQ(resolved_of(expected), traced);
}

TEST(Resolve, EveryCutIsAnError) {
    const base::Bytes question_bytes = hex(kQuestionHex);
    for (std::size_t size = 0; size < question_bytes.size(); ++size)
        EXPECT_FALSE(resolve_of(base::ByteView(question_bytes).first(size))) << size;
    const base::Bytes answer_bytes = hex(kAnswerHex);
    for (std::size_t size = 0; size < answer_bytes.size(); ++size)
        EXPECT_FALSE(resolved_of(base::ByteView(answer_bytes).first(size))) << size;
}

TEST(Resolve, FieldsThatCameLaterAreIgnored) {
    EXPECT_EQ(resolve_of(hex(concat({kQuestionHex, "77"}))), question());
    EXPECT_EQ(resolved_of(hex(concat({kAnswerHex, "77"}))), answer());
}

TEST(Resolve, ErrorsNameTheThingAndTheRule) {
    EXPECT_EQ(resolve_of(hex("00 02")).error().message, "resolve: name: must not be empty");
    EXPECT_EQ(resolve_of(hex("01 0a 02")).error().message, "resolve: name: must be printable ASCII");
    EXPECT_EQ(resolve_of(hex("c901")).error().message, "resolve: name: 201 bytes where 200 are allowed");
    EXPECT_EQ(resolved_of(hex("07")).error().message, "resolved: code: unknown variant 7");
    EXPECT_EQ(resolved_of(hex("00 11")).error().message, "resolved: digests: 17 items where 16 are allowed");
    EXPECT_EQ(resolved_of(hex("00 01 00 8110")).error().message, "resolved: digest: 2049 bytes where 2048 are allowed");
    EXPECT_EQ(resolved_of(hex("00 00 8102")).error().message, "resolved: text: 257 bytes where 256 are allowed");
    EXPECT_EQ(resolved_of(hex("00 00 01 0a")).error().message, "resolved: text: must be printable ASCII");
    EXPECT_EQ(resolved_of(hex("00 01 ffffffff10")).error().message, "resolved: age: integer does not fit its type");
}

TEST(Resolved, TheLargestFitsAFrame) {
    Resolved largest;
    largest.digests.assign(kResolvedDigestsMax, {0xffff'ffff, base::Bytes(kStatementMax, 1)});
    largest.text = std::string(kResolveTextMax, 'x');
    largest.context = testing::sampled_context();
    largest.times = AnswerTimes{~std::uint64_t{0}, ~std::uint64_t{0}};
    const base::Bytes bytes = bytes_of(largest);
    EXPECT_LE(bytes.size(), kMeshFrameMax);
    EXPECT_EQ(resolved_of(bytes), largest);
}

TEST(Resolve, TheLongestNameFits) {
    const std::string name = std::string(kNameMax, 'm') + "." + std::string(kNameMax, 't') + "." + std::string(64, 'a');
    EXPECT_LE(name.size(), kResolveNameMax);
    EXPECT_TRUE(resolve_of(bytes_of(Resolve{name, 1})));
}

TEST(Resolved, EveryCodeHasAName) {
    EXPECT_EQ(name(ResolveCode::no_such_node), "no_such_node");
    for (std::size_t i = 0; i < kResolveCodes; ++i)
        EXPECT_NE(name(static_cast<ResolveCode>(i)), "unknown");
    EXPECT_EQ(name(static_cast<ResolveCode>(kResolveCodes)), "unknown");
}

TEST(Resolve, RoundTrips) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        base::Rng rng(seed);
        const Resolve asked = testing::any_resolve(rng);
        RC_ASSERT(resolve_of(bytes_of(asked)) == asked);
        const Resolved answered = testing::any_resolved(rng);
        RC_ASSERT(resolved_of(bytes_of(answered)) == answered);
    }));
}

}  // namespace
}  // namespace grapevine::wire
