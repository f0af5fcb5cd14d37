#pragma once

// Random values of the wire's types for property tests, from one RapidCheck integer each, by the project's own Rng.

#include <algorithm>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "wire/addr.hpp"
#include "wire/admission.hpp"
#include "wire/delivery.hpp"
#include "wire/gossip.hpp"
#include "wire/mesh.hpp"
#include "wire/publication.hpp"
#include "wire/resolve.hpp"
#include "wire/summary.hpp"

namespace grapevine::wire::testing {

// An integer of random magnitude, so that every varint length occurs.
template <typename Integer>
Integer any_integer(base::Rng& rng) {
    return static_cast<Integer>(rng.next() >> rng.below(64));
}

inline base::Bytes any_bytes(base::Rng& rng, std::size_t limit) {
    base::Bytes bytes(rng.index(limit + 1));
    rng.fill(bytes);
    return bytes;
}

template <typename IdType>
IdType any_id(base::Rng& rng) {
    IdType id;
    rng.fill(id.bytes);
    return id;
}

template <typename T, typename Make>
std::vector<T> any_list(base::Rng& rng, std::size_t limit, Make make) {
    std::vector<T> items;
    for (std::size_t i = rng.index(limit + 1); i > 0; --i)
        items.push_back(make(rng));
    return items;
}

base::SocketAddr any_socket_addr(base::Rng& rng);
TransportAddr any_transport_addr(base::Rng& rng);
std::vector<TransportAddr> any_transport_addrs(base::Rng& rng, std::size_t limit);
EndpointAddr any_endpoint_addr(base::Rng& rng);
TopicMessage any_topic_message(base::Rng& rng);
std::string any_name(base::Rng& rng);
Claim any_claim(base::Rng& rng);
MeshFrame any_mesh_frame(base::Rng& rng);
DeliveryFrame any_delivery_frame(base::Rng& rng);
AdmissionTicket any_ticket(base::Rng& rng);
RevocationList any_revocations(base::Rng& rng);
// As sign() would return it.
Summary any_summary(base::Rng& rng);
Notice any_notice(base::Rng& rng);
Resolve any_resolve(base::Rng& rng);
Resolved any_resolved(base::Rng& rng);

}  // namespace grapevine::wire::testing
