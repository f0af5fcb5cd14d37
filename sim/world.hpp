#pragma once

// A simulated world: nodes, each on a machine of its own, joined by a Network, in virtual time. Two kinds differ in
// what they put on the network: MessageWorld drives node::Node with messages, StackWorld drives stack::Stack with
// datagrams.
//
// Rules
//  1. Equal configuration, seed and calls give equal runs. The trace hash covers time, kind, from, to and size of every
//     event that was carried out; bytes of TLS are not in it.
//  2. A machine is off, running, paused (its process is stopped; what arrives waits in a bounded socket buffer) or
//  gone.
//     crash() ends the process without a word. Its kernel then answers for it (Host::answers: "nobody listens here") or
//     is silent too (Host::silent).
//  3. A restart has the same key and address, a new Rng and a new process.
//  4. After on_deadline(now) a node's next deadline lies after now. A node that breaks this kSpinsMax times on end
//  spins:
//     that is a fault of the run.
//  5. Each process has its ledger; at its end everything that was born has ended. Anything else is a fault of the run.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ed25519.hpp"
#include "base/rng.hpp"
#include "base/socket_addr.hpp"
#include "node/types.hpp"
#include "quic/types.hpp"
#include "sim/event_queue.hpp"
#include "sim/network.hpp"
#include "sim/parcel.hpp"
#include "telemetry/ledger.hpp"
#include "telemetry/recorder.hpp"

namespace grapevine::sim {

inline constexpr std::size_t kSocketBufferMax = 2048;  // Packets that wait for a paused process; more are lost.
inline constexpr std::uint32_t kSpinsMax = 16;
inline constexpr std::uint64_t kWallClockStart = 1'767'225'600'000;  // Unix milliseconds at virtual time zero.

// How a node is made; the same at each start of it.
struct NodeSpec {
    std::optional<std::string> mesh;  // Absent: a plain endpoint.
    std::string type = "broker";
    std::vector<std::size_t> seeds;  // Of the mesh, and of the application's topic.
    std::optional<base::TopicId> topic;
    base::Duration clock_skew{};              // Its wall clock is this far ahead.
    std::optional<base::Duration> staleness;  // Of the mesh; absent: the default.
};

enum class Power : std::uint8_t { off, running, paused };
enum class Host : std::uint8_t { answers, silent };

// What a node reported to its application.
using Report = std::variant<node::DirectoryChanged, node::SuspicionChanged, node::SeedRetry, node::TopicNeighborChanged,
                            node::MeshNeighborChanged, node::TopicReceived>;
using OnReport = std::function<void(std::size_t node, Report& report)>;

struct NodeCounters {
    std::uint64_t wakes = 0;     // Deadlines that came due.
    std::uint64_t arrivals = 0;  // Packets taken from the socket.
    std::uint64_t sent = 0, bytes_sent = 0;
};

class World {
public:
    World(const NetworkConfig& network, std::uint64_t seed);
    virtual ~World() = default;
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // Makes a machine, switched off, and gives its number.
    std::size_t add(NodeSpec spec);
    void start(std::size_t node);
    void crash(std::size_t node, Host host);
    // Graceful: the process says goodbye, then ends by itself within two seconds.
    void leave(std::size_t node);
    void pause(std::size_t node);
    void resume(std::size_t node);
    // Ends all processes that still run (rule 5).
    void stop_all();
    void run_until(base::TimePoint end);
    // Runs until `done` says so after an event, at most until `end`. True if it did.
    bool run_until(base::TimePoint end, const std::function<bool()>& done);

    virtual base::Status broadcast(std::size_t node, const base::TopicId& topic, base::ByteView content) = 0;
    // The node's machine gets a new address. With Notice::yes the node is told; otherwise only its NAT has moved.
    enum class Notice : std::uint8_t { no, yes };
    void change_address(std::size_t node, Notice notice);

    // Views of a running node.
    [[nodiscard]] virtual std::vector<node::DirectoryRow> directory(std::size_t node) const = 0;
    [[nodiscard]] virtual std::vector<node::Figure> figures(std::size_t node) const = 0;
    [[nodiscard]] std::uint64_t figure(std::size_t node, std::string_view name) const;

    [[nodiscard]] std::size_t size() const { return machines_.size(); }
    [[nodiscard]] base::TimePoint now() const { return now_; }
    [[nodiscard]] Power power(std::size_t node) const { return machines_[node].power; }
    [[nodiscard]] const NodeSpec& spec(std::size_t node) const { return machines_[node].spec; }
    [[nodiscard]] const base::EndpointId& id(std::size_t node) const { return machines_[node].key.id(); }
    [[nodiscard]] std::optional<std::size_t> find(const base::EndpointId& id) const;
    [[nodiscard]] const NodeCounters& counters(std::size_t node) const { return machines_[node].counters; }
    [[nodiscard]] const telemetry::Ledger& ledger(std::size_t node) const { return *machines_[node].ledger; }
    [[nodiscard]] Network& network() { return network_; }
    [[nodiscard]] const Network& network() const { return network_; }
    [[nodiscard]] base::Rng& rng() { return rng_; }
    [[nodiscard]] std::uint64_t trace_hash() const { return hash_; }
    [[nodiscard]] std::uint64_t events() const { return events_; }
    // Faults of rules 4 and 5, one line each.
    [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }

    // Every process started from now on records spans, on the virtual clock; null config: none does.
    void record(std::optional<telemetry::RecorderConfig> config) { recording_ = config; }
    // Of a machine, over all its lives; null if it does not record.
    [[nodiscard]] telemetry::Recorder* recorder(std::size_t node) { return machines_[node].recorder.get(); }

    void on_report(OnReport handler) { on_report_ = std::move(handler); }
    // One readable line for each event.
    void on_trace(std::function<void(const std::string&)> sink) { trace_ = std::move(sink); }
    // A line of the scenario in the trace and the hash.
    void note(std::string_view what);

protected:
    struct Machine {
        NodeSpec spec;
        base::SecretKey key;
        base::SocketAddr addr;
        Power power = Power::off;
        Host host = Host::silent;
        std::uint32_t incarnation = 0;  // Counts starts.
        std::unique_ptr<telemetry::Ledger> ledger;
        std::unique_ptr<base::Rng> rng;
        std::unique_ptr<telemetry::Recorder> recorder;
        std::optional<base::TimePoint> wake_at;  // The wake-up that counts; others are void.
        std::optional<base::TimePoint> ends_at;  // Of a leaving process.
        std::uint32_t spins = 0;
        std::vector<Packet> socket_buffer;
        NodeCounters counters;
    };

    // The process, made and destroyed.
    virtual void boot(std::size_t node) = 0;
    virtual void destroy(std::size_t node) = 0;
    // Begins the goodbye.
    virtual void say_goodbye(std::size_t node) = 0;
    virtual void tell_address(std::size_t node) = 0;
    virtual void take(std::size_t node, Packet& packet) = 0;
    virtual void take_deadline(std::size_t node) = 0;
    [[nodiscard]] virtual std::optional<base::TimePoint> deadline(std::size_t node) const = 0;
    // A packet came to a machine where nobody listens, and its kernel says so.
    virtual void nobody_there(const Packet& packet) = 0;
    // Anything else that a world scheduled for itself.
    virtual void take_own(OwnEvent& event) = 0;

    // Sends what the network lets through. True unless the network lost it.
    bool transmit(Packet packet, std::size_t bytes);
    void schedule(base::TimePoint at, OwnEvent event);
    // To be called after every input to a node: arms its one timer.
    void rearm(std::size_t node);
    void report(std::size_t node, Report report);
    void fault(std::string line);
    // Ends a process in whatever state.
    void end_process(std::size_t node);

    Machine& machine(std::size_t node) { return machines_[node]; }
    [[nodiscard]] const Machine& machine(std::size_t node) const { return machines_[node]; }
    [[nodiscard]] std::optional<std::size_t> at_address(const base::SocketAddr& addr) const;
    [[nodiscard]] std::vector<wire::EndpointAddr> seed_addrs(std::size_t node) const;
    [[nodiscard]] std::optional<node::MeshConfig> mesh_config(std::size_t node);

private:
    class Clock final : public telemetry::Clock {
    public:
        explicit Clock(const World& world) : world_(world) {}
        [[nodiscard]] std::uint64_t unix_ns() const override;

    private:
        const World& world_;
    };
    struct Wake {
        std::size_t node = 0;
    };
    using Payload = std::variant<std::monostate, Wake, Packet, OwnEvent>;

    void step();
    void on_wake(std::size_t node);
    void on_arrival(Packet& packet);
    void check_spin(std::size_t node);
    void check_ledger(std::size_t node);
    void hash(std::uint64_t word);
    void trace(std::string_view kind, std::size_t from, std::size_t to, std::size_t bytes);

    Network network_;
    base::Rng rng_;
    base::VerificationMemo verified_;  // All nodes live in this process.
    base::TimePoint now_{};
    Clock clock_{*this};
    std::optional<telemetry::RecorderConfig> recording_;
    EventQueue<Payload> queue_;
    std::vector<Machine> machines_;
    std::map<base::EndpointId, std::size_t> by_id_;
    std::map<base::SocketAddr, std::size_t> by_addr_;
    std::uint16_t next_port_ = 20000;
    std::uint64_t hash_ = 0x9ae16a3b2f90404fULL;
    std::uint64_t events_ = 0;
    std::vector<std::string> faults_;
    OnReport on_report_;
    std::function<void(const std::string&)> trace_;
};

}  // namespace grapevine::sim
