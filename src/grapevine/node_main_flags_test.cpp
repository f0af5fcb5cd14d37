#include "grapevine/node_main_flags.hpp"

#include <gtest/gtest.h>

namespace grapevine::cli {
namespace {

using Words = std::vector<std::string>;

const std::vector<Flag>& table() {
    static const std::vector<Flag> kTable{{"--name", Arity::one, "NAME", "a name"},
                                          {"--seed", Arity::many, "TICKET", "a seed"},
                                          {"--json", Arity::none, "", "as JSON"}};
    return kTable;
}

TEST(Flags, ValueFollowsOrStandsAfterEquals) {
    const auto parsed = parse_flags(table(), 0, Words{"--name", "a", "--seed=x=y", "--seed", "z"});
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->text("--name"), "a");
    EXPECT_EQ(parsed->list("--seed"), (Words{"x=y", "z"}));
    EXPECT_FALSE(parsed->has("--json"));
    EXPECT_EQ(parsed->text("--json", "fallback"), "fallback");
}

TEST(Flags, DoubleDashEndsThem) {
    const auto parsed = parse_flags(table(), 2, Words{"--", "--name", "-"});
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->positionals, (Words{"--name", "-"}));
}

struct BadLine {
    Words words;
    std::string message;
};

class BadFlags : public testing::TestWithParam<BadLine> {};

TEST_P(BadFlags, NameTheOffender) {
    const auto parsed = parse_flags(table(), 1, GetParam().words);
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().message, GetParam().message);
    EXPECT_EQ(parsed.error().code, base::ErrorCode::invalid);
}

INSTANTIATE_TEST_SUITE_P(Table, BadFlags,
                         testing::Values(BadLine{{"--nmae", "a"}, "--nmae: unknown option; did you mean --name?"},
                                         BadLine{{"--zzzzzz"}, "--zzzzzz: unknown option"},
                                         BadLine{{"--nam", "a"}, "--nam: unknown option; did you mean --name?"},
                                         BadLine{{"--name"}, "--name: needs a value (NAME)"},
                                         BadLine{{"--name", "a", "--name=b"}, "--name: given twice"},
                                         BadLine{{"--json=1"}, "--json: takes no value"},
                                         BadLine{{"a", "b\n"}, "b\\x0a: unexpected argument"}));

TEST(Flags, ManyWordsAreRefused) {
    const auto parsed = parse_flags(table(), 0, Words(kArgumentsMax + 1, "--json"));
    ASSERT_FALSE(parsed.has_value());
}

TEST(Numbers, OnlyWholeDecimalsWithinBounds) {
    EXPECT_EQ(parse_number("--n", "7", 1, 9).value_or(0), 7U);
    for (const char* text : {"", "0", "10", "-1", "+1", "1.5", "0x5", " 5", "5 ", "99999999999999999999"}) {
        EXPECT_FALSE(parse_number("--n", text, 1, 9).has_value()) << text;
    }
    EXPECT_EQ(parse_number("--n", "ten", 1, 9).error().message, "--n: 'ten' is not a number from 1 to 9");
}

TEST(Help, WrapsAtTheWidth) {
    EXPECT_EQ(wrapped("one two three", 9, 2), "one two\n  three");
    EXPECT_EQ(wrapped("", 9, 2), "");
    EXPECT_EQ(wrapped("unbreakable-word", 5, 0), "unbreakable-word");
}

TEST(Help, NamesEveryFlag) {
    const std::string help = flags_help(table(), 80);
    for (const Flag& flag : table()) {
        EXPECT_NE(help.find(flag.name), std::string::npos) << flag.name;
    }
}

TEST(Closest, OffersOnlyWhatIsNear) {
    const std::vector<std::string_view> names{"gossip", "listen"};
    EXPECT_EQ(closest("gosip", names), "gossip");
    EXPECT_EQ(closest("connect", names), "");
}

}  // namespace
}  // namespace grapevine::cli
