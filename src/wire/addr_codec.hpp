#pragma once

// Parts of the address codec that other messages of this folder contain: single addresses and lists of them.

#include <cstddef>
#include <vector>

#include "base/socket_addr.hpp"
#include "wire/addr.hpp"
#include "wire/postcard.hpp"

namespace grapevine::wire {

// `00` + 4 bytes + port, or `01` + 16 bytes + port.
void write(Writer& out, const base::SocketAddr& addr);
base::SocketAddr read_socket_addr(Reader& in);

// `00` relay URL, `01` socket address, `02` id and bytes.
void write(Writer& out, const TransportAddr& addr);
TransportAddr read_transport_addr(Reader& in);

// A count and the items. Reading refuses more than `limit`, sorts and removes duplicates; writing expects that done.
void write(Writer& out, const std::vector<TransportAddr>& addrs);
std::vector<TransportAddr> read_transport_addrs(Reader& in, std::size_t limit);

// Sorted, without duplicates, and cut to the first `limit`.
std::vector<TransportAddr> normal_addrs(std::vector<TransportAddr> addrs, std::size_t limit);

}  // namespace grapevine::wire
