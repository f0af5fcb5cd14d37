#include "wire/publication.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "wire/admission.hpp"
#include "wire/generators_testing.hpp"
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

constexpr std::string_view kHash = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

base::Blake3Hash hash() {
    base::Blake3Hash hash{};
    for (std::uint8_t i = 0; i < hash.size(); ++i)
        hash[i] = i;
    return hash;
}

Notice typical() {
    Notice notice;
    notice.mesh = "mesh2";
    notice.type = "broker";
    notice.number = 300;
    notice.hash = hash();
    notice.size = 0x10000;
    return notice;
}

Notice closed() {
    Notice notice = typical();
    notice.ticket = hex("aabbcc");
    return notice;
}

// An envelope by hand, so that a test can break any part of it.
base::Bytes envelope(const base::Bytes& body, std::uint8_t kind = kNoticeKind,
                     std::string_view domain = "grapevine publication 1") {
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

base::Bytes body_of(const SignedNotice& notice) {
    Reader in("test", notice.envelope);
    in.u8("kind");
    in.id<EndpointId>("signer");
    const base::ByteView body = in.bytes("body", kNoticeMax);
    return {body.begin(), body.end()};
}

StatementFault fault_of(const base::Bytes& bytes) {
    const auto read = read_notice(bytes);
    EXPECT_FALSE(read);
    return read ? StatementFault{} : read.error().fault;
}

// The body of `typical()` in which `from` is replaced by `to`.
base::Bytes changed(std::string_view from, std::string_view to) {
    const base::Bytes old = hex(from);
    const base::Bytes fresh = hex(to);
    base::Bytes body = body_of(sign(key_of(1), typical()));
    const auto at = std::search(body.begin(), body.end(), old.begin(), old.end());
    EXPECT_NE(at, body.end());
    const auto rest = body.erase(at, at + static_cast<std::ptrdiff_t>(old.size()));
    body.insert(rest, fresh.begin(), fresh.end());
    return body;
}

std::string error_of(const base::Bytes& body) {
    const auto read = read_notice(envelope(body));
    EXPECT_FALSE(read);
    return read ? std::string() : read.error().message;
}

TEST(Notice, BytesOfTheBodyArePinned) {
    const base::Bytes expected = hex(concat({
        "01",               // version
        "05 6d65736832",    // mesh
        "06 62726f6b6572",  // type
        "ac02",             // number
        kHash,              //
        "808004",           // size
        "00"                // no ticket
    }));
    const SignedNotice notice = sign(key_of(1), typical());
    EXPECT_EQ(base::hex_encode(body_of(notice)), base::hex_encode(expected));
    EXPECT_EQ(notice.envelope, envelope(expected));
    EXPECT_EQ(notice.author, id_of<EndpointId>(kId1));
    EXPECT_EQ(base::hex_encode(base::ByteView(notice.envelope).first(2)), "128a");
}

TEST(Notice, BytesOfAClosedMeshsBodyArePinned) {
    Notice notice = closed();
    notice.context = testing::sampled_context();
    const base::Bytes expected =
        hex(concat({"01 05 6d65736832 06 62726f6b6572 ac02", kHash, "808004 03 aabbcc", testing::kContextHex}));
    EXPECT_EQ(base::hex_encode(body_of(sign(key_of(1), notice))), base::hex_encode(expected));
}

TEST(Notice, WhatIsSignedIsReadAndHolds) {
    for (const Notice& notice : {typical(), closed()}) {
        const SignedNotice made = sign(key_of(1), notice);
        EXPECT_EQ(made.notice, notice);
        const auto read = read_notice(made.envelope);
        ASSERT_TRUE(read);
        EXPECT_EQ(*read, made);
        EXPECT_TRUE(signature_holds(*read));
    }
}

TEST(Notice, TheLargestFits) {
    Notice notice = typical();
    notice.mesh = std::string(kNameMax, 'm');
    notice.type = std::string(kNameMax, 't');
    notice.number = ~std::uint64_t{0};
    notice.size = kPublicationMax;
    notice.ticket = base::Bytes(kAdmissionTicketMax, 7);
    notice.context = testing::sampled_context();
    const SignedNotice made = sign(key_of(1), notice);
    EXPECT_LE(made.envelope.size(), kNoticeMax);
    EXPECT_TRUE(read_notice(made.envelope));
}

TEST(Notice, AnyChangedBitIsRefused) {
    const SignedNotice made = sign(key_of(1), closed());
    for (std::size_t bit = 0; bit < made.envelope.size() * 8; ++bit) {
        base::Bytes other = made.envelope;
        other[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        const auto read = read_notice(other);
        EXPECT_FALSE(read && signature_holds(*read)) << bit;
    }
}

TEST(Notice, ASignatureForAnotherPurposeIsNone) {
    const base::Bytes body = body_of(sign(key_of(1), typical()));
    for (const std::string_view domain : {"grapevine statement 1", "grapevine summary 1"}) {
        const auto read = read_notice(envelope(body, kNoticeKind, domain));
        ASSERT_TRUE(read);
        EXPECT_FALSE(signature_holds(*read)) << domain;
    }
}

TEST(Notice, ASignatureIsVerifiedOnce) {
    base::VerificationMemo memo;
    const SignedNotice made = sign(key_of(1), typical());
    EXPECT_TRUE(signature_holds(made, &memo));
    EXPECT_TRUE(signature_holds(made, &memo));
    EXPECT_EQ(memo.size(), 1U);
    SignedNotice forged = made;
    forged.envelope.back() ^= 1U;
    EXPECT_FALSE(signature_holds(forged, &memo));
    forged = made;
    forged.author = filled<EndpointId>(9);
    EXPECT_FALSE(signature_holds(forged, &memo)) << "signed by another one than it says";
}

TEST(Notice, EveryCutAndEveryExtraByteIsMalformed) {
    base::Bytes bytes = sign(key_of(1), typical()).envelope;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(fault_of(base::Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))),
                  StatementFault::malformed);
    }
    bytes.push_back(0);
    EXPECT_EQ(fault_of(bytes), StatementFault::malformed);
}

TEST(Notice, EveryCutOfABodyIsMalformed) {
    for (const Notice& notice : {typical(), closed()}) {
        const base::Bytes body = body_of(sign(key_of(1), notice));
        for (std::size_t size = 0; size < body.size(); ++size) {
            const base::Bytes cut(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_EQ(fault_of(envelope(cut)), StatementFault::malformed) << size;
        }
    }
}

TEST(Notice, FieldsThatCameLaterAreIgnoredAndKept) {
    base::Bytes body = body_of(sign(key_of(1), typical()));
    body.push_back(0x77);
    const auto read = read_notice(envelope(body));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->notice, typical());
    EXPECT_TRUE(signature_holds(*read));
}

TEST(Notice, FaultsAreToldApart) {
    const base::Bytes body = body_of(sign(key_of(1), typical()));
    EXPECT_EQ(fault_of(base::Bytes(kNoticeMax + 1)), StatementFault::oversized);
    EXPECT_EQ(fault_of(envelope(body, kDigestKind)), StatementFault::unknown_kind);
    EXPECT_EQ(fault_of(envelope(hex("02"))), StatementFault::unknown_version) << "whatever its form";
    EXPECT_EQ(fault_of(envelope(changed("05 6d65736832", "05 4d65736832"))), StatementFault::bad_name);
    EXPECT_EQ(fault_of(envelope(changed("06 62726f6b6572", "00"))), StatementFault::bad_name);
}

TEST(Notice, ErrorsNameTheThingAndTheRule) {
    EXPECT_EQ(error_of(changed("808004 00", "00 00")), "notice: size: must be 1 to 1048576");
    EXPECT_EQ(error_of(changed("808004 00", "818040 00")), "notice: size: must be 1 to 1048576");
    EXPECT_EQ(error_of(changed("808004 00", "808004 d705")), "notice: ticket: 727 bytes where 726 are allowed");
}

TEST(NoticeDeathTest, SigningWhatBreaksARuleIsOurOwnBug) {
    Notice notice = typical();
    notice.size = 0;
    EXPECT_DEATH(sign(key_of(1), notice), "has its limit");
    notice = typical();
    notice.mesh = "Mesh";
    EXPECT_DEATH(sign(key_of(1), notice), "valid names only");
}

TEST(Notice, RoundTrips) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        base::Rng rng(seed);
        const Notice notice = testing::any_notice(rng);
        const SignedNotice made = sign(key_of(3), notice);
        RC_ASSERT(made.notice == notice);
        const auto read = read_notice(made.envelope);
        RC_ASSERT(read.has_value());
        RC_ASSERT(*read == made);
        RC_ASSERT(signature_holds(*read));
    }));
}

TEST(ChunkQuestion, BytesArePinned) {
    const ChunkQuestion question{hash(), 61440, 300};
    const base::Bytes expected = hex(concat({kHash, "80e003", "ac02"}));
    EXPECT_EQ(base::hex_encode(encode(question)), base::hex_encode(expected));
    EXPECT_EQ(*decode_chunk_question(expected), question);
}

TEST(ChunkQuestion, EveryCutIsAnErrorAndMoreIsIgnored) {
    base::Bytes bytes = encode(ChunkQuestion{hash(), 61440, 300});
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_chunk_question(base::ByteView(bytes).first(size))) << size;
    bytes.push_back(9);
    EXPECT_TRUE(decode_chunk_question(bytes));
}

TEST(ChunkQuestion, WhatIsOutOfBoundsIsNamed) {
    const auto error = [](std::string_view rest) {
        const auto read = decode_chunk_question(hex(concat({kHash, rest})));
        EXPECT_FALSE(read);
        return read ? std::string() : read.error().message;
    };
    EXPECT_EQ(error("00 00"), "question for a chunk: size: must be 1 to 61440");
    EXPECT_EQ(error("00 81e003"), "question for a chunk: size: must be 1 to 61440");
    EXPECT_EQ(error("808040 01"), "question for a chunk: offset: must be under 1048576");
}

TEST(ChunkTarget, IsAReservedNameOfOneNode) {
    const auto id = id_of<EndpointId>(kId1);
    const std::string target = chunk_target(id);
    EXPECT_EQ(target, std::string(kId1) + "#publication");
    EXPECT_TRUE(is_target_name(target));
    EXPECT_TRUE(is_reserved_name(target));
    EXPECT_EQ(parse_chunk_target(target), id);
    for (const std::string_view name :
         {std::string_view(), std::string_view("mesh1.broker"), std::string_view("#p"), kId1}) {
        EXPECT_FALSE(is_reserved_name(name)) << name;
        EXPECT_FALSE(parse_chunk_target(name)) << name;
    }
    for (const std::string_view name : {"#publication", "mesh1.broker#publication"}) {
        EXPECT_TRUE(is_reserved_name(name)) << name;
        EXPECT_FALSE(parse_chunk_target(name)) << name;
    }
}

}  // namespace
}  // namespace grapevine::wire
