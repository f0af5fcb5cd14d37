#pragma once

// What the backbone replaces: gateways that subscribe to the topic of every other mesh. This is one such topic: its
// mesh's members, each with a real directory::Directory that says its digests, and listeners, which are the gateways of
// the other meshes. The topics of a fabric are independent of each other, so its cost is the sum over its meshes.
//
// Only what members say of themselves while nothing happens to them is there: no load that changes, no death, no
// directory exchange. So the cost is the least that this way can have. Members do not read each other's digests, since
// nothing of what they say would change; listeners read nothing. Members begin to speak when the overlay stands, each
// at a random moment of the first refresh, so that what follows is the steady state.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/ed25519.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "directory/directory.hpp"
#include "sim/topic_network.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::sim {

struct InterimShape {
    std::size_t members = 10;   // At least one; the first three are gateways, through which all join.
    std::size_t listeners = 0;  // Gateways of other meshes.
    base::Duration boot_spread = std::chrono::seconds(1);
    base::Duration quiet = std::chrono::seconds(20);  // From the boot until the first member speaks.
    TopicNetworkConfig network;
    std::uint64_t seed = 1;
};

class InterimWorld final : private TopicOwner {
public:
    explicit InterimWorld(const InterimShape& shape);
    ~InterimWorld() override;
    InterimWorld(const InterimWorld&) = delete;
    InterimWorld& operator=(const InterimWorld&) = delete;

    void boot();
    void run_for(base::Duration time) { network_.run_for(time); }

    [[nodiscard]] const TopicNetwork& network() const { return network_; }
    [[nodiscard]] std::uint64_t said() const { return said_; }
    [[nodiscard]] std::uint64_t delivered() const { return delivered_; }

private:
    struct Member {
        std::optional<base::SecretKey> key;
        std::vector<base::SocketAddr> addrs;
        std::unique_ptr<base::Rng> rng;
        std::unique_ptr<directory::Directory> directory;  // A listener has none.
    };

    void on_delivered(std::size_t node, const broadcast::Deliver& message) override;
    void on_neighbor_up(std::size_t node, const base::EndpointId& peer) override;
    void on_neighbor_down(std::size_t node, const base::EndpointId& peer) override;
    [[nodiscard]] std::optional<base::TimePoint> deadline(std::size_t node) const override;
    void on_deadline(std::size_t node) override;

    void start(std::size_t node);
    void speak(std::size_t node);
    void enter(std::size_t node);
    void tell_neighbors(std::size_t node);
    void flush(std::size_t node, const directory::Effects& effects);

    InterimShape shape_;
    base::Rng rng_;
    telemetry::Ledger ledger_;
    std::vector<Member> members_;
    std::uint64_t said_ = 0;
    std::uint64_t delivered_ = 0;
    TopicNetwork network_;
};

}  // namespace grapevine::sim
