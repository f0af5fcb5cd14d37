#include "wire/postcard.hpp"

#include <array>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "wire/vectors_testing.hpp"

namespace grapevine::wire {
namespace {

using testing::hex;

struct VarintCase {
    std::uint64_t value;
    std::string_view bytes;
};
constexpr std::array<VarintCase, 9> kVarints{{{0, "00"},
                                              {127, "7f"},
                                              {128, "8001"},
                                              {300, "ac02"},
                                              {16383, "ff7f"},
                                              {16384, "808001"},
                                              {65535, "ffff03"},
                                              {0xffff'ffff, "ffffffff0f"},
                                              {0xffff'ffff'ffff'ffff, "ffffffffffffffffff01"}}};

base::Bytes varint(std::uint64_t value) {
    Writer out;
    out.varint(value);
    return out.take();
}

TEST(Postcard, VarintVectors) {
    for (const auto& [value, bytes] : kVarints) {
        EXPECT_EQ(varint(value), hex(bytes));
        EXPECT_EQ(varint_size(value), hex(bytes).size());
        const base::Bytes encoded = hex(bytes);
        Reader in("test", encoded);
        EXPECT_EQ(in.u64("value"), value);
        EXPECT_TRUE(in.ok());
        EXPECT_EQ(in.remaining(), 0U);
    }
}

template <typename Read>
bool accepts(std::string_view text, Read read) {
    const base::Bytes bytes = hex(text);
    Reader in("test", bytes);
    (in.*read)("value");
    return in.ok();
}

// The Rust decoder takes padded forms and refuses what does not fit the type.
TEST(Postcard, VarintsStopWhereTheirTypeEnds) {
    EXPECT_TRUE(accepts("ffff03", &Reader::u16));
    EXPECT_TRUE(accepts("808000", &Reader::u16)) << "zero in three bytes";
    EXPECT_FALSE(accepts("ffff04", &Reader::u16));
    EXPECT_FALSE(accepts("80808000", &Reader::u16));
    EXPECT_TRUE(accepts("ffffffff0f", &Reader::u32));
    EXPECT_FALSE(accepts("ffffffff10", &Reader::u32));
    EXPECT_FALSE(accepts("808080808000", &Reader::u32));
    EXPECT_TRUE(accepts("ffffffffffffffffff01", &Reader::u64));
    EXPECT_FALSE(accepts("ffffffffffffffffff02", &Reader::u64));
    EXPECT_FALSE(accepts("80808080808080808080 00", &Reader::u64));
    EXPECT_FALSE(accepts("", &Reader::u16));
    EXPECT_FALSE(accepts("ff", &Reader::u64));
}

TEST(Postcard, BooleansAreZeroOrOne) {
    EXPECT_TRUE(accepts("00", &Reader::boolean));
    EXPECT_TRUE(accepts("01", &Reader::boolean));
    EXPECT_FALSE(accepts("02", &Reader::boolean));
}

TEST(Postcard, ErrorsNameTheThingAndTheRule) {
    const base::Bytes bytes = hex("05 ff ff ff");
    Reader count("list", bytes);
    EXPECT_EQ(count.count("peers", 4), 0U);
    EXPECT_EQ(count.error().message, "list: peers: 5 items where 4 are allowed");
    Reader long_bytes("list", bytes);
    EXPECT_TRUE(long_bytes.bytes("peer data", 4).empty());
    EXPECT_EQ(long_bytes.error().message, "list: peer data: 5 bytes where 4 are allowed");
    Reader cut("list", bytes);
    EXPECT_TRUE(cut.bytes("peer data", 5).empty());
    EXPECT_EQ(cut.error().message, "list: peer data: truncated at byte 4");
    Reader unknown("list", bytes);
    unknown.discriminant("kind", 5);
    EXPECT_EQ(unknown.error().message, "list: kind: unknown variant 5");
    Reader big("list", base::ByteView(bytes).subspan(1));
    big.u16("ttl");
    EXPECT_EQ(big.error().message, "list: ttl: integer does not fit its type");
}

TEST(Postcard, TheFirstErrorStandsAndNothingIsReadAfterIt) {
    const base::Bytes bytes = hex("02 01 01");
    Reader in("test", bytes);
    EXPECT_FALSE(in.boolean("first"));
    const base::Error error = in.error();
    EXPECT_EQ(in.u8("second"), 0);
    EXPECT_EQ(in.count("third", 10), 0U);
    EXPECT_TRUE(in.raw("fourth", 1).empty());
    in.fail("fifth", "anything");
    EXPECT_EQ(in.error(), error);
    EXPECT_EQ(in.finish(1).error(), error);
}

TEST(Postcard, ALengthNearTheLargestIntegerIsNoOverflow) {
    const base::Bytes bytes = hex("ffffffffffffffffff01 00");
    Reader in("test", bytes);
    in.bytes("data", std::numeric_limits<std::size_t>::max());
    EXPECT_EQ(in.error().message, "test: data: truncated at byte 11");
}

TEST(Postcard, IntegersRoundTrip) {
    EXPECT_TRUE(rc::check([](std::uint64_t value, std::uint32_t shift) {
        const std::uint64_t shifted = value >> (shift % 64);
        const base::Bytes bytes = varint(shifted);
        RC_ASSERT(bytes.size() == varint_size(shifted));
        Reader in("test", bytes);
        RC_ASSERT(in.u64("value") == shifted);
    }));
}

}  // namespace
}  // namespace grapevine::wire
