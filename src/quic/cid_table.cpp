#include "quic/cid_table.hpp"

#include <algorithm>

namespace grapevine::quic {
namespace {

template <typename Key>
base::Admitted add_entry(std::map<Key, ConnectionRef>& map, std::vector<Key>& owned, const Key& key,
                         ConnectionRef connection) {
    if (owned.size() >= kCidsPerConnection) {
        return base::Admitted::no;
    }
    const auto [it, added] = map.emplace(key, connection);
    if (!added) {
        return it->second == connection ? base::Admitted::yes : base::Admitted::no;
    }
    owned.push_back(key);
    return base::Admitted::yes;
}

template <typename Key>
void remove_entry(std::map<Key, ConnectionRef>& map, std::vector<Key>& owned, const Key& key) {
    const auto it = std::find(owned.begin(), owned.end(), key);
    if (it == owned.end()) {
        return;
    }
    owned.erase(it);
    map.erase(key);
}

template <typename Key>
std::optional<ConnectionRef> find_entry(const std::map<Key, ConnectionRef>& map, const Key& key) {
    const auto it = map.find(key);
    return it == map.end() ? std::nullopt : std::optional(it->second);
}

}  // namespace

Cid::Cid(base::ByteView view)
    : length(static_cast<std::uint8_t>(std::min<std::size_t>(view.size(), NGTCP2_MAX_CIDLEN))) {
    std::copy_n(view.begin(), length, bytes.begin());
}

base::Admitted CidTable::add(CidOwner& owner, const Cid& cid, ConnectionRef connection) {
    return add_entry(cids_, owner.cids, cid, connection);
}

void CidTable::remove(CidOwner& owner, const Cid& cid) {
    remove_entry(cids_, owner.cids, cid);
}

base::Admitted CidTable::add_token(CidOwner& owner, const ResetToken& digest, ConnectionRef connection) {
    return add_entry(tokens_, owner.tokens, digest, connection);
}

void CidTable::remove_token(CidOwner& owner, const ResetToken& digest) {
    remove_entry(tokens_, owner.tokens, digest);
}

void CidTable::remove_all(CidOwner& owner) {
    for (const Cid& cid : owner.cids) {
        cids_.erase(cid);
    }
    for (const ResetToken& digest : owner.tokens) {
        tokens_.erase(digest);
    }
    owner = CidOwner{};
}

std::optional<ConnectionRef> CidTable::find(const Cid& cid) const {
    return find_entry(cids_, cid);
}

std::optional<ConnectionRef> CidTable::find_token(const ResetToken& digest) const {
    return find_entry(tokens_, digest);
}

}  // namespace grapevine::quic
