#pragma once

// An IP address and UDP port as a value. No system header: io/ and quic/ convert to sockaddr.

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace grapevine::base {

enum class IpFamily : std::uint8_t { v4 = 0, v6 = 1 };

struct SocketAddr {
    IpFamily family = IpFamily::v4;
    std::array<std::uint8_t, 16> ip{};  // v4 uses the first four bytes; the rest are zero.
    std::uint16_t port = 0;

    static SocketAddr v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint16_t port);
    static SocketAddr v6(const std::array<std::uint8_t, 16>& ip, std::uint16_t port);

    // "127.0.0.1:80" or "[::1]:80"; an address without port, a host name or a port over 65535 is an error.
    static Result<SocketAddr> parse(std::string_view text);
    [[nodiscard]] std::string text() const;

    [[nodiscard]] bool is_unspecified() const;
    [[nodiscard]] bool is_loopback() const;

    // V4 before V6, then by address and port: the order of iroh's address sets.
    friend auto operator<=>(const SocketAddr&, const SocketAddr&) = default;
    friend bool operator==(const SocketAddr&, const SocketAddr&) = default;
};

}  // namespace grapevine::base
