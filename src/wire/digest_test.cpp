#include "wire/digest.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "wire/admission.hpp"
#include "wire/generators_testing.hpp"
#include "wire/glance.hpp"
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

constexpr std::string_view kDomain = "grapevine statement 1";

Digest typical() {
    Digest digest;
    digest.mesh = "mesh1";
    digest.type = "broker";
    digest.sequence = Sequence{300};
    digest.started_unix_ms = 1'700'000'000'000;
    digest.addrs = {base::SocketAddr::v4(10, 0, 0, 1, 80)};
    digest.neighbors = {id_of<EndpointId>(kId2a)};
    digest.messages_sent = 5;
    digest.messages_received = 200;
    digest.load = {12, 8192, 1000, 65536};
    return digest;
}

Accusation accusation() {
    return {kDigestVersion,
            "mesh1",
            id_of<EndpointId>(kId2a),
            Sequence{300},
            AccusationPhase::confirmed,
            AccusationReason::unreachable};
}

// An envelope by hand, so that a test can break any part of it.
base::Bytes envelope(std::uint8_t kind, const base::Bytes& body, const base::SecretKey& key = key_of(1)) {
    base::Bytes message = base::to_bytes(kDomain);
    message.push_back(kind);
    message.insert(message.end(), body.begin(), body.end());
    Writer out;
    out.u8(kind);
    out.raw(key.id().view());
    out.bytes(body);
    out.raw(key.sign(message));
    return out.take();
}

base::Bytes body_of(const Statement& statement) {
    Reader in("test", statement.envelope);
    in.u8("kind");
    in.id<EndpointId>("signer");
    const base::ByteView body = in.bytes("body", kStatementMax);
    return {body.begin(), body.end()};
}

StatementFault fault_of(const base::Bytes& bytes) {
    const auto statement = open_statement(bytes);
    EXPECT_FALSE(statement);
    return statement ? StatementFault{} : statement.error().fault;
}

// The body of a typical digest in which `from` is replaced by `to`.
base::Bytes changed_body(std::string_view from, std::string_view to) {
    const base::Bytes old = hex(from);
    const base::Bytes fresh = hex(to);
    base::Bytes body = body_of(sign(key_of(1), typical()));
    const auto at = std::search(body.begin(), body.end(), old.begin(), old.end());
    EXPECT_NE(at, body.end());
    const auto rest = body.erase(at, at + static_cast<std::ptrdiff_t>(old.size()));
    body.insert(rest, fresh.begin(), fresh.end());
    return body;
}

TEST(Digest, BytesOfTheBodyArePinned) {
    const base::Bytes expected = hex(concat({
        "01",                    // version
        "05 6d65736831",         // mesh
        "06 62726f6b6572",       // type
        "ac02",                  // sequence
        "00",                    // present
        "80d095ffbc31",          // start time
        "01 01 00 0a000001 50",  // addresses
        "01", kId2a,             // neighbours
        "05 c801",               // messages sent, received
        "0c 8040 e807 808004"    // load
    }));
    const Statement statement = sign(key_of(1), typical());
    EXPECT_EQ(body_of(statement), expected);
    EXPECT_EQ(statement.envelope, envelope(1, expected));
}

TEST(Digest, TheWholeEnvelopeIsPinned) {
    const Statement statement = sign(key_of(1), typical());
    EXPECT_EQ(base::hex_encode(base::ByteView(statement.envelope).last(64)),
              "5a16b29a69618b2c5b52c9228c7da9c2f849c54e9ddd2f449160e201cfa74dd7"
              "69afbbc74fe5cb2c8fd5dfe6fbab5780e9d88194f51ed80803afe26326171907");
    EXPECT_EQ(base::Bytes(statement.envelope.begin(), statement.envelope.begin() + 34),
              hex(concat({"01", kId1, "4b"})));
    EXPECT_EQ(statement.envelope.size(), 34U + 75 + 64);
}

TEST(Accusation, BytesOfTheBodyArePinned) {
    const Statement statement = sign(key_of(1), accusation());
    const base::Bytes expected = hex(concat({"01 05 6d65736831", kId2a, "ac02 01 01"}));
    EXPECT_EQ(body_of(statement), expected);
    EXPECT_EQ(statement.envelope, envelope(2, expected));
}

TEST(Statement, AContextIsSignedWithTheRest) {
    for (Claim claim : {Claim(typical()), Claim(accusation())}) {
        const base::Bytes bare = body_of(sign(key_of(1), claim));
        std::visit([](auto& value) { value.context = testing::sampled_context(); }, claim);
        const Statement statement = sign(key_of(1), claim);
        base::Bytes expected = bare;
        for (const std::uint8_t byte : hex(testing::kContextHex))
            expected.push_back(byte);
        EXPECT_EQ(body_of(statement), expected);
        EXPECT_EQ(open_statement(statement.envelope)->claim, claim);
        const auto origin = origin_of(statement.envelope);
        ASSERT_TRUE(origin);
        EXPECT_EQ(origin->signer, id_of<EndpointId>(kId1));
        EXPECT_EQ(origin->context, testing::sampled_context());

        std::visit([](auto& value) { value.context.sampled = false; }, claim);
        const auto left_out = origin_of(sign(key_of(1), claim).envelope);
        ASSERT_TRUE(left_out);
        EXPECT_EQ(left_out->context.trace, testing::sampled_context().trace);
        EXPECT_FALSE(left_out->context.sampled) << "the decision is carried";
    }
    EXPECT_FALSE(origin_of(hex("01 02")));
}

TEST(Digest, ATicketFollowsTheContext) {
    Digest digest = typical();
    const base::Bytes bare = body_of(sign(key_of(1), digest));
    digest.ticket = hex("11 22 33");
    base::Bytes expected = bare;
    for (const std::uint8_t byte : hex("00 01 03 112233"))
        expected.push_back(byte);
    const Statement alone = sign(key_of(1), digest);
    EXPECT_EQ(body_of(alone), expected);
    EXPECT_EQ(open_statement(alone.envelope)->claim, Claim(digest));

    digest.context = testing::sampled_context();
    expected = bare;
    for (const std::uint8_t byte : hex(concat({testing::kContextHex, "01 03 112233"})))
        expected.push_back(byte);
    const Statement traced = sign(key_of(1), digest);
    EXPECT_EQ(body_of(traced), expected);
    EXPECT_EQ(open_statement(traced.envelope)->claim, Claim(digest));
    EXPECT_EQ(origin_of(traced.envelope)->context, testing::sampled_context());
}

TEST(Digest, ATicketThatIsCutOrTooLongIsMalformed) {
    Digest digest = typical();
    digest.ticket = base::Bytes(kAdmissionTicketMax, 7);
    const base::Bytes body = body_of(sign(key_of(1), digest));
    ASSERT_TRUE(open_statement(envelope(1, body)));
    const std::size_t bare = body_of(sign(key_of(1), typical())).size();
    // Cut before its length, it is no ticket but the mark of one.
    for (std::size_t size = bare + 2; size < body.size(); ++size) {
        const base::Bytes cut(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(fault_of(envelope(1, cut)), StatementFault::malformed) << size;
    }
    Writer longer;
    longer.raw(base::ByteView(body).first(bare + 2));
    longer.bytes(base::Bytes(kAdmissionTicketMax + 1, 7));
    EXPECT_EQ(fault_of(envelope(1, longer.take())), StatementFault::malformed);
}

TEST(Statement, WhatIsSignedOpens) {
    for (const Claim& claim : {Claim(typical()), Claim(accusation())}) {
        const Statement statement = sign(key_of(1), claim);
        EXPECT_EQ(statement.signer, id_of<EndpointId>(kId1));
        EXPECT_EQ(statement.claim, claim);
        const auto opened = open_statement(statement.envelope);
        ASSERT_TRUE(opened);
        EXPECT_EQ(*opened, statement);
    }
}

TEST(Glance, SeesWhatTheClaimSays) {
    const Digest digest = typical();
    const auto of_digest = glance(sign(key_of(1), digest).envelope);
    ASSERT_TRUE(of_digest);
    EXPECT_EQ(of_digest->signer, id_of<EndpointId>(kId1));
    EXPECT_EQ(of_digest->mesh, digest.mesh);
    EXPECT_EQ(of_digest->sequence, digest.sequence);
    EXPECT_FALSE(of_digest->accused);

    const Accusation accused = accusation();
    const auto of_accusation = glance(sign(key_of(1), accused).envelope);
    ASSERT_TRUE(of_accusation);
    EXPECT_EQ(of_accusation->accused, accused.accused);
    EXPECT_EQ(of_accusation->sequence, accused.sequence);
    EXPECT_EQ(of_accusation->phase, accused.phase);
    EXPECT_FALSE(glance(hex("01 02")));
}

// Invariant 5: a digest with seven neighbours stays within 512 bytes, its envelope included.
TEST(Digest, IsCompact) {
    Digest digest = typical();
    digest.mesh = "mesh-production-1";
    digest.type = "registry";
    digest.sequence = Sequence{1'700'000'000'000};
    digest.addrs = {*RelayUrl::parse("https://relay.example.org/"), *base::SocketAddr::parse("[2001:db8::1]:45000")};
    digest.neighbors.clear();
    for (std::uint8_t i = 0; i < 7; ++i)
        digest.neighbors.push_back(filled<EndpointId>(i));
    digest.messages_sent = 123'456'789'012;
    digest.messages_received = 987'654'321'098;
    digest.load = {1'500, 16'777'216, 4'000, 16'777'216};
    digest.context = testing::sampled_context();
    EXPECT_LE(sign(key_of(1), digest).envelope.size(), 512U) << "in a trace, too";
}

TEST(Digest, TheLargestFitsAGossipMessage) {
    base::Rng rng(1);
    Digest digest = typical();
    digest.mesh = std::string(kNameMax, 'm');
    digest.type = std::string(kNameMax, 't');
    digest.neighbors.assign(kDigestNeighborsMax, filled<EndpointId>(9));
    for (int i = 0; i < 8; ++i)
        digest.addrs.emplace_back(*base::SocketAddr::parse("[2001:db8::1]:" + std::to_string(60000 + i)));
    digest.started_unix_ms = digest.messages_sent = digest.messages_received = digest.sequence.value =
        ~std::uint64_t{0};
    digest.load = {~0U, ~0U, ~0U, ~0U};
    digest.context = testing::sampled_context();
    digest.ticket = base::Bytes(kAdmissionTicketMax, 7);
    const Statement statement = sign(key_of(1), digest);
    EXPECT_LE(statement.envelope.size(), kStatementMax);
    EXPECT_TRUE(open_statement(statement.envelope));
}

TEST(Statement, SigningCutsListsToTheirLimits) {
    Digest digest = typical();
    digest.neighbors.assign(kDigestNeighborsMax + 1, filled<EndpointId>(9));
    digest.addrs.clear();
    for (std::uint16_t port = 20; port > 0; --port)
        digest.addrs.emplace_back(base::SocketAddr::v4(10, 0, 0, 1, port));
    const Statement statement = sign(key_of(1), digest);
    const auto& claim = std::get<Digest>(statement.claim);
    EXPECT_EQ(claim.neighbors.size(), kDigestNeighborsMax);
    EXPECT_EQ(claim.addrs.size(), kDigestAddrsMax);
    EXPECT_EQ(claim.addrs.front(), TransportAddr(base::SocketAddr::v4(10, 0, 0, 1, 1)));
    EXPECT_EQ(open_statement(statement.envelope)->claim, statement.claim);
}

TEST(Statement, FieldsThatCameLaterAreIgnoredAndKept) {
    base::Bytes body = body_of(sign(key_of(1), typical()));
    body.push_back(0x77);
    const base::Bytes bytes = envelope(1, body);
    const auto opened = open_statement(bytes);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->claim, Claim(typical()));
    EXPECT_EQ(opened->envelope, bytes) << "it is forwarded as it came";
}

// Invariant 3: nothing unsigned or mis-signed opens.
TEST(Statement, AnyChangedBitIsRefused) {
    const Statement statement = sign(key_of(1), accusation());
    for (std::size_t bit = 0; bit < statement.envelope.size() * 8; ++bit) {
        base::Bytes changed = statement.envelope;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        EXPECT_FALSE(open_statement(changed)) << bit;
    }
}

TEST(Statement, AnotherSignerOrKindOrDomainIsRefused) {
    const base::Bytes body = body_of(sign(key_of(1), typical()));
    base::Bytes other_signer = envelope(1, body, key_of(2));
    const auto id = key_of(1).id();
    std::copy(id.bytes.begin(), id.bytes.end(), other_signer.begin() + 1);
    EXPECT_EQ(fault_of(other_signer), StatementFault::bad_signature);

    Writer bare;
    bare.u8(1);
    bare.raw(id.view());
    bare.bytes(body);
    bare.raw(key_of(1).sign(body));
    EXPECT_EQ(fault_of(bare.take()), StatementFault::bad_signature) << "a signature for another purpose";
}

TEST(Statement, EveryCutAndEveryExtraByteIsMalformed) {
    base::Bytes bytes = sign(key_of(1), typical()).envelope;
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_EQ(fault_of(base::Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))),
                  StatementFault::malformed);
    bytes.push_back(0);
    EXPECT_EQ(fault_of(bytes), StatementFault::malformed);
}

// Invariant 4: nobody can make a second message of a signed one.
TEST(Statement, AnEnvelopeHasOneForm) {
    base::Bytes bytes = sign(key_of(1), accusation()).envelope;
    ASSERT_LT(bytes[33], 0x80) << "the body's length";
    bytes[33] |= 0x80U;
    bytes.insert(bytes.begin() + 34, 0x00);
    const auto opened = open_statement(bytes);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().message, "statement: body: length is not in its shortest form");
}

TEST(Statement, EveryCutOfABodyIsMalformed) {
    for (const auto& [kind, claim] : {std::pair<std::uint8_t, Claim>{1, typical()}, {2, accusation()}}) {
        const base::Bytes body = body_of(sign(key_of(1), claim));
        for (std::size_t size = 0; size < body.size(); ++size) {
            const base::Bytes cut(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_EQ(fault_of(envelope(kind, cut)), StatementFault::malformed) << size;
        }
    }
}

TEST(Statement, FaultsAreToldApart) {
    const base::Bytes body = body_of(sign(key_of(1), typical()));
    EXPECT_EQ(fault_of(base::Bytes(kStatementMax + 1)), StatementFault::oversized);
    EXPECT_EQ(fault_of(envelope(0, body)), StatementFault::unknown_kind);
    EXPECT_EQ(fault_of(envelope(3, body)), StatementFault::unknown_kind);
    base::Bytes next_version = body;
    next_version[0] = 2;
    EXPECT_EQ(fault_of(envelope(1, next_version)), StatementFault::unknown_version);
    EXPECT_EQ(fault_of(envelope(1, hex("02"))), StatementFault::unknown_version) << "whatever its form";
    EXPECT_EQ(fault_of(envelope(1, changed_body("05 6d65736831", "05 4d65736831"))), StatementFault::bad_name);
    EXPECT_EQ(fault_of(envelope(1, changed_body("05 6d65736831", "00"))), StatementFault::bad_name);
    EXPECT_EQ(fault_of(envelope(1, changed_body("06 62726f6b6572", "06 2d726f6b6572"))), StatementFault::bad_name);
    EXPECT_EQ(fault_of(envelope(1, changed_body("ac02 00 80", "ac02 02 80"))), StatementFault::malformed);
}

TEST(Statement, ListsOverTheirLimitsAreMalformed) {
    const auto neighbours = open_statement(envelope(1, changed_body(concat({"01", kId2a}), concat({"11", kId2a}))));
    ASSERT_FALSE(neighbours);
    EXPECT_EQ(neighbours.error().message, "digest: neighbours: 17 items where 16 are allowed");
    const auto addrs = open_statement(envelope(1, changed_body("01 01 00 0a000001 50", "09 01 00 0a000001 50")));
    ASSERT_FALSE(addrs);
    EXPECT_EQ(addrs.error().message, "digest: addresses: 9 items where 8 are allowed");
}

TEST(Statement, EveryFaultHasAName) {
    EXPECT_EQ(name(StatementFault::bad_signature), "bad_signature");
    for (std::size_t i = 0; i < kStatementFaults; ++i)
        EXPECT_NE(name(static_cast<StatementFault>(i)), "unknown");
    EXPECT_EQ(name(static_cast<StatementFault>(kStatementFaults)), "unknown");
}

TEST(StatementDeathTest, SigningABadNameIsOurOwnBug) {
    Digest digest = typical();
    digest.mesh = "Mesh";
    EXPECT_DEATH(sign(key_of(1), digest), "valid names only");
}

TEST(Statement, RoundTrips) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        base::Rng rng(seed);
        const Statement statement = sign(key_of(3), testing::any_claim(rng));
        const auto opened = open_statement(statement.envelope);
        RC_ASSERT(opened.has_value());
        RC_ASSERT(*opened == statement);
    }));
}

TEST(ParseName, TheRule) {
    for (const std::string& good :
         {std::string("a"), std::string("0"), std::string("mesh1"), std::string("a-b-"), std::string(63, 'z')})
        EXPECT_EQ(parse_name("mesh", good), good);
    for (const std::string& bad :
         {std::string(), std::string("-a"), std::string("Mesh"), std::string("a.b"), std::string("a b"),
          std::string("a_b"), std::string(64, 'z'), std::string("\xc3\xa9"), std::string("a\0", 2)})
        EXPECT_FALSE(parse_name("mesh", bad)) << bad;
    EXPECT_EQ(parse_name("type", "A\n").error().message, "type 'A\\x0a': must match [a-z0-9][a-z0-9-]{0,62}");
}

}  // namespace
}  // namespace grapevine::wire
