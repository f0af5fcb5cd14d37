#include "console/world_json.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "base/utf8.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;

std::string text(std::string_view raw) {
    return base::repaired_utf8(raw);
}

std::string word(std::string_view name) {
    return std::string(name);
}

template <typename Texts>
json::array texts(const Texts& all) {
    json::array out;
    for (const auto& one : all) {
        out.emplace_back(text(one));
    }
    return out;
}

json::array ids(const std::vector<base::EndpointId>& all) {
    json::array out;
    for (const base::EndpointId& id : all) {
        out.emplace_back(id.hex());
    }
    return out;
}

std::uint64_t age_ms(base::TimePoint heard, const Moment& at) {
    return at.now > heard ? static_cast<std::uint64_t>((at.now - heard) / std::chrono::milliseconds(1)) : 0;
}

json::object mesh_json(const std::string& name, const MeshRow& row) {
    json::object out;
    out["name"] = text(name);
    out["members"] = row.members;
    out["suspected"] = row.suspected;
    out["viewers"] = row.viewers;
    out["state"] = !row.known ? "unknown" : row.split ? "split" : "whole";
    out["since_unix_ms"] = row.since_unix_ms;
    return out;
}

json::object source_json(const std::string& source, const SourceRow& row) {
    json::object out;
    out["name"] = text(source);
    out["state"] = word(name(row.state));
    out["since_unix_ms"] = row.since_unix_ms;
    out["text"] = text(row.text);
    return out;
}

json::object alert_json(const std::string& id, const AlertRow& row) {
    json::object out;
    out["id"] = text(id);
    out["severity"] = word(name(row.severity));
    out["subject"] = text(row.subject);
    out["text"] = text(row.text);
    out["since_unix_ms"] = row.since_unix_ms;
    out["kind"] = row.kind;
    return out;
}

void add_link_id(json::object& out, const LinkId& id) {
    out["a"] = id.a.hex();
    out["b"] = id.b.hex();
    out["kind"] = word(name(id.kind));
}

// What changed of a table, and what went, as two arrays.
template <typename Key, typename Row, typename Tell>
json::array changed(const ChangeTable<Key, Row>& table, Version since, Tell tell) {
    json::array out;
    table.changed_since(since, [&](const Key& key, const Row& row) { out.emplace_back(tell(key, row)); });
    return out;
}

template <typename Key, typename Row, typename Tell>
json::array gone(const ChangeTable<Key, Row>& table, Version since, Tell tell) {
    std::set<Key> all;
    table.gone_since(since, [&](const Key& key) { all.insert(key); });
    json::array out;
    for (const Key& key : all) {
        out.emplace_back(tell(key));
    }
    return out;
}

}  // namespace

json::object node_json(const base::EndpointId& id, const NodeRow& row, const Moment& at) {
    const Digest& digest = row.digest;
    json::object out;
    out["id"] = id.hex();
    out["name"] = text(digest.name);
    out["mesh"] = text(digest.mesh);
    out["type"] = text(digest.type);
    out["state"] = word(name(row.state));
    if (row.process != ProcessState::none) {
        out["process"] = word(name(row.process));
    }
    out["addrs"] = texts(digest.addrs);
    out["age_ms"] = age_ms(digest.heard, at);
    out["known_via"] = word(name(digest.via));
    out["source"] = digest.source.hex();
    out["started_unix_ms"] = digest.started_unix_ms;
    out["cpu_millicores"] = digest.load.cpu_millicores;
    out["cpu_budget_millicores"] = digest.load.cpu_budget_millicores;
    out["memory_kib"] = digest.load.memory_kib;
    out["memory_budget_kib"] = digest.load.memory_budget_kib;
    out["messages_sent"] = digest.messages_sent;
    out["messages_received"] = digest.messages_received;
    out["peers"] = row.peers;
    out["suspected_by"] = ids(row.suspected_by);
    out["here"] = row.here;
    out["since_unix_ms"] = row.since_unix_ms;
    return out;
}

json::object link_json(const LinkId& id, const LinkRow& row) {
    json::object out;
    add_link_id(out, id);
    out["mesh"] = text(row.mesh);
    out["said_by"] = word(name(row.said_by));
    out["eager"] = word(name(row.eager));
    out["rate"] = row.rate;
    return out;
}

json::object event_json(const TimelineEvent& event) {
    json::object out;
    out["seq"] = event.seq;
    out["unix_ms"] = event.unix_ms;
    out["kind"] = event.kind;
    out["node"] = text(event.node);
    out["mesh"] = text(event.mesh);
    out["text"] = text(event.text);
    out["who"] = texts(event.who);
    return out;
}

json::object sample_json(const MessageSample& sample) {
    json::object out;
    out["seq"] = sample.seq;
    out["unix_ms"] = sample.unix_ms;
    out["from"] = text(sample.from);
    out["to"] = text(sample.to);
    out["name"] = text(sample.name);
    out["bytes"] = sample.bytes ? json::value(*sample.bytes) : json::value(nullptr);
    out["path"] = sample.path.empty() ? json::value(nullptr) : json::value(text(sample.path));
    out["latency_us"] = sample.latency_us;
    out["outcome"] = text(sample.outcome);
    out["trace_id"] = text(sample.trace_id);
    return out;
}

json::object supervisor_json(const ConsoleFacts& facts) {
    json::object out;
    out["present"] = facts.supervisor_present;
    out["can_spawn"] = facts.can_spawn;
    out["why_not"] = facts.why_not.empty() ? json::value(nullptr) : json::value(text(facts.why_not));
    return out;
}

json::object world_json(const World& world, const ConsoleFacts& facts, const Moment& at) {
    json::object out = delta_json(world, 0, at);
    for (const char* name : {"nodes_gone", "links_gone", "meshes_gone", "alerts_gone", "sources_gone"}) {
        out.erase(name);
    }
    out["now_unix_ms"] = at.wall.unix_ms;
    out["fabric"] = text(facts.fabric);
    out["self"] = facts.self.empty() ? json::value(nullptr) : json::value(facts.self);
    out["supervisor"] = supervisor_json(facts);
    out["read_only"] = facts.read_only;
    out["jaeger"] = facts.jaeger.empty() ? json::value(nullptr) : json::value(text(facts.jaeger));
    out["past_since_unix_ms"] = world.past_since_unix_ms();
    return out;
}

json::object delta_json(const World& world, Version since, const Moment& at) {
    const auto named = [](const std::string& key) { return text(key); };
    json::object out;
    out["version"] = world.version();
    out["nodes"] =
        changed(world.nodes(), since, [&](const auto& id, const auto& row) { return node_json(id, row, at); });
    out["nodes_gone"] = gone(world.nodes(), since, [](const auto& id) { return id.hex(); });
    out["links"] = changed(world.links(), since, [](const auto& id, const auto& row) { return link_json(id, row); });
    out["links_gone"] = gone(world.links(), since, [](const LinkId& id) {
        json::object link;
        add_link_id(link, id);
        return link;
    });
    out["meshes"] = changed(world.meshes(), since, mesh_json);
    out["meshes_gone"] = gone(world.meshes(), since, named);
    out["alerts"] = changed(world.alerts(), since, alert_json);
    out["alerts_gone"] = gone(world.alerts(), since, named);
    out["sources"] = changed(world.sources(), since, source_json);
    out["sources_gone"] = gone(world.sources(), since, named);
    return out;
}

json::object past_json(const PastWorld& past, std::uint64_t unix_ms) {
    json::array nodes;
    for (const auto& [id, brief] : past.nodes) {
        json::object out;
        out["id"] = id.hex();
        out["name"] = text(brief.name);
        out["mesh"] = text(brief.mesh);
        out["type"] = text(brief.type);
        out["state"] = word(name(brief.state));
        if (brief.process != ProcessState::none) {
            out["process"] = word(name(brief.process));
        }
        out["here"] = brief.here;
        nodes.emplace_back(std::move(out));
    }
    json::array links;
    for (const auto& [id, row] : past.links) {
        links.emplace_back(link_json(id, row));
    }
    json::object out;
    out["unix_ms"] = unix_ms;
    out["nodes"] = std::move(nodes);
    out["links"] = std::move(links);
    return out;
}

json::object timeline_json(const std::vector<TimelineEvent>& events) {
    json::array list;
    for (const TimelineEvent& event : events) {
        list.emplace_back(event_json(event));
    }
    json::object out;
    out["events"] = std::move(list);
    return out;
}

json::object messages_json(const World& world, std::size_t limit) {
    std::vector<MessageSample> samples = world.samples_after(0);
    std::reverse(samples.begin(), samples.end());
    samples.resize(std::min(samples.size(), limit));
    json::array list;
    for (const MessageSample& sample : samples) {
        list.emplace_back(sample_json(sample));
    }
    json::object out;
    out["messages"] = std::move(list);
    return out;
}

}  // namespace grapevine::console
