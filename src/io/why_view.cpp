#include "io/why_view.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "base/encoding.hpp"
#include "io/fabric_views.hpp"
#include "io/node_views.hpp"
#include "stack/why.hpp"
#include "wire/gossip.hpp"
#include "wire/mesh.hpp"

namespace grapevine::io {

namespace {

namespace json = boost::json;

std::int64_t milliseconds(base::Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string seconds_text(base::Duration duration) {
    const std::int64_t ms = milliseconds(duration);
    return ms < 1000 ? std::to_string(ms) + " ms" : std::to_string(ms / 1000) + " s";
}

json::array names_of(const Host& host, const std::vector<base::EndpointId>& ids) {
    json::array out;
    for (const base::EndpointId& id : ids) {
        out.emplace_back(name_anywhere(host, id));
    }
    return out;
}

std::string list_of(const Host& host, const std::vector<base::EndpointId>& ids) {
    std::string out;
    for (const base::EndpointId& id : ids) {
        out += (out.empty() ? "" : ", ") + name_anywhere(host, id);
    }
    return out;
}

std::string_view purpose_of(std::string_view alpn) {
    if (alpn == wire::kGossipAlpn) {
        return "gossip";
    }
    return alpn == wire::kMeshAlpn ? "session" : alpn;
}

std::string_view source_of(paths::AddressSource source) {
    switch (source) {
        case paths::AddressSource::observed: return "observed";
        case paths::AddressSource::directory: return "directory";
        case paths::AddressSource::ticket: return "ticket";
        case paths::AddressSource::peer_data: return "peer_data";
        case paths::AddressSource::count_: break;
    }
    return "unknown";
}

const stack::StoryEvent* last_of(const stack::Why& why, stack::StoryKind kind) {
    if (!why.story) {
        return nullptr;
    }
    const auto found = std::find_if(why.story->events.rbegin(), why.story->events.rend(),
                                    [&](const stack::StoryEvent& event) { return event.kind == kind; });
    return found == why.story->events.rend() ? nullptr : &*found;
}

// How a former member went.
std::string ending_of(const Host& host, const stack::Why& why) {
    for (const stack::StoryKind kind :
         {stack::StoryKind::died, stack::StoryKind::left, stack::StoryKind::expelled, stack::StoryKind::stale}) {
        const stack::StoryEvent* event = last_of(why, kind);
        if (event == nullptr) {
            continue;
        }
        std::string out = event->text;
        if (!event->who.empty()) {
            out += "; accused by " + list_of(host, event->who);
        }
        return out + ", " + seconds_text(host.now() - event->last) + " ago";
    }
    return "a member once";
}

std::string connection_text(const stack::Why& why) {
    const auto up = std::find_if(why.connections.begin(), why.connections.end(),
                                 [](const stack::WhyConnection& one) { return one.seen.up; });
    if (up != why.connections.end()) {
        return "connected at " + up->remote.text() + ", last packet " + seconds_text(up->silence) + " ago";
    }
    return why.connections.empty() ? "not connected" : "being dialled";
}

// One sentence for whoever reads nothing else.
std::string verdict_of(const Host& host, const stack::Why& why) {
    switch (why.acquaintance) {
        case stack::Acquaintance::self: return "this is the node that was asked";
        case stack::Acquaintance::member:
            if (!why.row->suspected_by.empty()) {
                return "suspected by " + list_of(host, why.row->suspected_by) + "; its last word is " +
                       seconds_text(why.row->age) + " old; " + connection_text(why);
            }
            return "a member; its last word is " + seconds_text(why.row->age) + " old; " + connection_text(why);
        case stack::Acquaintance::elsewhere:
            return "a member of another mesh, as " +
                   (why.cache->via ? name_anywhere(host, *why.cache->via) : std::string("a gateway")) + " said " +
                   seconds_text(why.cache->as_of) + " ago; " + connection_text(why);
        case stack::Acquaintance::gone: return "not a member any more: " + ending_of(host, why);
        case stack::Acquaintance::met: return "never a member here, but met; " + connection_text(why);
        case stack::Acquaintance::several:
            return "stands for " + std::to_string(why.fits.size()) + " nodes: " + list_of(host, why.fits);
        case stack::Acquaintance::unknown: break;
    }
    if (why.cache) {
        std::string verdict(fabric::name(why.cache->verdict));
        std::replace(verdict.begin(), verdict.end(), '_', ' ');
        return "not known here; a question for it ended " + seconds_text(why.cache->as_of) + " ago: " + verdict;
    }
    return why.story ? "not known here, but messages went to it" : "never heard of";
}

json::object connection_object(const stack::WhyConnection& row, base::TimePoint now) {
    json::object out;
    const std::string_view purpose = purpose_of(row.seen.alpn);
    out["for"] = json::string_view(purpose.data(), purpose.size());
    out["state"] = row.seen.up ? "up" : "dialling";
    out["origin"] = row.seen.origin == quic::Origin::outgoing ? "outgoing" : "incoming";
    out["since_ms"] = milliseconds(now - row.seen.since);
    if (row.seen.up) {
        out["remote"] = row.remote.text();
        out["rtt_us"] = std::chrono::duration_cast<std::chrono::microseconds>(row.rtt).count();
        out["silence_ms"] = milliseconds(row.silence);
        out["bytes_sent"] = row.bytes_sent;
        out["bytes_received"] = row.bytes_received;
        out["packets_lost"] = row.packets_lost;
    }
    return out;
}

json::object address_object(const stack::WhyAddress& row, base::TimePoint now) {
    json::object out;
    out["addr"] = text_of(row.candidate.addr);
    out["source"] = std::string(source_of(row.candidate.source));
    if (row.candidate.last_success) {
        out["worked_ago_ms"] = milliseconds(now - *row.candidate.last_success);
    }
    if (row.tried) {
        out["tried_ago_ms"] = milliseconds(now - row.tried->at);
        out["fate"] = std::string(stack::name(row.tried->fate));
    }
    return out;
}

json::array events_array(const Host& host, const stack::Story& story) {
    json::array out;
    for (const stack::StoryEvent& event : story.events) {
        json::object row;
        row["ago_ms"] = milliseconds(host.now() - event.last);
        if (event.times > 1) {
            row["first_ago_ms"] = milliseconds(host.now() - event.first);
            row["times"] = event.times;
        }
        row["kind"] = std::string(stack::name(event.kind));
        row["text"] = event.text;
        row["who"] = names_of(host, event.who);
        out.emplace_back(std::move(row));
    }
    return out;
}

json::object known_object(const Host& host, const stack::KnownSince& known) {
    json::object out;
    out["ago_ms"] = milliseconds(host.now() - known.at);
    out["via"] = known.via;
    if (known.told_by) {
        out["told_by"] = name_anywhere(host, *known.told_by);
    }
    return out;
}

json::object digest_object(const Host& host, const stack::DirectoryRow& row) {
    json::object out;
    out["age_ms"] = milliseconds(row.age);
    out["sequence"] = row.sequence;
    out["started_unix_ms"] = row.started_unix_ms;
    out["known_via"] = row.known_via;
    out["neighbors"] = names_of(host, row.neighbors);
    out["suspected_by"] = names_of(host, row.suspected_by);
    return out;
}

void fill_story(json::object& out, const Host& host, const stack::Story& story) {
    if (story.known) {
        out["known"] = known_object(host, *story.known);
    }
    out["events"] = events_array(host, story);
    out["forgotten"] = story.forgotten;
}

}  // namespace

std::string encode_why(const Host& host, const std::string& name) {
    const stack::Why why = host.stack().why(name, host.now());
    json::array connections;
    for (const stack::WhyConnection& row : why.connections) {
        connections.emplace_back(connection_object(row, host.now()));
    }
    json::array addresses;
    for (const stack::WhyAddress& row : why.addresses) {
        addresses.emplace_back(address_object(row, host.now()));
    }
    json::object answer;
    answer["ok"] = true;
    answer["by"] = host.stack().own_name();
    answer["asked"] = base::printable(name);
    answer["acquaintance"] = std::string(stack::name(why.acquaintance));
    answer["verdict"] = verdict_of(host, why);
    answer["name"] = base::printable(why.name);
    if (why.id) {
        answer["id"] = why.id->hex();
    }
    if (why.row) {
        answer["digest"] = digest_object(host, *why.row);
    }
    answer["neighbor"] = why.is_neighbor;
    answer["eager"] = why.is_eager;
    answer["connections"] = std::move(connections);
    answer["addresses"] = std::move(addresses);
    answer["fits"] = names_of(host, why.fits);
    if (why.story) {
        fill_story(answer, host, *why.story);
    }
    return json::serialize(answer);
}

}  // namespace grapevine::io
