#pragma once

// One command of the grapevine program: its table of flags, its words of help and its function. program.cpp makes one
// command line of all of them, has it parsed, and calls; completion reads the same tables.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grapevine/node_main_flags.hpp"

namespace grapevine::apps {

struct Command {
    std::string name;       // "ls", or noun and verb: "key new".
    std::string arguments;  // "TICKET"; as shown in the usage line.
    std::size_t arguments_min = 0;
    std::size_t arguments_max = 0;
    std::string summary;  // One line of the list of commands.
    std::string details;  // More words for its own --help.
    std::string codes;    // Its exit codes.
    std::string closing;  // Instead of the codes: paragraphs that end the help and tell them.
    std::vector<cli::Flag> flags;
    int (*run)(const cli::Parsed& parsed) = nullptr;
};

// Each in the file of its name.
Command up_command();
Command node_command();
Command serve_command();
Command spawn_command();
Command stop_command();
Command kill_command();
Command restart_command();
Command wedge_command();
Command resume_command();  // These five in stop.cpp.
Command logs_command();
Command events_command();
Command ls_command();
Command status_command();
Command ping_command();
Command send_command();
Command request_command();  // In send.cpp.
Command publish_command();
Command resolve_command();
Command cache_command();
Command why_command();
Command bench_command();
Command ledger_command();
Command log_level_command();
Command collect_command();
Command console_command();
Command top_command();
Command trace_ls_command();
Command trace_show_command();
Command boot_command();  // In trace.cpp.
Command spans_command();
Command metrics_command();
Command gossip_command();
Command listen_command();
Command connect_command();
Command key_new_command();
Command key_show_command();
Command ticket_show_command();
Command mesh_create_command();
Command mesh_admit_command();
Command mesh_revoke_command();  // These three in mesh_sign.cpp.
Command mesh_show_command();
Command sim_command();
Command config_command();
Command completion_command();

// All of them, in the order of the help.
std::vector<Command> all_commands();

// The whole program as one command line.
cli::CommandLine program_line();

// `words` without the program's name.
int run_program(std::span<const std::string> words);

// stdout or nothing: 0 if all was written, else 1 (a reader that went away is not worth a line).
int print(std::string_view text);

}  // namespace grapevine::apps
