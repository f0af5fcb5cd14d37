#include "base/ed25519.hpp"

#include <array>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/blake3.hpp"
#include "base/encoding.hpp"

namespace grapevine::base {
namespace {

struct Rfc8032 {
    std::string_view seed;
    std::string_view id;
    std::string_view message;
    std::string_view signature;
};

// RFC 8032 section 7.1, tests 1 to 3 and SHA(abc).
constexpr std::array<Rfc8032, 4> kRfc8032{{
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
     "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"},
}};

SecretKey key_of(std::uint8_t byte) {
    return *SecretKey::from_seed(Bytes(32, byte));
}

TEST(Ed25519, VectorsOfRfc8032) {
    for (const auto& vector : kRfc8032) {
        const auto key = SecretKey::from_seed(*hex_decode(vector.seed));
        ASSERT_TRUE(key);
        const Bytes message = *hex_decode(vector.message);
        EXPECT_EQ(key->id().hex(), vector.id);
        const Signature signature = key->sign(message);
        EXPECT_EQ(hex_encode(signature), vector.signature);
        EXPECT_TRUE(verify(key->id(), message, signature));
    }
}

// iroh's relay handshake: a signature over a derived key.
TEST(Ed25519, VectorOfTheRelayHandshake) {
    const auto message = blake3_derive_key("iroh-relay handshake v1 challenge signature", Bytes(16, 0));
    EXPECT_EQ(hex_encode(message), "8105e7bd9963194e6d6d80225a3f1b071da3b6e65edcd12531e16233f33de9d6");
    EXPECT_EQ(hex_encode(key_of(0x2a).sign(message)),
              "661ffa2a241b3803f8d5f0e04fc3251c2b2785f8ed605b1d8b58825b92c3ba2b"
              "2b5d84d01c405f917f4fc602000442b0cbd867ab0143034f37bd089cb987d80b");
}

TEST(Ed25519, AnyChangedBitIsRefused) {
    const SecretKey key = key_of(7);
    const Bytes message = to_bytes("statement");
    const Signature signature = key.sign(message);
    for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
        Signature changed = signature;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        EXPECT_FALSE(verify(key.id(), message, changed)) << bit;
    }
    EXPECT_FALSE(verify(key_of(8).id(), message, signature));
    EXPECT_FALSE(verify(key.id(), to_bytes("Statement"), signature));
    EXPECT_FALSE(verify(key.id(), {}, signature));
}

// The signature equation holds for the point of order one and any message; a strict verifier refuses it.
TEST(Ed25519, SmallOrderKeysAreRefused) {
    EndpointId neutral;
    neutral.bytes[0] = 1;
    Signature signature{};
    signature[0] = 1;
    EXPECT_FALSE(verify(neutral, to_bytes("anything"), signature));
    EXPECT_FALSE(verify(EndpointId{}, to_bytes("anything"), Signature{}));
}

TEST(Ed25519, SeedsHaveThirtyTwoBytes) {
    EXPECT_EQ(SecretKey::from_seed(Bytes(31)).error().message, "secret key: 31 bytes where 32 are needed");
    EXPECT_FALSE(SecretKey::from_seed(Bytes(64)));
    EXPECT_FALSE(SecretKey::from_seed({}));
}

TEST(Ed25519, GeneratedKeysDifferAndComeBackFromTheirSeed) {
    const SecretKey key = SecretKey::generate();
    EXPECT_NE(key.id(), SecretKey::generate().id());
    EXPECT_EQ(SecretKey::from_seed(key.seed())->id(), key.id());
}

TEST(Ed25519, SignsAnything) {
    const SecretKey key = key_of(9);
    EXPECT_TRUE(rc::check([&](const Bytes& message) { RC_ASSERT(verify(key.id(), message, key.sign(message))); }));
}

}  // namespace
}  // namespace grapevine::base
