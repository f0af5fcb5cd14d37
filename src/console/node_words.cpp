#include "console/node_words.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <boost/json/array.hpp>

#include "io/json.hpp"

namespace grapevine::console {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kAgeMsMax = 30ULL * 24 * 3600 * 1000;

const json::array* list_of(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
    return value != nullptr ? value->if_array() : nullptr;
}

std::vector<base::EndpointId> ids_of(const json::object& object, std::string_view name) {
    std::vector<base::EndpointId> out;
    const json::array* list = list_of(object, name);
    for (std::size_t i = 0; list != nullptr && i < list->size() && out.size() < kIdsOfRowMax; ++i) {
        const json::string* text = (*list)[i].if_string();
        if (const auto id = text != nullptr ? base::EndpointId::parse({text->data(), text->size()})
                                            : base::Result<base::EndpointId>(base::invalid("no id"))) {
            out.push_back(*id);
        }
    }
    return out;
}

std::vector<std::string> texts_of(const json::object& object, std::string_view name) {
    std::vector<std::string> out;
    const json::array* list = list_of(object, name);
    for (std::size_t i = 0; list != nullptr && i < list->size() && out.size() < kIdsOfRowMax; ++i) {
        if (const json::string* text = (*list)[i].if_string()) {
            out.emplace_back(text->data(), text->size());
        }
    }
    return out;
}

std::uint64_t number(const json::object& object, std::string_view name) {
    return io::unsigned_member(object, name).value_or(0);
}

std::uint32_t small_number(const json::object& object, std::string_view name) {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(number(object, name), std::numeric_limits<std::uint32_t>::max()));
}

KnownVia via_of(std::string_view text) {
    return text == "self" ? KnownVia::self : text == "sync" ? KnownVia::sync : KnownVia::gossip;
}

base::Result<DirectoryRow> decode_row(const json::value& value, base::TimePoint now) {
    const json::object* object = value.if_object();
    const auto id = object != nullptr ? base::EndpointId::parse(io::string_member(*object, "id").value_or(""))
                                      : base::Result<base::EndpointId>(base::invalid("directory: a row is no object"));
    if (!id) {
        return tl::unexpected(id.error());
    }
    DirectoryRow row;
    row.id = *id;
    Digest& digest = row.digest;
    digest.name = io::string_member(*object, "name").value_or("");
    digest.mesh = io::string_member(*object, "mesh").value_or("");
    digest.type = io::string_member(*object, "type").value_or("");
    if (digest.name.empty() || digest.mesh.empty()) {
        return base::invalid("directory: the row of " + id->short_hex() + " has no name or no mesh");
    }
    digest.addrs = texts_of(*object, "addrs");
    digest.neighbors = ids_of(*object, "neighbors");
    digest.load = {small_number(*object, "cpu_millicores"), small_number(*object, "cpu_budget_millicores"),
                   small_number(*object, "memory_kib"), small_number(*object, "memory_budget_kib")};
    digest.sequence = number(*object, "sequence");
    digest.started_unix_ms = number(*object, "started_unix_ms");
    digest.messages_sent = number(*object, "messages_sent");
    digest.messages_received = number(*object, "messages_received");
    digest.heard = now - std::chrono::milliseconds(std::min(number(*object, "age_ms"), kAgeMsMax));
    digest.via = via_of(io::string_member(*object, "known_via").value_or(""));
    row.suspected_by = ids_of(*object, "suspected_by");
    return row;
}

using Kind = MeshEvent::Kind;
constexpr std::array<std::pair<std::string_view, Kind>, 13> kKinds{{{"joined", Kind::joined},
                                                                    {"left", Kind::left},
                                                                    {"died", Kind::died},
                                                                    {"stale", Kind::stale},
                                                                    {"expelled", Kind::expelled},
                                                                    {"suspected", Kind::suspected},
                                                                    {"refuted", Kind::refuted},
                                                                    {"neighbor_up", Kind::neighbor_up},
                                                                    {"neighbor_down", Kind::neighbor_down},
                                                                    {"mesh_appeared", Kind::mesh_appeared},
                                                                    {"mesh_gone", Kind::mesh_gone},
                                                                    {"law_broken", Kind::law_broken},
                                                                    {"law_kept", Kind::law_kept}}};

std::string law_text(const json::object& object, Kind kind) {
    const std::string law = io::string_member(object, "law").value_or("");
    return kind == Kind::law_kept
               ? "the law of '" + io::string_member(object, "kind").value_or("") + "' is kept again: " + law
               : std::to_string(number(object, "alive")) + " '" + io::string_member(object, "kind").value_or("") +
                     "', allowed " + std::to_string(number(object, "limit")) + ": " + law;
}

}  // namespace

base::Result<std::vector<DirectoryRow>> decode_directory(std::string_view line, base::TimePoint now) {
    const auto object = io::parse_json_object("directory", line);
    if (!object) {
        return tl::unexpected(object.error());
    }
    const json::array* nodes = list_of(*object, "nodes");
    if (nodes == nullptr) {
        return base::fail("directory: no 'nodes' in the answer");
    }
    if (nodes->size() > kRowsOfAnswerMax) {
        return base::fail(base::ErrorCode::exhausted,
                          "directory: more than " + std::to_string(kRowsOfAnswerMax) + " rows");
    }
    std::vector<DirectoryRow> out;
    out.reserve(nodes->size());
    for (const json::value& value : *nodes) {
        auto row = decode_row(value, now);
        if (!row) {
            return tl::unexpected(row.error());
        }
        out.push_back(std::move(*row));
    }
    return out;
}

base::Result<std::vector<NeighborFact>> decode_neighbors(std::string_view line) {
    const auto object = io::parse_json_object("status", line);
    if (!object) {
        return tl::unexpected(object.error());
    }
    const json::array* list = list_of(*object, "neighbors");
    if (list == nullptr) {
        return base::fail("status: no 'neighbors' in the answer");
    }
    std::vector<NeighborFact> out;
    for (std::size_t i = 0; i < list->size() && out.size() < kIdsOfRowMax; ++i) {
        const json::object* row = (*list)[i].if_object();
        const auto id = row != nullptr
                            ? base::EndpointId::parse(io::string_member(*row, "id").value_or(""))
                            : base::Result<base::EndpointId>(base::invalid("status: a neighbour is no object"));
        if (!id) {
            return tl::unexpected(id.error());
        }
        const json::value* eager = row->if_contains("eager");
        out.push_back({*id, eager != nullptr && eager->is_bool() && eager->get_bool()});
    }
    return out;
}

std::optional<MeshEvent> decode_event(const json::object& object) {
    const std::string word = io::string_member(object, "event").value_or("");
    const auto found = std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& kind) { return kind.first == word; });
    if (found == kKinds.end()) {
        return std::nullopt;
    }
    MeshEvent out;
    out.kind = found->second;
    out.name = io::string_member(object, "name").value_or("");
    if (out.kind == Kind::law_broken || out.kind == Kind::law_kept) {
        out.name = io::string_member(object, "kind").value_or("");
        out.detail = law_text(object, out.kind);
        return out;
    }
    if (out.kind == Kind::mesh_appeared || out.kind == Kind::mesh_gone) {
        out.detail = io::string_member(object, "mesh").value_or("");
        return out;
    }
    const auto id = base::EndpointId::parse(io::string_member(object, "id").value_or(""));
    if (!id) {
        return std::nullopt;
    }
    out.id = *id;
    out.who = ids_of(object, "accusers");
    if (const auto accuser = base::EndpointId::parse(io::string_member(object, "accuser").value_or(""))) {
        out.who = {*accuser};
    }
    out.detail = io::string_member(object, "reason").value_or("");
    return out;
}

}  // namespace grapevine::console
