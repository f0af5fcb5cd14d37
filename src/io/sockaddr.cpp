#include "io/sockaddr.hpp"

#include <cstring>

#include <netinet/in.h>

namespace grapevine::io {

NativeAddr to_native(const base::SocketAddr& addr) {
    NativeAddr native;
    if (addr.family == base::IpFamily::v4) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(addr.port);
        std::memcpy(&in.sin_addr, addr.ip.data(), sizeof in.sin_addr);
        std::memcpy(&native.storage, &in, sizeof in);
        native.length = sizeof in;
        return native;
    }
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(addr.port);
    std::memcpy(&in.sin6_addr, addr.ip.data(), sizeof in.sin6_addr);
    std::memcpy(&native.storage, &in, sizeof in);
    native.length = sizeof in;
    return native;
}

std::optional<base::SocketAddr> from_native(const sockaddr& addr) {
    base::SocketAddr result;
    if (addr.sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &addr, sizeof in);
        std::memcpy(result.ip.data(), &in.sin_addr, sizeof in.sin_addr);
        result.port = ntohs(in.sin_port);
        return result;
    }
    if (addr.sa_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &addr, sizeof in);
        result.family = base::IpFamily::v6;
        std::memcpy(result.ip.data(), &in.sin6_addr, sizeof in.sin6_addr);
        result.port = ntohs(in.sin6_port);
        return result;
    }
    return std::nullopt;
}

}  // namespace grapevine::io
