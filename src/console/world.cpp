#include "console/world.hpp"

#include <algorithm>

namespace grapevine::console {
namespace {

bool is_drawn_state(NodeState state) {
    return state == NodeState::member || state == NodeState::suspected;
}

}  // namespace

World::World(Version first, const Moment& at) : version_(first), first_(first), past_(at.wall) {
    tidied_ = at.now;
    split_checked_ = at.now;
}

bool World::reaches(Version version) const {
    return version >= first_ && version <= version_ && nodes_.reaches(version) && links_.reaches(version) &&
           meshes_.reaches(version) && sources_.reaches(version) && alerts_.reaches(version);
}

void World::on_source(const std::string& name, SourceState state, const std::string& text, const Moment& at) {
    const SourceRow* row = sources_.find(name);
    if (row != nullptr && row->state == state && row->text == text) {
        return;
    }
    const bool same = row != nullptr && row->state == state;
    const std::uint64_t since = same ? row->since_unix_ms : at.wall.unix_ms;
    sources_.change(name, next()) = {state, since, text};
    if (state == SourceState::down) {
        set_alert("source_down", name, Severity::unknown, name + ": " + text, at);
    } else {
        clear_alert("source_down", name);
    }
}

void World::on_source_gone(const std::string& name, const Moment&) {
    sources_.erase(name, next());
    clear_alert("source_down", name);
}

bool World::add_view(const Id& viewer, const std::string& mesh, Seat seat) {
    if (!views_.contains(viewer) && views_.size() >= kViewersMax) {
        ++counters_.viewers_refused;
        return false;
    }
    View& view = views_[viewer];
    view.mesh = mesh;
    view.seat = seat;
    return true;
}

void World::on_watch(base::EndpointId gateway, const std::string& mesh, const Moment& at) {
    if (!add_view(gateway, mesh, Seat::elsewhere)) {
        return;
    }
    refresh(gateway, at);
    settle_links(at);
    refresh_mesh(mesh, at);
}

void World::on_viewer(base::EndpointId viewer, const std::string& mesh, const Moment& at) {
    if (!add_view(viewer, mesh, Seat::here)) {
        return;
    }
    const ProcessState process = infos_[viewer].process;
    if (process == ProcessState::none || process == ProcessState::starting || process == ProcessState::ended) {
        set_process(viewer, ProcessState::ready);
    }
    refresh(viewer, at);
    relink(viewer, at);
    settle_links(at);
    refresh_mesh(mesh, at);
}

void World::set_process(const Id& id, ProcessState state) {
    Info& info = infos_[id];
    const NodeRow* row = nodes_.find(id);
    if (state == ProcessState::ended && row != nullptr) {
        info.ended_with = row->digest.sequence;
    }
    info.process = state;
}

void World::on_viewer_lost(base::EndpointId viewer, Loss loss, const Moment& at) {
    if (loss == Loss::ended && infos_.contains(viewer)) {
        set_process(viewer, ProcessState::ended);
        refresh(viewer, at);
    }
    const auto it = views_.find(viewer);
    if (it == views_.end()) {
        relink(viewer, at);
        settle_links(at);
        return;
    }
    const View view = std::move(it->second);
    views_.erase(it);
    for (const auto& [id, accusers] : view.members) {
        refresh(id, at);
    }
    refresh(viewer, at);
    relink(viewer, at);
    settle_links(at);
    refresh_mesh(view.mesh, at);
    split_dirty_.emplace(view.mesh, at.now);
}

void World::on_directory(base::EndpointId viewer, std::span<const DirectoryRow> rows, const Moment& at) {
    const auto it = views_.find(viewer);
    if (it == views_.end()) {
        return;
    }
    View& view = it->second;
    std::map<Id, std::vector<Id>> before = std::exchange(view.members, {});
    const bool first = !std::exchange(view.known, true);
    for (const DirectoryRow& row : rows) {
        if (row.digest.mesh == view.mesh && view.members.size() < kNodesMax) {
            view.members.emplace(row.id, row.suspected_by);
        }
    }
    if (before.size() != view.members.size() ||
        !std::equal(before.begin(), before.end(), view.members.begin(),
                    [](const auto& a, const auto& b) { return a.first == b.first; })) {
        split_dirty_.emplace(view.mesh, at.now);
    }
    for (const DirectoryRow& row : rows) {
        if (!view.members.contains(row.id)) {
            counters_.nodes_refused += row.digest.mesh == view.mesh ? 1U : 0U;
            continue;
        }
        if (!before.contains(row.id)) {
            infos_[row.id].word = Word::none;
        }
        learn(row, viewer, at);
        before.erase(row.id);
    }
    for (const auto& [id, accusers] : before) {
        refresh(id, at);
    }
    settle_links(at);
    if (first) {
        refresh_mesh(view.mesh, at);
    }
}

void World::on_row(base::EndpointId viewer, const DirectoryRow& row, const Moment& at) {
    const auto it = views_.find(viewer);
    if (it == views_.end() || !it->second.known || row.digest.mesh != it->second.mesh) {
        return;
    }
    auto& members = it->second.members;
    const auto [member, added] = members.insert_or_assign(row.id, row.suspected_by);
    if (added && members.size() > kNodesMax) {
        members.erase(member);
        ++counters_.nodes_refused;
        return;
    }
    if (added) {
        infos_[row.id].word = Word::none;
        split_dirty_.emplace(it->second.mesh, at.now);
    }
    learn(row, viewer, at);
    settle_links(at);
}

// The row of the larger sequence wins (rule 1).
void World::learn(const DirectoryRow& row, const Id& viewer, const Moment& at) {
    const NodeRow* known = nodes_.find(row.id);
    if (known == nullptr && nodes_.size() >= kNodesMax) {
        ++counters_.nodes_refused;
        infos_.erase(row.id);
        return;
    }
    const bool newer = known == nullptr || known->digest.sequence < row.digest.sequence ||
                       known->digest.started_unix_ms < row.digest.started_unix_ms;
    if (newer) {
        NodeRow fresh = known != nullptr ? *known : NodeRow{};
        fresh.digest = row.digest;
        fresh.digest.source = viewer;
        if (fresh.digest.neighbors.size() > kNeighborsMax) {
            fresh.digest.neighbors.resize(kNeighborsMax);
        }
        put(row.id, std::move(fresh), at);
    }
    refresh(row.id, at);
    if (newer) {
        relink(row.id, at);
    }
}

bool World::mesh_known(const std::string& mesh) const {
    return std::any_of(views_.begin(), views_.end(),
                       [&](const auto& entry) { return entry.second.known && entry.second.mesh == mesh; });
}

NodeState World::state_of(const Id& id, const std::string& mesh, const Info& info, std::vector<Id>& accusers) const {
    bool held = false;
    for (const auto& [viewer, view] : views_) {
        if (!view.known || view.mesh != mesh) {
            continue;
        }
        if (const auto it = view.members.find(id); it != view.members.end()) {
            held = true;
            accusers.insert(accusers.end(), it->second.begin(), it->second.end());
        }
    }
    std::sort(accusers.begin(), accusers.end());
    accusers.erase(std::unique(accusers.begin(), accusers.end()), accusers.end());
    if (held) {
        return accusers.empty() ? NodeState::member : NodeState::suspected;
    }
    switch (info.word) {
        case Word::died: return NodeState::dead;
        case Word::left: return NodeState::left;
        default: return NodeState::unknown;
    }
}

// What is derived of a node's row, anew.
void World::refresh(const Id& id, const Moment& at) {
    const NodeRow* known = nodes_.find(id);
    if (known == nullptr) {
        return;
    }
    const Info& info = infos_[id];
    NodeRow row = *known;
    row.suspected_by.clear();
    row.state = state_of(id, row.digest.mesh, info, row.suspected_by);
    row.process = info.process;
    const auto view = views_.find(id);
    row.here = (view != views_.end() && view->second.seat == Seat::here) ||
               (info.process != ProcessState::none && info.process != ProcessState::ended);
    row.peers =
        view != views_.end() && view->second.neighbors ? view->second.neighbors->size() : row.digest.neighbors.size();
    if (row.state != known->state) {
        row.since_unix_ms = at.wall.unix_ms;
        infos_[id].since = at.now;
    }
    const bool redraw = is_drawn_state(row.state) != is_drawn_state(known->state);
    put(id, std::move(row), at);
    if (redraw) {
        redrawn_.insert(id);
    }
}

void World::put(const Id& id, NodeRow row, const Moment& at) {
    const NodeRow* known = nodes_.find(id);
    if (known != nullptr && *known == row) {
        return;
    }
    if (known == nullptr) {
        row.since_unix_ms = at.wall.unix_ms;
        infos_[id].since = at.now;
        past_.replaced(id, std::nullopt, at.wall);
    } else if (NodeBrief before = brief_of(*known); before != brief_of(row)) {
        past_.replaced(id, std::move(before), at.wall);
    }
    ++counters_.changes;
    count_mesh(known, &row, at);
    judge(id, &row, at);
    nodes_.change(id, next()) = std::move(row);
}

void World::drop_node(const Id& id, const Moment& at) {
    const NodeRow* row = nodes_.find(id);
    past_.replaced(id, brief_of(*row), at.wall);
    count_mesh(row, nullptr, at);
    judge(id, nullptr, at);
    const std::vector<Id> said = std::move(infos_[id].said);
    nodes_.erase(id, next());
    infos_.erase(id);
    for (const Id& other : said) {
        update_link(id, other, at);
    }
    redrawn_.insert(id);
}

void World::count_mesh(const NodeRow* before, const NodeRow* after, const Moment& at) {
    for (const NodeRow* row : {before, after}) {
        if (row == nullptr || (before != nullptr && after != nullptr && before->state == after->state &&
                               before->digest.mesh == after->digest.mesh)) {
            continue;
        }
        const MeshRow* known = meshes_.find(row->digest.mesh);
        MeshRow mesh = known != nullptr ? *known : MeshRow{};
        mesh.since_unix_ms = known != nullptr ? mesh.since_unix_ms : at.wall.unix_ms;
        std::size_t& count = row->state == NodeState::suspected ? mesh.suspected : mesh.members;
        if (row->state == NodeState::member || row->state == NodeState::suspected) {
            count = row == before ? count - 1 : count + 1;
        }
        put_mesh(row->digest.mesh, mesh);
    }
}

void World::put_mesh(const std::string& mesh, const MeshRow& row) {
    const MeshRow* known = meshes_.find(mesh);
    if (known == nullptr || *known != row) {
        meshes_.change(mesh, next()) = row;
    }
}

// Whether anything is known of it changed, or how many know.
void World::refresh_mesh(const std::string& mesh, const Moment& at) {
    const MeshRow* known = meshes_.find(mesh);
    MeshRow row = known != nullptr ? *known : MeshRow{};
    row.viewers = static_cast<std::size_t>(std::count_if(views_.begin(), views_.end(), [&](const auto& entry) {
        return entry.second.known && entry.second.mesh == mesh;
    }));
    const bool changed = known == nullptr || row.known != (row.viewers > 0);
    row.known = row.viewers > 0;
    row.since_unix_ms = changed ? at.wall.unix_ms : row.since_unix_ms;
    put_mesh(mesh, row);
    if (!row.known && known != nullptr) {
        set_alert("mesh_unknown", mesh, Severity::unknown, "nothing is known of " + mesh + ": no node of it answers",
                  at);
    } else {
        clear_alert("mesh_unknown", mesh);
    }
}

void World::on_process(const ProcessFact& process, const Moment& at) {
    if (!process.event.empty()) {
        const std::string& about = process.id.empty() ? process.name : process.id;
        timeline_.add({0,
                       0,
                       process.event,
                       about,
                       process.mesh,
                       process.name + ": " + (process.text.empty() ? process.event : process.text),
                       {}},
                      at);
    }
    const auto id = Id::parse(process.id);
    if (!id) {
        return;
    }
    set_process(*id, process.state);
    if (nodes_.find(*id) != nullptr) {
        refresh(*id, at);
        relink(*id, at);
        settle_links(at);
    } else if (infos_.size() > kNodesMax) {
        infos_.erase(*id);
    }
}

void World::on_note(TimelineEvent event, const Moment& at) {
    timeline_.add(std::move(event), at);
}

void World::on_message(MessageSample sample, const Moment& at) {
    ++counters_.messages;
    const auto from = Id::parse(sample.from);
    const auto to = Id::parse(sample.to);
    if (from && to && sample.outcome == "acknowledged") {
        count_flow(*from, *to, at);
    }
    if (!sampling_.take(kSampleRate, at.now)) {
        ++counters_.samples_left_out;
        return;
    }
    sample.seq = ++last_sample_;
    samples_.push_back(std::move(sample));
    if (samples_.size() > kSamplesMax) {
        samples_.pop_front();
    }
}

std::vector<MessageSample> World::samples_after(std::uint64_t seq) const {
    const auto first =
        std::partition_point(samples_.begin(), samples_.end(), [&](const auto& sample) { return sample.seq <= seq; });
    return {first, samples_.end()};
}

std::optional<PastWorld> World::at(std::uint64_t unix_ms) const {
    if (unix_ms < past_.since_unix_ms()) {
        return std::nullopt;
    }
    PastWorld out;
    nodes_.each([&](const Id& id, const NodeRow& row) { out.nodes.emplace(id, brief_of(row)); });
    links_.each([&](const LinkId& id, const LinkRow& row) { out.links.emplace(id, row); });
    past_.undo(unix_ms, out);
    return out;
}

void World::tidy(const Moment& at) {
    tidied_ = at.now;
    std::vector<Id> old;
    std::vector<Id> unshown;  // Of whom only a process was ever heard.
    for (const auto& [id, info] : infos_) {
        const NodeRow* row = nodes_.find(id);
        if (row == nullptr && !views_.contains(id)) {
            unshown.push_back(id);
        }
        if (row == nullptr || row->state == NodeState::member || row->state == NodeState::suspected) {
            continue;
        }
        const base::Duration shown = row->state == NodeState::unknown ? kUnknownShown : kGoneShown;
        if (!row->here && info.since + shown <= at.now) {
            old.push_back(id);
        }
    }
    for (const Id& id : old) {
        drop_node(id, at);
    }
    for (const Id& id : unshown) {
        infos_.erase(id);
    }
    settle_links(at);
}

void World::on_deadline(const Moment& at) {
    if (!split_dirty_.empty() || !differ_since_.empty()) {
        check_splits(at);
    }
    if (flows_step_ && *flows_step_ + kFlowStep <= at.now) {
        step_flows(at);
    }
    if (tidied_ + kTidyEvery <= at.now) {
        tidy(at);
    }
}

std::optional<base::TimePoint> World::next_deadline() const {
    std::optional<base::TimePoint> next;
    if (nodes_.size() > 0) {
        next = tidied_ + kTidyEvery;
    }
    if (!split_dirty_.empty()) {
        next = base::earliest(next, split_checked_ + kSplitEvery);
    }
    for (const auto& [mesh, since] : differ_since_) {
        const MeshRow* row = meshes_.find(mesh);
        if (row == nullptr || !row->split) {
            next = base::earliest(next, std::max(since + kSplitAfter, split_checked_ + kSplitEvery));
        }
    }
    if (flows_step_) {
        next = base::earliest(next, *flows_step_ + kFlowStep);
    }
    return next;
}

}  // namespace grapevine::console
