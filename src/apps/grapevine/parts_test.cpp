// The parts of the command that need no process: tables, lines, views, samples.

#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "apps/grapevine/child_process.hpp"
#include "apps/grapevine/command.hpp"
#include "apps/grapevine/node_view.hpp"
#include "apps/grapevine/process_stat.hpp"
#include "apps/grapevine/stdio.hpp"
#include "apps/grapevine/terminal.hpp"
#include "apps/grapevine/up_view.hpp"

namespace grapevine::apps {
namespace {

struct Split {
    std::vector<std::string> lines;
    int too_long = 0;

    void push(LineSplitter& splitter, std::string_view data) {
        splitter.push(data, [this](std::string_view line) { lines.emplace_back(line); }, [this] { ++too_long; });
    }
    void finish(LineSplitter& splitter) {
        splitter.finish([this](std::string_view line) { lines.emplace_back(line); }, [this] { ++too_long; });
    }
};

TEST(LineSplitter, JoinsPiecesAndKeepsEmptyLines) {
    LineSplitter splitter(8);
    Split split;
    split.push(splitter, "ab");
    split.push(splitter, "c\n\nde");
    split.finish(splitter);
    EXPECT_EQ(split.lines, (std::vector<std::string>{"abc", "", "de"}));
    EXPECT_EQ(split.too_long, 0);
}

TEST(LineSplitter, SkipsALongLineWholeAndOnce) {
    LineSplitter splitter(4);
    Split split;
    split.push(splitter, "1234\n12345\nok\n123");
    split.push(splitter, "45678");
    split.push(splitter, "9\nend");
    split.finish(splitter);
    EXPECT_EQ(split.lines, (std::vector<std::string>{"1234", "ok", "end"}));
    EXPECT_EQ(split.too_long, 2);
}

TEST(Ids, AreReadFromTheAnswer) {
    const auto ids = decode_ids(R"({"ok":true,"nodes":[{"id":"aa","x":[1]},{"id":"bb"}],"neighbors":[]})", "nodes");
    ASSERT_TRUE(ids.has_value());
    EXPECT_EQ(*ids, (IdSet{"aa", "bb"}));
}

TEST(Ids, RefuseWhatIsNone) {
    for (const char* line : {"", "[]", "{}", R"({"nodes":1})", R"({"nodes":[1]})", R"({"nodes":[{"name":"x"}]})"}) {
        EXPECT_FALSE(decode_ids(line, "nodes").has_value()) << line;
    }
}

TEST(Process, NumbersComeFromTheirOwnLine) {
    const std::string text =
        "Name:\tx\nnonvoluntary_ctxt_switches:\t7\nvoluntary_ctxt_switches:\t42\nVmRSS:\t  123 kB\n";
    EXPECT_EQ(proc_number(text, "voluntary_ctxt_switches:"), 42U);
    EXPECT_EQ(proc_number(text, "VmRSS:"), 123U);
    EXPECT_EQ(proc_number(text, "Pss:"), 0U);
}

TEST(Process, SamplesItself) {
    const auto sample = sample_process(::getpid(), base::TimePoint{}, Detail::with_pss);
    ASSERT_TRUE(sample.has_value());
    EXPECT_GT(sample->rss_kib, 100U);
    EXPECT_GT(sample->cpu_ns, 0U);
}

TEST(Process, RatesArePerSecondOfTheInterval) {
    ProcessSample from;
    ProcessSample to;
    from.cpu_ns = 1'000'000;
    from.wakeups = 10;
    to.at = from.at + std::chrono::seconds(2);
    to.cpu_ns = from.cpu_ns + 20'000'000;  // 20 ms in 2 s.
    to.wakeups = 40;
    EXPECT_DOUBLE_EQ(rates_between(from, to).cpu_percent, 1.0);
    EXPECT_DOUBLE_EQ(rates_between(from, to).wakeups_per_s, 15.0);
    EXPECT_DOUBLE_EQ(rates_between(to, from).cpu_percent, 0.0);
}

TEST(Table, AlignsAndDropsWhatDoesNotFit) {
    Terminal terminal;
    terminal.columns = 20;
    const std::vector<Column> columns{{"NAME"}, {"LONG COLUMN", Align::left, 2}, {"N", Align::right}};
    const auto lines = table_lines(terminal, columns, {{{"a"}, {"x"}, {"10"}}, {{"bbbbb"}, {"y"}, {"5"}}});
    EXPECT_EQ(lines, (std::vector<std::string>{"NAME    N", "a      10", "bbbbb   5"}));
    terminal.columns = 40;
    EXPECT_EQ(table_lines(terminal, columns, {{{"a"}, {"x"}, {"10"}}})[1], "a     x            10");
}

TEST(Table, ColoursOnlyWhereAsked) {
    Terminal terminal;
    EXPECT_EQ(tinted(terminal, Tint::bad, "x"), "x");
    terminal.color = true;
    EXPECT_EQ(tinted(terminal, Tint::bad, "x"), "\x1b[31mx\x1b[0m");
}

TEST(Lines, AreCutByWhatIsSeen) {
    EXPECT_EQ(visible_width("\x1b[31mab\x1b[0mc"), 3U);
    EXPECT_EQ(clipped("abc", 3), "abc");
    EXPECT_EQ(clipped("abcd", 3), "abc");
    EXPECT_EQ(clipped("a\x1b[31mbcd\x1b[0me", 3), "a\x1b[31mbc\x1b[0m");
    EXPECT_EQ(clipped("\x1b[31mabc\x1b[0m", 3), "\x1b[31mabc\x1b[0m");
}

TEST(Rows, ThoseInTroubleStayVisible) {
    using Rows = std::vector<std::size_t>;
    EXPECT_EQ(visible_rows({true, true, false, true}, 4), (Rows{0, 1, 2, 3}));
    EXPECT_EQ(visible_rows({true, true, true, false}, 2), (Rows{0, 3}));
    EXPECT_EQ(visible_rows({false, true, false, false}, 2), (Rows{0, 2}));
    EXPECT_EQ(visible_rows({}, 2), Rows{});
}

TEST(Texts, AreShort) {
    EXPECT_EQ(short_number(0.0312), "0.031");
    EXPECT_EQ(short_number(12.34), "12.3");
    EXPECT_EQ(memory_text(6800), "6.64 MB");
    EXPECT_EQ(memory_text(0), "-");
    EXPECT_EQ(duration_text(950), "950 ms");
    EXPECT_EQ(duration_text(7'200'000), "2 h");
}

TEST(WaitStatus, IsDescribed) {
    EXPECT_EQ(describe_wait_status(3 << 8), "exit code 3");
    EXPECT_TRUE(describe_wait_status(9).starts_with("signal 9"));
}

TEST(Commands, HelpOfEachFitsItsWidthAndNamesItsCodes) {
    for (const Command& command : all_commands()) {
        std::vector<std::string> words{command.name.substr(0, command.name.find(' ')), "--help"};
        if (const std::size_t space = command.name.find(' '); space != std::string::npos) {
            words.insert(words.begin() + 1, command.name.substr(space + 1));
        }
        for (const std::size_t columns : {80U, 100U}) {
            const auto outcome = cli::parse_words(program_line(), words, columns);
            ASSERT_TRUE(outcome.has_value() && std::holds_alternative<cli::Answer>(*outcome)) << command.name;
            const std::string& help = std::get<cli::Answer>(*outcome).text;
            EXPECT_NE(help.find("Exit codes:"), std::string::npos) << command.name;
            for (std::size_t at = 0; at < help.size();) {
                const std::size_t end = help.find('\n', at);
                EXPECT_LE(end - at, columns) << command.name << ": " << help.substr(at, end - at);
                at = end + 1;
            }
        }
        EXPECT_NE(command.run, nullptr) << command.name;
    }
}

}  // namespace
}  // namespace grapevine::apps
