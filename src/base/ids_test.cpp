#include "base/ids.hpp"

#include <type_traits>

#include <gtest/gtest.h>

#include "base/ed25519.hpp"

namespace grapevine::base {
namespace {

constexpr std::string_view kHex = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
constexpr std::string_view kBase32 = "rkeohxlubhyzl7ks3mwtzos5olfgocn7dwkbeg7toseadnapn5oa";

EndpointId id_of_seed(std::uint8_t byte) {
    return SecretKey::from_seed(Bytes(32, byte))->id();
}

TEST(Ids, VectorsOfSeeds) {
    EXPECT_EQ(id_of_seed(0x00).hex(), "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29");
    EXPECT_EQ(id_of_seed(0x01).hex(), kHex);
    EXPECT_EQ(id_of_seed(0x2a).hex(), "197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d61");
}

TEST(Ids, ParseHexAndBase32InAnyCase) {
    const EndpointId id = id_of_seed(1);
    EXPECT_EQ(EndpointId::parse(kHex), id);
    EXPECT_EQ(EndpointId::parse(kBase32), id);
    EXPECT_EQ(EndpointId::parse("RKEOHXLUBHYZL7KS3MWTZOS5OLFGOCN7DWKBEG7TOSEADNAPN5OA"), id);
    EXPECT_EQ(EndpointId::parse("8A88E3DD7409F195FD52DB2D3CBA5D72CA6709BF1D94121BF3748801B40F6F5C"), id);
}

TEST(Ids, BadTextIsAnErrorThatNamesTheKindAndTheText) {
    const std::string hex(kHex);
    for (const std::string& text : {std::string(), std::string("8a88"), hex.substr(1), hex + "0", hex + "00",
                                    hex.substr(0, 63) + "g", std::string(kBase32).substr(1), ' ' + hex}) {
        const auto id = EndpointId::parse(text);
        ASSERT_FALSE(id) << text;
        EXPECT_EQ(id.error().code, ErrorCode::invalid);
        EXPECT_TRUE(id.error().message.starts_with("endpoint id '")) << id.error().message;
    }
    EXPECT_TRUE(TopicId::parse("zz").error().message.starts_with("topic 'zz'"));
}

TEST(Ids, OnlyThirtyTwoBytesAreAnId) {
    EXPECT_EQ(EndpointId::from_bytes(id_of_seed(1).view()), id_of_seed(1));
    EXPECT_EQ(EndpointId::from_bytes(Bytes(31)).error().message, "endpoint id: 31 bytes where 32 are needed");
    EXPECT_FALSE(MessageId::from_bytes(Bytes(33)));
    EXPECT_FALSE(TopicId::from_bytes({}));
}

TEST(Ids, OrderIsThatOfTheBytes) {
    EndpointId low;
    EndpointId high;
    low.bytes[31] = 0xff;
    high.bytes[0] = 0x01;
    EXPECT_LT(low, high);
    EXPECT_EQ(low, low);
}

TEST(Ids, ShortFormIsThePrefix) {
    EXPECT_EQ(id_of_seed(1).short_hex(), "8a88e3dd74");
    EXPECT_EQ(id_of_seed(1).short_hex(6), "8a88e3");
}

TEST(Ids, KindsDoNotMix) {
    static_assert(!std::is_convertible_v<TopicId, EndpointId>);
    static_assert(!std::is_convertible_v<MessageId, TopicId>);
    EXPECT_NE(IdHash{}(id_of_seed(0)), IdHash{}(id_of_seed(1)));
}

}  // namespace
}  // namespace grapevine::base
