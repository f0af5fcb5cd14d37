#include "grapevine/node_main_flags.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/encoding.hpp"

namespace grapevine::cli {
namespace {

constexpr std::size_t kHelpLeftMax = 26;  // Widest left column of help.
constexpr std::size_t kHelpGap = 2;

// CLI11's parts by their tables. `path` is what the user types: "grapevine key show".
struct Entry {
    const CommandLine* line = nullptr;
    std::string path;
};
using Entries = std::map<const CLI::App*, Entry>;

struct Row {
    std::string left;
    std::string right;
};

std::string aligned(const std::vector<Row>& rows, std::size_t columns) {
    std::size_t width = 0;
    for (const Row& row : rows) {
        width = std::max(width, std::min(row.left.size() + kHelpGap, kHelpLeftMax));
    }
    std::string out;
    for (const Row& row : rows) {
        std::string left = "  " + row.left;
        if (left.size() > width) {
            out += left + "\n";
            left.clear();
        }
        left.resize(width + kHelpGap, ' ');
        out += left + wrapped(row.right, columns, width + kHelpGap) + "\n";
    }
    return out;
}

void append_commands(const CommandLine& line, const std::string& path, std::vector<Row>& rows) {
    for (const CommandLine& command : line.commands) {
        const std::string name = path + command.name;
        if (command.commands.empty()) {
            rows.push_back({name, command.summary});
        }
        append_commands(command, name + " ", rows);
    }
}

std::vector<Row> option_rows(const CLI::App& app) {
    std::vector<Row> rows;
    for (const CLI::Option* option : app.get_options([](const CLI::Option* o) { return !o->get_positional(); })) {
        const std::string value = option->get_type_name();
        const bool is_help = option == app.get_help_ptr();
        const std::string letter = is_help || option->get_snames().empty() ? "" : "-" + option->get_snames()[0] + ", ";
        rows.push_back({letter + option->get_name() + (value.empty() ? "" : " " + value), option->get_description()});
    }
    return rows;
}

std::string usage(const Entry& entry) {
    const CommandLine& line = *entry.line;
    return "Usage: " + entry.path + (line.commands.empty() ? "" : " COMMAND") +
           (line.arguments.empty() ? "" : " " + line.arguments) + " [options]\n";
}

// Paragraphs, each wrapped; lines after the first of one are indented like a list's.
std::string paragraphs(std::string_view text, std::size_t columns) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view one = text.substr(0, end);
        out += wrapped(one, columns, one.starts_with("Exit codes") ? 2 : 0) + "\n";
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

std::string sentence(std::string summary) {
    if (!summary.empty() && summary.front() >= 'a' && summary.front() <= 'z') {
        summary.front() = static_cast<char>(summary.front() - 'a' + 'A');
    }
    return summary + ".";
}

class Layout : public CLI::Formatter {
public:
    Layout(const Entries& entries, std::size_t columns) : entries_(entries), columns_(columns) {}

    std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
        const Entry& entry = entries_.at(app);
        const CommandLine& line = *entry.line;
        std::string out = paragraphs(sentence(line.summary), columns_) + "\n" + usage(entry);
        if (!line.details.empty()) {
            out += "\n" + paragraphs(line.details, columns_);
        }
        if (!line.commands.empty()) {
            std::vector<Row> rows;
            append_commands(line, "", rows);
            out += "\nCommands:\n" + aligned(rows, columns_);
        }
        out += "\nOptions:\n" + aligned(option_rows(*app), columns_);
        return line.closing.empty() ? out : out + "\n" + paragraphs(line.closing, columns_);
    }

private:
    const Entries& entries_;
    std::size_t columns_;
};

std::string description(const Flag& flag) {
    const std::string fallback = flag.fallback.empty() ? "" : " (default " + std::string(flag.fallback) + ")";
    return std::string(flag.help) + fallback + (flag.variable.empty() ? "" : " [" + std::string(flag.variable) + "]");
}

void add_flag(CLI::App& app, const Flag& flag) {
    const std::string name =
        flag.letter.empty() ? std::string(flag.name) : std::string(flag.letter) + "," + std::string(flag.name);
    if (flag.arity == Arity::none) {
        app.add_flag(name)
            ->description(description(flag))
            ->disable_flag_override()
            ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
        return;
    }
    CLI::Option* option = app.add_option(name)->description(description(flag))->expected(1);
    option->type_name(std::string(flag.value))->allow_extra_args(false);
    if (flag.arity == Arity::many) {
        option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
}

// --help comes after a command's own flags; every command has one of its own.
void build(CLI::App& app, const CommandLine& line, const std::string& path, Entries& entries) {
    entries[&app] = {&line, path};
    app.set_help_flag();
    for (const Flag& flag : line.flags) {
        add_flag(app, flag);
    }
    for (std::size_t i = 0; i < line.arguments_max; ++i) {
        app.add_option("argument" + std::to_string(i + 1))->required(i < line.arguments_min)->expected(1);
    }
    app.set_help_flag("-h,--help", "this help");
    if (!line.version.empty()) {
        app.set_version_flag("--version", line.version, "version, commit and wire versions");
    }
    for (const CommandLine& command : line.commands) {
        build(*app.add_subcommand(command.name, command.summary), command, path + " " + command.name, entries);
    }
    if (!line.commands.empty()) {
        app.require_subcommand(1, 1);
    }
}

const CLI::App& chosen(const CLI::App& root) {
    const CLI::App* app = &root;
    while (!app->get_subcommands().empty()) {
        app = app->get_subcommands().front();
    }
    return *app;
}

// "grapevine key show" without its first word.
std::string below_root(const Entry& entry) {
    const std::size_t space = entry.path.find(' ');
    return space == std::string::npos ? std::string{} : entry.path.substr(space + 1);
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    const std::vector<std::string_view> views(candidates.begin(), candidates.end());
    const std::string_view near = closest(word, views);
    return near.empty() ? std::string{} : "; did you mean " + std::string(near) + "?";
}

base::Error invalid(std::string message) {
    return {base::ErrorCode::invalid, std::move(message)};
}

base::Error unknown_flag(const Entry& entry, std::string_view word) {
    std::vector<std::string> names{"--help"};
    for (const Flag& flag : entry.line->flags) {
        names.emplace_back(flag.name);
    }
    if (!entry.line->version.empty()) {
        names.emplace_back("--version");
    }
    const std::string_view name = word.substr(0, word.find('='));
    std::string hint = did_you_mean(name, names);
    if (hint.empty() && !entry.line->commands.empty()) {
        hint = "; see " + entry.path + " --help";
    }
    return invalid(base::printable(name) + ": unknown option" + hint);
}

base::Error unknown_word(const Entry& entry, const std::string& word) {
    if (word.size() > 1 && word.front() == '-') {
        return unknown_flag(entry, word);
    }
    if (entry.line->commands.empty()) {
        return invalid(base::printable(word) + ": unexpected argument");
    }
    std::vector<std::string> names;
    for (const CommandLine& command : entry.line->commands) {
        names.push_back(command.name);
    }
    std::string hint = did_you_mean(word, names);
    if (hint.empty()) {
        hint = "; see " + entry.path + " --help";
    }
    const std::string noun = below_root(entry);
    return invalid((noun.empty() ? "" : noun + " ") + base::printable(word) + ": unknown command" + hint);
}

// The first word that no part of the command line had a place for.
std::optional<base::Error> unknown(const CLI::App& root, const Entries& entries) {
    for (const CLI::App* app = &root; app != nullptr;) {
        for (const std::string& word : app->remaining()) {
            if (word != "--") {
                return unknown_word(entries.at(app), word);
            }
        }
        app = app->get_subcommands().empty() ? nullptr : app->get_subcommands().front();
    }
    return std::nullopt;
}

base::Error missing(const Entry& entry) {
    const CommandLine& line = *entry.line;
    const std::string noun = below_root(entry);
    const std::string what = line.commands.empty() ? line.arguments + ": is required"
                             : noun.empty()        ? "command: is required"
                                                   : noun + ": needs a verb";
    return invalid(what + "; see " + entry.path + " --help");
}

// CLI11 names the flag first in each of these errors, with or without its dashes.
base::Error mismatched(const CLI::App& app, const CLI::Error& error) {
    const std::string_view what = error.what();
    const std::string_view word = what.substr(0, what.find_first_of(": "));
    const std::string name = (word.starts_with("-") ? "" : "--") + std::string(word);
    const CLI::Option* option = app.get_option_no_throw(name);
    if (option == nullptr) {
        return invalid(std::string(what));
    }
    const bool is_switch = option->get_items_expected_max() == 0;
    const bool repeats = option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
    if (option->count() > 1 && !repeats) {
        return invalid(name + ": given twice");
    }
    return invalid(name + (is_switch ? ": takes no value" : ": needs a value (" + option->get_type_name() + ")"));
}

base::Error explained(const CLI::App& root, const Entries& entries, const CLI::Error& error) {
    const CLI::App& app = chosen(root);
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        return mismatched(app, error);
    }
    if (const auto word = unknown(root, entries)) {
        return *word;
    }
    const bool lacks = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
    return lacks ? missing(entries.at(&app)) : invalid("command line: " + std::string(error.what()));
}

Parsed parsed_by(const CLI::App& root, const Entries& entries) {
    const CLI::App& app = chosen(root);
    Parsed out;
    out.command = below_root(entries.at(&app));
    for (const CLI::Option* option : app.get_options([](const CLI::Option* o) { return o->count() > 0; })) {
        const auto& results = option->results();
        if (option->get_positional()) {
            out.positionals.insert(out.positionals.end(), results.begin(), results.end());
        } else {
            const bool is_switch = option->get_items_expected_max() == 0;
            out.values[option->get_name()] = is_switch ? std::vector<std::string>{} : results;
        }
    }
    return out;
}

// CLI11 takes the next word for the value of `--name=`; an empty value is written as a word of its own.
base::Status check_words(std::span<const std::string> words) {
    if (words.size() > kArgumentsMax) {
        return base::invalid("command line: more than " + std::to_string(kArgumentsMax) + " words");
    }
    for (const std::string& word : words) {
        if (word == "--") {
            break;
        }
        if (word.starts_with("--") && word.find('=') == word.size() - 1) {
            return base::invalid(base::printable(word.substr(0, word.size() - 1)) + ": needs a value after '='");
        }
    }
    return {};
}

}  // namespace

std::string Parsed::text(std::string_view flag, std::string_view fallback) const {
    const auto found = values.find(flag);
    return found == values.end() || found->second.empty() ? std::string(fallback) : found->second.back();
}

std::vector<std::string> Parsed::list(std::string_view flag) const {
    const auto found = values.find(flag);
    return found == values.end() ? std::vector<std::string>{} : found->second;
}

base::Result<Outcome> parse_words(const CommandLine& line, std::span<const std::string> words, std::size_t columns) {
    if (const auto checked = check_words(words); !checked) {
        return tl::unexpected(checked.error());
    }
    Entries entries;
    CLI::App root(line.summary, line.name);
    root.formatter(std::make_shared<Layout>(entries, columns));  // Shared by CLI11's own design: root and commands.
    build(root, line, line.name, entries);
    try {
        root.parse(std::vector<std::string>(words.rbegin(), words.rend()));
        return Outcome(parsed_by(root, entries));
    } catch (const CLI::CallForHelp&) {
        return Outcome(Answer{root.help()});
    } catch (const CLI::CallForVersion&) {
        return Outcome(Answer{line.name + " " + line.version + "\n"});
    } catch (const CLI::Error& error) {
        return tl::unexpected(explained(root, entries, error));
    }
}

}  // namespace grapevine::cli
