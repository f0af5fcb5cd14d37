#include "grapevine/node_main_settings.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/encoding.hpp"
#include "base/ids.hpp"
#include "base/socket_addr.hpp"
#include "grapevine/node_main_file.hpp"
#include "io/admission_files.hpp"
#include "telemetry/filter.hpp"
#include "wire/addr.hpp"

namespace grapevine::cli {
namespace {

constexpr std::uint64_t kIntervalMinMs = 50;
constexpr std::uint64_t kIntervalMaxMs = 3'600'000;
constexpr std::uint64_t kStalenessMaxMs = 86'400'000;
constexpr std::uint64_t kStalenessIntervals = 3;  // A refresh may be lost twice before a living node is dropped.
constexpr std::uint64_t kClockOffsetMaxMs = 86'400'000;
constexpr std::uint64_t kMillicoresMax = 1'024'000;
constexpr std::uint64_t kMemoryKibMax = 0xffff'ffff;
constexpr std::size_t kNameMax = 63;
constexpr std::size_t kListMax = 64;  // Seeds or addresses of one node.

constexpr Flag kConfigFlag{"--config", Arity::one, "FILE",
                           "configuration file (default $XDG_CONFIG_HOME/grapevine/config.toml, if it exists)"};

base::Status check_name(const Setting& setting, const std::string& text) {
    if (is_name(text)) {
        return {};
    }
    return base::invalid(std::string(setting.flag.name) + ": '" + base::printable(text) +
                         "' is no name: at most 63 of a-z, 0-9 and '-', and the first is no '-'");
}

base::Status check_number(const Setting& setting, const std::string& text, std::uint64_t low, std::uint64_t high) {
    const auto number = parse_number(setting.flag.name, text, low, high);
    return number ? base::Status{} : base::Status(tl::unexpected(number.error()));
}

// Milliseconds with a sign.
base::Status check_offset(const Setting& setting, const std::string& text) {
    const bool behind = text.starts_with('-');
    return check_number(setting, behind ? text.substr(1) : text, 0, kClockOffsetMaxMs);
}

base::Status check_address(const Setting& setting, const std::string& text) {
    if (const auto address = base::SocketAddr::parse(text); !address) {
        return base::invalid(std::string(setting.flag.name) + ": " + address.error().message);
    }
    return {};
}

// A ticket, or "<64 hex>@<ip:port>".
base::Status check_seed(const Setting& setting, const std::string& text) {
    const std::string name(setting.flag.name);
    const std::size_t at = text.find('@');
    if (at == std::string::npos) {
        const auto ticket = wire::parse_ticket(text);
        return ticket ? base::Status{} : base::Status(base::invalid(name + ": " + ticket.error().message));
    }
    if (const auto id = base::EndpointId::parse(std::string_view(text).substr(0, at)); !id) {
        return base::invalid(name + ": " + id.error().message);
    }
    return check_address(setting, text.substr(at + 1));
}

base::Status check_choice(const Setting& setting, const std::string& text) {
    std::string_view rest = setting.flag.value;
    while (!rest.empty()) {
        const std::size_t bar = rest.find('|');
        if (rest.substr(0, bar) == text) {
            return {};
        }
        rest.remove_prefix(bar == std::string_view::npos ? rest.size() : bar + 1);
    }
    return base::invalid(std::string(setting.flag.name) + ": '" + base::printable(text) + "' is none of " +
                         std::string(setting.flag.value));
}

base::Status check_filter(const Setting& setting, const std::string& text) {
    const auto filter = telemetry::Filter::parse(text);
    return filter ? base::Status{}
                  : base::Status(base::invalid(std::string(setting.flag.name) + ": " + filter.error().message));
}

base::Status check_mdns(const Setting& setting, const std::string& text) {
    if (text == "true" || text == "1") {
        return base::invalid(std::string(setting.variable) +
                             ": local discovery (mDNS) does not exist yet; unset it or set it to false");
    }
    return text == "0" ? base::Status{} : check_choice(setting, text);
}

base::Status check_path(const Setting& setting, const std::string& text) {
    return text.empty() ? base::Status(base::invalid(std::string(setting.flag.name) + ": must not be empty"))
                        : base::Status{};
}

base::Status check_authority(const Setting& setting, const std::string& text) {
    const auto id = base::EndpointId::parse(text);
    return id ? base::Status{}
              : base::Status(base::invalid(std::string(setting.flag.name) + ": " + id.error().message));
}

base::Status check_item(const Setting& setting, const std::string& text) {
    switch (setting.id) {
        case SettingId::mesh:
        case SettingId::fabric:
        case SettingId::type: return check_name(setting, text);
        case SettingId::bind: return check_address(setting, text);
        case SettingId::fabric_seeds:
        case SettingId::seeds: return check_seed(setting, text);
        case SettingId::data_dir:
        case SettingId::ticket:
        case SettingId::revocations: return check_path(setting, text);
        case SettingId::authority: return check_authority(setting, text);
        case SettingId::gossip_interval: return check_number(setting, text, kIntervalMinMs, kIntervalMaxMs);
        case SettingId::staleness: return check_number(setting, text, kIntervalMinMs, kStalenessMaxMs);
        case SettingId::cpu_budget: return check_number(setting, text, 0, kMillicoresMax);
        case SettingId::memory_budget: return check_number(setting, text, 0, kMemoryKibMax);
        case SettingId::log: return check_filter(setting, text);
        case SettingId::log_format: return check_choice(setting, text);
        case SettingId::clock_offset: return check_offset(setting, text);
        case SettingId::mdns: return check_mdns(setting, text);
    }
    return {};
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> items;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        if (comma != 0) {
            items.emplace_back(text.substr(0, comma));
        }
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return items;
}

std::filesystem::path directory_of(const Environment& environment, const char* variable, const char* under_home) {
    const char* set = environment(variable);
    if (set != nullptr && *set == '/') {  // The XDG specification: a relative path is to be ignored.
        return set;
    }
    const char* home = environment("HOME");
    return home != nullptr && *home == '/' ? std::filesystem::path(home) / under_home : std::filesystem::path{};
}

constexpr std::array<Setting, kSettingCount> kTable{{
    {SettingId::mesh, {"--mesh", Arity::one, "NAME", "the mesh to belong to; required"}, "MESH_ID", "mesh", ""},
    {SettingId::type,
     {"--type", Arity::one, "NAME", "the node's type, for example broker; required"},
     "MESH_NODE_TYPE",
     "type",
     ""},
    {SettingId::bind,
     {"--bind", Arity::many, "ADDR", "IP:PORT or [IP6]:PORT to listen at; port 0 chooses one"},
     "MESH_BIND_ADDR",
     "bind",
     "0.0.0.0:0,[::]:0"},
    {SettingId::seeds,
     {"--seed", Arity::many, "TICKET", "a node to join through, as ticket or ID@IP:PORT"},
     "MESH_SEED_NODES",
     "seeds",
     ""},
    {SettingId::data_dir,
     {"--data-dir", Arity::one, "DIR",
      "identity, lock and control socket (default: the first "
      "free one under $XDG_STATE_HOME/grapevine/MESH)"},
     "MESH_DATA_DIR",
     "data_dir",
     ""},
    {SettingId::gossip_interval,
     {"--gossip-interval", Arity::one, "MS", "least time between own digests"},
     "MESH_GOSSIP_INTERVAL_MS",
     "gossip_interval_ms",
     "2000"},
    {SettingId::staleness,
     {"--staleness", Arity::one, "MS",
      "drop a node unheard of for this long; at least three "
      "gossip intervals"},
     "MESH_STALENESS_MS",
     "staleness_ms",
     "30000"},
    {SettingId::cpu_budget,
     {"--cpu-budget", Arity::one, "MILLICORES", "CPU budget to state; 0 states none"},
     "MESH_CPU_BUDGET",
     "cpu_budget_millicores",
     "0"},
    {SettingId::memory_budget,
     {"--memory-budget", Arity::one, "KIB", "memory budget to state; 0 states none"},
     "MESH_MEMORY_BUDGET",
     "memory_budget_kib",
     "0"},
    {SettingId::log,
     {"--log", Arity::one, "FILTER", "what to log and trace: a level and exceptions, as in info,gossip=debug"},
     "MESH_LOG",
     "log",
     "info"},
    {SettingId::log_format,
     {"--log-format", Arity::one, "human|json", "how lines on stderr look"},
     "MESH_LOG_FORMAT",
     "log_format",
     "human"},
    {SettingId::clock_offset,
     {"--clock-offset", Arity::one, "MS", "for tests: show a wall clock that is so far ahead (or -MS behind)"},
     "MESH_CLOCK_OFFSET_MS",
     "clock_offset_ms",
     "0"},
    {SettingId::mdns,
     {"--mdns", Arity::one, "true|false", "local discovery; does not exist yet"},
     "MESH_MDNS_ENABLE",
     "mdns",
     "false"},
    {SettingId::fabric,
     {"--fabric", Arity::one, "NAME", "the fabric whose meshes this one is to know"},
     "MESH_FABRIC",
     "fabric",
     "default"},
    {SettingId::fabric_seeds,
     {"--fabric-seed", Arity::many, "TICKET", "a gateway of another mesh of the fabric, as --seed"},
     "MESH_FABRIC_SEEDS",
     "fabric_seeds",
     ""},
    {SettingId::authority,
     {"--authority", Arity::one, "ID", "close the mesh: the public id of its authority; needs a ticket"},
     "MESH_AUTHORITY",
     "authority",
     ""},
    {SettingId::ticket,
     {"--ticket", Arity::many, "FILE",
      "admission to a closed mesh, the own one or one to visit, from grapevine mesh admit"},
     "MESH_TICKET",
     "ticket",
     ""},
    {SettingId::revocations,
     {"--revocations", Arity::one, "FILE", "the closed mesh's list of revocations, from grapevine mesh revoke"},
     "MESH_REVOCATIONS",
     "revocations",
     ""},
}};

}  // namespace

const std::array<Setting, kSettingCount>& settings_table() {
    return kTable;
}

std::string SettingValue::text() const {
    std::string out;
    for (const std::string& item : items) {
        out += (out.empty() ? "" : ",") + item;
    }
    return out;
}

std::vector<Flag> node_flags(std::string_view fixed_type) {
    std::vector<Flag> flags;
    for (const Setting& setting : settings_table()) {
        if (fixed_type.empty() || setting.id != SettingId::type) {
            Flag& flag = flags.emplace_back(setting.flag);
            flag.fallback = setting.fallback;
            flag.variable = setting.variable;
        }
    }
    flags.push_back(kConfigFlag);
    return flags;
}

bool is_name(std::string_view text) {
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !text.empty() && text.size() <= kNameMax && plain(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return plain(c) || c == '-'; });
}

std::filesystem::path default_config_file(const Environment& environment) {
    const auto base = directory_of(environment, "XDG_CONFIG_HOME", ".config");
    return base.empty() ? base : base / "grapevine" / "config.toml";
}

std::filesystem::path default_state_dir(const Environment& environment) {
    if (const char* given = environment("STATE_DIRECTORY"); given != nullptr && *given == '/') {
        return given;
    }
    const auto base = directory_of(environment, "XDG_STATE_HOME", ".local/state");
    return base.empty() ? base : base / "grapevine";
}

std::vector<std::string> unknown_variables(char** environment) {
    std::vector<std::string> out;
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        const std::string_view entry = *environment;
        const std::string_view name = entry.substr(0, entry.find('='));
        const auto& table = settings_table();
        if (name.starts_with("MESH_") && std::none_of(table.begin(), table.end(), [&](const Setting& setting) {
                return setting.variable == name;
            })) {
            out.emplace_back(name);
        }
    }
    return out;
}

base::Result<Settings> Settings::load(const Parsed& flags, const Environment& environment, const NodePreset& preset) {
    Settings settings;
    settings.set_defaults(preset);
    if (const auto read = settings.read_file(flags, environment); !read) {
        return tl::unexpected(read.error());
    }
    settings.resolve(flags, environment, preset);
    if (const auto checked = settings.check(); !checked) {
        return tl::unexpected(checked.error());
    }
    return settings;
}

void Settings::set_defaults(const NodePreset& preset) {
    for (const Setting& setting : settings_table()) {
        values_[static_cast<std::size_t>(setting.id)] = {split(setting.fallback), "default"};
    }
    const auto preset_number = [this](SettingId id, std::uint32_t number) {
        if (number != 0) {
            values_[static_cast<std::size_t>(id)] = {{std::to_string(number)}, "program"};
        }
    };
    preset_number(SettingId::cpu_budget, preset.cpu_budget_millicores);
    preset_number(SettingId::memory_budget, preset.memory_budget_kib);
}

// A file that was asked for must exist; the default one need not.
base::Status Settings::read_file(const Parsed& flags, const Environment& environment) {
    file_ = flags.has(kConfigFlag.name) ? std::filesystem::path(flags.text(kConfigFlag.name))
                                        : default_config_file(environment);
    std::error_code ignored;
    if (file_.empty() || (!flags.has(kConfigFlag.name) && !std::filesystem::exists(file_, ignored))) {
        file_.clear();
        return {};
    }
    std::vector<std::string_view> keys;
    for (const Setting& setting : settings_table()) {
        keys.push_back(setting.key);
    }
    const auto values = read_config_file(file_, keys);
    if (!values) {
        return tl::unexpected(values.error());
    }
    for (const Setting& setting : settings_table()) {
        if (const auto found = values->find(setting.key); found != values->end()) {
            values_[static_cast<std::size_t>(setting.id)] = {
                found->second.items, "file " + file_.string() + ":" + std::to_string(found->second.line)};
        }
    }
    return {};
}

void Settings::resolve(const Parsed& flags, const Environment& environment, const NodePreset& preset) {
    for (const Setting& setting : settings_table()) {
        SettingValue& value = values_[static_cast<std::size_t>(setting.id)];
        const std::string variable(setting.variable);
        const char* text = environment(variable.c_str());
        if (setting.id == SettingId::type && !preset.type.empty()) {
            value = {{preset.type}, "program"};
        } else if (flags.has(setting.flag.name)) {
            value = {flags.list(setting.flag.name), "flag " + std::string(setting.flag.name)};
        } else if (text != nullptr && *text != '\0') {
            const bool list = setting.flag.arity == Arity::many;
            value = {list ? split(text) : std::vector<std::string>{text}, "environment " + variable};
        }
    }
}

base::Status Settings::check() const {
    for (const Setting& setting : settings_table()) {
        const SettingValue& value = at(setting.id);
        const std::size_t most = setting.flag.arity == Arity::many ? kListMax : 1;
        if (value.items.size() > most) {
            return base::invalid(std::string(setting.flag.name) + ": more than " + std::to_string(most) + " (from " +
                                 value.origin + ")");
        }
        for (const std::string& item : value.items) {
            auto checked = check_item(setting, item);
            if (!checked) {
                const bool plain = value.origin.starts_with("flag");
                return base::invalid(checked.error().message + (plain ? "" : " (from " + value.origin + ")"));
            }
        }
    }
    return {};
}

std::uint64_t Settings::number(SettingId id) const {
    const auto value = parse_number("", at(id).text(), 0, UINT64_MAX);
    return value.value_or(0);  // check() has refused everything else.
}

// The error of a file that a setting names: which setting, where from, and what is wrong.
base::Error Settings::blame(SettingId id, const base::Error& error) const {
    const Setting& setting = settings_table()[static_cast<std::size_t>(id)];
    return {error.code, std::string(setting.flag.name) + ": " + error.message + " (from " + at(id).origin + ")"};
}

base::Status Settings::read_admission(NodeOptions& options) const {
    options.authority = at(SettingId::authority).text();
    for (const std::string& file : at(SettingId::ticket).items) {
        const auto ticket = io::read_ticket_file(file);
        if (!ticket) {
            return tl::unexpected(blame(SettingId::ticket, ticket.error()));
        }
        options.tickets.push_back(wire::admission_text(*ticket));
    }
    if (!at(SettingId::revocations).items.empty()) {
        const auto list = io::read_revocations_file(at(SettingId::revocations).text());
        if (!list) {
            return tl::unexpected(blame(SettingId::revocations, list.error()));
        }
        options.revocations = wire::revocations_text(*list);
    }
    return {};
}

base::Result<NodeOptions> Settings::node_options() const {
    for (const SettingId id : {SettingId::mesh, SettingId::type}) {
        const Setting& setting = settings_table()[static_cast<std::size_t>(id)];
        if (at(id).items.empty()) {
            return base::invalid(std::string(setting.flag.name) + ": is required (or " + std::string(setting.variable) +
                                 ", or '" + std::string(setting.key) + "' in the configuration file)");
        }
    }
    const std::uint64_t interval = number(SettingId::gossip_interval);
    const std::uint64_t staleness = number(SettingId::staleness);
    if (staleness < kStalenessIntervals * interval) {
        return base::invalid("--staleness: " + std::to_string(staleness) +
                             " ms is less than three gossip intervals of " + std::to_string(interval) + " ms");
    }
    NodeOptions options;
    options.mesh = at(SettingId::mesh).text();
    options.type = at(SettingId::type).text();
    options.seeds = at(SettingId::seeds).items;
    options.fabric = at(SettingId::fabric).text();
    options.fabric_seeds = at(SettingId::fabric_seeds).items;
    options.bind = at(SettingId::bind).origin == "default" ? std::vector<std::string>{} : at(SettingId::bind).items;
    options.data_dir = at(SettingId::data_dir).text();
    options.gossip_interval = std::chrono::milliseconds(interval);
    options.staleness = std::chrono::milliseconds(staleness);
    options.cpu_budget_millicores = static_cast<std::uint32_t>(number(SettingId::cpu_budget));
    options.memory_budget_kib = static_cast<std::uint32_t>(number(SettingId::memory_budget));
    options.clock_offset = std::chrono::milliseconds(std::stoll(at(SettingId::clock_offset).text()));
    if (const auto read = read_admission(options); !read) {
        return tl::unexpected(read.error());
    }
    return options;
}

}  // namespace grapevine::cli
