#pragma once

// One stack on its sockets, in a runtime: the place where a node meets the kernel.
//
// A turn of the host has two parts. First what is in somebody's way: read all that waits on the sockets, hand it to the
// stack, write the data that it sends on, report its events. Then, when nothing on the loop is readable any more (at
// most Runtime::kQuietMax later): do what is due, write everything else (acknowledgements, announcements), arm one
// timer. So a message crosses a node before the node says that it came, and several turns share one second part.
// Whoever calls the stack from outside calls touch() afterwards, and any number of touches in a turn of the runtime
// make one turn of the host.
//
// Timers may run late by an eighth of their distance, at most kTimerSlack, so that near deadlines share a wake-up while
// the short ones of pacing stay exact.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ed25519.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/socket_addr.hpp"
#include "io/interfaces.hpp"
#include "io/law_watch.hpp"
#include "io/load_sampler.hpp"
#include "io/node_telemetry.hpp"
#include "io/runtime.hpp"
#include "io/udp_socket.hpp"
#include "stack/stack.hpp"
#include "telemetry/ledger.hpp"
#include "telemetry/steps.hpp"

namespace grapevine::io {

struct HostConfig {
    stack::Config stack;
    // Where to listen, at most kSocketsMax. Empty: 0.0.0.0:0, and [::]:0 where the machine has IPv6.
    std::vector<base::SocketAddr> bind;
    // Outlives the host; null: nothing is recorded.
    NodeTelemetry* telemetry = nullptr;
    // The steps of the whole start, of which the host's become some; null: none. Used in start() only.
    telemetry::Steps* boot = nullptr;
};

class HostListener {
public:
    virtual ~HostListener() = default;
    // In a turn of the host. May call the stack, but must not destroy the host.
    virtual void on_event(const stack::Event& event) = 0;
};

class Host {
public:
    static constexpr std::size_t kSocketsMax = 8;
    static constexpr base::Duration kTimerSlack = base::Duration(std::chrono::milliseconds(2));
    static constexpr int kRoundsMax = 16;  // Of writing and reporting in one turn; then others get their turn.

    // Binds and starts the stack. `runtime` and `listener` outlive the host.
    static base::Result<std::unique_ptr<Host>> start(Runtime& runtime, const HostConfig& config,
                                                     const base::SecretKey& key, HostListener& listener);
    ~Host();
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    [[nodiscard]] stack::Stack& stack() { return *stack_; }
    [[nodiscard]] const stack::Stack& stack() const { return *stack_; }
    void touch();

    [[nodiscard]] Runtime& runtime() { return runtime_; }
    [[nodiscard]] base::TimePoint now() const { return runtime_.now(); }
    // Bound addresses, with interface addresses in place of unspecified ones.
    [[nodiscard]] std::vector<base::SocketAddr> addrs() const;
    // Figures of the sockets and the loop ("udp.datagrams_sent", "loop.turns"), then those of the stack.
    [[nodiscard]] std::vector<stack::Figure> figures() const;
    // Without those of the stack.
    [[nodiscard]] std::vector<stack::Figure> own_figures() const;
    [[nodiscard]] telemetry::Ledger& ledger() { return ledger_; }
    [[nodiscard]] const LawWatch& law_watch() const { return law_watch_; }

private:
    struct Socket {
        std::unique_ptr<UdpSocket> udp;
        WatchId watch{};
    };

    Host(Runtime& runtime, const HostConfig& config, HostListener& listener);
    base::Status create_endpoint(const HostConfig& config, const base::SecretKey& key);
    base::Status watch_sockets(telemetry::Steps* boot);
    void begin(telemetry::Steps* boot);
    base::Status open_sockets(const std::vector<base::SocketAddr>& bind);
    base::Status open_default_sockets();
    base::Status open_socket(const base::SocketAddr& addr);
    void on_readable(UdpSocket& socket);
    void turn();
    void finish_turn();
    std::optional<stack::Event> next_event();
    bool report_events();
    void arm();
    void sample_load();
    void send(const quic::Transmit& train);
    Socket* socket_for(const quic::Transmit& train);
    void await_writable(Socket& socket);
    void on_addrs_changed();

    Runtime& runtime_;
    HostListener& listener_;
    NodeTelemetry* telemetry_;
    std::optional<wire::Load> budget_;  // Of a mesh node.
    base::Duration load_interval_{};
    telemetry::Ledger ledger_;
    LawWatch law_watch_;
    base::Rng rng_;
    std::vector<Socket> sockets_;
    std::unique_ptr<stack::Stack> stack_;
    std::unique_ptr<InterfaceWatch> interfaces_;
    LoadSampler sampler_;
    base::TimePoint load_due_{};
    std::optional<TaskId> turn_task_;
    std::optional<TaskId> finish_task_;
    std::optional<TaskId> timer_;
    base::TimePoint timer_when_{};
    bool in_turn_ = false;
    std::uint64_t turns_ = 0;
    std::uint64_t unroutable_ = 0;
};

}  // namespace grapevine::io
