#include "grapevine/convert.hpp"

#include <variant>

#include "base/encoding.hpp"
#include "base/overloaded.hpp"

namespace grapevine {

namespace {

// "<64 hex>@<ip:port>": for people who type, and for configuration without tickets.
base::Result<wire::EndpointAddr> parse_id_at_addr(std::string_view text, std::size_t at) {
    const auto id = base::EndpointId::parse(text.substr(0, at));
    const auto addr = base::SocketAddr::parse(text.substr(at + 1));
    const std::string prefix = "peer '" + base::printable(text) + "': ";
    if (!id) {
        return base::invalid(prefix + id.error().message);
    }
    if (!addr) {
        return base::invalid(prefix + addr.error().message);
    }
    if (addr->port == 0 || addr->is_unspecified()) {
        return base::invalid(prefix + "the address must name a host and a port");
    }
    return wire::EndpointAddr{*id, {*addr}};
}

template <typename T, typename Parse>
base::Result<std::vector<T>> parse_all(const std::vector<std::string>& texts, Parse parse) {
    std::vector<T> all;
    for (const std::string& text : texts) {
        auto one = parse(text);
        if (!one) {
            return tl::unexpected(one.error());
        }
        all.push_back(std::move(*one));
    }
    return all;
}

}  // namespace

Error lift(const base::Error& error) {
    static_assert(static_cast<int>(Error::Code::denied) == static_cast<int>(base::ErrorCode::denied));
    return Error{static_cast<Error::Code>(error.code), error.message};
}

base::Result<wire::EndpointAddr> parse_peer(std::string_view text) {
    if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
        return parse_id_at_addr(text, at);
    }
    auto addr = wire::parse_ticket(text);
    if (addr && addr->direct().empty()) {
        return base::invalid("ticket '" + base::printable(text) + "': holds no direct address");
    }
    return addr;
}

base::Result<std::vector<wire::EndpointAddr>> parse_peers(const std::vector<std::string>& texts) {
    return parse_all<wire::EndpointAddr>(texts, [](const std::string& text) { return parse_peer(text); });
}

base::Result<std::vector<base::SocketAddr>> parse_binds(const std::vector<std::string>& texts) {
    return parse_all<base::SocketAddr>(texts, [](const std::string& text) { return base::SocketAddr::parse(text); });
}

std::string text_of(const wire::TransportAddr& addr) {
    return std::visit(
        base::Overloaded{[](const wire::RelayUrl& relay) { return relay.text; },
                         [](const base::SocketAddr& direct) { return direct.text(); },
                         [](const wire::CustomAddr& custom) { return "custom:" + std::to_string(custom.id); }},
        addr);
}

}  // namespace grapevine
