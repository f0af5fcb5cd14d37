#pragma once

// The settings of a node: one table gives each its flag, its environment variable, its key in the configuration file,
// its default and its rule. The first of flag, environment, file and default that has a value wins, whole: lists are
// not merged.
//
// Rules:
// - An unknown key in the file is an error that names file, line and key: the file is ours alone.
// - An unknown MESH_* variable is only a warning: the environment is shared with other programs.
// - An empty environment variable counts as unset.
// - MESH_MDNS_ENABLE is accepted as false only; local discovery does not exist yet, and ignoring the wish would hide
// that.

#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <grapevine/node.hpp>

#include "base/result.hpp"
#include "grapevine/node_main_flags.hpp"

namespace grapevine {
namespace [[gnu::visibility("hidden")]] cli {

enum class SettingId : std::uint8_t {
    mesh,
    type,
    bind,
    seeds,
    data_dir,
    gossip_interval,
    staleness,
    cpu_budget,
    memory_budget,
    log,
    log_format,
    clock_offset,
    mdns,
    fabric,
    fabric_seeds,
    authority,
    ticket,
    revocations
};
inline constexpr std::size_t kSettingCount = 18;

struct Setting {
    SettingId id;
    Flag flag;
    std::string_view variable;  // "MESH_ID"
    std::string_view key;       // In the file: "mesh"
    std::string_view fallback;  // The default, empty for none.
};

// In the order of SettingId.
const std::array<Setting, kSettingCount>& settings_table();

struct SettingValue {
    std::vector<std::string> items;
    std::string origin;  // "flag --mesh", "environment MESH_ID", "file <path>:<line>", "default", "program"
    [[nodiscard]] std::string text() const;  // Items joined by commas.
};

using Environment = std::function<const char*(const char* name)>;

// Every setting with its value and origin, checked one by one; the node's options come from it.
class Settings {
public:
    // A preset with a type fixes it: flag, variable and key of the type are not looked at. Its budgets are defaults.
    static base::Result<Settings> load(const Parsed& flags, const Environment& environment, const NodePreset& preset);

    [[nodiscard]] const SettingValue& at(SettingId id) const { return values_[static_cast<std::size_t>(id)]; }
    // The configuration file that was read, empty if there is none.
    [[nodiscard]] const std::filesystem::path& file() const { return file_; }
    // Reads the files that settings name. Errors: mesh or type missing, staleness under three gossip intervals, a file
    // that cannot be read or is no ticket or list.
    [[nodiscard]] base::Result<NodeOptions> node_options() const;

private:
    void set_defaults(const NodePreset& preset);
    void resolve(const Parsed& flags, const Environment& environment, const NodePreset& preset);
    base::Status read_file(const Parsed& flags, const Environment& environment);
    base::Status check() const;
    [[nodiscard]] std::uint64_t number(SettingId id) const;
    base::Status read_admission(NodeOptions& options) const;
    [[nodiscard]] base::Error blame(SettingId id, const base::Error& error) const;

    std::array<SettingValue, kSettingCount> values_;
    std::filesystem::path file_;
};

// The flags of the table, and --config FILE; without --type if the type is fixed.
std::vector<Flag> node_flags(std::string_view fixed_type);

// Names of MESH_* variables in `environment` ("NAME=value") that no setting has.
std::vector<std::string> unknown_variables(char** environment);

// The mesh and type rule: [a-z0-9][a-z0-9-]{0,62}.
bool is_name(std::string_view text);

// $XDG_CONFIG_HOME/grapevine/config.toml, or under ~/.config; empty without a home.
std::filesystem::path default_config_file(const Environment& environment);
// $STATE_DIRECTORY (systemd), else $XDG_STATE_HOME/grapevine, or under ~/.local/state; empty without a home.
std::filesystem::path default_state_dir(const Environment& environment);

}  // namespace cli
}  // namespace grapevine
