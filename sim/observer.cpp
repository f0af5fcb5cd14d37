#include "sim/observer.hpp"

#include <algorithm>
#include <utility>

#include "base/overloaded.hpp"

namespace grapevine::sim {

namespace {

constexpr std::size_t kNotesMax = 20;

std::string seconds(base::TimePoint at) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count()) + " ms";
}

std::string_view name(Change change) {
    switch (change) {
        case Change::boot: return "boot";
        case Change::join: return "join";
        case Change::back: return "restart";
        case Change::death: return "death";
        case Change::leave: return "leave";
        case Change::reconciliation: return "reconciliation";
    }
    return "unknown";
}

}  // namespace

Observer::Observer(World& world, Timing timing) : world_(world), timing_(timing) {
    world_.on_report([this](std::size_t node, Report& report) { on_report(node, report); });
}

void Observer::added(std::size_t node, std::size_t mesh) {
    tracker_.add(mesh);
    stable_since_.resize(node + 1);
    neighbors_.resize(node + 1);
}

void Observer::watch(Change change, std::optional<std::size_t> node) {
    if (timing_ == Timing::none) return;
    std::erase_if(watches_, [&](const Watch& w) { return w.node == node; });
    watches_.push_back({change, node, world_.now()});
    settle_watches();
}

void Observer::started(std::size_t node, Change change) {
    tracker_.started(node);
    stable_since_[node] = world_.now();
    neighbors_[node].clear();
    const auto subject = change == Change::boot ? std::nullopt : std::optional(node);
    watch(change, subject);
}

void Observer::gone(std::size_t node, Change change) {
    tracker_.gone(node);
    stable_since_[node] = world_.now();
    neighbors_[node].clear();
    for (auto& round : open_rounds_)
        round.receivers -= round.awaited.erase(node);
    watch(change, node);
}

void Observer::paused(std::size_t node) {
    stable_since_[node] = base::TimePoint::max();
}

void Observer::resumed(std::size_t node) {
    stable_since_[node] = world_.now();
}

void Observer::regrouped() {
    std::vector<std::size_t> groups;
    for (std::size_t node = 0; node < tracker_.size(); ++node)
        groups.push_back(world_.network().group_of(node));
    tracker_.set_groups(groups);
    network_stable_since_ = world_.now();
}

void Observer::healed() {
    regrouped();
    watch(Change::reconciliation, std::nullopt);
}

const std::vector<base::Duration>& Observer::times(Change change) const {
    static const std::vector<base::Duration> kNone;
    const auto it = times_.find(change);
    return it == times_.end() ? kNone : it->second;
}

void Observer::on_report(std::size_t node, Report& report) {
    std::visit(base::Overloaded{
                   [&](node::DirectoryChanged& e) { on_directory(node, e); },
                   [&](node::SuspicionChanged& e) { on_suspicion(node, e); },
                   [&](node::SeedRetry& e) {
                       ++seed_retries_;
                       const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(e.delay).count();
                       world_.note("node " + std::to_string(node) + " tries seed " +
                                   std::to_string(world_.find(e.seed).value_or(world_.size())) + " again in " +
                                   std::to_string(ms) + " ms: " + e.reason);
                   },
                   [&](node::TopicNeighborChanged& e) {
                       if (!world_.spec(node).mesh) on_neighbor(node, e.change, e.peer);
                   },
                   [&](node::MeshNeighborChanged& e) { on_neighbor(node, e.change, e.peer); },
                   [&](node::TopicReceived& e) { on_received(node, e); },
               },
               report);
}

void Observer::on_suspicion(std::size_t node, const node::SuspicionChanged& e) {
    const auto accused = world_.find(e.accused);
    const auto accuser = world_.find(e.accuser);
    const bool suspected = e.step == node::SuspicionStep::suspected;
    if (suspected) ++suspicions_;
    if (!accused || !accuser) return note("a suspicion about or by a node that does not exist");
    world_.note("node " + std::to_string(node) + " hears that node " + std::to_string(*accuser) +
                (suspected ? " suspects node " : " clears node ") + std::to_string(*accused));
}

void Observer::on_neighbor(std::size_t node, node::NeighborChange change, const base::EndpointId& peer) {
    const auto index = world_.find(peer);
    if (!index) return note("node " + std::to_string(node) + " has a neighbour that does not exist");
    const bool up = change == node::NeighborChange::up;
    world_.note("node " + std::to_string(node) + (up ? " gains" : " loses") + " neighbour " + std::to_string(*index));
    if (up)
        neighbors_[node].insert(*index);
    else
        neighbors_[node].erase(*index);
}

void Observer::on_directory(std::size_t node, const node::DirectoryChanged& change) {
    const auto subject = world_.find(change.id);
    if (!subject) return note("node " + std::to_string(node) + " knows a node that does not exist");
    if (world_.spec(*subject).mesh != world_.spec(node).mesh)
        note("node " + std::to_string(node) + " has node " + std::to_string(*subject) +
             " of another mesh in its directory");
    if (*subject == node) return;
    constexpr std::string_view kWords[] = {"joined", "updated", "left", "died", "stale"};
    world_.note("node " + std::to_string(node) + " sees node " + std::to_string(*subject) + " " +
                std::string(kWords[static_cast<std::size_t>(change.change)]));
    const bool known = change.change == node::EntryChange::joined || change.change == node::EntryChange::updated;
    if (known) {
        tracker_.set_known(node, *subject);
    } else {
        judge_removal(node, *subject, change);
        tracker_.set_unknown(node, *subject);
    }
    settle_watches();
}

void Observer::judge_removal(std::size_t node, std::size_t subject, const node::DirectoryChanged& change) {
    const auto& observer = tracker_.member(node);
    const auto& about = tracker_.member(subject);
    if (!about.present || !observer.present || observer.group != about.group) return;
    const base::TimePoint stable = std::max({stable_since_[node], stable_since_[subject], network_stable_since_});
    if (stable == base::TimePoint::max() || world_.now() - stable < kSettled) return;
    ++false_deaths_;
    const std::string_view cause = change.change == node::EntryChange::died    ? "died"
                                   : change.change == node::EntryChange::stale ? "went stale"
                                                                               : "left";
    std::string line = "node " + std::to_string(node) + " says at " + seconds(world_.now()) + " that node " +
                       std::to_string(subject) + " " + std::string(cause) + ", which lives; accused by";
    for (const auto& accuser : change.accusers) {
        const auto index = world_.find(accuser);
        line += " " + (index ? std::to_string(*index) : std::string("?"));
    }
    if (notes_.size() < kNotesMax && false_deaths_ <= 3) notes_.push_back("(false death) " + line);
}

void Observer::note(std::string line) {
    if (notes_.size() < kNotesMax) notes_.push_back(std::move(line));
}

bool Observer::is_settled(const Watch& watch) const {
    if (!watch.node) return tracker_.wrong() == 0;
    const bool comes = watch.change == Change::join || watch.change == Change::back;
    return tracker_.wrong_about(*watch.node) == 0 && (!comes || tracker_.wrong_of(*watch.node) == 0);
}

void Observer::settle_watches() {
    std::erase_if(watches_, [&](const Watch& watch) {
        if (!is_settled(watch)) return false;
        times_[watch.change].push_back(world_.now() - watch.since);
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(world_.now() - watch.since);
        world_.note(std::string(name(watch.change)) + (watch.node ? " of node " + std::to_string(*watch.node) : "") +
                    " known to all after " + std::to_string(took.count()) + " ms");
        return true;
    });
}

std::string Observer::describe_pending() const {
    std::string out;
    for (const auto& watch : watches_) {
        if (!out.empty()) out += ", ";
        out += name(watch.change);
        if (watch.node)
            out += " of node " + std::to_string(*watch.node) + " (wrong in " +
                   std::to_string(tracker_.wrong_about(*watch.node)) + " directories)";
        else
            out += " (" + std::to_string(tracker_.wrong()) + " wrong entries)";
        out += " since " + seconds(watch.since);
    }
    return out;
}

void Observer::broadcast(std::size_t sender, const base::TopicId& topic, const base::Bytes& content) {
    Round round;
    round.topic = topic;
    round.content = content;
    const auto& from = tracker_.member(sender);
    for (std::size_t node = 0; node < tracker_.size(); ++node) {
        const auto& member = tracker_.member(node);
        const bool stands = member.present && world_.power(node) == Power::running && member.group == from.group;
        if (node != sender && stands && world_.spec(node).topic == topic) round.awaited.insert(node);
    }
    round.receivers = round.awaited.size();
    round.payload_before = payload_received(topic);
    open_rounds_.push_back(std::move(round));
}

void Observer::on_received(std::size_t node, const node::TopicReceived& received) {
    for (auto& round : open_rounds_) {
        if (round.topic != received.topic || round.content != received.content) continue;
        round.awaited.erase(node);
        round.hops = std::max(round.hops, received.hops);
    }
}

void Observer::end_round() {
    if (open_rounds_.empty()) return;
    const Round round = std::move(open_rounds_.front());
    open_rounds_.erase(open_rounds_.begin());
    RoundResult result;
    result.missed = round.awaited.size();
    result.ldh = round.hops;
    const double delivered = static_cast<double>(round.receivers) - static_cast<double>(result.missed);
    const auto after = payload_received(round.topic);
    const auto payload = static_cast<double>(after - std::min(after, round.payload_before));
    if (delivered > 0.0) result.rmr = payload / delivered - 1.0;
    rounds_.push_back(result);
}

std::uint64_t Observer::payload_received(const base::TopicId& topic) const {
    std::uint64_t sum = 0;
    const std::string figure = "topic." + topic.short_hex() + ".payload_received";
    for (std::size_t node = 0; node < world_.size(); ++node)
        if (world_.power(node) != Power::off) sum += world_.figure(node, figure);
    return sum;
}

}  // namespace grapevine::sim
