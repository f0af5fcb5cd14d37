#pragma once

// Whole nodes: stack::Stack with real QUIC and TLS inside, joined by datagrams. Each machine has one UDP socket; a
// receive path without GRO, so that every datagram has a fate of its own. Where nobody listens, the kernel answers as
// Linux does: the sender's socket reports the address as unreachable.

#include <memory>

#include "sim/world.hpp"
#include "stack/stack.hpp"

namespace grapevine::sim {

class StackWorld final : public World {
public:
    StackWorld(const NetworkConfig& network, std::uint64_t seed) : World(network, seed) {}

    base::Status broadcast(std::size_t node, const base::TopicId& topic, base::ByteView content) override;
    [[nodiscard]] std::vector<node::DirectoryRow> directory(std::size_t node) const override;
    [[nodiscard]] std::vector<node::Figure> figures(std::size_t node) const override;
    // For what only a whole node can do.
    [[nodiscard]] stack::Stack& stack(std::size_t node) { return *stacks_[node]; }

protected:
    void boot(std::size_t node) override;
    void destroy(std::size_t node) override;
    void say_goodbye(std::size_t node) override;
    void tell_address(std::size_t node) override;
    void take(std::size_t node, Packet& packet) override;
    void take_deadline(std::size_t node) override;
    [[nodiscard]] std::optional<base::TimePoint> deadline(std::size_t node) const override;
    void nobody_there(const Packet& packet) override;
    void take_own(OwnEvent& event) override;

private:
    // After each batch of inputs: what is to be sent, then what is to be reported.
    void settle(std::size_t node);
    void send_train(std::size_t node, const quic::Transmit& train);

    std::vector<std::unique_ptr<stack::Stack>> stacks_;
};

}  // namespace grapevine::sim
