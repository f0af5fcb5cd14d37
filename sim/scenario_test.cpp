#include "sim/scenario.hpp"

#include <gtest/gtest.h>

namespace grapevine::sim {
namespace {

using namespace std::chrono_literals;

std::string error_of(std::string_view text) {
    const auto scenario = parse_scenario(text, "x.toml");
    return scenario ? "" : scenario.error().message;
}

TEST(Scenario, ReadsEverything) {
    const auto scenario = parse_scenario(R"(
title = "t"
mode = "stack"
nodes = 12
meshes = 3
duration = "1.5m"
[join]
pattern = "one-by-one"
every = "20ms"
[network]
latency-max = "9ms"
loss = 0.25
[[step]]
do = "crash"
at = "10s"
every = "2s"
times = 3
fraction = 0.5
spare = [0, 4]
host = "answers"
restart-after = "500ms"
[[step]]
do = "heal"
at = "1h"
[expect]
missed-max = 7
converged-within = "250ms"
)",
                                         "x.toml");
    ASSERT_TRUE(scenario) << scenario.error().message;
    EXPECT_EQ(scenario->mode, Mode::stack);
    EXPECT_EQ(scenario->nodes, 12U);
    EXPECT_EQ(scenario->meshes, 3U);
    EXPECT_EQ(scenario->duration, 90s);
    EXPECT_EQ(scenario->join_every, 20ms);
    EXPECT_EQ(scenario->network.latency_max, 9ms);
    EXPECT_EQ(scenario->network.loss, 0.25);
    ASSERT_EQ(scenario->steps.size(), 2U);
    EXPECT_EQ(scenario->steps[0].times, 3U);
    const auto& crash = std::get<CrashStep>(scenario->steps[0].action);
    EXPECT_EQ(crash.targets.choice, Choice::fraction);
    EXPECT_EQ(crash.targets.spared, (std::vector<std::size_t>{0, 4}));
    EXPECT_EQ(crash.host, Host::answers);
    EXPECT_EQ(crash.restart_after, 500ms);
    EXPECT_TRUE(std::holds_alternative<HealStep>(scenario->steps[1].action));
    EXPECT_EQ(scenario->expect.missed_max, 7U);
    EXPECT_EQ(scenario->expect.converged_within, 250ms);
    EXPECT_FALSE(scenario->expect.back_within);
}

TEST(Scenario, NamesFileLineAndKey) {
    EXPECT_EQ(error_of("title = 't'\nnods = 3\n"), "x.toml:2: key 'nods' is unknown here");
    EXPECT_EQ(error_of("[network]\n\nlos = 0.5\n"), "x.toml:3: [network]: key 'los' is unknown here");
    EXPECT_EQ(error_of("[[step]]\ndo = 'heal'\nat = '1s'\ncount = 3\n"),
              "x.toml:4: [[step]]: key 'count' is unknown here");
    EXPECT_EQ(error_of("[expect]\nfoo = 1\n"), "x.toml:2: [expect]: key 'foo' is unknown here");
    EXPECT_EQ(error_of("\n" + std::string(20'000, 'a') + " = 1\n"), "x.toml:2: a line of more than 16384 bytes");
}

TEST(Scenario, RefusesWrongValues) {
    EXPECT_EQ(error_of("nodes = 'three'\n"), "x.toml:1: key 'nodes' must be a whole number from 2 to 10000");
    EXPECT_EQ(error_of("nodes = 1\n"), "x.toml:1: key 'nodes' must be a whole number from 2 to 10000");
    EXPECT_NE(error_of("mode = 'fast'\n").find("must be one of: gossip message stack"), std::string::npos);
    EXPECT_NE(error_of("duration = '5 parsecs'\n").find("must be a duration"), std::string::npos);
    EXPECT_NE(error_of("duration = 5\n").find("must be a string"), std::string::npos);
    EXPECT_NE(error_of("[network]\nloss = 1.5\n").find("must be a number"), std::string::npos);
    EXPECT_NE(error_of("[[step]]\ndo = 'crash'\nat = '1s'\n").find("exactly one of"), std::string::npos);
    EXPECT_NE(error_of("[[step]]\ndo = 'explode'\nat = '1s'\n").find("must be one of"), std::string::npos);
    EXPECT_NE(error_of("[[step]]\ndo = 'heal'\n").find("'at' is missing"), std::string::npos);
    EXPECT_NE(error_of("nodes = = 3\n").find("x.toml:1"), std::string::npos);
    EXPECT_EQ(error_of("d\xff\x01 = 1\n").find_first_of("\xff\x01\n"), std::string::npos) << "in words";
    EXPECT_NE(error_of("nodes = 4\nmeshes = 3\n").find("fewer than two nodes"), std::string::npos);
}

TEST(Scenario, RefusesNodesAndTimesThatNeverAre) {
    const std::string crash = "[[step]]\ndo = 'crash'\nat = '1s'\nnode = [0, 18]\n";
    EXPECT_EQ(error_of(crash), "x.toml:4: [[step]]: key 'node' names a node that never is");
    EXPECT_EQ(error_of(crash + "[[step]]\ndo = 'join'\nat = '0s'\n"), "") << "the 19th joins";
    EXPECT_NE(error_of("[[step]]\ndo = 'join'\nat = '1s'\ncount = 100\ntimes = 100\n").find("10000 nodes in all"),
              std::string::npos);
    EXPECT_EQ(error_of("[[step]]\ndo = 'heal'\nat = '1h'\nevery = '24h'\ntimes = 1000\n"),
              "x.toml:4: [[step]]: key 'every' leads beyond 1000 days");
    EXPECT_EQ(error_of("[[step]]\ndo = 'heal'\nat = '0s'\nevery = '24h'\ntimes = 1000\n"), "");
    EXPECT_EQ(error_of("[join]\nevery = '2000h'\n"), "x.toml:2: [join]: key 'every' leads beyond 1000 days");
}

TEST(Scenario, ReadsDurations) {
    EXPECT_EQ(parse_duration("250ms"), base::Duration(250ms));
    EXPECT_EQ(parse_duration("1.5s"), base::Duration(1500ms));
    EXPECT_EQ(parse_duration("100us"), base::Duration(100us));
    EXPECT_EQ(parse_duration("2h"), base::Duration(2h));
    for (const auto* text : {"", "s", "-1s", "1", "1d", "nan s", "1e30h", "1s "})
        EXPECT_FALSE(parse_duration(text)) << text;
}

}  // namespace
}  // namespace grapevine::sim
