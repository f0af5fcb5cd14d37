#include "apps/grapevine/top/picture.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace grapevine::apps {
namespace {

using console::AlertRow;
using console::NodeRow;
using console::NodeState;
using console::ProcessState;
using console::Severity;

constexpr std::size_t kShortId = 10;

Verdict verdict_of(Severity severity) {
    switch (severity) {
        case Severity::critical: return Verdict::critical;
        case Severity::warning: return Verdict::warning;
        case Severity::info: return Verdict::info;
        case Severity::unknown: break;
    }
    return Verdict::unknown;
}

bool is_worse(const TopAlert& a, const TopAlert& b) {
    const auto rank = [](const TopAlert& alert) { return verdict_of(alert.row.severity); };
    if (rank(a) != rank(b)) {
        return rank(a) < rank(b);
    }
    return std::pair(b.row.since_unix_ms, a.id) < std::pair(a.row.since_unix_ms, b.id);
}

// Changes of one table of the world into a copy of it.
template <typename Key, typename Row, typename Copy>
void follow(const console::ChangeTable<Key, Row>& table, console::Version since, Copy& copy) {
    table.gone_since(since, [&](const Key& key) { copy.erase(key); });
    table.changed_since(since, [&](const Key& key, const Row& row) { copy[key] = row; });
}

// Per second between two values of a counter; nothing if it began anew, or the digests came at one time.
std::optional<double> rate_of(std::uint64_t before, std::uint64_t after, base::Duration between) {
    const double seconds = std::chrono::duration<double>(between).count();
    if (after < before || seconds <= 0) {
        return std::nullopt;
    }
    return static_cast<double>(after - before) / seconds;
}

}  // namespace

std::string_view name(Trouble trouble) {
    static constexpr std::array<std::string_view, 9> kNames{"dead",  "suspected", "wedged", "over", "unknown",
                                                            "ended", "starting",  "member", "left"};
    return kNames.at(static_cast<std::size_t>(trouble));
}

std::string_view name(Verdict verdict) {
    static constexpr std::array<std::string_view, 5> kNames{"critical", "warning", "unknown", "info", "well"};
    return kNames.at(static_cast<std::size_t>(verdict));
}

bool is_over_cpu(const console::Load& load) {
    return load.cpu_budget_millicores > 0 && load.cpu_millicores > load.cpu_budget_millicores;
}

bool is_over_memory(const console::Load& load) {
    return load.memory_budget_kib > 0 && load.memory_kib > load.memory_budget_kib;
}

Trouble trouble_of(const NodeRow& row) {
    switch (row.state) {
        case NodeState::dead: return Trouble::dead;
        case NodeState::suspected: return Trouble::suspected;
        case NodeState::left: return Trouble::left;
        case NodeState::member:
        case NodeState::unknown: break;
    }
    switch (row.process) {
        case ProcessState::wedged: return Trouble::wedged;
        case ProcessState::ended: return Trouble::ended;
        case ProcessState::starting:
        case ProcessState::stopping: return Trouble::changing;
        case ProcessState::none:
        case ProcessState::ready: break;
    }
    if (row.state == NodeState::unknown) {
        return Trouble::unknown;
    }
    return is_over_cpu(row.digest.load) || is_over_memory(row.digest.load) ? Trouble::over_budget : Trouble::well;
}

void TopPicture::observe(const console::World& world, const console::Moment& at) {
    at_ = at;
    if (seen_ && !world.reaches(*seen_)) {
        *this = TopPicture(std::move(fabric_));
        at_ = at;
    }
    const console::Version since = seen_.value_or(0);
    if (!seen_ || world.version() != since) {
        world.nodes().gone_since(since, [&](const base::EndpointId& id) { nodes_.erase(id); });
        world.nodes().changed_since(since, [&](const base::EndpointId& id, const NodeRow& row) { take_node(id, row); });
        follow(world.links(), since, links_);
        follow(world.meshes(), since, meshes_);
        follow(world.sources(), since, sources_);
        take_alerts(world);
        seen_ = world.version();
    }
    for (console::TimelineEvent& event : world.timeline().after(seen_event_)) {
        seen_event_ = event.seq;
        events_.push_front(std::move(event));
    }
    if (events_.size() > kEventsMax) {
        events_.resize(kEventsMax);
    }
}

void TopPicture::take_node(const base::EndpointId& id, const NodeRow& row) {
    TopNode& node = nodes_[id];
    const console::Digest& before = node.row.digest;
    const console::Digest& after = row.digest;
    if (before.sequence != 0 && after.sequence > before.sequence && after.started_unix_ms == before.started_unix_ms) {
        const base::Duration between = after.heard - before.heard;
        node.sent_per_s = rate_of(before.messages_sent, after.messages_sent, between);
        node.received_per_s = rate_of(before.messages_received, after.messages_received, between);
    } else if (after.started_unix_ms != before.started_unix_ms) {
        node.sent_per_s.reset();
        node.received_per_s.reset();
    }
    node.id = id;
    node.row = row;
    node.trouble = trouble_of(row);
}

void TopPicture::take_alerts(const console::World& world) {
    alerts_.clear();
    world.alerts().each([&](const std::string& id, const AlertRow& row) { alerts_.push_back({id, row}); });
    std::sort(alerts_.begin(), alerts_.end(), is_worse);
}

std::vector<TopPicture::Link> TopPicture::links_of(const base::EndpointId& id) const {
    std::vector<Link> out;
    for (const auto& [link, row] : links_) {
        if ((link.a == id || link.b == id) && link.kind == console::LinkKind::overlay) {
            out.push_back({link, row});
        }
    }
    return out;
}

std::string TopPicture::name_of(const base::EndpointId& id) const {
    const auto node = nodes_.find(id);
    return node != nodes_.end() && !node->second.row.digest.name.empty() ? node->second.row.digest.name
                                                                         : id.short_hex(kShortId);
}

Verdict TopPicture::verdict() const {
    Verdict worst = alerts_.empty() ? Verdict::well : verdict_of(alerts_.front().row.severity);
    const bool blind =
        meshes_.empty() ||
        std::any_of(meshes_.begin(), meshes_.end(), [](const auto& mesh) { return !mesh.second.known; }) ||
        std::any_of(sources_.begin(), sources_.end(),
                    [](const auto& source) { return source.second.state == console::SourceState::down; });
    if (blind) {
        worst = std::min(worst, Verdict::unknown);
    }
    if (std::any_of(meshes_.begin(), meshes_.end(), [](const auto& mesh) { return mesh.second.split; })) {
        worst = Verdict::critical;
    }
    return worst;
}

}  // namespace grapevine::apps
