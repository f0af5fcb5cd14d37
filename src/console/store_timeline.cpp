// The timeline in the store.

#include <algorithm>
#include <limits>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/utf8.hpp"
#include "console/query_rows.hpp"
#include "console/store.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;

std::int64_t clamped(std::uint64_t number) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(number, std::numeric_limits<std::int64_t>::max()));
}

std::string bounded(const std::string& text) {
    return base::repaired_utf8(std::string_view(text).substr(0, Store::kEventBytesMax));
}

std::string who_text(const std::vector<std::string>& who) {
    json::array out;
    for (const std::string& id : who) {
        out.emplace_back(base::repaired_utf8(id));
    }
    return json::serialize(out);
}

TimelineEvent event_of(const Rows& rows) {
    TimelineEvent out;
    out.seq = rows.natural(0);
    out.unix_ms = rows.natural(1);
    out.kind = rows.text(2);
    out.node = rows.text(3);
    out.mesh = rows.text(4);
    out.text = rows.text(5);
    if (const json::value who = stored_json(rows.text(6)); who.is_array()) {
        for (const json::value& id : who.get_array()) {
            if (const json::string* text = id.if_string()) {
                out.who.emplace_back(text->data(), text->size());
            }
        }
    }
    return out;
}

constexpr const char* kInsert =
    "INSERT OR IGNORE INTO timeline (seq, unix_ms, kind, node, mesh, text, who, received_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

}  // namespace

base::Status Store::add_timeline(std::span<const TimelineEvent> events, base::WallTime now) {
    database_.limit_time(base::Duration::zero());
    const auto attempt = [&]() -> base::Status {
        Database::Transaction transaction(database_);
        auto done = transaction.begin();
        for (std::size_t i = 0; done && i < events.size(); ++i) {
            const TimelineEvent& event = events[i];
            const std::string node = bounded(event.node), mesh = bounded(event.mesh), text = bounded(event.text);
            const std::string who = who_text(event.who);
            done = database_.execute(kInsert, {clamped(event.seq), clamped(event.unix_ms), std::string_view(event.kind),
                                               std::string_view(node), std::string_view(mesh), std::string_view(text),
                                               std::string_view(who), clamped(now.unix_ms)});
        }
        return done ? transaction.commit() : done;
    };
    auto added = attempt();
    if (!added && added.error().code == base::ErrorCode::exhausted) {
        (void)trim_to(limits_.bytes_max / 10 * 8,
                      clamped(now.unix_ms));  // Whether that helped, the next attempt tells.
        added = attempt();
    }
    if (!added) {
        const bool full = added.error().code == base::ErrorCode::exhausted;
        (full ? counters_.items_dropped_full : counters_.items_dropped_failed) += events.size();
        return added;
    }
    counters_.events_stored += events.size();
    return {};
}

base::Result<std::vector<TimelineEvent>> Store::timeline_since(std::uint64_t since_unix_ms, std::size_t limit) {
    database_.limit_time(base::Duration::zero());
    Rows rows = database_.query(
        "SELECT seq, unix_ms, kind, node, mesh, text, who FROM timeline WHERE unix_ms >= ? ORDER BY seq DESC LIMIT ?",
        {clamped(since_unix_ms), clamped(limit)});
    std::vector<TimelineEvent> out;
    while (rows.next()) {
        out.push_back(event_of(rows));
    }
    if (const auto read = rows.status(); !read) {
        return tl::unexpected(read.error());
    }
    std::reverse(out.begin(), out.end());
    return out;
}

base::Result<std::vector<TimelineEvent>> Store::find_timeline(const TimelineFilter& filter) {
    const std::uint64_t before = filter.before_seq == 0 ? std::numeric_limits<std::uint64_t>::max() : filter.before_seq;
    Rows rows = database_.query(
        "SELECT seq, unix_ms, kind, node, mesh, text, who FROM timeline WHERE seq < ? ORDER BY seq DESC LIMIT ?",
        {clamped(before), clamped(kEventsLookedAt)});
    std::vector<TimelineEvent> out;
    while (out.size() < filter.limit && rows.next()) {
        if (TimelineEvent event = event_of(rows); filter.fits(event)) {
            out.push_back(std::move(event));
        }
    }
    const auto read = rows.status();
    return read ? base::Result<std::vector<TimelineEvent>>(std::move(out)) : tl::unexpected(read.error());
}

}  // namespace grapevine::console
