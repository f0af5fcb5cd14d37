#include "base/result.hpp"

#include <memory>

#include <gtest/gtest.h>

#include "base/assert.hpp"
#include "base/bytes.hpp"

namespace grapevine::base {
namespace {

Result<int> parse_digit(char c) {
    if (c < '0' || c > '9') return invalid(std::string("digit '") + c + "': must be 0 to 9");
    return c - '0';
}

TEST(Result, HoldsAValueOrAnError) {
    EXPECT_EQ(parse_digit('7'), 7);
    const auto wrong = parse_digit('x');
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error(), (Error{ErrorCode::invalid, "digit 'x': must be 0 to 9"}));
}

TEST(Result, CarriesWhatCannotBeCopied) {
    Result<std::unique_ptr<int>> made = std::make_unique<int>(3);
    const std::unique_ptr<int> taken = *std::move(made);
    EXPECT_EQ(*taken, 3);
}

TEST(Result, StatusIsEmptyOrAnError) {
    EXPECT_TRUE(Status{});
    const Status refused = fail(ErrorCode::busy, "port 80: in use");
    EXPECT_EQ(refused.error().code, ErrorCode::busy);
    EXPECT_EQ(Status(fail("x")).error().code, ErrorCode::failed);
}

TEST(Bytes, ViewsOfTextAndBack) {
    EXPECT_EQ(as_text(as_bytes("gossip")), "gossip");
    EXPECT_EQ(to_text(to_bytes("\xff\x01")), "\xff\x01");
    EXPECT_TRUE(as_bytes("").empty());
}

TEST(AssertDeathTest, AbortsWithTheContext) {
    EXPECT_DEATH(GRAPEVINE_ASSERT(1 + 1 == 3, "arithmetic"),
                 "internal error: arithmetic .1 . 1 == 3. at .*result_test");
}

}  // namespace
}  // namespace grapevine::base
