#include "wire/summary.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "wire/generators_testing.hpp"
#include "wire/gossip.hpp"
#include "wire/postcard.hpp"
#include "wire/vectors_testing.hpp"

namespace grapevine::wire {
namespace {

using base::EndpointId;
using testing::concat;
using testing::filled;
using testing::hex;
using testing::id_of;
using testing::key_of;
using testing::kId1;
using testing::kId2a;

Summary typical() {
    Summary summary;
    summary.fabric = "default";
    summary.mesh = "mesh2";
    summary.sequence = Sequence{300};
    summary.gateways = {{id_of<EndpointId>(kId1), {base::SocketAddr::v4(10, 0, 0, 1, 80)}},
                        {id_of<EndpointId>(kId2a), {}}};
    summary.members = {{"broker", 2}, {"gateway", 300}};
    return summary;
}

Summary closed() {
    Summary summary = typical();
    summary.members.clear();
    summary.authority = id_of<EndpointId>(kId2a);
    summary.ticket = hex("aabbcc");
    return summary;
}

// An envelope by hand, so that a test can break any part of it.
base::Bytes envelope(const base::Bytes& body, std::uint8_t kind = 1, std::string_view domain = "grapevine summary 1") {
    base::Bytes message = base::to_bytes(domain);
    message.push_back(kind);
    message.insert(message.end(), body.begin(), body.end());
    Writer out;
    out.u8(kind);
    out.raw(key_of(1).id().view());
    out.bytes(body);
    out.raw(key_of(1).sign(message));
    return out.take();
}

base::Bytes body_of(const SignedSummary& summary) {
    Reader in("test", summary.envelope);
    in.u8("kind");
    in.id<EndpointId>("signer");
    const base::ByteView body = in.bytes("body", kSummaryMax);
    return {body.begin(), body.end()};
}

StatementFault fault_of(const base::Bytes& bytes) {
    const auto summary = open_summary(bytes);
    EXPECT_FALSE(summary);
    return summary ? StatementFault{} : summary.error().fault;
}

std::string error_of(const base::Bytes& body) {
    const auto summary = open_summary(envelope(body));
    EXPECT_FALSE(summary);
    return summary ? std::string() : summary.error().message;
}

// The body of `summary` in which `from` is replaced by `to`.
base::Bytes changed(const Summary& summary, std::string_view from, std::string_view to) {
    const base::Bytes old = hex(from);
    const base::Bytes fresh = hex(to);
    base::Bytes body = body_of(sign(key_of(1), summary));
    const auto at = std::search(body.begin(), body.end(), old.begin(), old.end());
    EXPECT_NE(at, body.end());
    const auto rest = body.erase(at, at + static_cast<std::ptrdiff_t>(old.size()));
    body.insert(rest, fresh.begin(), fresh.end());
    return body;
}

TEST(Summary, BytesOfTheBodyArePinned) {
    const base::Bytes expected = hex(concat({
        "01",                                             // version
        "07 64656661756c74",                              // fabric
        "05 6d65736832",                                  // mesh
        "ac02",                                           // sequence
        "02", kId1, "01 01 00 0a000001 50", kId2a, "00",  // gateways
        "02 06 62726f6b6572 02 07 67617465776179 ac02",   // members
        "00",                                             // no authority
        "00"                                              // no ticket
    }));
    const SignedSummary signed_summary = sign(key_of(1), typical());
    EXPECT_EQ(base::hex_encode(body_of(signed_summary)), base::hex_encode(expected));
    EXPECT_EQ(signed_summary.envelope, envelope(expected));
    EXPECT_EQ(signed_summary.signer, id_of<EndpointId>(kId1));
    EXPECT_EQ(base::hex_encode(base::ByteView(signed_summary.envelope).last(64)),
              "ab52933f17d73852fa77724f6567ae3c1836f68570dfed2207cfc560c8f8ad23"
              "4f7d422dd277df433a3acd07aea8ee08fba4d48e7f2c05339d9f7fd3c24c3f0c");
}

TEST(Summary, BytesOfAClosedMeshsBodyArePinned) {
    Summary summary = closed();
    summary.context = testing::sampled_context();
    const base::Bytes expected = hex(concat({"01 07 64656661756c74 05 6d65736832 ac02 02", kId1, "01 01 00 0a000001 50",
                                             kId2a, "00", "00", "01", kId2a, "03 aabbcc", testing::kContextHex}));
    EXPECT_EQ(base::hex_encode(body_of(sign(key_of(1), summary))), base::hex_encode(expected));
}

TEST(Summary, WhatIsSignedOpens) {
    for (const Summary& summary : {typical(), closed()}) {
        const SignedSummary signed_summary = sign(key_of(1), summary);
        EXPECT_EQ(signed_summary.summary, summary);
        const auto opened = open_summary(signed_summary.envelope);
        ASSERT_TRUE(opened);
        EXPECT_EQ(*opened, signed_summary);
        const auto seen = glance_at_summary(signed_summary.envelope);
        ASSERT_TRUE(seen);
        EXPECT_EQ(seen->signer, signed_summary.signer);
        EXPECT_EQ(seen->fabric, "default");
        EXPECT_EQ(seen->mesh, "mesh2");
        EXPECT_EQ(seen->sequence, Sequence{300});
    }
    EXPECT_FALSE(glance_at_summary(hex("01 02")));
}

TEST(Summary, OfThreeGatewaysWithIpv4IsCompact) {
    Summary summary = typical();
    summary.fabric = "production";
    summary.mesh = "mesh-production-1";
    summary.sequence = Sequence{1'700'000'000'000};
    summary.gateways.clear();
    for (std::uint8_t i = 1; i <= 3; ++i) {
        EndpointAddr gateway{filled<EndpointId>(i), {}};
        for (std::uint16_t port = 40000; port < 40004; ++port)
            gateway.addrs.emplace_back(base::SocketAddr::v4(10, 0, 0, i, port));
        summary.gateways.push_back(gateway);
    }
    summary.members = {{"broker", 20}, {"compute", 400}, {"gateway", 3}, {"registry", 5}};
    summary.context = testing::sampled_context();
    const SignedSummary signed_summary = sign(key_of(1), summary);
    EXPECT_EQ(signed_summary.summary, summary) << "nothing was left out";
    EXPECT_LE(signed_summary.envelope.size(), 512U);
}

// The largest of an open mesh, and of a closed one.
TEST(Summary, TheLargestFitsAGossipMessage) {
    Summary summary;
    summary.fabric = std::string(kNameMax, 'f');
    summary.mesh = std::string(kNameMax, 'm');
    summary.sequence = Sequence{~std::uint64_t{0}};
    for (std::uint8_t i = 1; i <= kSummaryGatewaysMax; ++i) {
        EndpointAddr gateway{filled<EndpointId>(i), {}};
        for (std::uint8_t a = 0; a < kSummaryAddrsMax; ++a)
            gateway.addrs.emplace_back(CustomAddr{0xffff'ffff'ffff'0000 + a, base::Bytes(116, a)});
        summary.gateways.push_back(gateway);
    }
    summary.context = testing::sampled_context();
    Summary open = summary;
    for (std::size_t i = 0; i < kSummaryTypesMax; ++i)
        open.members.push_back({std::string(kNameMax - 1, 't') + static_cast<char>('a' + i), 0xffff'ffff});
    summary.authority = filled<EndpointId>(9);
    summary.ticket = base::Bytes(kAdmissionTicketMax, 7);
    for (const Summary& largest : {open, summary}) {
        const SignedSummary signed_summary = sign(key_of(1), largest);
        EXPECT_EQ(signed_summary.summary, largest) << "nothing was left out";
        EXPECT_LE(signed_summary.envelope.size(), kSummaryMax);
        EXPECT_LE(signed_summary.envelope.size(), kGossipContentMax);
        EXPECT_TRUE(open_summary(signed_summary.envelope));
    }
}

TEST(Summary, SigningMakesItFitTheRules) {
    Summary summary = typical();
    summary.gateways.assign(5, {filled<EndpointId>(1), {}});
    summary.gateways[1].id = filled<EndpointId>(2);
    summary.gateways[0].addrs = {CustomAddr{1, base::Bytes(200, 1)}, base::SocketAddr::v4(10, 0, 0, 1, 2),
                                 base::SocketAddr::v4(10, 0, 0, 1, 1)};
    summary.members = {{"z", 1}, {"a", 2}, {"z", 3}};
    summary.ticket = hex("aa");
    const SignedSummary signed_summary = sign(key_of(1), summary);
    const Summary& fit = signed_summary.summary;
    EXPECT_EQ(fit.gateways,
              (std::vector<EndpointAddr>{
                  {filled<EndpointId>(1), {base::SocketAddr::v4(10, 0, 0, 1, 1), base::SocketAddr::v4(10, 0, 0, 1, 2)}},
                  {filled<EndpointId>(2), {}}}));
    EXPECT_EQ(fit.members, (std::vector<TypeCount>{{"a", 2}, {"z", 1}}));
    EXPECT_TRUE(fit.ticket.empty()) << "an open mesh has none";
    EXPECT_EQ(open_summary(signed_summary.envelope)->summary, fit);

    summary.authority = filled<EndpointId>(3);
    EXPECT_TRUE(sign(key_of(1), summary).summary.members.empty()) << "a closed mesh tells none";
}

TEST(Summary, AnyChangedBitIsRefused) {
    const SignedSummary signed_summary = sign(key_of(1), closed());
    for (std::size_t bit = 0; bit < signed_summary.envelope.size() * 8; ++bit) {
        base::Bytes other = signed_summary.envelope;
        other[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        EXPECT_FALSE(open_summary(other)) << bit;
    }
}

TEST(Summary, ASignatureForAnotherPurposeIsNone) {
    const base::Bytes body = body_of(sign(key_of(1), typical()));
    EXPECT_EQ(fault_of(envelope(body, 1, "grapevine statement 1")), StatementFault::bad_signature);
    base::VerificationMemo memo;
    memo.add(base::blake3(envelope(body, 1, "grapevine statement 1")));
    EXPECT_FALSE(open_summary(envelope(body, 1, "grapevine statement 1"), &memo))
        << "what was verified as a statement is no summary";
}

TEST(Summary, ASignatureIsVerifiedOnce) {
    base::VerificationMemo memo;
    const SignedSummary signed_summary = sign(key_of(1), typical());
    ASSERT_TRUE(open_summary(signed_summary.envelope, &memo));
    EXPECT_EQ(memo.size(), 1U);
    ASSERT_TRUE(open_summary(signed_summary.envelope, &memo));
    EXPECT_EQ(memo.size(), 1U);
    base::Bytes forged = signed_summary.envelope;
    forged.back() ^= 1U;
    EXPECT_FALSE(open_summary(forged, &memo));
    EXPECT_EQ(memo.size(), 1U);
}

TEST(Summary, EveryCutAndEveryExtraByteIsMalformed) {
    base::Bytes bytes = sign(key_of(1), typical()).envelope;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(fault_of(base::Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))),
                  StatementFault::malformed);
    }
    bytes.push_back(0);
    EXPECT_EQ(fault_of(bytes), StatementFault::malformed);
}

TEST(Summary, EveryCutOfABodyIsMalformed) {
    for (const Summary& summary : {typical(), closed()}) {
        const base::Bytes body = body_of(sign(key_of(1), summary));
        for (std::size_t size = 0; size < body.size(); ++size) {
            const base::Bytes cut(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_EQ(fault_of(envelope(cut)), StatementFault::malformed) << size;
        }
    }
}

TEST(Summary, AnEnvelopeHasOneForm) {
    base::Bytes bytes = sign(key_of(1), typical()).envelope;
    ASSERT_LT(bytes[33], 0x80) << "the body's length";
    bytes[33] |= 0x80U;
    bytes.insert(bytes.begin() + 34, 0x00);
    const auto opened = open_summary(bytes);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().message, "summary: body: length is not in its shortest form");
}

TEST(Summary, FieldsThatCameLaterAreIgnoredAndKept) {
    base::Bytes body = body_of(sign(key_of(1), typical()));
    body.push_back(0x77);
    const base::Bytes bytes = envelope(body);
    const auto opened = open_summary(bytes);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->summary, typical());
    EXPECT_EQ(opened->envelope, bytes);
}

TEST(Summary, FaultsAreToldApart) {
    const base::Bytes body = body_of(sign(key_of(1), typical()));
    EXPECT_EQ(fault_of(base::Bytes(kSummaryMax + 1)), StatementFault::oversized);
    EXPECT_EQ(fault_of(envelope(body, 2)), StatementFault::unknown_kind);
    EXPECT_EQ(fault_of(envelope(hex("02"))), StatementFault::unknown_version) << "whatever its form";
    EXPECT_EQ(fault_of(envelope(changed(typical(), "07 64656661756c74", "07 44656661756c74"))),
              StatementFault::bad_name);
    EXPECT_EQ(fault_of(envelope(changed(typical(), "05 6d65736832", "00"))), StatementFault::bad_name);
    EXPECT_EQ(fault_of(envelope(changed(typical(), "06 62726f6b6572", "06 2d726f6b6572"))), StatementFault::bad_name);
}

TEST(Summary, ErrorsNameTheThingAndTheRule) {
    EXPECT_EQ(error_of(changed(typical(), concat({"ac02 02", kId1}), concat({"ac02 04", kId1}))),
              "summary: gateways: 4 items where 3 are allowed");
    EXPECT_EQ(error_of(changed(typical(), concat({kId2a, "00"}), concat({kId1, "00"}))),
              "summary: gateway: is named twice");
    EXPECT_EQ(error_of(changed(typical(), "01 01 00 0a000001 50", "05")),
              "summary: addresses: 5 items where 4 are allowed");
    const std::string long_addr = "01 02 00 7f" + std::string(2 * 0x7f, 'a');
    EXPECT_EQ(error_of(changed(typical(), "01 01 00 0a000001 50", long_addr)),
              "summary: addresses: one is over 128 bytes");
    EXPECT_EQ(error_of(changed(typical(), "02 06 62726f6b6572", "11 06 62726f6b6572")),
              "summary: members: 17 items where 16 are allowed");
    EXPECT_EQ(error_of(changed(typical(), "07 67617465776179 ac02", "06 62726f6b6572 ac02")),
              "summary: members: types must ascend");
    EXPECT_EQ(error_of(changed(closed(), "03 aabbcc", "d705")), "summary: ticket: 727 bytes where 726 are allowed");
    EXPECT_EQ(error_of(changed(typical(), "ac02 00 00", "ac02 00 01 aa")),
              "summary: ticket: only a closed mesh has one");
    EXPECT_EQ(error_of(changed(typical(), "ac02 00 00", concat({"ac02 01", kId2a, "00"}))),
              "summary: members: a closed mesh tells none");
}

TEST(SummaryDeathTest, SigningABadNameIsOurOwnBug) {
    Summary summary = typical();
    summary.mesh = "Mesh";
    EXPECT_DEATH(sign(key_of(1), summary), "valid names only");
}

TEST(Summary, RoundTrips) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        base::Rng rng(seed);
        const Summary summary = testing::any_summary(rng);
        const SignedSummary signed_summary = sign(key_of(3), summary);
        RC_ASSERT(signed_summary.summary == summary);
        const auto opened = open_summary(signed_summary.envelope);
        RC_ASSERT(opened.has_value());
        RC_ASSERT(*opened == signed_summary);
    }));
}

}  // namespace
}  // namespace grapevine::wire
