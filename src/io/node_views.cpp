#include "io/node_views.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.hpp"
#include "base/overloaded.hpp"
#include "io/control_view.hpp"
#include "io/ledger_view.hpp"

namespace grapevine::io {

namespace {

constexpr std::size_t kAdmissionTextMax = 256;

namespace json = boost::json;

std::uint64_t milliseconds(base::Duration duration) {
    const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    return count > 0 ? static_cast<std::uint64_t>(count) : 0;
}

std::uint64_t microseconds(base::Duration duration) {
    const auto count = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
    return count > 0 ? static_cast<std::uint64_t>(count) : 0;
}

json::array ids_of(const std::vector<base::EndpointId>& ids) {
    json::array all;
    for (const base::EndpointId& id : ids) {
        all.emplace_back(id.hex());
    }
    return all;
}

json::object row_object(const stack::DirectoryRow& row) {
    json::array addrs;
    for (const wire::TransportAddr& addr : row.addrs) {
        addrs.emplace_back(text_of(addr));
    }
    json::object object;
    object["name"] = row.name;
    object["id"] = row.id.hex();
    object["mesh"] = row.mesh;
    object["type"] = row.type;
    object["addrs"] = std::move(addrs);
    object["neighbors"] = ids_of(row.neighbors);
    object["cpu_millicores"] = row.load.cpu_millicores;
    object["memory_kib"] = row.load.memory_kib;
    object["cpu_budget_millicores"] = row.load.cpu_budget_millicores;
    object["memory_budget_kib"] = row.load.memory_budget_kib;
    object["sequence"] = row.sequence;
    object["started_unix_ms"] = row.started_unix_ms;
    object["messages_sent"] = row.messages_sent;
    object["messages_received"] = row.messages_received;
    object["age_ms"] = milliseconds(row.age);
    object["known_via"] = row.known_via;
    object["suspected_by"] = ids_of(row.suspected_by);
    return object;
}

json::object neighbor_object(const stack::NeighborRow& row) {
    json::object object;
    object["id"] = row.id.hex();
    object["name"] = row.name;
    object["remote"] = row.remote.text();
    object["rtt_us"] = microseconds(row.rtt);
    object["silence_ms"] = milliseconds(row.silence);
    object["eager"] = row.eager;
    object["origin"] = row.origin == quic::Origin::outgoing ? "outgoing" : "incoming";
    return object;
}

const char* change_name(stack::EntryChange change) {
    switch (change) {
        case stack::EntryChange::joined: return "joined";
        case stack::EntryChange::updated: return "updated";
        case stack::EntryChange::left: return "left";
        case stack::EntryChange::died: return "died";
        case stack::EntryChange::stale: return "stale";
        case stack::EntryChange::expelled: return "expelled";
    }
    return "updated";
}

const char* reason_name(wire::AccusationReason reason) {
    switch (reason) {
        case wire::AccusationReason::silent: return "silent";
        case wire::AccusationReason::unreachable: return "unreachable";
        case wire::AccusationReason::connection_lost: return "connection_lost";
    }
    return "silent";
}

void fill(json::object& out, const stack::DirectoryChanged& event) {
    out["event"] = change_name(event.change);
    out["id"] = event.id.hex();
    out["name"] = event.name;
    out["accusers"] = ids_of(event.accusers);
}

void fill(json::object& out, const stack::AdmissionNews& event) {
    switch (event.event) {
        case stack::AdmissionEvent::denied: out["event"] = "denied"; break;
        case stack::AdmissionEvent::put_out: out["event"] = "put_out"; break;
        case stack::AdmissionEvent::own_ticket: out["event"] = "own_ticket"; break;
    }
    out["id"] = event.peer.hex();
    out["text"] = base::printable(event.text, kAdmissionTextMax);
}

void fill(json::object& out, const stack::SuspicionChanged& event) {
    out["event"] = event.step == stack::SuspicionStep::suspected ? "suspected" : "refuted";
    out["id"] = event.accused.hex();
    out["name"] = event.name;
    out["accuser"] = event.accuser.hex();
    out["reason"] = reason_name(event.reason);
}

void fill(json::object& out, const stack::SeedRetry& event) {
    out["event"] = "seed_retry";
    out["id"] = event.seed.hex();
    out["attempt"] = event.attempt;
    out["delay_ms"] = milliseconds(event.delay);
    out["reason"] = event.reason;
}

void fill(json::object& out, const stack::MeshNeighborChanged& event) {
    out["event"] = event.change == stack::NeighborChange::up ? "neighbor_up" : "neighbor_down";
    out["id"] = event.peer.hex();
}

void fill_law(json::object& out, telemetry::Kind kind) {
    const std::string_view name = telemetry::name(kind);
    const std::string_view law = telemetry::law(kind);
    out["kind"] = json::string_view(name.data(), name.size());
    out["law"] = json::string_view(law.data(), law.size());
}

void fill(json::object& out, const stack::LawBroken& event) {
    out["event"] = "law_broken";
    fill_law(out, event.kind);
    out["alive"] = event.alive;
    out["limit"] = event.allowed.alive_max;
    out["oldest_ms"] = milliseconds(event.oldest);
    if (event.allowed.age_max) {
        out["oldest_limit_ms"] = milliseconds(*event.allowed.age_max);
    }
}

void fill(json::object& out, const stack::LawKept& event) {
    out["event"] = "law_kept";
    fill_law(out, event.kind);
    out["broken_for_ms"] = milliseconds(event.broken_for);
}

void fill_announcement(json::object& out, const delivery::Announcement& what) {
    out["id"] = what.author.hex();
    out["number"] = what.number;
    out["hash"] = base::hex_encode(what.hash);
    out["bytes"] = what.size;
}

void fill(json::object& out, const delivery::Published& event) {
    out["event"] = "published";
    fill_announcement(out, event.what);
}

void fill(json::object& out, const delivery::Missed& event) {
    const std::string_view cause = delivery::name(event.cause);
    out["event"] = "publication_missed";
    fill_announcement(out, event.what);
    out["cause"] = json::string_view(cause.data(), cause.size());
}

void fill(json::object& out, const stack::Left&) {
    out["event"] = "leaving";
}

// False for what is an answer to somebody.
bool fill_fabric(json::object& out, const stack::FabricReport& report) {
    return std::visit(base::Overloaded{[](const fabric::Done&) { return false; },
                                       [&](const fabric::MeshAppeared& event) {
                                           out["event"] = "mesh_appeared";
                                           out["mesh"] = event.mesh;
                                           return true;
                                       },
                                       [&](const fabric::MeshGone& event) {
                                           out["event"] = "mesh_gone";
                                           out["mesh"] = event.mesh;
                                           out["cause"] = std::string(fabric::name(event.cause));
                                           return true;
                                       },
                                       [&](const fabric::Lied& event) {
                                           out["event"] = "gateway_lied";
                                           out["id"] = event.gateway.hex();
                                           out["lie"] = std::string(fabric::name(event.lie));
                                           return true;
                                       }},
                      report);
}

void fill(json::object& out, const stack::WatchedChanged& event) {
    out["event"] = "watched";
    out["mesh"] = event.mesh;
    out["change"] = std::string(node::name(event.change));
    out["id"] = event.id.hex();
    out["name"] = event.name;
    out["accusers"] = ids_of(event.accusers);
}

void fill(json::object& out, const stack::WatchSourceChanged& event) {
    out["event"] = "watch_source";
    out["mesh"] = event.source.mesh;
    out["state"] = std::string(node::name(event.source.state));
    out["gateway"] = event.source.gateway ? json::value(event.source.gateway->hex()) : json::value(nullptr);
    out["text"] = event.source.text;
}

void fill(json::object& out, const stack::WatchLied& event) {
    out["event"] = "watch_refused";
    out["mesh"] = event.mesh;
    out["id"] = event.gateway.hex();
    out["rule"] = event.rule;
}

}  // namespace

std::string text_of(const wire::TransportAddr& addr) {
    return std::visit(
        base::Overloaded{[](const wire::RelayUrl& relay) { return relay.text; },
                         [](const base::SocketAddr& direct) { return direct.text(); },
                         [](const wire::CustomAddr& custom) { return "custom:" + std::to_string(custom.id); }},
        addr);
}

std::string encode_directory(const Host& host) {
    json::array nodes;
    for (const stack::DirectoryRow& row : host.stack().directory(host.now())) {
        nodes.emplace_back(row_object(row));
    }
    json::object answer;
    answer["ok"] = true;
    answer["name"] = host.stack().own_name();
    answer["nodes"] = std::move(nodes);
    return json::serialize(answer);
}

std::string encode_status(Host& host, const NodeRecord& record, const ControlServer& server) {
    json::array neighbors;
    for (const stack::NeighborRow& row : host.stack().neighbors(host.now())) {
        neighbors.emplace_back(neighbor_object(row));
    }
    json::object figures;
    for (const stack::Figure& figure : host.figures()) {
        figures[figure.name] = figure.value;
    }
    json::array addrs;
    for (const base::SocketAddr& addr : host.addrs()) {
        addrs.emplace_back(addr.text());
    }
    const std::uint64_t now_ms = host.runtime().wall_now().unix_ms;
    json::object answer;
    answer["ok"] = true;
    answer["name"] = host.stack().own_name();
    answer["id"] = record.id;
    answer["mesh"] = record.mesh;
    answer["type"] = record.type;
    answer["ticket"] = wire::ticket_text(host.stack().addr());
    answer["addrs"] = std::move(addrs);
    answer["pid"] = record.pid;
    answer["data_dir"] = record.data_dir;
    answer["started_unix_ms"] = record.started_unix_ms;
    answer["uptime_ms"] = now_ms > record.started_unix_ms ? now_ms - record.started_unix_ms : 0;
    answer["directory_size"] = host.stack().directory(host.now()).size();
    answer["neighbors"] = std::move(neighbors);
    answer["figures"] = std::move(figures);
    answer["ledger"] = ledger_object(host.law_watch().census());
    answer["control"] = control_object(server);
    return json::serialize(answer);
}

std::string encode_log_level(const Log& log) {
    json::object answer;
    answer["ok"] = true;
    answer["filter"] = log.filter().text();
    return json::serialize(answer);
}

std::string encode_admission(Host& host) {
    const auto authority = host.stack().authority();
    json::object answer;
    answer["ok"] = true;
    answer["closed"] = authority.has_value();
    if (authority) {
        answer["authority"] = authority->hex();
        answer["revocations"] = std::to_string(host.stack().revocations_version());
    }
    return json::serialize(answer);
}

std::string encode_ping(const stack::PingDone& done, const std::string& name) {
    if (!done.rtt) {
        return encode_control_error({base::ErrorCode::failed, "ping '" + name + "': " + done.error});
    }
    json::object answer;
    answer["ok"] = true;
    answer["name"] = name;
    answer["id"] = done.peer.hex();
    answer["rtt_us"] = microseconds(*done.rtt);
    return json::serialize(answer);
}

std::string encode_delivery(const delivery::Finished& finished, const std::string& name, const std::string& peer_name,
                            base::Duration elapsed) {
    json::object answer;
    answer["ok"] = true;
    answer["name"] = name;
    answer["ending"] = std::string(delivery::name(finished.ending));
    answer["handled"] = std::string(delivery::name(finished.handled));
    answer["attempts"] = finished.attempts;
    if (finished.peer) {
        answer["peer"] = finished.peer->hex();
        answer["peer_name"] = peer_name;
    }
    answer["elapsed_us"] = microseconds(elapsed);
    answer["payload_base64"] = base::base64_encode(finished.payload);
    return json::serialize(answer);
}

base::Error delivery_error(delivery::SubmitRefusal refusal, std::string_view name) {
    const std::string subject = "delivery to '" + base::printable(name) + "': ";
    switch (refusal) {
        case delivery::SubmitRefusal::full:
        case delivery::SubmitRefusal::name_full:
            return {base::ErrorCode::exhausted, subject + "too many messages wait already"};
        case delivery::SubmitRefusal::too_large:
            return {base::ErrorCode::invalid,
                    subject + "more than " + std::to_string(wire::kLargePayloadMax) + " bytes"};
        case delivery::SubmitRefusal::bad_name:
            return {base::ErrorCode::invalid, subject + "a name is 1 to " + std::to_string(wire::kTargetNameMax) +
                                                  " printable characters without a space"};
        case delivery::SubmitRefusal::leaving: return {base::ErrorCode::failed, subject + "this node is leaving"};
        case delivery::SubmitRefusal::bad_options:
            return {base::ErrorCode::invalid, subject + "options that do not go together"};
        case delivery::SubmitRefusal::bad_deadline: break;
    }
    return {base::ErrorCode::invalid, subject + "a deadline is 1 ms to 60 s"};
}

std::string encode_published(const delivery::Announcement& what) {
    json::object answer;
    answer["ok"] = true;
    answer["number"] = what.number;
    answer["hash"] = base::hex_encode(what.hash);
    answer["bytes"] = what.size;
    return json::serialize(answer);
}

base::Error publish_error(delivery::PublishRefusal refusal) {
    switch (refusal) {
        case delivery::PublishRefusal::empty: return {base::ErrorCode::invalid, "publication: empty"};
        case delivery::PublishRefusal::too_large:
            return {base::ErrorCode::invalid,
                    "publication: more than " + std::to_string(delivery::kPublicationMax) + " bytes"};
        case delivery::PublishRefusal::full:
            return {base::ErrorCode::exhausted, "publication: this node keeps too many of its own already"};
        case delivery::PublishRefusal::no_mesh: break;
    }
    return {base::ErrorCode::failed, "publication: this node is in no mesh, or is leaving"};
}

std::optional<std::string> encode_event(const stack::Event& event, base::WallTime now) {
    json::object out;
    out["unix_ms"] = now.unix_ms;
    const bool known = std::visit(
        base::Overloaded{
            [](const stack::PingDone&) { return false; }, [](const stack::TopicNeighborChanged&) { return false; },
            [](const stack::TopicReceived&) { return false; }, [](const stack::DeliveryReport&) { return false; },
            [&](const stack::FabricReport& report) { return fill_fabric(out, report); },
            [](const stack::ByteStreamEvent&) { return false; }, [](const stack::RevocationsLearned&) { return false; },
            [](const stack::TicketReplaced&) { return false; },
            [&](const stack::PublicationReport& report) {
                std::visit([&](const auto& seen) { fill(out, seen); }, report);
                return true;
            },
            [&](const stack::WatchReport& report) {
                std::visit([&](const auto& seen) { fill(out, seen); }, report);
                return true;
            },
            [](const stack::AppEvent&) { return false; },
            [&](const auto& seen) {
                fill(out, seen);
                return true;
            }},
        event);
    return known ? std::optional<std::string>(json::serialize(out)) : std::nullopt;
}

}  // namespace grapevine::io
