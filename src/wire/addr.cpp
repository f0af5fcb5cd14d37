#include "wire/addr.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "wire/addr_codec.hpp"
#include "wire/postcard.hpp"

namespace grapevine::wire {

namespace {

constexpr std::string_view kTicketPrefix = "endpoint";

void write_addr(Writer& out, const EndpointAddr& addr) {
    out.raw(addr.id.view());
    write(out, normal_addrs(addr.addrs, kAddrsMax));
}

EndpointAddr read_endpoint_addr(Reader& in) {
    EndpointAddr addr;
    addr.id = in.id<base::EndpointId>("id");
    addr.addrs = read_transport_addrs(in, kAddrsMax);
    return addr;
}

RelayUrl read_relay_url(Reader& in) {
    auto url = RelayUrl::parse(base::as_text(in.bytes("relay url", kRelayUrlBytesMax)));
    if (url) return *std::move(url);
    in.fail("relay url", url.error().message);
    return {};
}

}  // namespace

void write(Writer& out, const base::SocketAddr& addr) {
    out.u8(static_cast<std::uint8_t>(addr.family));
    out.raw(base::ByteView(addr.ip).first(addr.family == base::IpFamily::v4 ? 4 : 16));
    out.varint(addr.port);
}

base::SocketAddr read_socket_addr(Reader& in) {
    base::SocketAddr addr;
    addr.family = static_cast<base::IpFamily>(in.discriminant("address family", 2));
    const base::ByteView ip = in.raw("ip address", addr.family == base::IpFamily::v4 ? 4 : 16);
    std::copy(ip.begin(), ip.end(), addr.ip.begin());
    addr.port = in.u16("port");
    return addr;
}

void write(Writer& out, const TransportAddr& addr) {
    out.varint(addr.index());
    if (const auto* relay = std::get_if<RelayUrl>(&addr)) {
        out.text(relay->text);
    } else if (const auto* socket = std::get_if<base::SocketAddr>(&addr)) {
        write(out, *socket);
    } else {
        const auto& custom = std::get<CustomAddr>(addr);
        out.varint(custom.id);
        out.bytes(custom.data);
    }
}

TransportAddr read_transport_addr(Reader& in) {
    switch (in.discriminant("address kind", 3)) {
        case 0: return read_relay_url(in);
        case 1: return read_socket_addr(in);
        default: break;
    }
    CustomAddr custom;
    custom.id = in.u64("custom address id");
    const base::ByteView data = in.bytes("custom address", kCustomAddrBytesMax);
    custom.data.assign(data.begin(), data.end());
    return custom;
}

void write(Writer& out, const std::vector<TransportAddr>& addrs) {
    out.varint(addrs.size());
    for (const auto& addr : addrs)
        write(out, addr);
}

std::vector<TransportAddr> read_transport_addrs(Reader& in, std::size_t limit) {
    const std::size_t count = in.count("addresses", limit);
    std::vector<TransportAddr> addrs;
    for (std::size_t i = 0; i < count && in.ok(); ++i)
        addrs.push_back(read_transport_addr(in));
    return normal_addrs(std::move(addrs), limit);
}

std::vector<TransportAddr> normal_addrs(std::vector<TransportAddr> addrs, std::size_t limit) {
    std::sort(addrs.begin(), addrs.end());
    addrs.erase(std::unique(addrs.begin(), addrs.end()), addrs.end());
    if (addrs.size() > limit) addrs.erase(addrs.begin() + static_cast<std::ptrdiff_t>(limit), addrs.end());
    return addrs;
}

std::vector<base::SocketAddr> EndpointAddr::direct() const {
    std::vector<base::SocketAddr> out;
    for (const auto& addr : addrs) {
        if (const auto* socket = std::get_if<base::SocketAddr>(&addr)) out.push_back(*socket);
    }
    return out;
}

base::Bytes encode(const EndpointAddr& addr) {
    Writer out;
    write_addr(out, addr);
    return out.take();
}

base::Result<EndpointAddr> decode_endpoint_addr(base::ByteView bytes) {
    Reader in("endpoint address", bytes);
    auto addr = read_endpoint_addr(in);
    return in.finish(std::move(addr));
}

std::string ticket_text(const EndpointAddr& addr) {
    Writer out;
    out.u8(0);
    write_addr(out, addr);
    return std::string(kTicketPrefix) + base::base32_encode(out.take());
}

base::Result<EndpointAddr> parse_ticket(std::string_view text) {
    const std::string what = "ticket '" + base::printable(text, 24) + "'";
    if (text.size() > kTicketTextMax)
        return base::invalid(what + ": longer than " + std::to_string(kTicketTextMax) + " characters");
    if (!text.starts_with(kTicketPrefix)) return base::invalid(what + ": must begin with 'endpoint'");
    const auto bytes = base::base32_decode(text.substr(kTicketPrefix.size()));
    if (!bytes) return base::invalid(what + ": " + bytes.error().message);
    Reader in(what, *bytes);
    in.discriminant("version", 1);
    auto addr = read_endpoint_addr(in);
    return in.finish(std::move(addr));
}

base::Bytes encode(const AddrInfo& info) {
    if (info.relays.empty() && info.direct.empty()) return {};
    Writer out;
    out.boolean(!info.relays.empty());
    if (!info.relays.empty()) out.text(info.relays.front().text);
    auto direct = info.direct;
    std::sort(direct.begin(), direct.end());
    direct.erase(std::unique(direct.begin(), direct.end()), direct.end());
    if (direct.size() > kAddrsMax) direct.resize(kAddrsMax);
    out.varint(direct.size());
    for (const auto& addr : direct)
        write(out, addr);
    return out.take();
}

base::Result<AddrInfo> decode_addr_info(base::ByteView bytes) {
    AddrInfo info;
    if (bytes.empty()) return info;
    Reader in("peer data", bytes);
    if (in.boolean("has relay")) info.relays.push_back(read_relay_url(in));
    const std::size_t count = in.count("direct addresses", kAddrsMax);
    for (std::size_t i = 0; i < count && in.ok(); ++i)
        info.direct.push_back(read_socket_addr(in));
    std::sort(info.direct.begin(), info.direct.end());
    info.direct.erase(std::unique(info.direct.begin(), info.direct.end()), info.direct.end());
    return in.finish(std::move(info));
}

}  // namespace grapevine::wire
