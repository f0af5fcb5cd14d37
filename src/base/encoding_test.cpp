#include "base/encoding.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace grapevine::base {
namespace {

constexpr std::string_view kId1Hex = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
constexpr std::string_view kId0Hex = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";

using Encode = std::string (*)(ByteView);
using Decode = Result<Bytes> (*)(std::string_view);
struct Codec {
    const char* name;
    Encode encode;
    Decode decode;
};
constexpr std::array<Codec, 4> kCodecs{{
    {"hex", hex_encode, hex_decode},
    {"base32", base32_encode, base32_decode},
    {"base32hex", base32hex_encode, base32hex_decode},
    {"z-base-32", zbase32_encode, zbase32_decode},
}};

TEST(Encoding, VectorsOfEndpointIds) {
    const Bytes id = *hex_decode(kId1Hex);
    EXPECT_EQ(hex_encode(id), kId1Hex);
    EXPECT_EQ(zbase32_encode(id), "tkrq8zmwb8a3m9k15csu3q17qmfgqnp9dskbrg9uq1rydpyxp7qy");
    EXPECT_EQ(base32_encode(id), "rkeohxlubhyzl7ks3mwtzos5olfgocn7dwkbeg7toseadnapn5oa");
    EXPECT_EQ(base32hex_encode(id), "ha4e7nbk17opbvaircmjpeiteb56e2dv3ma146vjei403d0fdte0");
    EXPECT_EQ(base32hex_encode(*hex_decode(kId0Hex)), "7dl2ff6emqi2qol3l382krodedij45bn3nh479hqo14a32qpr8kg");
}

TEST(Encoding, VectorsOfRfc4648) {
    EXPECT_EQ(base32_encode(as_bytes("")), "");
    EXPECT_EQ(base32_encode(as_bytes("f")), "my");
    EXPECT_EQ(base32_encode(as_bytes("fo")), "mzxq");
    EXPECT_EQ(base32_encode(as_bytes("foo")), "mzxw6");
    EXPECT_EQ(base32_encode(as_bytes("foob")), "mzxw6yq");
    EXPECT_EQ(base32_encode(as_bytes("fooba")), "mzxw6ytb");
    EXPECT_EQ(base32_encode(as_bytes("foobar")), "mzxw6ytboi");
    EXPECT_EQ(base32hex_encode(as_bytes("foobar")), "cpnmuoj1e8");
    EXPECT_EQ(hex_encode(as_bytes("foobar")), "666f6f626172");
}

TEST(Encoding, AnyCaseDecodes) {
    EXPECT_EQ(hex_decode("DEADbeef"), hex_decode("deadbeef"));
    EXPECT_EQ(to_text(*base32_decode("MZXW6ytb")), "fooba");
    EXPECT_EQ(to_text(*base32hex_decode("CPNMUOJ1")), "fooba");
}

// Invariant 4: each byte string has one text.
TEST(Encoding, RefusesWhatNoEncoderPrints) {
    EXPECT_FALSE(hex_decode("abc"));
    EXPECT_FALSE(hex_decode("0g"));
    EXPECT_FALSE(hex_decode("0x"));
    EXPECT_FALSE(base32_decode("my======"));
    EXPECT_FALSE(base32_decode("mz")) << "trailing bits";
    EXPECT_FALSE(base32_decode("m")) << "no byte string has one digit";
    EXPECT_FALSE(base32_decode("mzx")) << "nor three";
    EXPECT_FALSE(base32_decode("mzxw6y")) << "nor six";
    EXPECT_FALSE(base32_decode("m1"));
    EXPECT_FALSE(base32hex_decode("w0"));
    EXPECT_FALSE(zbase32_decode("l0"));
    EXPECT_FALSE(base32_decode(std::string_view("m\0", 2)));
    EXPECT_FALSE(base32_decode("m\xc3\xa9"));
}

TEST(Encoding, ErrorsNameThePlaceAndTheRule) {
    EXPECT_EQ(hex_decode("00zz").error().message, "hex: not a hex digit at 2");
    EXPECT_EQ(base32_decode("my=").error().message, "base32: character '=' at 2 is not in the alphabet");
}

TEST(Encoding, RoundTrips) {
    for (const auto& codec : kCodecs) {
        EXPECT_TRUE(rc::check(codec.name, [&](const Bytes& bytes) {
            const auto decoded = codec.decode(codec.encode(bytes));
            RC_ASSERT(decoded.has_value());
            RC_ASSERT(*decoded == bytes);
        }));
    }
}

TEST(Encoding, WhateverDecodesEncodesToTheSameTextInLowerCase) {
    for (const auto& codec : kCodecs) {
        EXPECT_TRUE(rc::check(codec.name, [&] {
            const auto text = *rc::gen::container<std::string>(
                rc::gen::elementOf(std::string("0123456789abcdefghijklmnopqrstuvwxyz")));
            const auto decoded = codec.decode(text);
            if (decoded) RC_ASSERT(codec.encode(*decoded) == text);
        }));
    }
}

TEST(Printable, EscapesAndCuts) {
    EXPECT_EQ(printable("plain text"), "plain text");
    EXPECT_EQ(printable("a\nb\x7f\xff"), "a\\x0ab\\x7f\\xff");
    EXPECT_EQ(printable("abcdef", 3), "abc...");
    EXPECT_EQ(printable("abc", 3), "abc");
    EXPECT_EQ(printable(""), "");
}

}  // namespace
}  // namespace grapevine::base
