// `grapevine mesh show`: a ticket, a list of revocations or an authority, and whether it holds now.

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "admission/authority.hpp"
#include "admission/calendar.hpp"
#include "admission/examination.hpp"
#include "apps/grapevine/command.hpp"
#include "apps/grapevine/mesh_options.hpp"
#include "base/encoding.hpp"
#include "base/verification_memo.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/admission_files.hpp"
#include "io/authority_file.hpp"
#include "io/files.hpp"

namespace grapevine::apps {
namespace {

namespace fs = std::filesystem;
using boost::json::object;

using Shown = std::variant<wire::SignedTicket, wire::SignedRevocations, io::Authority>;

// Whether it holds, and if not, by which rule and with which exit code.
struct Standing {
    std::string cause{};  // Empty: it holds.
    std::string text{};
    cli::Exit exit = cli::Exit::done;
};

constexpr cli::Exit kDoesNotHold = cli::Exit::not_ready;
constexpr cli::Exit kForeign = cli::Exit::failed;

// By how the content begins; a word that is no file is taken for the text itself.
base::Result<Shown> read_shown(const std::string& word) {
    std::error_code error;
    const bool is_file = fs::exists(word, error);
    const auto text = is_file ? io::read_file("file", word, io::kAdmissionFileMax, io::Privacy::anyone)
                              : base::Result<std::string>(word);
    if (!text) {
        return tl::unexpected(text.error());
    }
    const auto shown = [](auto value) {
        return value ? base::Result<Shown>(std::move(*value)) : tl::unexpected(value.error());
    };
    if (text->starts_with("admit")) {
        return shown(is_file ? io::read_ticket_file(word) : wire::parse_admission_text(*text));
    }
    if (text->starts_with("revoke")) {
        return shown(is_file ? io::read_revocations_file(word) : wire::parse_revocations_text(*text));
    }
    if (is_file && text->starts_with("grapevine auth")) {
        return shown(io::read_authority_file(word));
    }
    const std::string subject = io::file_subject("file", word);
    return is_file ? base::Result<Shown>(base::invalid(
                         subject + (text->empty() ? ": is empty" : ": is no ticket, list of revocations or authority")))
                   : base::Result<Shown>(base::fail(base::ErrorCode::not_found, subject + ": does not exist"));
}

struct Against {
    std::optional<base::EndpointId> authority;
    std::optional<wire::SignedRevocations> list;
    std::optional<base::EndpointId> id;
};

base::Result<Against> against_of(const cli::Parsed& parsed) {
    Against against;
    if (parsed.has("--authority")) {
        const auto authority = parse_authority_id("--authority", parsed.text("--authority"));
        if (!authority) {
            return tl::unexpected(authority.error());
        }
        against.authority = *authority;
    }
    if (parsed.has("--id")) {
        const auto id = parse_node_id("--id", parsed.text("--id"));
        if (!id) {
            return tl::unexpected(id.error());
        }
        against.id = *id;
    }
    if (parsed.has("--list")) {
        auto list = io::read_revocations_file(parsed.text("--list"));
        if (!list) {
            return tl::unexpected(list.error());
        }
        against.list = std::move(*list);
    }
    return against;
}

// By the very rules of a node: what is not said is taken from the ticket.
Standing standing_of(const wire::SignedTicket& ticket, const Against& against, const cli::Parsed& parsed) {
    const std::string type = parsed.text("--type", ticket.value.types.empty() ? "any" : ticket.value.types.front());
    const std::string mesh = parsed.text("--mesh", ticket.value.mesh);
    const base::EndpointId authority = against.authority.value_or(ticket.authority);
    if (against.list && against.list->authority != authority) {
        return {"foreign_authority", "the list of revocations is of authority " + against.list->authority.short_hex(),
                kForeign};
    }
    const admission::Rules rules{mesh, authority, against.list ? &against.list->value : nullptr};
    const admission::Applicant applicant{against.id.value_or(ticket.value.node), ticket.value.use, type,
                                         ticket.envelope};
    base::VerificationMemo memo(1);
    const auto holds = admission::examine(rules, applicant, wall_now(), memo);
    if (holds) {
        return {};
    }
    const admission::Cause cause = holds.error().cause;
    return {std::string(admission::name(cause)), holds.error().message,
            cause == admission::Cause::foreign_authority ? kForeign : kDoesNotHold};
}

// Of what was signed by, or is, an authority for a mesh.
Standing standing_of(const base::EndpointId& signer, const std::string& mesh, const Against& against,
                     const cli::Parsed& parsed) {
    if (against.authority && *against.authority != signer) {
        return {"foreign_authority",
                "is of authority " + signer.short_hex() + ", not " + against.authority->short_hex(), kForeign};
    }
    if (parsed.has("--mesh") && parsed.text("--mesh") != mesh) {
        return {"other_mesh", "is for mesh '" + mesh + "'", kDoesNotHold};
    }
    return {};
}

Standing standing_of(const Shown& shown, const Against& against, const cli::Parsed& parsed) {
    if (const auto* ticket = std::get_if<wire::SignedTicket>(&shown)) {
        return standing_of(*ticket, against, parsed);
    }
    if (const auto* list = std::get_if<wire::SignedRevocations>(&shown)) {
        return standing_of(list->authority, list->value.mesh, against, parsed);
    }
    const auto& authority = std::get<io::Authority>(shown);
    return standing_of(authority.key.id(), authority.mesh, against, parsed);
}

void add_json(object& out, const wire::SignedTicket& ticket) {
    out["kind"] = "ticket";
    out["mesh"] = ticket.value.mesh;
    out["id"] = ticket.value.node.hex();
    out["use"] = std::string(wire::name(ticket.value.use));
    out["types"] = cli::json_texts(ticket.value.types);
    out["expires"] = admission::utc_text(ticket.value.expires_unix_s);
    out["serial"] = std::to_string(ticket.value.serial);
    out["authority"] = ticket.authority.hex();
}

void add_json(object& out, const wire::SignedRevocations& list) {
    boost::json::array revoked;
    for (const wire::RevokedTicket& ticket : list.value.revoked) {
        object row{{"serial", std::to_string(ticket.serial)}, {"expires", admission::utc_text(ticket.expires_unix_s)}};
        revoked.emplace_back(std::move(row));
    }
    out["kind"] = "revocations";
    out["mesh"] = list.value.mesh;
    out["version"] = std::to_string(list.value.list_version);
    out["authority"] = list.authority.hex();
    out["revoked"] = std::move(revoked);
}

void add_json(object& out, const io::Authority& authority) {
    out["kind"] = "authority";
    out["mesh"] = authority.mesh;
    out["authority"] = authority.key.id().hex();
}

std::string as_json(const Shown& shown, const Standing& standing) {
    object out;
    std::visit([&](const auto& value) { add_json(out, value); }, shown);
    out["holds"] = standing.cause.empty();
    if (!standing.cause.empty()) {
        out["why"] = standing.cause;
        out["text"] = cli::json_text(standing.text);
    }
    return cli::json_line(out);
}

std::vector<admission::TextRow> rows_of(const Shown& shown) {
    if (const auto* ticket = std::get_if<wire::SignedTicket>(&shown)) {
        return admission::describe(*ticket, wall_now());
    }
    if (const auto* list = std::get_if<wire::SignedRevocations>(&shown)) {
        return admission::describe(*list, wall_now());
    }
    const auto& authority = std::get<io::Authority>(shown);
    return {{"mesh", authority.mesh}, {"authority", authority.key.id().hex()}};
}

std::string as_lines(const Shown& shown, const Standing& standing) {
    std::vector<admission::TextRow> rows = rows_of(shown);
    if (!std::holds_alternative<io::Authority>(shown) || !standing.cause.empty()) {
        rows.push_back({"holds", standing.cause.empty() ? "yes" : "no: " + standing.text});
    }
    std::size_t width = 0;
    for (const admission::TextRow& row : rows) {
        width = std::max(width, row.label.size() + 2);
    }
    std::string out;
    for (admission::TextRow& row : rows) {
        row.label.resize(width, ' ');
        out += row.label + row.value + "\n";
    }
    return out;
}

int run(const cli::Parsed& parsed) {
    const auto shown = read_shown(parsed.positionals[0]);
    if (!shown) {
        return cli::fail_with(shown.error());
    }
    const auto against = against_of(parsed);
    if (!against) {
        return cli::fail_with(against.error());
    }
    const Standing standing = standing_of(*shown, *against, parsed);
    const int printed = print(parsed.has("--json") ? as_json(*shown, standing) : as_lines(*shown, standing));
    return printed != 0 ? printed : cli::exit_code(standing.exit);
}

}  // namespace

Command mesh_show_command() {
    Command command;
    command.name = "mesh show";
    command.arguments = "FILE|TICKET";
    command.arguments_min = command.arguments_max = 1;
    command.summary = "show a ticket, list of revocations or authority, and whether it holds now";
    command.details =
        "Judges by the rules of a node and the clock of this machine; what no flag says is taken from the ticket. Of "
        "an "
        "authority only the public id is shown, never the secret. Works offline.";
    command.codes =
        "0 holds, 1 of another authority, 2 cut off, altered or something else, 3 does not hold now, 4 no such file, 5 "
        "denied: an authority file must have mode 0600";
    command.flags = {{"--authority", cli::Arity::one, "ID", "the authority that must have signed it: id or file"},
                     {"--list", cli::Arity::one, "FILE", "the mesh's list of revocations"},
                     {"--id", cli::Arity::one, "ID", "the node that must be admitted"},
                     {"--mesh", cli::Arity::one, "NAME", "the mesh that it must be for"},
                     {"--type", cli::Arity::one, "NAME", "the type that it must admit"},
                     {"--json", cli::Arity::none, "", "one JSON object"}};
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
