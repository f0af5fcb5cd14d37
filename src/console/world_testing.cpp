#include "console/world_testing.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace grapevine::console::testing {
namespace {

std::uint32_t number_of(const base::EndpointId& id) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        number = (number << 8U) | id.bytes[i];
    }
    return number;
}

}  // namespace

Moment start() {
    return {base::TimePoint(std::chrono::hours(100)), base::WallTime{1'700'000'000'000}};
}

base::EndpointId id_of(std::uint32_t number) {
    base::EndpointId id;
    for (std::size_t i = 0; i < 4; ++i) {
        id.bytes[i] = static_cast<std::uint8_t>(number >> (8U * (3 - i)));
    }
    return id;
}

DirectoryRow row_of(std::uint32_t number, std::uint64_t sequence, const std::vector<std::size_t>& neighbors) {
    DirectoryRow row;
    row.id = id_of(number);
    row.digest.name = "m.t." + std::to_string(number);
    row.digest.mesh = "m";
    row.digest.type = "t";
    row.digest.sequence = sequence;
    row.digest.heard = start().now;
    for (const std::size_t neighbor : neighbors) {
        row.digest.neighbors.push_back(id_of(static_cast<std::uint32_t>(neighbor)));
    }
    return row;
}

MessageSample message(std::uint32_t from, std::uint32_t to) {
    MessageSample out;
    out.from = id_of(from).hex();
    out.to = id_of(to).hex();
    out.name = "m.t";
    out.outcome = "acknowledged";
    return out;
}

constexpr std::array<const char*, 5> kTypes = {"gateway", "broker", "compute", "broker", "registry"};

SimulatedFabric::SimulatedFabric(std::uint32_t nodes, std::uint32_t meshes) : meshes_(meshes), alive_(nodes, true) {
    for (std::uint32_t node = 0; node < nodes; ++node) {
        DirectoryRow row = row_of(node + 1);
        row.digest.mesh = "mesh" + std::to_string(mesh_of(node) + 1);
        row.digest.type = kTypes[node / meshes % kTypes.size()];
        row.digest.name = row.digest.mesh + "." + row.digest.type + "." + std::to_string(node + 1);
        rows_.push_back(std::move(row));
    }
    for (std::uint32_t node = 0; node < nodes; ++node) {
        for (std::uint32_t step = 1; step <= 3; ++step) {
            link(node, (node + step * meshes) % nodes);
        }
    }
}

void SimulatedFabric::link(std::uint32_t a, std::uint32_t b) {
    const auto says = [this](std::uint32_t node, std::uint32_t of) {
        std::vector<base::EndpointId>& list = rows_[node].digest.neighbors;
        if (std::find(list.begin(), list.end(), id_of(of + 1)) == list.end()) {
            list.push_back(id_of(of + 1));
        }
    };
    if (a != b) {
        says(a, b);
        says(b, a);
    }
}

void SimulatedFabric::unlink(std::uint32_t a, std::uint32_t b) {
    std::erase(rows_[a].digest.neighbors, id_of(b + 1));
    std::erase(rows_[b].digest.neighbors, id_of(a + 1));
}

void SimulatedFabric::say(std::uint32_t node, WorldInput& world, const Moment& at) {
    DirectoryRow& row = rows_[node];
    if (!alive_[node]) {
        return;
    }
    ++row.digest.sequence;
    row.digest.heard = at.now;
    world.on_row(viewer_of(node), row, at);
}

// One of its links goes to somebody else: three nodes say so.
void SimulatedFabric::relink(std::uint32_t node, WorldInput& world, const Moment& at) {
    const std::vector<base::EndpointId>& list = rows_[node].digest.neighbors;
    const auto nodes = static_cast<std::uint32_t>(rows_.size());
    const std::uint32_t taken = (node + static_cast<std::uint32_t>(1 + rng_.index(20)) * meshes_) % nodes;
    if (!list.empty()) {
        const std::uint32_t left = number_of(list[rng_.index(list.size())]) - 1;
        unlink(node, left);
        say(left, world, at);
    }
    link(node, taken);
    say(taken, world, at);
}

void SimulatedFabric::begin(WorldInput& world, const Moment& at) {
    for (std::uint32_t mesh = 0; mesh < meshes_; ++mesh) {
        std::vector<DirectoryRow> directory;
        for (std::uint32_t node = mesh; node < rows_.size(); node += meshes_) {
            directory.push_back(rows_[node]);
        }
        world.on_viewer(id_of(mesh + 1), "mesh" + std::to_string(mesh + 1), at);
        world.on_directory(id_of(mesh + 1), directory, at);
    }
}

void SimulatedFabric::step(WorldInput& world, const Moment& at) {
    const auto first = static_cast<std::size_t>(meshes_);  // Viewers stay.
    const std::size_t at_index = first + rng_.index(rows_.size() - first);
    const auto node = static_cast<std::uint32_t>(at_index);
    DirectoryRow& row = rows_[at_index];
    const base::EndpointId viewer = viewer_of(node);
    const std::uint64_t dice = rng_.below(100);
    if (!alive_[at_index] || dice == 0) {
        alive_[at_index] = !alive_[at_index];
        const auto kind = alive_[at_index] ? MeshEvent::Kind::joined : MeshEvent::Kind::died;
        world.on_event(viewer, {kind, row.id, row.digest.name, {viewer}, ""}, at);
    } else if (dice < 5) {
        const auto kind = dice < 3 ? MeshEvent::Kind::suspected : MeshEvent::Kind::refuted;
        world.on_event(viewer, {kind, row.id, row.digest.name, {viewer}, "silent"}, at);
        return;
    }
    if (!alive_[at_index]) {
        return;
    }
    row.digest.load.cpu_millicores = static_cast<std::uint32_t>(rng_.below(1000));
    if (dice < 30) {
        relink(node, world, at);
    }
    say(node, world, at);
}

}  // namespace grapevine::console::testing
