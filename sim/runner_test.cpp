#include "sim/runner.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include <gtest/gtest.h>

#include "sim/command.hpp"

namespace grapevine::sim {
namespace {

Scenario parse(const std::string& text) {
    auto scenario = parse_scenario(text, "test");
    EXPECT_TRUE(scenario) << scenario.error().message;
    return scenario ? *scenario : Scenario{};
}

const std::string kSmall = R"(
nodes = 6
duration = "30s"
[join]
pattern = "one-by-one"
every = "30ms"
[network]
jitter = "2ms"
loss = 0.02
[[step]]
do = "crash"
node = 4
at = "10s"
restart-after = "5s"
[[step]]
do = "broadcast"
at = "22s"
)";

class BothWorlds : public testing::TestWithParam<const char*> {
protected:
    Scenario scenario(const std::string& rest = "") const {
        return parse("mode = '" + std::string(GetParam()) + "'\n" + kSmall + rest);
    }
};
INSTANTIATE_TEST_SUITE_P(Runner, BothWorlds, testing::Values("message", "stack"),
                         [](const auto& name) { return std::string(name.param); });

TEST_P(BothWorlds, EqualSeedsGiveEqualRuns) {
    const auto first = run_scenario(scenario(), 11);
    const auto again = run_scenario(scenario(), 11);
    EXPECT_EQ(first, again);
    EXPECT_NE(first.trace_hash, run_scenario(scenario(), 12).trace_hash);
}

// What is recorded never changes what happens: down to every frame where nothing is sampled, and where it is, but for
// the bytes of the contexts in it.
TEST_P(BothWorlds, RecordingChangesNothing) {
    const auto bare = run_scenario(scenario(), 11);
    Scenario recorded = scenario();
    recorded.recording.emplace();
    recorded.recording->filter = telemetry::Filter(telemetry::Level::trace);
    recorded.recording->sampler.root = telemetry::Sampler::Root::always_off;
    EXPECT_EQ(run_scenario(recorded, 11), bare);
    recorded.recording->sampler.root = telemetry::Sampler::Root::always_on;
    const auto sampled = run_scenario(recorded, 11);
    EXPECT_EQ(sampled.failures, std::vector<std::string>{});
    EXPECT_EQ(sampled, run_scenario(recorded, 11));
}

TEST_P(BothWorlds, TimesDeathAndReturn) {
    const auto figures = run_scenario(scenario(), 3);
    EXPECT_EQ(figures.failures, std::vector<std::string>{});
    ASSERT_EQ(figures.deaths.count, 1U);
    EXPECT_GT(figures.deaths.max, std::chrono::seconds(1));
    EXPECT_EQ(figures.returns.count, 1U);
    EXPECT_EQ(figures.false_deaths, 0U);
    EXPECT_EQ(figures.rounds, 1U);
    EXPECT_EQ(figures.missed, 0U);
}

TEST_P(BothWorlds, ABrokenExpectationFails) {
    const auto figures = run_scenario(scenario("[expect]\ndead-known-within = '10ms'\n"), 3);
    ASSERT_EQ(figures.failures.size(), 1U);
    EXPECT_NE(figures.failures[0].find("dead-known-within"), std::string::npos) << figures.failures[0];
}

// What is judged always, must be able to fail: a mesh that is left partitioned is not one overlay without the truth of
// it.
TEST_P(BothWorlds, AnUnfinishedWorldFails) {
    Scenario cut = parse("mode = '" + std::string(GetParam()) +
                         "'\nnodes = 6\nduration = '10.5s'\n[[step]]\ndo = 'crash'\nnode = 3\nat = '10s'\n");
    const auto figures = run_scenario(cut, 1);
    ASSERT_FALSE(figures.failures.empty());
}

class CommandTest : public testing::Test {
protected:
    int run(const std::string& text, std::uint64_t first, std::uint64_t last) {
        const std::string path = testing::TempDir() + "command_test.toml";
        FILE* file = std::fopen(path.c_str(), "w");
        std::fputs(text.c_str(), file);
        std::fclose(file);
        options_.scenario = path;
        options_.seeds = {first, last};
        return run_command(options_, out_, err_);
    }
    CommandOptions options_;
    std::ostringstream out_;
    std::ostringstream err_;
};

TEST_F(CommandTest, PrintsTheReplayOfAFailure) {
    EXPECT_EQ(run(kSmall + "[expect]\ndead-known-within = '10ms'\n", 5, 5), 1);
    EXPECT_NE(out_.str().find("FAILED: dead-known-within"), std::string::npos) << out_.str();
    EXPECT_NE(out_.str().find("replay: grapevine sim " + options_.scenario + " --seed 5"), std::string::npos);
}

TEST_F(CommandTest, PassesWithZeroAndPrintsJson) {
    options_.output = Output::json;
    EXPECT_EQ(run(kSmall, 5, 6), 0) << out_.str();
    EXPECT_NE(out_.str().find("\"seed\":6"), std::string::npos);
    EXPECT_NE(out_.str().find("\"passed\":true"), std::string::npos);
    const std::string text = out_.str();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
}

TEST_F(CommandTest, RefusesABadScenarioAsUsage) {
    EXPECT_EQ(run("nodes = 3\nbogus = 1\n", 1, 1), 2);
    EXPECT_NE(err_.str().find("command_test.toml:2: key 'bogus' is unknown here"), std::string::npos) << err_.str();
    options_.scenario = "no-such-scenario";
    EXPECT_EQ(run_command(options_, out_, err_), 2);
}

TEST(Seeds, AreANumberOrARange) {
    EXPECT_EQ(parse_seeds("7")->first, 7U);
    EXPECT_EQ(parse_seeds("7")->last, 7U);
    EXPECT_EQ(parse_seeds("1..20")->last, 20U);
    for (const auto* text : {"", "x", "1..", "..3", "5..4", "1...3", "1..3x", "1..999999999"})
        EXPECT_FALSE(parse_seeds(text)) << text;
}

}  // namespace
}  // namespace grapevine::sim
