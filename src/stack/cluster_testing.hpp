#pragma once

// A handful of stacks on a virtual network, for tests: constant latency, optional loss, and nodes that can fall silent.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "base/ed25519.hpp"
#include "base/rng.hpp"
#include "stack/stack.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::stack {

class TestCluster {
public:
    struct Member {
        std::unique_ptr<base::SecretKey> key;
        base::SocketAddr addr;
        std::unique_ptr<telemetry::Ledger> ledger;
        std::unique_ptr<base::Rng> rng;
        std::unique_ptr<Stack> stack;
        std::vector<Event> events;
        std::uint64_t turns = 0;  // Wake-ups.
    };

    explicit TestCluster(std::uint64_t seed) : rng_(seed) {}

    using Configure = std::function<void(Config&, const base::EndpointId&)>;
    // The member's index. `configure` may change the configuration before the stack is made, also after a restart.
    std::size_t add(const std::optional<std::string>& mesh, const std::string& type, std::vector<std::size_t> seeds,
                    const std::function<void(Config&)>& configure = {});
    std::size_t add(const std::optional<std::string>& mesh, const std::string& type, std::vector<std::size_t> seeds,
                    const Configure& configure);
    // A new stack with the same key and address, as after a restart.
    void restart(std::size_t index, std::vector<std::size_t> seeds);
    // The same at another address.
    void restart_elsewhere(std::size_t index, std::vector<std::size_t> seeds);
    void silence(std::size_t index) { silent_.insert(index); }
    void unsilence(std::size_t index) { silent_.erase(index); }

    Stack& stack(std::size_t index) { return *members_[index].stack; }
    Member& member(std::size_t index) { return members_[index]; }
    [[nodiscard]] std::size_t size() const { return members_.size(); }
    [[nodiscard]] base::TimePoint now() const { return now_; }

    void run_for(base::Duration duration);
    // False when the condition did not come true within `limit` of virtual time.
    bool run_until(const std::function<bool()>& condition, base::Duration limit);
    // After a call on a stack from outside.
    void settle(std::size_t index) { turn(index); }
    // Every one of `indices` knows exactly `indices`.
    bool converged(const std::vector<std::size_t>& indices);

    base::Duration latency = std::chrono::milliseconds(1);
    base::Duration jitter{};  // Up to so much more latency for each datagram: they overtake each other.
    double loss = 0.0;
    double duplication = 0.0;
    std::set<std::size_t> apart;  // These reach each other only, and the others likewise.
    std::uint64_t datagrams = 0;

private:
    struct InFlight {
        base::TimePoint at;
        std::uint64_t order = 0;
        std::size_t to = 0;
        base::SocketAddr from_addr;
        base::SocketAddr to_addr;
        base::Bytes payload;
        std::size_t segment_bytes = 0;
        friend bool operator>(const InFlight& a, const InFlight& b) {
            return a.at != b.at ? a.at > b.at : a.order > b.order;
        }
    };
    bool step(base::TimePoint limit);
    void turn(std::size_t index);
    void start(std::size_t index, std::vector<std::size_t> seeds, const Configure& configure,
               const std::optional<std::string>& mesh, const std::string& type);

    base::Rng rng_;
    base::TimePoint now_{std::chrono::seconds(1000)};
    std::vector<Member> members_;
    std::map<std::size_t, std::pair<std::string, std::string>> kinds_;
    std::map<std::size_t, Configure> lasting_;  // Configurations that hold after a restart, too.
    std::set<std::size_t> silent_;
    std::map<base::SocketAddr, std::size_t> by_addr_;
    std::priority_queue<InFlight, std::vector<InFlight>, std::greater<>> wire_;
    std::uint64_t order_ = 0;
};

}  // namespace grapevine::stack
