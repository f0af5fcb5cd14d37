// Shell completion, printed from the tables of the commands.
//   bash:  source <(grapevine completion bash)
//   zsh:   source <(grapevine completion zsh)
//   fish:  grapevine completion fish | source

#include <set>

#include "apps/grapevine/command.hpp"

namespace grapevine::apps {
namespace {

using cli::Arity;

std::string first_words(const std::vector<Command>& commands) {
    std::set<std::string> words;
    for (const Command& command : commands) {
        words.emplace(command.name.substr(0, command.name.find(' ')));
    }
    std::string out = "--help --version";
    for (const std::string& word : words) {
        out += " " + word;
    }
    return out;
}

std::string verbs_of(const std::vector<Command>& commands, std::string_view noun) {
    std::string out;
    for (const Command& command : commands) {
        if (command.name.starts_with(std::string(noun) + " ")) {
            out += (out.empty() ? "" : " ") + std::string(command.name.substr(noun.size() + 1));
        }
    }
    return out;
}

std::string flag_names(const Command& command) {
    std::string out = "--help";
    for (const cli::Flag& flag : command.flags) {
        out += " " + std::string(flag.name);
    }
    return out;
}

// The choices of a flag whose value is written "a|b"; empty for any other.
std::string choices_of(const cli::Flag& flag) {
    if (flag.value.find('|') == std::string_view::npos) {
        return {};
    }
    std::string out(flag.value);
    for (char& c : out) {
        c = c == '|' ? ' ' : c;
    }
    return out;
}

bool takes_path(const cli::Flag& flag) {
    return flag.value == "FILE" || flag.value == "DIR";
}

// The part of the script that offers values after a flag of this command.
std::string bash_values(const Command& command) {
    std::string out;
    for (const cli::Flag& flag : command.flags) {
        const std::string choices = choices_of(flag);
        if (!choices.empty()) {
            out += "            " + std::string(flag.name) + ") COMPREPLY=($(compgen -W \"" + choices +
                   "\" -- \"$current\")); return ;;\n";
        } else if (takes_path(flag)) {
            out += "            " + std::string(flag.name) + ") COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n";
        } else if (flag.arity != Arity::none) {
            out += "            " + std::string(flag.name) + ") return ;;\n";
        }
    }
    return out.empty() ? out : "        case \"$previous\" in\n" + out + "        esac\n";
}

// A command's own words: choices of its argument, or file names.
std::string argument_words(const Command& command) {
    return command.arguments.find('|') == std::string_view::npos
               ? std::string{}
               : " " + choices_of({"", Arity::one, command.arguments, ""});
}

std::string bash_script(const std::vector<Command>& commands) {
    std::string out =
        "_grapevine() {\n    local current=\"${COMP_WORDS[COMP_CWORD]}\" "
        "previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n    COMPREPLY=()\n"
        "    if ((COMP_CWORD == 1)); then\n        COMPREPLY=($(compgen -W \"" +
        first_words(commands) +
        "\" -- \"$current\"))\n        return\n    fi\n"
        "    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n";
    std::set<std::string> nouns;
    for (const Command& command : commands) {
        const std::size_t space = command.name.find(' ');
        if (space != std::string_view::npos) {
            nouns.emplace(command.name.substr(0, space));
        }
        const std::string pattern =
            space == std::string_view::npos ? std::string(command.name) + " *" : std::string(command.name);
        const std::string quoted =
            space == std::string_view::npos ? "\"" + std::string(command.name) + " \"*" : "\"" + pattern + "\"";
        out += "    " + quoted + ")\n" + bash_values(command) + "        COMPREPLY=($(compgen -W \"" +
               flag_names(command) + argument_words(command) + "\" -- \"$current\"))\n" +
               (command.arguments == "FILE" || command.arguments == "SCENARIO"
                    ? "        COMPREPLY+=($(compgen -f -- \"$current\"))\n"
                    : "") +
               "        ;;\n";
    }
    for (const std::string& noun : nouns) {
        out += "    \"" + noun + " \"*)\n        COMPREPLY=($(compgen -W \"--help " + verbs_of(commands, noun) +
               "\" -- \"$current\"))\n        ;;\n";
    }
    return out + "    esac\n}\ncomplete -F _grapevine grapevine\n";
}

std::string zsh_script(const std::vector<Command>& commands) {
    return "#compdef grapevine\nautoload -Uz bashcompinit && bashcompinit\n" + bash_script(commands);
}

std::string fish_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return out + "'";
}

std::string fish_command(const Command& command) {
    const std::size_t space = command.name.find(' ');
    const std::string noun(command.name.substr(0, space));
    std::string seen = "__fish_seen_subcommand_from " + noun;
    std::string out;
    if (space == std::string_view::npos) {
        out = "complete -c grapevine -n __fish_use_subcommand -f -a " + noun + " -d " + fish_quoted(command.summary) +
              "\n";
    } else {
        const std::string verb(command.name.substr(space + 1));
        out = "complete -c grapevine -n __fish_use_subcommand -f -a " + noun + "\ncomplete -c grapevine -n '" + seen +
              "; and not __fish_seen_subcommand_from " + verb + "' -f -a " + verb + " -d " +
              fish_quoted(command.summary) + "\n";
        seen += "; and __fish_seen_subcommand_from " + verb;
    }
    if (const std::string words = argument_words(command); !words.empty()) {
        out += "complete -c grapevine -n '" + seen + "' -f -a '" + words.substr(1) + "'\n";
    }
    for (const cli::Flag& flag : command.flags) {
        out += "complete -c grapevine -n '" + seen + "' -l " + std::string(flag.name.substr(2)) +
               (flag.letter.empty() ? "" : " -s " + std::string(flag.letter.substr(1))) + " -d " +
               fish_quoted(flag.help);
        const std::string choices = choices_of(flag);
        out += flag.arity == Arity::none ? ""
               : choices.empty()         ? (takes_path(flag) ? " -r -F" : " -x")
                                         : " -x -a '" + choices + "'";
        out += "\n";
    }
    return out;
}

std::string fish_script(const std::vector<Command>& commands) {
    std::string out;
    for (const Command& command : commands) {
        out += fish_command(command);
    }
    return out +
           "complete -c grapevine -n __fish_use_subcommand -l version -d 'version'\n"
           "complete -c grapevine -l help -d 'help'\n";
}

int run(const cli::Parsed& parsed) {
    const std::string& shell = parsed.positionals[0];
    const std::vector<Command> commands = all_commands();
    if (shell == "bash") {
        return print(bash_script(commands));
    }
    if (shell == "zsh") {
        return print(zsh_script(commands));
    }
    if (shell == "fish") {
        return print(fish_script(commands));
    }
    return cli::fail_usage("SHELL: '" + shell + "' is none of bash, zsh, fish");
}

}  // namespace

Command completion_command() {
    Command command;
    command.name = "completion";
    command.arguments = "bash|zsh|fish";
    command.arguments_min = command.arguments_max = 1;
    command.summary = "print the shell's completion script";
    command.details = "For example: source <(grapevine completion bash)";
    command.codes = "0 printed, 2 unknown shell";
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
