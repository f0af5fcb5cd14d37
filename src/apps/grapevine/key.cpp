#include <filesystem>

#include "apps/grapevine/command.hpp"
#include "base/ed25519.hpp"
#include "base/encoding.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/key_file.hpp"

namespace grapevine::apps {
namespace {

int print_id(const cli::Parsed& parsed, const base::SecretKey& key) {
    const std::string id = key.id().hex();
    return print(parsed.has("--json") ? cli::json_line({{"id", id}}) : id + "\n");
}

// Refuses to touch a file that exists: an identity is never overwritten.
int run_new(const cli::Parsed& parsed) {
    const std::filesystem::path path = parsed.positionals[0];
    std::error_code error;
    if (std::filesystem::symlink_status(path, error).type() != std::filesystem::file_type::not_found) {
        return cli::fail_with(
            {base::ErrorCode::failed, "key file '" + path.string() + "': exists; a key is never overwritten"});
    }
    const auto key = io::load_or_mint_key(path);
    return key ? print_id(parsed, *key) : cli::fail_with(key.error());
}

int run_show(const cli::Parsed& parsed) {
    std::filesystem::path path = parsed.positionals[0];
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
        path /= "key";  // A node's data directory.
    }
    const auto key = io::read_key_file(path);
    return key ? print_id(parsed, *key) : cli::fail_with(key.error());
}

Command key_command() {
    Command command;
    command.arguments = "FILE";
    command.arguments_min = command.arguments_max = 1;
    command.flags = {{"--json", cli::Arity::none, "", "one JSON object"}};
    return command;
}

}  // namespace

Command key_new_command() {
    Command command = key_command();
    command.name = "key new";
    command.summary = "mint an identity into a new file and print its id";
    command.details =
        "The file holds the secret as 64 hex characters, mode 0600. An existing file is never overwritten.";
    command.codes = "0 written, 1 failed, 2 usage, 5 denied";
    command.run = run_new;
    return command;
}

Command key_show_command() {
    Command command = key_command();
    command.name = "key show";
    command.summary = "print the id of the identity in a file or data directory";
    command.details = "Only the public id is printed, never the secret.";
    command.codes = "0 shown, 1 failed, 2 not a key file, 4 not found, 5 denied";
    command.run = run_show;
    return command;
}

}  // namespace grapevine::apps
