#pragma once

// Who holds a grant, so that they can be named when it ends. Bounded by use: members_max and visitors_max. Full: a
// newcomer is not taken, since to displace one would be to forget whom to put out; whoever is let in without being
// taken is for the caller to decide and to count.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "admission/types.hpp"
#include "base/bounded.hpp"
#include "base/bytes.hpp"

namespace grapevine::admission {

struct HolderEntry {
    Grant grant;
    std::string type;
    base::Bytes ticket;  // As it came, to be judged again under another policy; empty: none.
};

class Holders {
public:
    explicit Holders(const Config& config) : limits_{config.members_max, config.visitors_max} {}

    // A holder that is there gets the new entry.
    [[nodiscard]] base::Admitted put(const Holder& holder, HolderEntry entry);
    bool erase(const Holder& holder);
    [[nodiscard]] const HolderEntry* find(const Holder& holder) const;

    // Removes those for which `ends` holds, which may change those that stay; returns them, ascending.
    template <typename Ends>
    std::vector<Holder> remove_if(Ends ends) {
        std::vector<Holder> removed;
        for (auto it = entries_.begin(); it != entries_.end();) {
            if (!ends(it->first, it->second)) {
                ++it;
                continue;
            }
            removed.push_back(it->first);
            --count(it->first.use);
            it = entries_.erase(it);
        }
        return removed;
    }

    // Of all grants that expire.
    [[nodiscard]] std::optional<std::uint64_t> earliest_expiry() const;
    [[nodiscard]] std::size_t size(Use use) const { return counts_[static_cast<std::size_t>(use)]; }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

private:
    [[nodiscard]] std::size_t& count(Use use) { return counts_[static_cast<std::size_t>(use)]; }

    std::array<std::size_t, 2> limits_;
    std::array<std::size_t, 2> counts_{};
    std::map<Holder, HolderEntry> entries_;
};

}  // namespace grapevine::admission
