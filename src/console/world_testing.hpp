#pragma once

// Ids, rows and a simulated fabric for tests of the world.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "console/world_input.hpp"

namespace grapevine::console::testing {

Moment start();
// Ordered as its number.
base::EndpointId id_of(std::uint32_t number);
// Of mesh m, type t.
DirectoryRow row_of(std::uint32_t number, std::uint64_t sequence = 1, const std::vector<std::size_t>& neighbors = {});
MessageSample message(std::uint32_t from, std::uint32_t to);

// Nodes of several meshes that say new loads and neighbours, are suspected and refute, die and come again: `step` is
// one change, told as the directory of one node a mesh would be after it.
class SimulatedFabric {
public:
    SimulatedFabric(std::uint32_t nodes, std::uint32_t meshes);
    void begin(WorldInput& world, const Moment& at);
    void step(WorldInput& world, const Moment& at);

private:
    [[nodiscard]] std::uint32_t mesh_of(std::uint32_t node) const { return node % meshes_; }
    [[nodiscard]] base::EndpointId viewer_of(std::uint32_t node) const { return id_of(mesh_of(node) + 1); }

    void link(std::uint32_t a, std::uint32_t b);  // Both say it.
    void unlink(std::uint32_t a, std::uint32_t b);
    void relink(std::uint32_t node, WorldInput& world, const Moment& at);
    void say(std::uint32_t node, WorldInput& world, const Moment& at);

    std::uint32_t meshes_;
    std::vector<DirectoryRow> rows_;
    std::vector<bool> alive_;
    base::Rng rng_{42};
};

}  // namespace grapevine::console::testing
