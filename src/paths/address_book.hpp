#pragma once

// Candidate addresses of endpoints, by where they were learned. Addresses are candidates only: which of them works is
// found out by dialling, and a success is remembered.
//
// Rules:
//  1. Each source states the whole set of an endpoint at a time: what a source no longer says, it no longer vouches
//     for. Only observed addresses add up, since each connection shows one.
//  2. An address lives while some source vouches for it. Peer data from gossip lasts 5 minutes, as in iroh; an observed
//     address an hour; a digest's as long as the digest may be remembered (24 h); a ticket's for ever.
//  3. Order of candidates: the most recent success first; then by source: observed, directory, ticket, peer data; then
//     by the address itself, so that every replay dials in the same order.
//  4. Bounds: addresses_max per endpoint (the last in that order go), endpoints_max in all (the one not used for
//     longest goes). Both are counted. Unspecified addresses and port 0 cannot be dialled and are refused.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "wire/addr.hpp"

namespace grapevine::paths {

enum class AddressSource : std::uint8_t { observed, directory, ticket, peer_data, count_ };
inline constexpr std::size_t kAddressSources = static_cast<std::size_t>(AddressSource::count_);

struct AddressBookConfig {
    std::size_t endpoints_max = 4096;
    std::size_t addresses_max = 8;
    base::Duration peer_data_lifetime = std::chrono::minutes(5);
    base::Duration observed_lifetime = std::chrono::hours(1);
    base::Duration directory_lifetime = std::chrono::hours(24);
};

struct Candidate {
    wire::TransportAddr addr;
    AddressSource source = AddressSource::peer_data;  // The best that vouches for it.
    std::optional<base::TimePoint> last_success;
    friend bool operator==(const Candidate&, const Candidate&) = default;
};

struct AddressBookCounters {
    std::uint64_t endpoints_displaced = 0;
    std::uint64_t addresses_displaced = 0;
    std::uint64_t addresses_refused = 0;  // Unspecified, or port 0.
    friend bool operator==(const AddressBookCounters&, const AddressBookCounters&) = default;
};

class AddressBook {
public:
    explicit AddressBook(const AddressBookConfig& config) : config_(config) {}

    void learn(const base::EndpointId& id, std::span<const wire::TransportAddr> addrs, AddressSource source,
               base::TimePoint now);
    // A connection worked over this address.
    void succeeded(const base::EndpointId& id, const wire::TransportAddr& addr, base::TimePoint now);
    // A dial to this address failed: an earlier success no longer counts.
    void failed(const base::EndpointId& id, const wire::TransportAddr& addr);
    void forget(const base::EndpointId& id);

    // Best first; expired ones are left out.
    [[nodiscard]] std::vector<Candidate> candidates(const base::EndpointId& id, base::TimePoint now);
    // The same as an address to dial.
    [[nodiscard]] wire::EndpointAddr endpoint_addr(const base::EndpointId& id, base::TimePoint now);

    [[nodiscard]] std::size_t size() const { return endpoints_.size(); }
    [[nodiscard]] const AddressBookCounters& counters() const { return counters_; }

private:
    struct Address {
        wire::TransportAddr addr;
        std::array<std::optional<base::TimePoint>, kAddressSources> vouched_until;
        std::optional<base::TimePoint> last_success;
    };
    struct Endpoint {
        std::vector<Address> addresses;
        std::uint64_t used = 0;  // Key in by_use_.
    };

    Endpoint& touch(const base::EndpointId& id);
    void drop(const base::EndpointId& id);
    void vouch(Endpoint& endpoint, const wire::TransportAddr& addr, AddressSource source, base::TimePoint until);
    void trim(Endpoint& endpoint, base::TimePoint now);
    [[nodiscard]] base::TimePoint vouched_until(AddressSource source, base::TimePoint now) const;

    AddressBookConfig config_;
    std::map<base::EndpointId, Endpoint> endpoints_;
    std::map<std::uint64_t, base::EndpointId> by_use_;
    std::uint64_t use_clock_ = 0;
    AddressBookCounters counters_;
};

}  // namespace grapevine::paths
