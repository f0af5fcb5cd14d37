#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <grapevine/node.hpp>

#include "apps/grapevine/command.hpp"
#include "grapevine/node_main_json.hpp"
#include "grapevine/node_main_settings.hpp"

namespace grapevine::apps {
namespace {

std::string as_json(const cli::Settings& settings) {
    boost::json::array rows;
    for (const cli::Setting& setting : cli::settings_table()) {
        const cli::SettingValue& value = settings.at(setting.id);
        boost::json::object row;
        row["key"] = cli::json_text(setting.key);
        row["value"] = cli::json_texts(value.items);
        row["origin"] = cli::json_text(value.origin);
        row["variable"] = cli::json_text(setting.variable);
        rows.emplace_back(std::move(row));
    }
    boost::json::object out;
    out["file"] = cli::json_text(settings.file().string());
    out["settings"] = std::move(rows);
    return cli::json_line(out);
}

std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(text.size(), width), ' ');
    return text;
}

std::string as_table(const cli::Settings& settings) {
    std::size_t key_width = 0;
    std::size_t value_width = 0;
    for (const cli::Setting& setting : cli::settings_table()) {
        key_width = std::max(key_width, setting.key.size());
        value_width = std::max(value_width, std::min<std::size_t>(settings.at(setting.id).text().size(), 32));
    }
    std::string out;
    for (const cli::Setting& setting : cli::settings_table()) {
        const cli::SettingValue& value = settings.at(setting.id);
        const std::string text = value.items.empty() ? "-" : value.text();
        out += padded(std::string(setting.key), key_width + 2) + padded(text, value_width + 2) + value.origin + "\n";
    }
    return out;
}

int run(const cli::Parsed& parsed) {
    const auto settings = cli::Settings::load(parsed, [](const char* name) { return std::getenv(name); }, {});
    if (!settings) {
        return cli::fail_with(settings.error());
    }
    for (const std::string& name : cli::unknown_variables(environ)) {
        cli::complain("warning: " + name + ": no such setting, ignored");
    }
    return print(parsed.has("--json") ? as_json(*settings) : as_table(*settings));
}

}  // namespace

Command config_command() {
    Command command;
    command.name = "config";
    command.summary = "show each setting of a node and where its value comes from";
    command.details = "Takes the flags of `grapevine node`, so that a command line can be checked before it is run.";
    command.codes = "0 shown, 1 failed, 2 a value breaks its rule";
    command.flags = cli::node_flags("");
    command.flags.push_back({"--json", cli::Arity::none, "", "one JSON object"});
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
