#pragma once

// base::SocketAddr to and from the system's form.

#include <optional>

#include <sys/socket.h>

#include "base/socket_addr.hpp"

namespace grapevine::io {

struct NativeAddr {
    sockaddr_storage storage{};
    socklen_t length = 0;
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

NativeAddr to_native(const base::SocketAddr& addr);
// Nothing unless it is IPv4 or IPv6. The storage must be large enough for its family.
std::optional<base::SocketAddr> from_native(const sockaddr& addr);

}  // namespace grapevine::io
