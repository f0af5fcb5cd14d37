#include <utility>
#include <variant>

#include "apps/grapevine/command.hpp"
#include "grapevine/node_main_json.hpp"
#include "wire/addr.hpp"

namespace grapevine::apps {
namespace {

struct AddressText {
    std::string_view kind;
    std::string text;
};

AddressText text_of(const wire::TransportAddr& addr) {
    if (const auto* relay = std::get_if<wire::RelayUrl>(&addr)) {
        return {"relay", relay->text};
    }
    if (const auto* direct = std::get_if<base::SocketAddr>(&addr)) {
        return {"direct", direct->text()};
    }
    const auto& custom = std::get<wire::CustomAddr>(addr);
    return {"custom", std::to_string(custom.id) + ", " + std::to_string(custom.data.size()) + " bytes"};
}

std::string as_json(const wire::EndpointAddr& ticket) {
    boost::json::array addrs;
    for (const wire::TransportAddr& addr : ticket.addrs) {
        const AddressText text = text_of(addr);
        boost::json::object one;
        one["kind"] = cli::json_text(text.kind);
        one["addr"] = cli::json_text(text.text);
        addrs.emplace_back(std::move(one));
    }
    boost::json::object out;
    out["id"] = ticket.id.hex();
    out["addrs"] = std::move(addrs);
    return cli::json_line(out);
}

std::string as_lines(const wire::EndpointAddr& ticket) {
    std::string out = "id      " + ticket.id.hex() + "\n";
    for (const wire::TransportAddr& addr : ticket.addrs) {
        const AddressText text = text_of(addr);
        std::string kind(text.kind);
        kind.resize(8, ' ');
        out += kind + text.text + "\n";
    }
    return out;
}

int run(const cli::Parsed& parsed) {
    const auto ticket = wire::parse_ticket(parsed.positionals[0]);
    if (!ticket) {
        return cli::fail_with(ticket.error());
    }
    return print(parsed.has("--json") ? as_json(*ticket) : as_lines(*ticket));
}

}  // namespace

Command ticket_show_command() {
    Command command;
    command.name = "ticket show";
    command.arguments = "TICKET";
    command.arguments_min = command.arguments_max = 1;
    command.summary = "show the id and addresses in a ticket";
    command.codes = "0 shown, 2 no ticket";
    command.flags = {{"--json", cli::Arity::none, "", "one JSON object"}};
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
