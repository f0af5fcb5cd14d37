// Who is meant by a name, and what this node can tell of it.

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.hpp"
#include "stack/stack_impl.hpp"

namespace grapevine::stack {

namespace {

constexpr std::size_t kDigitsMin = 4;  // Of an id that is cut short.

bool is_start_of_id(std::string_view text) {
    return text.size() >= kDigitsMin && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

std::optional<fabric::CacheRow> row_called(const std::vector<fabric::CacheRow>& rows, std::string_view name) {
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const fabric::CacheRow& row) {
        return (row.id && (row.member == name || row.id->hex() == name)) || row.asked == name;
    });
    return found == rows.end() ? std::nullopt : std::optional(*found);
}

void add_once(std::vector<base::EndpointId>& ids, const base::EndpointId& id) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

}  // namespace

std::string_view name(Acquaintance acquaintance) {
    static constexpr std::array<std::string_view, 7> kNames{"self", "member",  "elsewhere", "gone",
                                                            "met",  "several", "unknown"};
    const auto index = static_cast<std::size_t>(acquaintance);
    return index < kNames.size() ? kNames[index] : "unknown";
}

// The directory knows best, then what gateways said, then what happened here.
void Stack::Impl::identify(Why& why, base::TimePoint now) const {
    const auto member = node_.resolve(why.asked);
    if (member) {
        why.id = *member;
        return;
    }
    const auto cached = node_.cache(now);
    why.cache = row_called(cached, why.asked);
    const bool is_start = is_start_of_id(why.asked);
    for (const DirectoryRow& row : node_.directory(now))
        if (row.name.starts_with(why.asked + ".") || (is_start && row.id.hex().starts_with(why.asked)))
            why.fits.push_back(row.id);
    for (const fabric::CacheRow& row : cached)
        if (row.id && (row.asked == why.asked || row.member == why.asked)) add_once(why.fits, *row.id);
    if (why.fits.empty()) why.fits = stories_.called(why.asked);
    if (why.fits.empty() && is_start) why.fits = stories_.beginning_with(why.asked);
    if (why.fits.size() > 1) {
        why.acquaintance = Acquaintance::several;
    } else if (!why.fits.empty()) {
        why.id = why.fits.front();
        why.fits.clear();
    }
}

// Of one peer, as far as it is known who that is.
void Stack::Impl::tell_of(Why& why, const base::EndpointId& id, base::TimePoint now) const {
    const Story* story = stories_.of(id);
    if (story != nullptr) why.story = *story;
    for (DirectoryRow& row : node_.directory(now))
        if (row.id == id) why.row = std::move(row);
    if (id == endpoint_.id())
        why.acquaintance = Acquaintance::self;
    else if (why.row)
        why.acquaintance = Acquaintance::member;
    else if (why.cache && why.cache->id == id)
        why.acquaintance = Acquaintance::elsewhere;
    else
        why.acquaintance = story != nullptr && !story->name.empty() ? Acquaintance::gone : Acquaintance::met;
    why.name = why.row                                    ? why.row->name
               : why.cache                                ? why.cache->member
               : story != nullptr && !story->name.empty() ? story->name
                                                          : id.short_hex();
    const auto neighbors = node_.mesh_neighbors();
    why.is_neighbor = std::find(neighbors.begin(), neighbors.end(), id) != neighbors.end();
    why.is_eager = why.is_neighbor && node_.is_eager(id);
    for (const StoryConnection& seen : stories_.connections_with(id)) {
        WhyConnection row{seen, {}, {}, {}};
        if (const auto stats = endpoint_.stats(seen.connection)) {
            row.remote = stats->remote;
            row.rtt = stats->smoothed_rtt;
            row.silence = seen.up ? now - stats->last_received : base::Duration{};
            row.bytes_sent = stats->bytes_sent;
            row.bytes_received = stats->bytes_received;
            row.packets_lost = stats->packets_lost;
        }
        why.connections.push_back(std::move(row));
    }
    for (const paths::Candidate& candidate : node_.addresses(id, now)) {
        WhyAddress row{candidate, {}};
        const auto* direct = std::get_if<base::SocketAddr>(&candidate.addr);
        if (story != nullptr && direct != nullptr)
            for (const TriedAddress& tried : story->tried)
                if (tried.addr == *direct) row.tried = tried;
        why.addresses.push_back(std::move(row));
    }
}

Why Stack::Impl::why(std::string_view name, base::TimePoint now) const {
    Why why;
    why.asked = std::string(name);
    why.name = why.asked;
    identify(why, now);
    if (why.id) {
        tell_of(why, *why.id, now);
    } else if (const Story* story = stories_.of(base::printable(name))) {
        why.story = *story;
    }
    return why;
}

}  // namespace grapevine::stack
