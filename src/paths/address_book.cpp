#include "paths/address_book.hpp"

#include <algorithm>
#include <variant>

namespace grapevine::paths {

namespace {

bool can_be_dialled(const wire::TransportAddr& addr) {
    const auto* ip = std::get_if<base::SocketAddr>(&addr);
    return ip == nullptr || (ip->port != 0 && !ip->is_unspecified());
}

std::size_t index(AddressSource source) {
    return static_cast<std::size_t>(source);
}

// Rule 3. An absent success sorts after any success.
bool better(const Candidate& a, const Candidate& b) {
    if (a.last_success != b.last_success) {
        if (!a.last_success || !b.last_success) return a.last_success.has_value();
        return *a.last_success > *b.last_success;
    }
    if (a.source != b.source) return a.source < b.source;
    return a.addr < b.addr;
}

}  // namespace

void AddressBook::learn(const base::EndpointId& id, std::span<const wire::TransportAddr> addrs, AddressSource source,
                        base::TimePoint now) {
    Endpoint& endpoint = touch(id);
    if (source != AddressSource::observed) {
        for (Address& known : endpoint.addresses)
            known.vouched_until[index(source)].reset();
    }
    for (const wire::TransportAddr& addr : addrs.first(std::min(addrs.size(), wire::kAddrsMax))) {
        if (can_be_dialled(addr)) {
            vouch(endpoint, addr, source, vouched_until(source, now));
        } else {
            ++counters_.addresses_refused;
        }
    }
    trim(endpoint, now);
    if (endpoint.addresses.empty()) drop(id);
}

void AddressBook::succeeded(const base::EndpointId& id, const wire::TransportAddr& addr, base::TimePoint now) {
    if (!can_be_dialled(addr)) return;
    Endpoint& endpoint = touch(id);
    vouch(endpoint, addr, AddressSource::observed, vouched_until(AddressSource::observed, now));
    for (Address& known : endpoint.addresses) {
        if (known.addr == addr) known.last_success = now;
    }
    trim(endpoint, now);
}

void AddressBook::failed(const base::EndpointId& id, const wire::TransportAddr& addr) {
    const auto endpoint = endpoints_.find(id);
    if (endpoint == endpoints_.end()) return;
    for (Address& known : endpoint->second.addresses) {
        if (known.addr == addr) known.last_success.reset();
    }
}

void AddressBook::forget(const base::EndpointId& id) {
    if (endpoints_.contains(id)) drop(id);
}

std::vector<Candidate> AddressBook::candidates(const base::EndpointId& id, base::TimePoint now) {
    if (!endpoints_.contains(id)) return {};
    std::vector<Candidate> result;
    for (const Address& known : touch(id).addresses) {
        const auto& until = known.vouched_until;
        const auto best = std::find_if(until.begin(), until.end(), [&](const auto& end) { return end && *end > now; });
        if (best == until.end()) continue;
        result.push_back(Candidate{known.addr, static_cast<AddressSource>(best - until.begin()), known.last_success});
    }
    std::sort(result.begin(), result.end(), better);
    return result;
}

wire::EndpointAddr AddressBook::endpoint_addr(const base::EndpointId& id, base::TimePoint now) {
    wire::EndpointAddr result{id, {}};
    for (Candidate& candidate : candidates(id, now))
        result.addrs.push_back(std::move(candidate.addr));
    return result;
}

AddressBook::Endpoint& AddressBook::touch(const base::EndpointId& id) {
    auto found = endpoints_.find(id);
    if (found == endpoints_.end()) {
        if (endpoints_.size() >= config_.endpoints_max && !by_use_.empty()) {
            drop(by_use_.begin()->second);
            ++counters_.endpoints_displaced;
        }
        found = endpoints_.emplace(id, Endpoint{}).first;
    } else {
        by_use_.erase(found->second.used);
    }
    found->second.used = ++use_clock_;
    by_use_.emplace(use_clock_, id);
    return found->second;
}

void AddressBook::drop(const base::EndpointId& id) {
    const auto found = endpoints_.find(id);
    const base::EndpointId key = id;  // `id` may live in by_use_.
    by_use_.erase(found->second.used);
    endpoints_.erase(key);
}

void AddressBook::vouch(Endpoint& endpoint, const wire::TransportAddr& addr, AddressSource source,
                        base::TimePoint until) {
    const auto known = std::find_if(endpoint.addresses.begin(), endpoint.addresses.end(),
                                    [&](const Address& address) { return address.addr == addr; });
    Address& address =
        known == endpoint.addresses.end() ? endpoint.addresses.emplace_back(Address{addr, {}, std::nullopt}) : *known;
    address.vouched_until[index(source)] = until;
}

// Drops what nobody vouches for, then the worst beyond the bound.
void AddressBook::trim(Endpoint& endpoint, base::TimePoint now) {
    std::erase_if(endpoint.addresses, [&](const Address& address) {
        return std::none_of(address.vouched_until.begin(), address.vouched_until.end(),
                            [&](const auto& end) { return end && *end > now; });
    });
    if (endpoint.addresses.size() <= config_.addresses_max) return;
    const auto rank = [&](const Address& address) {
        const auto& until = address.vouched_until;
        const auto best = std::find_if(until.begin(), until.end(), [&](const auto& end) { return end && *end > now; });
        return Candidate{address.addr, static_cast<AddressSource>(best - until.begin()), address.last_success};
    };
    std::sort(endpoint.addresses.begin(), endpoint.addresses.end(),
              [&](const Address& a, const Address& b) { return better(rank(a), rank(b)); });
    counters_.addresses_displaced += endpoint.addresses.size() - config_.addresses_max;
    endpoint.addresses.resize(config_.addresses_max);
}

base::TimePoint AddressBook::vouched_until(AddressSource source, base::TimePoint now) const {
    switch (source) {
        case AddressSource::observed: return now + config_.observed_lifetime;
        case AddressSource::directory: return now + config_.directory_lifetime;
        case AddressSource::peer_data: return now + config_.peer_data_lifetime;
        case AddressSource::ticket:
        case AddressSource::count_: break;
    }
    return base::TimePoint::max();
}

}  // namespace grapevine::paths
