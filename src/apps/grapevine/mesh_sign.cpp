// `grapevine mesh create`, `admit` and `revoke`: what the holder of a closed mesh's authority does, away from any node.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>

#include "admission/authority.hpp"
#include "admission/calendar.hpp"
#include "apps/grapevine/command.hpp"
#include "apps/grapevine/mesh_options.hpp"
#include "apps/grapevine/query.hpp"
#include "base/encoding.hpp"
#include "grapevine/node_main_json.hpp"
#include "grapevine/node_main_settings.hpp"
#include "io/admission_files.hpp"
#include "io/authority_file.hpp"
#include "io/json.hpp"
#include "io/node_registry.hpp"

namespace grapevine::apps {
namespace {

namespace fs = std::filesystem;
using boost::json::object;

constexpr std::size_t kTicketsMax = 64;  // Arguments of one `revoke`.
constexpr base::Duration kTellTimeout = std::chrono::seconds(10);

int run_create(const cli::Parsed& parsed) {
    const std::string& mesh = parsed.positionals[0];
    if (!cli::is_name(mesh)) {
        return cli::fail_usage("NAME: '" + base::printable(mesh) +
                               "' is no name: at most 63 of a-z, 0-9 and '-', and the first is no '-'");
    }
    const fs::path file = fs::path(parsed.text("--out", ".")) / (mesh + ".authority");
    const io::Authority authority{mesh, base::SecretKey::generate()};
    if (const auto made = io::create_authority_file(file, authority); !made) {
        return cli::fail_with(made.error());
    }
    const std::string id = authority.key.id().hex();
    object line{{"authority", id}, {"mesh", mesh}, {"file", cli::json_text(file.string())}};
    return print(parsed.has("--json") ? cli::json_line(line) : id + "\n");
}

base::Result<wire::AdmissionUse> parse_use(const std::string& text) {
    if (text == "member") {
        return wire::AdmissionUse::member;
    }
    if (text == "visitor") {
        return wire::AdmissionUse::visitor;
    }
    return base::invalid("--use: '" + base::printable(text) + "' is none of member|visitor");
}

base::Result<io::Authority> authority_of(const cli::Parsed& parsed) {
    if (!parsed.has("--authority")) {
        return base::invalid("--authority: is required: the file of grapevine mesh create");
    }
    auto authority = io::read_authority_file(parsed.text("--authority"));
    if (authority && parsed.has("--mesh")) {
        authority->mesh = parsed.text("--mesh");
    }
    return authority;
}

// --id, else the running node of --to.
base::Result<base::EndpointId> node_of(const cli::Parsed& parsed) {
    if (parsed.has("--id")) {
        return parse_node_id("--id", parsed.text("--id"));
    }
    if (!parsed.has("--to")) {
        return base::invalid("--id: is required: the node that is admitted (or --to, if it runs here)");
    }
    const auto node = io::find_running_node(parsed.text("--to"));
    return node ? base::EndpointId::parse(node->id) : base::Result<base::EndpointId>(tl::unexpected(node.error()));
}

// Hands what was signed to the running node of --to, if there is one.
base::Result<object> tell_node(const cli::Parsed& parsed, const object& request) {
    const auto node = io::find_running_node(parsed.text("--to"));
    if (!node) {
        return tl::unexpected(node.error());
    }
    auto client = io::ControlClient::connect(node->data_dir, kTellTimeout);
    if (!client) {
        return tl::unexpected(client.error());
    }
    return ask_object(*client, boost::json::serialize(request), kTellTimeout);
}

base::Result<wire::SignedTicket> ticket_of(const cli::Parsed& parsed) {
    const base::WallTime wall = wall_now();
    wire::AdmissionTicket ticket;
    const auto id = node_of(parsed);
    const auto use = parse_use(parsed.text("--use", "member"));
    const auto expires = expiry_of(parsed, wall);
    if (!id || !use || !expires) {
        return tl::unexpected(!id ? id.error() : !use ? use.error() : expires.error());
    }
    const auto authority = authority_of(parsed);
    if (!authority) {
        return tl::unexpected(authority.error());
    }
    ticket.mesh = authority->mesh;
    ticket.node = *id;
    ticket.use = *use;
    ticket.types = split_commas(parsed.text("--types"));
    ticket.expires_unix_s = *expires;
    ticket.serial = fresh_serial();
    return admission::make_ticket(authority->key, std::move(ticket), wall);
}

int run_admit(const cli::Parsed& parsed) {
    const auto ticket = ticket_of(parsed);
    if (!ticket) {
        return cli::fail_with(ticket.error());
    }
    const std::string text = wire::admission_text(*ticket);
    if (parsed.has("--out")) {
        if (const auto written = io::write_ticket_file(parsed.text("--out"), *ticket); !written) {
            return cli::fail_with(written.error());
        }
    }
    if (parsed.has("--to")) {
        object request{{"op", "admit"}, {"ticket", text}};
        if (parsed.has("--close")) {
            request["authority"] = ticket->authority.hex();
        }
        if (const auto told = tell_node(parsed, request); !told) {
            return fail_query(told.error());
        }
    }
    if (parsed.has("--json")) {
        // The serial is a text: numbers of JSON are exact up to 2^53 only.
        return print(cli::json_line({{"ticket", text},
                                     {"mesh", ticket->value.mesh},
                                     {"id", ticket->value.node.hex()},
                                     {"serial", std::to_string(ticket->value.serial)},
                                     {"expires", admission::utc_text(ticket->value.expires_unix_s)}}));
    }
    return parsed.has("--out") || parsed.has("--to")
               ? print("serial " + std::to_string(ticket->value.serial) + ", until " +
                       admission::utc_text(ticket->value.expires_unix_s) + "\n")
               : print(text + "\n");
}

// A serial alone does not say when its ticket expires, and so when the list may forget it.
base::Result<wire::RevokedTicket> revoked_serial(const cli::Parsed& parsed, const std::string& text) {
    const auto serial = cli::parse_number("SERIAL", text, 0, UINT64_MAX);
    if (!serial) {
        return tl::unexpected(serial.error());
    }
    if (!parsed.has("--until")) {
        return wire::RevokedTicket{*serial, wire::kExpiryMax};
    }
    const auto until = admission::parse_utc(parsed.text("--until"));
    if (!until) {
        return base::invalid("--until: " + until.error().message);
    }
    return wire::RevokedTicket{*serial, *until};
}

base::Error foreign(const std::string& what, const base::EndpointId& of, const base::EndpointId& wanted) {
    return {base::ErrorCode::failed,
            what + ": is of authority " + of.short_hex() + ", not " + wanted.short_hex() + " of this file"};
}

// A serial, a ticket, or a ticket's file.
base::Result<wire::RevokedTicket> revoked_of(const cli::Parsed& parsed, const std::string& word,
                                             const io::Authority& authority) {
    if (!word.empty() && word.find_first_not_of("0123456789") == std::string::npos) {
        return revoked_serial(parsed, word);
    }
    std::error_code error;
    const bool is_text = word.starts_with("admit") && !fs::exists(word, error);
    const auto ticket = is_text ? wire::parse_admission_text(word) : io::read_ticket_file(word);
    if (!ticket) {
        return tl::unexpected(ticket.error());
    }
    const std::string what = "ticket " + std::to_string(ticket->value.serial);
    if (ticket->authority != authority.key.id()) {
        return tl::unexpected(foreign(what, ticket->authority, authority.key.id()));
    }
    if (ticket->value.mesh != authority.mesh) {
        return base::fail(what + ": is for mesh '" + ticket->value.mesh + "', not '" + authority.mesh + "'");
    }
    return admission::revocation_of(ticket->value);
}

base::Result<std::optional<wire::SignedRevocations>> previous_of(const fs::path& path, const io::Authority& authority) {
    auto list = io::read_revocations_file(path);
    if (!list) {
        return list.error().code == base::ErrorCode::not_found
                   ? base::Result<std::optional<wire::SignedRevocations>>(std::nullopt)
                   : tl::unexpected(list.error());
    }
    if (list->authority != authority.key.id()) {
        return tl::unexpected(
            foreign("revocations file '" + base::printable(path.string()) + "'", list->authority, authority.key.id()));
    }
    return std::optional(std::move(*list));
}

base::Result<wire::SignedRevocations> next_list(const cli::Parsed& parsed) {
    if (!parsed.has("--list")) {
        return base::invalid("--list: is required: the mesh's list of revocations, made if it does not exist");
    }
    const auto authority = authority_of(parsed);
    if (!authority) {
        return tl::unexpected(authority.error());
    }
    const auto previous = previous_of(parsed.text("--list"), *authority);
    if (!previous) {
        return tl::unexpected(previous.error());
    }
    std::vector<wire::RevokedTicket> added;
    for (const std::string& word : parsed.positionals) {
        const auto revoked = revoked_of(parsed, word, *authority);
        if (!revoked) {
            return tl::unexpected(revoked.error());
        }
        added.push_back(*revoked);
    }
    return admission::next_revocations(authority->key, authority->mesh, *previous, added, wall_now());
}

int run_revoke(const cli::Parsed& parsed) {
    const auto list = next_list(parsed);
    if (!list) {
        return cli::fail_with(list.error());
    }
    if (const auto written = io::write_revocations_file(parsed.text("--list"), *list); !written) {
        return cli::fail_with(written.error());
    }
    if (parsed.has("--to")) {
        const auto told = tell_node(parsed, {{"op", "revoke"}, {"list", wire::revocations_text(*list)}});
        if (!told) {
            return fail_query(told.error());
        }
        if (io::string_member(*told, "revocations") != std::to_string(list->value.list_version)) {
            return cli::fail_with({base::ErrorCode::failed, "--to: the node has version " +
                                                                io::string_member(*told, "revocations").value_or("?") +
                                                                " of the list, and did not take this one"});
        }
    }
    const std::size_t revoked = list->value.revoked.size();
    if (parsed.has("--json")) {
        return print(cli::json_line({{"list", wire::revocations_text(*list)},
                                     {"mesh", list->value.mesh},
                                     {"version", std::to_string(list->value.list_version)},
                                     {"revoked", revoked}}));
    }
    return print("version " + std::to_string(list->value.list_version) + ", " + std::to_string(revoked) + " of " +
                 std::to_string(wire::kRevokedMax) + " revoked\n");
}

constexpr cli::Flag kAuthorityFlag{"--authority", cli::Arity::one, "FILE", "the mesh's authority; required"};
constexpr cli::Flag kJsonFlag{"--json", cli::Arity::none, "", "one JSON object"};

}  // namespace

Command mesh_create_command() {
    Command command;
    command.name = "mesh create";
    command.arguments = "NAME";
    command.arguments_min = command.arguments_max = 1;
    command.summary = "make the authority of a closed mesh, and print its public id";
    command.details =
        "Writes NAME.authority, mode 0600: the secret that admits nodes to the mesh. Keep it away from every node, and "
        "keep a copy: without it nobody new is ever admitted. An existing file is never overwritten. Nodes get the "
        "printed id as MESH_AUTHORITY.";
    command.codes = "0 made, 1 failed or exists, 2 usage, 5 denied";
    command.flags = {{"--out", cli::Arity::one, "DIR", "where to put the file (default: here)"}, kJsonFlag};
    command.run = run_create;
    return command;
}

Command mesh_admit_command() {
    Command command;
    command.name = "mesh admit";
    command.summary = "sign a ticket that admits a node to a closed mesh";
    command.details =
        "The ticket is a line of text that is good for this one node only, so it may be mailed. The node gets it as "
        "MESH_TICKET. A visitor may ask for names and deliver, and never sees the directory. Works offline, but for "
        "--to.";
    command.codes =
        "0 signed, 1 failed, 2 usage or no authority file, 4 no such file or node, 5 its mode is not 0600, 124 no "
        "answer";
    command.flags = {
        kAuthorityFlag,
        {"--id", cli::Arity::one, "ID", "the node: its id, or the endpoint ticket of its ready line; required"},
        {"--mesh", cli::Arity::one, "NAME", "another mesh than that of the authority file"},
        {"--use", cli::Arity::one, "member|visitor", "what the node may be", "member"},
        {"--types", cli::Arity::one, "LIST", "types a member may have, TYPE,...; at most 8 (default: any)"},
        {"--for", cli::Arity::one, "TIME", "how long it holds: 90m, 12h, 30d, 52w"},
        {"--until", cli::Arity::one, "DATE", "or until when: 2027-01-15, or 2027-01-15T08:00:00Z (UTC)"},
        {"--out", cli::Arity::one, "FILE", "write the ticket here, not to stdout"},
        {"--to", cli::Arity::one, "NODE",
         "give it to this running node, which uses and keeps it; stands for --id, too"},
        {"--close", cli::Arity::none, "", "with --to: the node's mesh is closed by this authority from now on"},
        kJsonFlag};
    command.run = run_admit;
    return command;
}

Command mesh_revoke_command() {
    Command command;
    command.name = "mesh revoke";
    command.arguments = "SERIAL|TICKET...";
    command.arguments_min = 1;
    command.arguments_max = kTicketsMax;
    command.summary = "sign the next version of a closed mesh's list of revocations";
    command.details =
        "Adds tickets to the list in --list, which is replaced by its next version; a first one is made. A ticket is "
        "named by its serial, its text or its file. The list holds at most 256 tickets that have not expired; expired "
        "ones leave it a day later. Give it to any node of the mesh as MESH_REVOCATIONS; it tells the others.";
    command.codes =
        "0 signed, 1 of another authority or mesh, or the list is full, 2 usage or altered file, 4 no such file, 5 "
        "denied";
    command.flags = {
        kAuthorityFlag,
        {"--list", cli::Arity::one, "FILE", "the mesh's list; required"},
        {"--mesh", cli::Arity::one, "NAME", "another mesh than that of the authority file"},
        {"--until", cli::Arity::one, "DATE", "when the ticket of a SERIAL expires (default: it stays in the list)"},
        {"--to", cli::Arity::one, "NODE", "give the list to this running node, which tells the whole mesh"},
        kJsonFlag};
    command.run = run_revoke;
    return command;
}

}  // namespace grapevine::apps
