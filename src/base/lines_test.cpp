#include "base/lines.hpp"

#include <string>

#include <gtest/gtest.h>

namespace grapevine::base {
namespace {

TEST(Lines, TheFirstThatIsTooLong) {
    EXPECT_EQ(first_longer_line("", 3), std::nullopt);
    EXPECT_EQ(first_longer_line("abc\nabc\n\nabc", 3), std::nullopt);
    EXPECT_EQ(first_longer_line("abcd", 3), 1U);
    EXPECT_EQ(first_longer_line("abc\n\nabcd\nabcdef\n", 3), 3U);
    EXPECT_EQ(first_longer_line("\n\n\n", 0), std::nullopt);
}

}  // namespace
}  // namespace grapevine::base
