#include "grapevine/node_main_settings.hpp"

#include <map>

#include <gtest/gtest.h>

#include "grapevine/node_main_flags_testing.hpp"

#include "grapevine/node_main_file.hpp"

namespace grapevine::cli {
namespace {

using Variables = std::map<std::string, std::string>;

Environment environment_of(const Variables& variables) {
    return [&variables](const char* name) -> const char* {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    };
}

base::Result<Settings> load(const std::vector<std::string>& words, const Variables& variables = {},
                            const NodePreset& preset = {}) {
    const auto parsed = parse_flags(node_flags(preset.type), 0, words);
    if (!parsed) {
        return tl::unexpected(parsed.error());
    }
    return Settings::load(*parsed, environment_of(variables), preset);
}

std::string error_of(const base::Result<Settings>& settings) {
    return settings ? std::string("no error") : settings.error().message;
}

TEST(Settings, TheTableIsInTheOrderOfItsIds) {
    for (std::size_t i = 0; i < kSettingCount; ++i) {
        EXPECT_EQ(static_cast<std::size_t>(settings_table()[i].id), i);
    }
}

TEST(Settings, FlagWinsOverEnvironmentWinsOverDefault) {
    const Variables variables{{"MESH_ID", "env"}, {"MESH_GOSSIP_INTERVAL_MS", "500"}, {"MESH_LOG", ""}};
    const auto settings = load({"--mesh", "flag"}, variables);
    ASSERT_TRUE(settings.has_value()) << error_of(settings);
    EXPECT_EQ(settings->at(SettingId::mesh).text(), "flag");
    EXPECT_EQ(settings->at(SettingId::mesh).origin, "flag --mesh");
    EXPECT_EQ(settings->at(SettingId::gossip_interval).origin, "environment MESH_GOSSIP_INTERVAL_MS");
    EXPECT_EQ(settings->at(SettingId::log).text(), "info");
    EXPECT_EQ(settings->at(SettingId::log).origin, "default");
}

TEST(Settings, OptionsCarryTheValues) {
    const auto settings = load({"--mesh", "m", "--type", "t", "--bind", "127.0.0.1:0", "--bind=[::1]:9"},
                               {{"MESH_STALENESS_MS", "9000"}, {"MESH_CPU_BUDGET", "250"}});
    ASSERT_TRUE(settings.has_value()) << error_of(settings);
    const auto options = settings->node_options();
    ASSERT_TRUE(options.has_value());
    EXPECT_EQ(options->mesh, "m");
    EXPECT_EQ(options->bind, (std::vector<std::string>{"127.0.0.1:0", "[::1]:9"}));
    EXPECT_EQ(options->staleness, std::chrono::milliseconds(9000));
    EXPECT_EQ(options->cpu_budget_millicores, 250U);
    EXPECT_TRUE(options->data_dir.empty());
}

TEST(Settings, APresetFixesTheTypeAndGivesBudgets) {
    const NodePreset preset{.type = "broker", .cpu_budget_millicores = 500, .memory_budget_kib = 1024};
    const auto settings = load({"--mesh", "m", "--memory-budget", "7"}, {{"MESH_NODE_TYPE", "other"}}, preset);
    ASSERT_TRUE(settings.has_value()) << error_of(settings);
    const auto options = settings->node_options();
    ASSERT_TRUE(options.has_value());
    EXPECT_EQ(options->type, "broker");
    EXPECT_EQ(options->cpu_budget_millicores, 500U);
    EXPECT_EQ(options->memory_budget_kib, 7U);
    EXPECT_EQ(error_of(load({"--type", "x"}, {}, preset)), "--type: unknown option");
}

TEST(Settings, StalenessIsAtLeastThreeIntervals) {
    const auto settings = load({"--mesh=m", "--type=t", "--gossip-interval=1000", "--staleness=2999"});
    ASSERT_TRUE(settings.has_value());
    EXPECT_EQ(settings->node_options().error().message,
              "--staleness: 2999 ms is less than three gossip intervals of 1000 ms");
}

TEST(Settings, MeshAndTypeAreRequired) {
    EXPECT_EQ(load({"--type=t"})->node_options().error().message,
              "--mesh: is required (or MESH_ID, or 'mesh' in the configuration file)");
    EXPECT_EQ(load({"--mesh=m"})->node_options().error().message,
              "--type: is required (or MESH_NODE_TYPE, or 'type' in the configuration file)");
}

struct BadValue {
    std::vector<std::string> words;
    Variables variables;
    std::string begins;
};

class BadSettings : public testing::TestWithParam<BadValue> {};

TEST_P(BadSettings, NameTheOffenderAndTheRule) {
    const std::string message = error_of(load(GetParam().words, GetParam().variables));
    EXPECT_TRUE(message.starts_with(GetParam().begins)) << message;
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadSettings,
    testing::Values(
        BadValue{{"--mesh", "Mesh"}, {}, "--mesh: 'Mesh' is no name: at most 63 of a-z, 0-9 and '-'"},
        BadValue{{"--mesh", ""}, {}, "--mesh: '' is no name"},
        BadValue{{"--mesh", "-a"}, {}, "--mesh: '-a' is no name"},
        BadValue{{"--mesh", std::string(64, 'a')}, {}, "--mesh: 'aaa"},
        BadValue{{"--bind", "127.0.0.1"}, {}, "--bind: "}, BadValue{{"--bind", "localhost:1"}, {}, "--bind: "},
        BadValue{{"--seed", "endpointzz"}, {}, "--seed: "}, BadValue{{"--seed", "abc@127.0.0.1:1"}, {}, "--seed: "},
        BadValue{{"--data-dir", ""}, {}, "--data-dir: must not be empty"},
        BadValue{{"--authority", "abc"}, {}, "--authority: "},
        BadValue{{"--ticket", ""}, {}, "--ticket: must not be empty"},
        BadValue{{}, {{"MESH_AUTHORITY", "abc"}}, "--authority: "},
        BadValue{{"--revocations", ""}, {}, "--revocations: must not be empty"},
        BadValue{{"--log", "loud"}, {}, "--log: 'loud': no level; there are off, error, warn, info, debug, trace"},
        BadValue{{"--log", "info,gosip=debug"}, {}, "--log: 'gosip': no target; there are node, peer, gossip"},
        BadValue{{}, {{"MESH_LOG", "debug,"}}, "--log: '': no level"},
        BadValue{{"--log-format", "xml"}, {}, "--log-format: 'xml' is none of human|json"},
        BadValue{{"--mdns", "true"}, {}, "MESH_MDNS_ENABLE: local discovery (mDNS) does not exist yet"},
        BadValue{{}, {{"MESH_MDNS_ENABLE", "1"}}, "MESH_MDNS_ENABLE: local discovery (mDNS) does not exist yet"},
        BadValue{{},
                 {{"MESH_STALENESS_MS", "soon"}},
                 "--staleness: 'soon' is not a number from 50 to 86400000 (from "
                 "environment MESH_STALENESS_MS)"},
        BadValue{{"--config", "/nonexistent/c.toml"}, {}, "/nonexistent/c.toml: No such file"}));

TEST(Settings, FilesThatSettingsNameAreReadAndBlamed) {
    const auto error = [](const std::vector<std::string>& words, const Variables& variables = {}) {
        return load(words, variables)->node_options().error();
    };
    const std::vector<std::string> base{"--mesh=m", "--type=t"};
    auto words = base;
    words.insert(words.end(), {"--ticket", "/nonexistent/t"});
    EXPECT_EQ(error(words).code, base::ErrorCode::not_found);
    EXPECT_TRUE(error(words).message.starts_with("--ticket: ticket file '/nonexistent/t': ")) << error(words).message;
    const auto listed = error(base, {{"MESH_REVOCATIONS", "/nonexistent/r"}});
    EXPECT_TRUE(listed.message.starts_with("--revocations: revocations file '/nonexistent/r': "));
    EXPECT_TRUE(listed.message.ends_with("(from environment MESH_REVOCATIONS)"));
}

TEST(Settings, TheLogIsALevelOrAFilter) {
    for (const char* text : {"off", "trace", "info,gossip=debug", "sync=off,warn"})
        EXPECT_EQ(load({"--log", text})->at(SettingId::log).text(), text);
    EXPECT_EQ(load({}, {{"MESH_LOG", "info,gossip=debug"}})->at(SettingId::log).text(), "info,gossip=debug");
    EXPECT_EQ(load({}, {{"MESH_LOG_FORMAT", "json"}})->at(SettingId::log_format).text(), "json");
}

TEST(Settings, ManySeedsAreRefused) {
    std::string seeds;
    for (int i = 0; i < 65; ++i) {
        seeds += "a,";
    }
    EXPECT_EQ(error_of(load({}, {{"MESH_SEED_NODES", seeds}})),
              "--seed: more than 64 (from environment MESH_SEED_NODES)");
}

TEST(Settings, UnknownVariablesAreListed) {
    std::string good = "MESH_ID=a";
    std::string bad = "MESH_IDD=a";
    std::string other = "PATH=/bin";
    char* environment[] = {good.data(), bad.data(), other.data(), nullptr};
    EXPECT_EQ(unknown_variables(environment), (std::vector<std::string>{"MESH_IDD"}));
}

TEST(Settings, DirectoriesFollowXdg) {
    const Variables given{{"XDG_CONFIG_HOME", "/c"}, {"XDG_STATE_HOME", "/s"}, {"HOME", "/h"}};
    EXPECT_EQ(default_config_file(environment_of(given)), "/c/grapevine/config.toml");
    EXPECT_EQ(default_state_dir(environment_of(given)), "/s/grapevine");
    const Variables home{{"XDG_CONFIG_HOME", "relative"}, {"HOME", "/h"}};
    EXPECT_EQ(default_config_file(environment_of(home)), "/h/.config/grapevine/config.toml");
    EXPECT_EQ(default_state_dir(environment_of(home)), "/h/.local/state/grapevine");
    const Variables service{{"STATE_DIRECTORY", "/var/lib/grapevine"}, {"HOME", "/h"}};
    EXPECT_EQ(default_state_dir(environment_of(service)), "/var/lib/grapevine");
    EXPECT_TRUE(default_state_dir(environment_of({})).empty());
}

constexpr std::string_view kKeys[] = {"mesh", "seeds", "staleness_ms", "mdns"};

TEST(ConfigFile, GivesValuesWithTheirLines) {
    const auto values =
        parse_config("mesh = \"m\"\n\nseeds = [\"a\", \"b\"]\nstaleness_ms = 9000\nmdns = false\n", "f", kKeys);
    ASSERT_TRUE(values.has_value());
    EXPECT_EQ(values->at("mesh").items, (std::vector<std::string>{"m"}));
    EXPECT_EQ(values->at("seeds").line, 3U);
    EXPECT_EQ(values->at("seeds").items, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(values->at("staleness_ms").items, (std::vector<std::string>{"9000"}));
    EXPECT_EQ(values->at("mdns").items, (std::vector<std::string>{"false"}));
}

TEST(ConfigFile, ErrorsNameFileLineAndKey) {
    EXPECT_EQ(parse_config("mesh = \"m\"\nmehs = 1\n", "f", kKeys).error().message,
              "f:2: mehs: unknown key; did you mean mesh?");
    EXPECT_EQ(parse_config("[table]\n", "f", kKeys).error().message, "f:1: table: unknown key");
    // The parser would abort here, or worse, if what it takes for granted were not checked.
    for (const std::string_view header : {std::string_view("[[\n"), std::string_view("[=]\n"), std::string_view("[!")})
        EXPECT_FALSE(parse_config(header, "f", kKeys)) << header;
    EXPECT_TRUE(parse_config("mesh = 1.5\n", "f", kKeys).error().message.starts_with("f:1: mesh: must be"));
    EXPECT_EQ(parse_config("seeds = [1]\n", "f", kKeys).error().message,
              "f:1: seeds: every item of the array must be a string");
    EXPECT_TRUE(parse_config("mesh = \n", "f", kKeys).error().message.starts_with("f:1: "));
    std::string deep = "mesh = \"m\"\na";
    while (deep.size() < kConfigFileBytesMax - 8)
        deep += ".a";
    EXPECT_EQ(parse_config(deep + " = 1\n", "f", kKeys).error().message, "f:2: a line of more than 16384 bytes");
    deep.resize(kConfigLineBytesMax);
    EXPECT_EQ(parse_config(deep + "a = 1\n", "f", kKeys).error().message, "f:2: a: unknown key");
}

}  // namespace
}  // namespace grapevine::cli
