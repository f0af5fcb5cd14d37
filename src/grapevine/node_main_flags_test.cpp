#include "grapevine/node_main_flags.hpp"

#include <utility>

#include <gtest/gtest.h>

#include "grapevine/node_main_flags_testing.hpp"

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
    EXPECT_TRUE(parsed->positionals.empty());
    EXPECT_FALSE(parsed->has("--json"));
    EXPECT_EQ(parsed->text("--json", "fallback"), "fallback");
}

TEST(Flags, ValuesMayLookLikeAnything) {
    const auto parsed =
        parse_flags(table(), 0, Words{"--name", "--json", "--seed", "[a,b]", "--seed", "", "--seed=-1"});
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(parsed->text("--name"), "--json");
    EXPECT_FALSE(parsed->has("--json"));
    EXPECT_EQ(parsed->list("--seed"), (Words{"[a,b]", "", "-1"}));
}

TEST(Flags, ALetterSaysTheSame) {
    const std::vector<Flag> lettered{{"--lines", Arity::one, "N", "lines", {}, {}, "-n"},
                                     {"--follow", Arity::none, "", "follow", {}, {}, "-f"}};
    const auto parsed = parse_flags(lettered, 0, Words{"-n", "20", "-f"});
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(parsed->text("--lines"), "20");
    EXPECT_TRUE(parsed->has("--follow"));
    EXPECT_EQ(parse_flags(lettered, 0, Words{"-n", "1", "--lines", "2"}).error().message, "--lines: given twice");
    CommandLine line;
    line.name = "program";
    line.flags = lettered;
    const auto help = parse_words(line, Words{"--help"}, 80);
    ASSERT_TRUE(help && std::holds_alternative<Answer>(*help));
    EXPECT_NE(std::get<Answer>(*help).text.find("  -n, --lines N "), std::string::npos);
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
                                         BadLine{{"--json", "--json"}, "--json: given twice"},
                                         BadLine{{"--name=", "a"}, "--name: needs a value after '='"},
                                         BadLine{{"-n"}, "-n: unknown option"},
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

CommandLine named(std::string name, std::string summary) {
    CommandLine line;
    line.name = std::move(name);
    line.summary = std::move(summary);
    return line;
}

CommandLine tree() {
    CommandLine show = named("show", "show it");
    show.arguments = "FILE";
    show.arguments_min = show.arguments_max = 1;
    show.flags = table();
    CommandLine key = named("key", "keys");
    key.commands = {show};
    CommandLine root = named("program", "does things");
    root.version = "1.0";
    root.commands = {key, named("up", "boots")};
    return root;
}

std::string answer_to(const Words& words, std::size_t columns = 80) {
    const auto outcome = parse_words(tree(), words, columns);
    const auto* answer = outcome ? std::get_if<Answer>(&*outcome) : nullptr;
    return answer == nullptr ? "no answer" : answer->text;
}

std::string error_of(const Words& words) {
    const auto outcome = parse_words(tree(), words, 80);
    return outcome ? "no error" : outcome.error().message;
}

TEST(Commands, AreChosenByTheirWords) {
    // The name of another command is a plain argument where arguments are due.
    const auto outcome = parse_words(tree(), Words{"key", "show", "up", "--json"}, 80);
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
    const auto& parsed = std::get<Parsed>(*outcome);
    EXPECT_EQ(parsed.command, "key show");
    EXPECT_EQ(parsed.positionals, Words{"up"});
    EXPECT_TRUE(parsed.has("--json"));
}

TEST(Commands, ErrorsNameTheWordAndWhatIsMissing) {
    EXPECT_EQ(error_of({}), "command: is required; see program --help");
    EXPECT_EQ(error_of({"fly"}), "fly: unknown command; see program --help");
    EXPECT_EQ(error_of({"keyy"}), "keyy: unknown command; did you mean key?");
    EXPECT_EQ(error_of({"--fly"}), "--fly: unknown option; see program --help");
    EXPECT_EQ(error_of({"key"}), "key: needs a verb; see program key --help");
    EXPECT_EQ(error_of({"key", "old"}), "key old: unknown command; see program key --help");
    EXPECT_EQ(error_of({"key", "show"}), "FILE: is required; see program key show --help");
    EXPECT_EQ(error_of({"key", "show", "a", "b"}), "b: unexpected argument");
    EXPECT_EQ(error_of({"up", "up"}), "up: unexpected argument");
    EXPECT_EQ(error_of({"up", "--", "x"}), "x: unknown command; see program --help");
}

TEST(Help, NamesEveryFlagAndCommand) {
    const std::string help = answer_to({"key", "show", "--help"});
    for (const Flag& flag : table()) {
        EXPECT_NE(help.find(flag.name), std::string::npos) << flag.name;
    }
    EXPECT_NE(help.find("Usage: program key show FILE [options]\n"), std::string::npos) << help;
    EXPECT_NE(answer_to({"--help"}).find("\n  key show  show it\n"), std::string::npos) << answer_to({"--help"});
    EXPECT_NE(answer_to({"key", "-h"}).find("Usage: program key COMMAND"), std::string::npos);
}

TEST(Help, ComesEvenIfSomethingIsMissing) {
    EXPECT_EQ(answer_to({"key", "--help", "show"}).find("no answer"), std::string::npos);
    EXPECT_EQ(answer_to({"--version"}), "program 1.0\n");
}

TEST(Closest, OffersOnlyWhatIsNear) {
    const std::vector<std::string_view> names{"gossip", "listen"};
    EXPECT_EQ(closest("gosip", names), "gossip");
    EXPECT_EQ(closest("connect", names), "");
}

}  // namespace
}  // namespace grapevine::cli
