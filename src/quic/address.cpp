#include "quic/address.hpp"

#include <arpa/inet.h>

#include <cstring>

namespace grapevine::quic {

NativeAddr::NativeAddr(const base::SocketAddr& addr) {
    if (addr.family == base::IpFamily::v4) {
        storage_.in.sin_family = AF_INET;
        storage_.in.sin_port = htons(addr.port);
        std::memcpy(&storage_.in.sin_addr, addr.ip.data(), 4);
        length_ = sizeof(storage_.in);
    } else {
        storage_.in6.sin6_family = AF_INET6;
        storage_.in6.sin6_port = htons(addr.port);
        std::memcpy(&storage_.in6.sin6_addr, addr.ip.data(), 16);
        length_ = sizeof(storage_.in6);
    }
}

ngtcp2_addr NativeAddr::view() const {
    // ngtcp2 takes a pointer to non-const and only reads it.
    return {const_cast<ngtcp2_sockaddr*>(&storage_.sa), length_};
}

base::SocketAddr from_native(const ngtcp2_addr& addr) {
    base::SocketAddr out;
    if (addr.addr->sa_family == AF_INET) {
        ngtcp2_sockaddr_in in{};
        std::memcpy(&in, addr.addr, sizeof in);
        std::memcpy(out.ip.data(), &in.sin_addr, 4);
        out.port = ntohs(in.sin_port);
    } else {
        ngtcp2_sockaddr_in6 in6{};
        std::memcpy(&in6, addr.addr, sizeof in6);
        out.family = base::IpFamily::v6;
        std::memcpy(out.ip.data(), &in6.sin6_addr, 16);
        out.port = ntohs(in6.sin6_port);
    }
    return out;
}

}  // namespace grapevine::quic
