#include "apps/grapevine/top/text.hpp"

#include <gtest/gtest.h>

namespace grapevine::apps {
namespace {

TEST(TopText, ShowsWhatMovesTheCursorAsOneColumn) {
    EXPECT_EQ(harmless("a\x1b[2Jb"), "a\uFFFD[2Jb");
    EXPECT_EQ(harmless("a\nb\tc\x7f"), "a\uFFFDb\uFFFDc\uFFFD");
    EXPECT_EQ(harmless("\xC2\x9B"
                       "31m"),
              "\uFFFD31m");  // CSI as one C1 character.
    EXPECT_EQ(harmless("x\u202Ey\u200Bz\u2028"), "x\uFFFDy\uFFFDz\uFFFD");
    EXPECT_EQ(harmless("bad\xFF\xC3"), "bad\uFFFD\uFFFD");
    EXPECT_EQ(harmless("mesh1.broker.ä"), "mesh1.broker.ä");
}

TEST(TopText, LeavesNoMoreMarksThanACharacterBears) {
    EXPECT_EQ(harmless("e\u0301"), "e\u0301");
    EXPECT_EQ(harmless("e\u0301\u0302\u0303\u0304x"), "e\u0301\u0302x");
    EXPECT_EQ(harmless("\u0301x"), "x");  // A mark with nothing to stand on.
}

TEST(TopText, CountsColumnsNotBytes) {
    EXPECT_EQ(display_width("abc"), 3U);
    EXPECT_EQ(display_width("äöü"), 3U);
    EXPECT_EQ(display_width("網格"), 4U);
    EXPECT_EQ(display_width("e\u0301"), 1U);
    EXPECT_EQ(display_width("\uFFFD"), 1U);
}

TEST(TopText, CutsBetweenCharacters) {
    EXPECT_EQ(cut_to("abcdef", 6), "abcdef");
    EXPECT_EQ(cut_to("abcdef", 4), "abc~");
    EXPECT_EQ(cut_to("網格網格", 5), "網格~");
    EXPECT_EQ(cut_to("網格網格", 4), "網~");  // Half a character is none.
    EXPECT_EQ(cut_to("abc", 1), "~");
    EXPECT_EQ(cut_to("abc", 0), "");
    EXPECT_EQ(filled_to("網", 4), "網  ");
    EXPECT_EQ(filled_to("7", 3, Align::right), "  7");
    EXPECT_EQ(ascii_only("a網ä"), "a???");
}

}  // namespace
}  // namespace grapevine::apps
