#include "base/socket_addr.hpp"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

#include "base/encoding.hpp"

namespace grapevine::base {

namespace {

Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) return invalid("bad port");
    return port;
}

Result<SocketAddr> parse_parts(IpFamily family, std::string_view host, std::string_view port) {
    SocketAddr addr;
    addr.family = family;
    const std::string name(host);
    // inet_pton stops at a zero byte.
    if (name.find('\0') != std::string::npos) return invalid("bad address");
    if (inet_pton(family == IpFamily::v4 ? AF_INET : AF_INET6, name.c_str(), addr.ip.data()) != 1)
        return invalid("bad address");
    const auto number = parse_port(port);
    if (!number) return tl::unexpected(number.error());
    addr.port = *number;
    return addr;
}

Result<SocketAddr> split_and_parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return invalid("no port");
    const std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
        return parse_parts(IpFamily::v6, host.substr(1, host.size() - 2), port);
    return parse_parts(IpFamily::v4, host, port);
}

}  // namespace

SocketAddr SocketAddr::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint16_t port) {
    SocketAddr addr;
    addr.ip[0] = a;
    addr.ip[1] = b;
    addr.ip[2] = c;
    addr.ip[3] = d;
    addr.port = port;
    return addr;
}

SocketAddr SocketAddr::v6(const std::array<std::uint8_t, 16>& ip, std::uint16_t port) {
    return SocketAddr{IpFamily::v6, ip, port};
}

Result<SocketAddr> SocketAddr::parse(std::string_view text) {
    auto addr = split_and_parse(text);
    if (!addr) return invalid("address '" + printable(text) + "': must be IPV4:PORT or [IPV6]:PORT");
    return addr;
}

std::string SocketAddr::text() const {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    inet_ntop(family == IpFamily::v4 ? AF_INET : AF_INET6, ip.data(), buffer.data(), buffer.size());
    const std::string host = family == IpFamily::v4 ? buffer.data() : '[' + std::string(buffer.data()) + ']';
    return host + ':' + std::to_string(port);
}

bool SocketAddr::is_unspecified() const {
    return std::all_of(ip.begin(), ip.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool SocketAddr::is_loopback() const {
    if (family == IpFamily::v4) return ip[0] == 127;
    return std::all_of(ip.begin(), ip.end() - 1, [](std::uint8_t byte) { return byte == 0; }) && ip[15] == 1;
}

}  // namespace grapevine::base
