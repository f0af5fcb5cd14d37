#include "admission/holders.hpp"

#include <utility>

namespace grapevine::admission {

base::Admitted Holders::put(const Holder& holder, HolderEntry entry) {
    if (const auto found = entries_.find(holder); found != entries_.end()) {
        found->second = std::move(entry);
        return base::Admitted::yes;
    }
    if (count(holder.use) >= limits_[static_cast<std::size_t>(holder.use)]) return base::Admitted::no;
    entries_.emplace(holder, std::move(entry));
    ++count(holder.use);
    return base::Admitted::yes;
}

bool Holders::erase(const Holder& holder) {
    if (entries_.erase(holder) == 0) return false;
    --count(holder.use);
    return true;
}

const HolderEntry* Holders::find(const Holder& holder) const {
    const auto found = entries_.find(holder);
    return found == entries_.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> Holders::earliest_expiry() const {
    std::optional<std::uint64_t> earliest;
    for (const auto& [holder, entry] : entries_) {
        const auto expires = entry.grant.expires_unix_s;
        if (expires && (!earliest || *expires < *earliest)) earliest = expires;
    }
    return earliest;
}

}  // namespace grapevine::admission
