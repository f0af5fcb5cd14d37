#include "io/fabric_views.hpp"

#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "io/node_views.hpp"
#include "wire/names.hpp"

namespace grapevine::io {

namespace {

namespace json = boost::json;

std::int64_t milliseconds(base::Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}
std::int64_t microseconds(base::Duration duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

json::array addrs_array(const std::vector<wire::TransportAddr>& addrs) {
    json::array out;
    for (const wire::TransportAddr& addr : addrs) {
        out.emplace_back(text_of(addr));
    }
    return out;
}

std::string member_name(const std::string& mesh, const std::string& type, const base::EndpointId& id) {
    return mesh + "." + type + "." + id.short_hex(wire::kNameDigits);
}

json::object candidate_object(const Host& host, const fabric::Candidate& candidate) {
    json::object out;
    out["name"] = member_name(candidate.digest.mesh, candidate.digest.type, candidate.id);
    out["id"] = candidate.id.hex();
    out["mesh"] = candidate.digest.mesh;
    out["type"] = candidate.digest.type;
    out["addrs"] = addrs_array(candidate.digest.addrs);
    out["age_ms"] = milliseconds(candidate.age);
    out["via"] = candidate.via.hex();
    out["via_name"] = name_anywhere(host, candidate.via);
    return out;
}

json::object step_object(const Host& host, const fabric::Step& step) {
    json::object out;
    out["gateway"] = step.gateway.hex();
    out["gateway_name"] = name_anywhere(host, step.gateway);
    out["hops"] = step.hops;
    out["asked_us"] = microseconds(step.asked);
    out["ended_us"] = microseconds(step.ended);
    out["end"] = std::string(fabric::name(step.end));
    if (step.end == fabric::StepEnd::answered) {
        out["verdict"] = std::string(fabric::name(step.verdict));
    }
    return out;
}

json::object own_row(const stack::DirectoryRow& row) {
    json::object out;
    out["name"] = row.name;
    out["mesh"] = row.mesh;
    out["type"] = row.type;
    out["id"] = row.id.hex();
    out["addrs"] = addrs_array(row.addrs);
    out["age_ms"] = milliseconds(row.age);
    out["source"] = row.known_via;
    return out;
}

json::object cached_row(const Host& host, const fabric::CacheRow& row) {
    json::object out;
    out["name"] = row.member;
    out["mesh"] = row.mesh;
    out["type"] = row.type;
    out["id"] = row.id->hex();
    out["addrs"] = addrs_array(row.addrs);
    out["age_ms"] = milliseconds(row.age);
    out["source"] = "cache";
    out["asked"] = row.asked;
    out["as_of_ms"] = milliseconds(row.as_of);
    if (row.via) {
        out["via"] = name_anywhere(host, *row.via);
    }
    return out;
}

json::object watched_row(const stack::DirectoryRow& row, const std::string& gateway) {
    json::object out = own_row(row);
    out["via"] = gateway;
    return out;
}

json::object source_object(const stack::WatchSource& source, base::TimePoint now) {
    json::object out;
    out["mesh"] = source.mesh;
    out["state"] = std::string(node::name(source.state));
    out["gateway"] = source.gateway ? json::value(source.gateway->hex()) : json::value(nullptr);
    out["text"] = source.text;
    out["since_ms"] = milliseconds(now - source.since);
    return out;
}

json::object failed_row(const fabric::CacheRow& row) {
    json::object out;
    out["asked"] = row.asked;
    out["verdict"] = std::string(fabric::name(row.verdict));
    out["as_of_ms"] = milliseconds(row.as_of);
    return out;
}

json::object mesh_object(const fabric::MeshRow& row) {
    json::array sides;
    for (const fabric::Side& side : row.sides) {
        json::array gateways;
        for (const wire::EndpointAddr& gateway : side.gateways) {
            json::object one;
            one["id"] = gateway.id.hex();
            one["addrs"] = addrs_array(gateway.addrs);
            gateways.emplace_back(std::move(one));
        }
        sides.emplace_back(std::move(gateways));
    }
    json::object members;
    for (const wire::TypeCount& type : row.members) {
        members[type.type] = type.count;
    }
    json::object out;
    out["mesh"] = row.mesh;
    out["sides"] = std::move(sides);
    out["members"] = std::move(members);
    out["authority"] = row.authority ? json::value(row.authority->hex()) : json::value(nullptr);
    out["age_ms"] = milliseconds(row.age);
    return out;
}

}  // namespace

std::string name_anywhere(const Host& host, const base::EndpointId& id) {
    const std::string known = host.stack().name_of(id);
    if (known != id.short_hex()) {
        return known;
    }
    for (const fabric::CacheRow& row : host.stack().cache(host.now())) {
        if (row.id == id) {
            return row.member;
        }
    }
    for (const fabric::MeshRow& row : host.stack().meshes(host.now())) {
        for (const fabric::Side& side : row.sides) {
            for (const wire::EndpointAddr& gateway : side.gateways) {
                if (gateway.id == id) {
                    return member_name(row.mesh, "gateway", id);
                }
            }
        }
    }
    return known;
}

std::string encode_resolution(const Host& host, const fabric::Outcome& outcome, const std::string& name,
                              base::Duration elapsed) {
    json::array candidates;
    for (const fabric::Candidate& candidate : outcome.candidates) {
        candidates.emplace_back(candidate_object(host, candidate));
    }
    json::array steps;
    for (const fabric::Step& step : outcome.steps) {
        steps.emplace_back(step_object(host, step));
    }
    json::object answer;
    answer["ok"] = true;
    answer["name"] = name;
    answer["verdict"] = std::string(fabric::name(outcome.verdict));
    answer["text"] = outcome.text;
    answer["origin"] = std::string(fabric::name(outcome.origin));
    answer["as_of_ms"] = milliseconds(outcome.as_of);
    answer["elapsed_us"] = microseconds(elapsed);
    answer["candidates"] = std::move(candidates);
    answer["steps"] = std::move(steps);
    return json::serialize(answer);
}

std::string encode_cache(const Host& host) {
    json::array rows;
    for (const stack::DirectoryRow& row : host.stack().directory(host.now())) {
        rows.emplace_back(own_row(row));
    }
    json::array failures;
    for (const fabric::CacheRow& row : host.stack().cache(host.now())) {
        if (row.id) {
            rows.emplace_back(cached_row(host, row));
        } else {
            failures.emplace_back(failed_row(row));
        }
    }
    json::array watches;
    for (const stack::WatchSource& source : host.stack().watch_sources()) {
        watches.emplace_back(source_object(source, host.now()));
        const std::string gateway = source.gateway ? name_anywhere(host, *source.gateway) : "";
        for (const stack::DirectoryRow& row : host.stack().watched(source.mesh, host.now())) {
            rows.emplace_back(watched_row(row, gateway));
        }
    }
    json::array meshes;
    for (const fabric::MeshRow& row : host.stack().meshes(host.now())) {
        meshes.emplace_back(mesh_object(row));
    }
    json::object answer;
    answer["ok"] = true;
    answer["name"] = host.stack().own_name();
    answer["rows"] = std::move(rows);
    answer["failures"] = std::move(failures);
    answer["meshes"] = std::move(meshes);
    answer["watches"] = std::move(watches);
    return json::serialize(answer);
}

}  // namespace grapevine::io
