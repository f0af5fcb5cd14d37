#include "console/world_testing.hpp"

#include <array>
#include <utility>

namespace grapevine::console::testing {

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

DirectoryRow row_of(std::uint32_t number, std::uint64_t sequence, std::vector<std::size_t> neighbors) {
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
        for (std::uint32_t step = 1; step <= 3; ++step) {
            row.digest.neighbors.push_back(id_of((node + step * meshes) % nodes + 1));
        }
        rows_.push_back(std::move(row));
    }
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
    ++row.digest.sequence;
    row.digest.heard = at.now;
    row.digest.load.cpu_millicores = static_cast<std::uint32_t>(rng_.below(1000));
    if (dice < 30) {
        const auto step = static_cast<std::uint32_t>(1 + rng_.index(20)) * meshes_;
        row.digest.neighbors[rng_.index(3)] = id_of((node + step) % static_cast<std::uint32_t>(rows_.size()) + 1);
    }
    world.on_row(viewer, row, at);
}

}  // namespace grapevine::console::testing
