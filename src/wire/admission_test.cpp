#include "wire/admission.hpp"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "wire/digest.hpp"
#include "wire/generators_testing.hpp"
#include "wire/postcard.hpp"
#include "wire/vectors_testing.hpp"

namespace grapevine::wire {
namespace {

using base::EndpointId;
using testing::concat;
using testing::hex;
using testing::id_of;
using testing::key_of;
using testing::kId1;
using testing::kId2a;

constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();

AdmissionTicket typical() {
    AdmissionTicket ticket;
    ticket.mesh = "mesh1";
    ticket.node = id_of<EndpointId>(kId2a);
    ticket.types = {"broker", "gateway"};
    ticket.expires_unix_s = 1'800'000'000;
    ticket.serial = 300;
    return ticket;
}

RevocationList typical_list() {
    return {kAdmissionVersion, "mesh1", 7, {{0, 1'800'000'000}, {300, 1'700'000'000}, {301, 1}}};
}

constexpr std::string_view kTicketDomain = "grapevine admission ticket 1";
constexpr std::string_view kListDomain = "grapevine revocation list 1";

// An envelope by hand, so that a test can break any part of it.
base::Bytes envelope(std::uint8_t kind, std::string_view domain, const base::Bytes& body,
                     const base::SecretKey& key = key_of(1)) {
    base::Bytes message = base::to_bytes(domain);
    message.insert(message.end(), body.begin(), body.end());
    Writer out;
    out.u8(kind);
    out.raw(key.id().view());
    out.bytes(body);
    out.raw(key.sign(message));
    return out.take();
}
base::Bytes ticket_envelope(std::string_view body) {
    return envelope(kAdmissionTicketKind, kTicketDomain, hex(body));
}
base::Bytes list_envelope(std::string_view body) {
    return envelope(kRevocationListKind, kListDomain, hex(body));
}

const std::string kTicketBody = concat({
    "01",                  // version
    "05 6d65736831",       // mesh
    kId2a,                 // node
    "00",                  // member
    "02 06 62726f6b6572",  // types: broker,
    "07 67617465776179",   // gateway
    "80a4a7da06",          // expiry
    "ac02"                 // serial
});
const std::string kListBody = concat({
    "01",               // version
    "05 6d65736831",    // mesh
    "07",               // list version
    "03",               // revoked
    "00 80a4a7da06",    // serial 0
    "ac02 80e2cfaa06",  // 300
    "01 01"             // 301
});

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

AdmissionError ticket_error(const base::Bytes& bytes) {
    const auto ticket = open_ticket(bytes);
    EXPECT_FALSE(ticket);
    return ticket ? AdmissionError{} : ticket.error();
}
AdmissionError list_error(const base::Bytes& bytes) {
    const auto list = open_revocations(bytes);
    EXPECT_FALSE(list);
    return list ? AdmissionError{} : list.error();
}

TEST(AdmissionTicket, BytesArePinned) {
    const SignedTicket ticket = sign_ticket(key_of(1), typical());
    EXPECT_EQ(base::hex_encode(ticket.envelope), base::hex_encode(ticket_envelope(kTicketBody)));
    EXPECT_EQ(base::Bytes(ticket.envelope.begin(), ticket.envelope.begin() + 34), hex(concat({"11", kId1, "3f"})));
    EXPECT_EQ(base::hex_encode(base::ByteView(ticket.envelope).last(64)),
              "f570725ec5dae8f5f9f60fd820c9369f5806b99c57c9079e0bb756cdb9d46ade"
              "374fa3fa6c303c927106399683bc1429b66df36282f474ebc7d9ec6ab011a40a");
}

TEST(AdmissionTicket, OfAVisitorIsPinned) {
    AdmissionTicket ticket = typical();
    ticket.use = AdmissionUse::visitor;
    ticket.types.clear();
    EXPECT_EQ(sign_ticket(key_of(1), ticket).envelope,
              ticket_envelope(concat({"01 05 6d65736831", kId2a, "01 00 80a4a7da06 ac02"})));
}

TEST(RevocationList, BytesArePinned) {
    const SignedRevocations list = sign_revocations(key_of(1), typical_list());
    EXPECT_EQ(base::hex_encode(list.envelope), base::hex_encode(list_envelope(kListBody)));
    EXPECT_EQ(base::Bytes(list.envelope.begin(), list.envelope.begin() + 34), hex(concat({"10", kId1, "18"})));
    EXPECT_EQ(base::hex_encode(base::ByteView(list.envelope).last(64)),
              "0524f7b94410e69dd314ff9ccdbbaf81a3fa7cdfabc81ca5f6d1406236561cce"
              "f9413bf7d8fb813410891f881ad2bbbd2aac318dc2dc74a70e14763554c9ab03");
}

TEST(Admission, WhatIsSignedOpens) {
    const SignedTicket ticket = sign_ticket(key_of(1), typical());
    EXPECT_EQ(ticket.authority, key_of(1).id());
    EXPECT_EQ(ticket.value, typical());
    const auto opened = open_ticket(ticket.envelope);
    ASSERT_TRUE(opened);
    EXPECT_EQ(*opened, ticket);
    const SignedRevocations list = sign_revocations(key_of(1), typical_list());
    const auto opened_list = open_revocations(list.envelope);
    ASSERT_TRUE(opened_list);
    EXPECT_EQ(*opened_list, list);
}

// Invariant 3: nothing unsigned or mis-signed opens.
TEST(Admission, AnyChangedBitIsRefused) {
    const base::Bytes ticket = sign_ticket(key_of(1), typical()).envelope;
    const base::Bytes list = sign_revocations(key_of(1), typical_list()).envelope;
    for (std::size_t bit = 0; bit < ticket.size() * 8; ++bit) {
        base::Bytes changed = ticket;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        EXPECT_FALSE(open_ticket(changed)) << bit;
    }
    for (std::size_t bit = 0; bit < list.size() * 8; ++bit) {
        base::Bytes changed = list;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        EXPECT_FALSE(open_revocations(changed)) << bit;
    }
}

// Invariant 1: every truncation is an error.
TEST(Admission, EveryCutAndEveryExtraByteIsMalformed) {
    base::Bytes ticket = sign_ticket(key_of(1), typical()).envelope;
    for (std::size_t size = 0; size < ticket.size(); ++size)
        EXPECT_EQ(ticket_error({ticket.begin(), ticket.begin() + static_cast<std::ptrdiff_t>(size)}).fault,
                  AdmissionFault::malformed);
    ticket.push_back(0);
    EXPECT_EQ(ticket_error(ticket).message, "admission ticket: end: bytes after the signature");
    base::Bytes list = sign_revocations(key_of(1), typical_list()).envelope;
    for (std::size_t size = 0; size < list.size(); ++size)
        EXPECT_EQ(list_error({list.begin(), list.begin() + static_cast<std::ptrdiff_t>(size)}).fault,
                  AdmissionFault::malformed);
    list.push_back(0);
    EXPECT_EQ(list_error(list).message, "revocation list: end: bytes after the signature");
}

TEST(Admission, EveryCutOfABodyIsMalformed) {
    const base::Bytes ticket = hex(kTicketBody);
    for (std::size_t size = 0; size < ticket.size(); ++size) {
        const base::Bytes cut(ticket.begin(), ticket.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(ticket_error(envelope(kAdmissionTicketKind, kTicketDomain, cut)).fault, AdmissionFault::malformed);
    }
    const base::Bytes list = hex(kListBody);
    for (std::size_t size = 0; size < list.size(); ++size) {
        const base::Bytes cut(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(list_error(envelope(kRevocationListKind, kListDomain, cut)).fault, AdmissionFault::malformed);
    }
}

// Rule 1: one form only, so that no restriction is overlooked and nobody makes a second message of a signed one.
TEST(Admission, ThereIsOneFormOnly) {
    EXPECT_EQ(ticket_error(ticket_envelope(kTicketBody + "00")).message,
              "admission ticket: end: bytes after the last field");
    EXPECT_EQ(ticket_error(ticket_envelope(replaced(kTicketBody, "80a4a7da06", "80a4a7da8600"))).message,
              "admission ticket: an integer is not in its shortest form");
    EXPECT_EQ(ticket_error(ticket_envelope(replaced(kTicketBody, "05 6d", "8500 6d"))).message,
              "admission ticket: an integer is not in its shortest form");
    EXPECT_EQ(list_error(list_envelope(kListBody + "00")).message, "revocation list: end: bytes after the last field");
    EXPECT_EQ(list_error(list_envelope(replaced(kListBody, "01 01", "8100 01"))).message,
              "revocation list: an integer is not in its shortest form");
    base::Bytes padded = ticket_envelope(kTicketBody);
    padded[33] |= 0x80U;
    padded.insert(padded.begin() + 34, 0x00);
    EXPECT_EQ(ticket_error(padded).message, "admission ticket: body: length is not in its shortest form");
}

TEST(AdmissionTicket, TypesAscendAndAVisitorHasNone) {
    EXPECT_EQ(ticket_error(ticket_envelope(concat({"01 05 6d65736831", kId2a, "00 02 01 62 01 61 01 00"}))).message,
              "admission ticket: types: must ascend, each named once");
    EXPECT_EQ(ticket_error(ticket_envelope(concat({"01 05 6d65736831", kId2a, "00 02 01 61 01 61 01 00"}))).message,
              "admission ticket: types: must ascend, each named once");
    EXPECT_EQ(ticket_error(ticket_envelope(concat({"01 05 6d65736831", kId2a, "01 01 01 61 01 00"}))).message,
              "admission ticket: types: a visitor has none");
    EXPECT_EQ(ticket_error(ticket_envelope(concat({"01 05 6d65736831", kId2a, "00 09"}))).message,
              "admission ticket: types: 9 items where 8 are allowed");
}

// Rule 2.
TEST(Admission, EverythingExpires) {
    EXPECT_EQ(ticket_error(ticket_envelope(replaced(kTicketBody, "80a4a7da06", "00"))).message,
              "admission ticket: expiry: must be given, every ticket expires");
    EXPECT_EQ(ticket_error(ticket_envelope(replaced(kTicketBody, "80a4a7da06", "8083d1ffaf07"))).message,
              "admission ticket: expiry: 253402300800 s lie after the year 9999");
    EXPECT_TRUE(open_ticket(ticket_envelope(replaced(kTicketBody, "80a4a7da06", "ff82d1ffaf07"))));
    EXPECT_EQ(list_error(list_envelope(replaced(kListBody, "01 01", "01 00"))).message,
              "revocation list: expiry: must be given, every ticket expires");
}

TEST(RevocationList, SerialsAscendAndFitTheirType) {
    const std::string head = "01 05 6d65736831 01";
    EXPECT_EQ(list_error(list_envelope(head + "02 05 01 00 01")).message,
              "revocation list: revoked: serials must ascend, each named once");
    const std::string largest = "ffffffffffffffffff01";
    EXPECT_EQ(list_error(list_envelope(head + "02 01 01" + largest + "01")).message,
              "revocation list: serial: does not fit its type");
    const auto list = open_revocations(list_envelope(head + "01" + largest + "01"));
    ASSERT_TRUE(list);
    EXPECT_EQ(list->value.revoked, (std::vector<RevokedTicket>{{kLargest, 1}}));
    EXPECT_EQ(list_error(list_envelope("01 05 6d65736831 00 00")).message,
              "revocation list: list version: must be at least 1");
    EXPECT_EQ(list_error(list_envelope(head + "8102")).message,
              "revocation list: revoked: 257 items where 256 are allowed");
}

TEST(RevocationList, KnowsItsSerials) {
    const RevocationList list = typical_list();
    for (const std::uint64_t serial : {0, 300, 301})
        EXPECT_TRUE(list.contains(serial)) << serial;
    for (const std::uint64_t serial : {std::uint64_t{1}, std::uint64_t{299}, std::uint64_t{302}, kLargest})
        EXPECT_FALSE(list.contains(serial)) << serial;
    EXPECT_FALSE(RevocationList{}.contains(0));
}

TEST(Admission, FaultsAreToldApart) {
    EXPECT_EQ(ticket_error(base::Bytes(kAdmissionTicketMax + 1)).message,
              "admission ticket: 727 bytes where 726 are allowed");
    EXPECT_EQ(ticket_error(base::Bytes(kAdmissionTicketMax + 1)).fault, AdmissionFault::oversized);
    EXPECT_EQ(list_error(base::Bytes(kRevocationListMax + 1)).fault, AdmissionFault::oversized);
    EXPECT_EQ(ticket_error(ticket_envelope("02")).fault, AdmissionFault::unknown_version) << "whatever its form";
    EXPECT_EQ(ticket_error(ticket_envelope("02")).message, "admission ticket: version 2 where 1 is known");
    EXPECT_EQ(list_error(list_envelope("00")).fault, AdmissionFault::unknown_version);
    EXPECT_EQ(ticket_error(list_envelope(kListBody)).fault, AdmissionFault::unknown_kind);
    EXPECT_EQ(ticket_error(list_envelope(kListBody)).message, "admission ticket: kind 16 where 17 is expected");
    EXPECT_EQ(list_error(ticket_envelope(kTicketBody)).fault, AdmissionFault::unknown_kind);
    EXPECT_EQ(ticket_error(ticket_envelope(replaced(kTicketBody, "05 6d65736831", "05 4d65736831"))).fault,
              AdmissionFault::bad_name);
    EXPECT_EQ(ticket_error(ticket_envelope(replaced(kTicketBody, "06 62726f6b6572", "06 2d726f6b6572"))).message,
              "admission ticket: type '-roker': must match [a-z0-9][a-z0-9-]{0,62}");
    EXPECT_EQ(list_error(list_envelope(replaced(kListBody, "05 6d65736831", "00"))).fault, AdmissionFault::bad_name);
    for (std::size_t i = 0; i < kAdmissionFaults; ++i)
        EXPECT_NE(name(static_cast<AdmissionFault>(i)), "unknown");
    EXPECT_EQ(name(static_cast<AdmissionFault>(kAdmissionFaults)), "unknown");
    EXPECT_EQ(name(AdmissionUse::visitor), "visitor");
}

TEST(Admission, ASignatureForAnotherPurposeOrByAnotherIsRefused) {
    const base::Bytes body = hex(kTicketBody);
    EXPECT_EQ(ticket_error(envelope(kAdmissionTicketKind, kListDomain, body)).fault, AdmissionFault::bad_signature);
    EXPECT_EQ(ticket_error(envelope(kAdmissionTicketKind, "", body)).fault, AdmissionFault::bad_signature);
    base::Bytes forged = envelope(kAdmissionTicketKind, kTicketDomain, body, key_of(2));
    const EndpointId id = key_of(1).id();
    std::copy(id.bytes.begin(), id.bytes.end(), forged.begin() + 1);
    EXPECT_EQ(ticket_error(forged).message, "admission ticket: not signed by authority " + id.short_hex());
    EXPECT_TRUE(read_ticket(forged)) << "reading does not look at the signature";
    EXPECT_EQ(open_statement(sign_ticket(key_of(1), typical()).envelope).error().fault, StatementFault::unknown_kind);
    EXPECT_EQ(open_statement(sign_revocations(key_of(1), typical_list()).envelope).error().fault,
              StatementFault::unknown_kind);
}

TEST(Admission, AMemoRemembersWhatHeldAndNothingElse) {
    base::VerificationMemo memo;
    const SignedTicket ticket = sign_ticket(key_of(1), typical());
    base::Bytes changed = ticket.envelope;
    changed.back() ^= 1U;
    EXPECT_FALSE(open_ticket(changed, &memo));
    EXPECT_EQ(memo.size(), 0U);
    EXPECT_TRUE(open_ticket(ticket.envelope, &memo));
    EXPECT_EQ(memo.size(), 1U);
    EXPECT_TRUE(open_ticket(ticket.envelope, &memo));
    EXPECT_FALSE(open_ticket(changed, &memo));
    SignedTicket other = ticket;
    other.authority = key_of(2).id();
    EXPECT_FALSE(signature_holds(other, &memo)) << "the envelope names the authority";
    other.envelope.clear();
    EXPECT_FALSE(signature_holds(other));
}

// Rule 4, and the limit of a ticket.
TEST(Admission, TheLargestFitTheirLimits) {
    AdmissionTicket ticket = typical();
    ticket.mesh = std::string(kNameMax, 'm');
    ticket.types.clear();
    for (char c = 'a'; c < 'a' + static_cast<char>(kTicketTypesMax); ++c)
        ticket.types.emplace_back(kNameMax, c);
    ticket.expires_unix_s = kExpiryMax;
    ticket.serial = kLargest;
    EXPECT_EQ(sign_ticket(key_of(1), ticket).envelope.size(), kAdmissionTicketMax);
    EXPECT_TRUE(parse_admission_text(admission_text(sign_ticket(key_of(1), ticket))));

    RevocationList list{kAdmissionVersion, std::string(kNameMax, 'm'), kLargest, {}};
    for (std::uint64_t i = 0; i < kRevokedMax; ++i)
        list.revoked.push_back({kLargest / kRevokedMax * (i + 1), kExpiryMax});
    list.revoked.back().serial = kLargest;
    const SignedRevocations largest = sign_revocations(key_of(1), list);
    EXPECT_LE(largest.envelope.size(), kRevocationListMax);
    EXPECT_TRUE(open_revocations(largest.envelope));
    EXPECT_TRUE(parse_revocations_text(revocations_text(largest)));
}

TEST(AdmissionDeathTest, SigningWhatBreaksARuleIsOurOwnBug) {
    AdmissionTicket ticket = typical();
    ticket.expires_unix_s = 0;
    EXPECT_DEATH(sign_ticket(key_of(1), ticket), "keeps the rules only");
    RevocationList list = typical_list();
    list.mesh = "Mesh";
    EXPECT_DEATH(sign_revocations(key_of(1), list), "keeps the rules only");
}

TEST(AdmissionText, IsPinned) {
    AdmissionTicket ticket = typical();
    ticket.types.clear();
    const SignedTicket made = sign_ticket(key_of(1), ticket);
    EXPECT_EQ(admission_text(made),
              "admitcgfiry65oqe7dfp5klns2pf2lvzmuzyjx4ozieq36n2iqanub5xvymabavwwk43igemx62zd4fwikmwgvpedr"
              "6wnl2tytpqmo2zjeazuaon7vcz5g2gwcaaaqcskpwqgvqbl3aljzwsd6j3wc54arf3jj73ut4fze4hjw34jhowx3lt"
              "6jfwz75yfiolki5pczrqvad45rc4otqs6m3gzjhpfv34j6h6lkcncx5kzbu");
    EXPECT_TRUE(revocations_text(sign_revocations(key_of(1), typical_list())).starts_with("revokec"));
}

TEST(AdmissionText, WhiteSpaceAroundItAndCaseDoNotMatter) {
    const SignedTicket ticket = sign_ticket(key_of(1), typical());
    std::string text = admission_text(ticket);
    EXPECT_EQ(parse_admission_text(text), ticket);
    EXPECT_EQ(parse_admission_text(" \t" + text + "\r\n\n"), ticket);
    std::transform(text.begin() + 5, text.end(), text.begin() + 5,
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    EXPECT_EQ(parse_admission_text(text), ticket);
    text[0] = 'A';
    EXPECT_FALSE(parse_admission_text(text));
}

TEST(AdmissionText, AFileThatWasCutSaysSo) {
    const std::string text = admission_text(sign_ticket(key_of(1), typical()));
    const std::string what = "admission ticket '" + text.substr(0, 24) + "...': ";
    for (std::size_t size = 25; size < text.size(); ++size) {
        const auto ticket = parse_admission_text(text.substr(0, size));
        ASSERT_FALSE(ticket) << size;
        EXPECT_TRUE(ticket.error().message.starts_with(what)) << ticket.error().message;
        EXPECT_NE(ticket.error().message.find("truncated at byte"), std::string::npos) << ticket.error().message;
    }
    for (std::size_t size = 0; size < 25; ++size)
        EXPECT_FALSE(parse_admission_text(text.substr(0, size))) << size;
    const auto half = parse_admission_text(text.substr(0, text.size() / 2));
    EXPECT_EQ(half.error().message, what + "body: truncated at byte 78");
}

TEST(AdmissionText, ErrorsNameTheTextAndTheRule) {
    EXPECT_EQ(parse_admission_text("").error().message, "admission ticket '': is empty");
    EXPECT_EQ(parse_admission_text("\n").error().message, "admission ticket '': is empty");
    EXPECT_EQ(parse_admission_text("endpointaa").error().message,
              "admission ticket 'endpointaa': must begin with 'admit'");
    EXPECT_EQ(parse_revocations_text("admitaa").error().message, "revocation list 'admitaa': must begin with 'revoke'");
    EXPECT_EQ(parse_admission_text("admit").error().message, "admission ticket 'admit': kind: truncated at byte 0");
    EXPECT_EQ(parse_admission_text("admita!").error().message,
              "admission ticket 'admita!': base32: character '!' at 1 is not in the alphabet");
    EXPECT_EQ(parse_admission_text("admitaa").error().message,
              "admission ticket 'admitaa': kind 0 where 17 is expected");
    EXPECT_EQ(parse_admission_text("admit\x1b[2J").error().message,
              "admission ticket 'admit\\x1b[2J': base32: character '\\x1b' at 0 is not in the alphabet");
    EXPECT_EQ(parse_admission_text("admit" + std::string(1163, 'a')).error().message,
              "admission ticket 'admitaaaaaaaaaaaaaaaaaaa...': longer than 1167 characters");
    EXPECT_NE(parse_revocations_text("revoke" + std::string(6493, 'a')).error().message.find("longer than 6498"),
              std::string::npos);
    const std::string text = admission_text(sign_ticket(key_of(1), typical()));
    EXPECT_NE(parse_admission_text(text + "a").error().message.find("base32: "), std::string::npos)
        << "a whole ticket and more";
}

TEST(AdmissionText, NoChangedLetterIsTaken) {
    const std::string text = admission_text(sign_ticket(key_of(1), typical()));
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string changed = text;
        changed[i] = changed[i] == 'q' ? 'r' : 'q';
        EXPECT_FALSE(parse_admission_text(changed)) << i;
    }
}

TEST(Admission, RoundTrips) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        base::Rng rng(seed);
        const SignedTicket ticket = sign_ticket(key_of(3), testing::any_ticket(rng));
        const auto opened = open_ticket(ticket.envelope);
        RC_ASSERT(opened.has_value());
        RC_ASSERT(*opened == ticket);
        RC_ASSERT(parse_admission_text(admission_text(ticket)) == ticket);
        const SignedRevocations list = sign_revocations(key_of(3), testing::any_revocations(rng));
        const auto opened_list = open_revocations(list.envelope);
        RC_ASSERT(opened_list.has_value());
        RC_ASSERT(*opened_list == list);
        RC_ASSERT(parse_revocations_text(revocations_text(list)) == list);
    }));
}

}  // namespace
}  // namespace grapevine::wire
