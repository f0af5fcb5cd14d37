#include "io/host.hpp"

#include <algorithm>
#include <utility>

#include "io/fd.hpp"
#include "telemetry/catalogue.hpp"

namespace grapevine::io {

namespace {

telemetry::OpenSpan begin_step(telemetry::Steps* steps, const telemetry::SpanSpec& spec) {
    return steps != nullptr ? steps->begin(spec) : telemetry::OpenSpan();
}

void end_step(telemetry::Steps* steps, telemetry::OpenSpan step) {
    if (steps != nullptr) {
        steps->end(std::move(step));
    }
}

bool serves(const base::SocketAddr& socket, const quic::Transmit& train) {
    if (socket.family != train.remote.family) {
        return false;
    }
    if (train.local.port == 0 && train.local.is_unspecified()) {
        return true;
    }
    return socket.port == train.local.port && (socket.is_unspecified() || socket.ip == train.local.ip);
}

}  // namespace

base::Result<std::unique_ptr<Host>> Host::start(Runtime& runtime, const HostConfig& config, const base::SecretKey& key,
                                                HostListener& listener) {
    std::unique_ptr<Host> host(new Host(runtime, config, listener));
    if (auto created = host->create_endpoint(config, key); !created) {
        return tl::unexpected(created.error());
    }
    if (auto watched = host->watch_sockets(config.boot); !watched) {
        return tl::unexpected(watched.error());
    }
    host->begin(config.boot);
    return host;
}

Host::Host(Runtime& runtime, const HostConfig& config, HostListener& listener)
    : runtime_(runtime),
      listener_(listener),
      telemetry_(config.telemetry),
      law_watch_(runtime, ledger_, telemetry_ != nullptr ? &telemetry_->recorder() : nullptr, [this] { touch(); }),
      rng_(seeded_rng()),
      sampler_(runtime.now()) {
    if (config.stack.mesh) {
        wire::Load budget;
        budget.cpu_budget_millicores = config.stack.mesh->cpu_budget_millicores;
        budget.memory_budget_kib = config.stack.mesh->memory_budget_kib;
        budget_ = budget;
        load_interval_ = config.stack.mesh->gossip_interval;
    }
}

Host::~Host() {
    for (const Socket& socket : sockets_) {
        runtime_.unwatch(socket.watch);
    }
    for (const auto& task : {turn_task_, finish_task_}) {
        if (task) {
            runtime_.cancel(*task);
        }
    }
    if (timer_) {
        runtime_.cancel(*timer_);
    }
}

base::Status Host::create_endpoint(const HostConfig& config, const base::SecretKey& key) {
    telemetry::OpenSpan span = begin_step(config.boot, telemetry::spans::kEndpointCreated);
    auto opened = config.bind.empty() ? open_default_sockets() : open_sockets(config.bind);
    if (opened) {
        stack::Config stack = config.stack;
        if (telemetry_ != nullptr) {
            stack.recorder = &telemetry_->recorder();
        }
        stack_ = std::make_unique<stack::Stack>(stack, key, rng_, ledger_);
        span.set("bind_addr", sockets_.front().udp->local().text());
    } else {
        span.fail(opened.error().message);
    }
    end_step(config.boot, std::move(span));
    return opened;
}

base::Status Host::open_sockets(const std::vector<base::SocketAddr>& bind) {
    if (bind.size() > kSocketsMax) {
        return base::invalid("bind: " + std::to_string(bind.size()) + " addresses, at most " +
                             std::to_string(kSocketsMax));
    }
    for (const base::SocketAddr& addr : bind) {
        if (auto status = open_socket(addr); !status) {
            return status;
        }
    }
    return {};
}

// IPv6 is optional, preferably at the port that IPv4 got.
base::Status Host::open_default_sockets() {
    if (auto status = open_socket(base::SocketAddr::v4(0, 0, 0, 0, 0)); !status) {
        return status;
    }
    const std::uint16_t port = sockets_.front().udp->local().port;
    if (!open_socket(base::SocketAddr::v6({}, port)) && !open_socket(base::SocketAddr::v6({}, 0))) {
        runtime_.log().write(LogLevel::debug, "host", "no IPv6 on this machine");
    }
    return {};
}

base::Status Host::open_socket(const base::SocketAddr& addr) {
    auto udp = UdpSocket::bind(addr);
    if (!udp) {
        return tl::unexpected(udp.error());
    }
    sockets_.push_back(Socket{std::move(*udp), {}});
    return {};
}

// From here on datagrams are read, and so connections accepted.
base::Status Host::watch_sockets(telemetry::Steps* boot) {
    telemetry::OpenSpan span = begin_step(boot, telemetry::spans::kAcceptLoopStarted);
    for (Socket& entry : sockets_) {
        UdpSocket& socket = *entry.udp;
        const auto watch = runtime_.watch(socket.fd(), [this, &socket] { on_readable(socket); });
        if (!watch) {
            span.fail(watch.error().message);
            end_step(boot, std::move(span));
            return tl::unexpected(watch.error());
        }
        entry.watch = *watch;
    }
    const bool any = std::any_of(sockets_.begin(), sockets_.end(),
                                 [](const Socket& socket) { return socket.udp->local().is_unspecified(); });
    if (any) {
        interfaces_ = std::make_unique<InterfaceWatch>(runtime_, [this] { on_addrs_changed(); });
    }
    end_step(boot, std::move(span));
    return {};
}

void Host::begin(telemetry::Steps* boot) {
    telemetry::OpenSpan span = begin_step(boot, telemetry::spans::kGossipStarted);
    stack_->start(addrs(), now());
    touch();
    end_step(boot, std::move(span));
}

std::vector<base::SocketAddr> Host::addrs() const {
    std::vector<base::SocketAddr> all;
    for (const Socket& socket : sockets_) {
        const base::SocketAddr& local = socket.udp->local();
        if (!local.is_unspecified()) {
            all.push_back(local);
            continue;
        }
        const auto found = interface_addrs(local.family, local.port);
        all.insert(all.end(), found.begin(), found.end());
    }
    // Loopback found by default is of no use to others once there is anything better; loopback that was asked for
    // stays.
    const auto asked = [this](const base::SocketAddr& addr) {
        return std::any_of(sockets_.begin(), sockets_.end(), [&](const Socket& s) { return s.udp->local() == addr; });
    };
    const auto better = [](const base::SocketAddr& addr) { return !addr.is_loopback(); };
    if (std::any_of(all.begin(), all.end(), better)) {
        std::erase_if(all, [&](const base::SocketAddr& addr) { return addr.is_loopback() && !asked(addr); });
    }
    return all;
}

void Host::on_addrs_changed() {
    stack_->set_addrs(addrs(), now());
    touch();
}

void Host::touch() {
    if (!in_turn_ && !turn_task_) {
        turn_task_ = runtime_.defer([this] { turn(); });
    }
}

void Host::on_readable(UdpSocket& socket) {
    const base::TimePoint at = now();
    socket.receive(
        runtime_.scratch(UdpSocket::kScratchBytes),
        [&](const quic::ReceivedDatagram& datagram) { stack_->on_datagram(datagram, at); },
        [&](const base::SocketAddr& remote) { stack_->on_unreachable(remote, at); });
    touch();
}

// What came in goes on at once; the rest of the turn waits until the loop is quiet.
void Host::turn() {
    turn_task_.reset();
    ++turns_;
    in_turn_ = true;
    const auto sink = [this](const quic::Transmit& train) { send(train); };
    int round = 0;
    do {
        stack_->flush_data(now(), sink);
    } while (report_events() && ++round < kRoundsMax);
    in_turn_ = false;
    if (!finish_task_) {
        finish_task_ = runtime_.when_quiet([this] { finish_turn(); });
    }
}

void Host::finish_turn() {
    finish_task_.reset();
    in_turn_ = true;
    if (const auto due = stack_->next_deadline(); due && *due <= now()) {
        stack_->on_deadline(now());
    }
    sample_load();
    law_watch_.check();
    const auto sink = [this](const quic::Transmit& train) { send(train); };
    int round = 0;
    do {
        stack_->flush(now(), sink);
    } while (report_events() && ++round < kRoundsMax);
    in_turn_ = false;
    if (round == kRoundsMax) {
        touch();
    }
    if (telemetry_ != nullptr) {
        telemetry_->poke();
    }
    arm();
}

std::optional<stack::Event> Host::next_event() {
    auto event = law_watch_.poll_event();
    return event ? std::move(event) : stack_->poll_event();
}

bool Host::report_events() {
    bool any = false;
    while (const auto event = next_event()) {
        any = true;
        log_law(runtime_.log(), *event);
        listener_.on_event(*event);
    }
    return any;
}

void Host::arm() {
    const auto next = stack_->next_deadline();
    if (timer_ && next && timer_when_ == *next) {
        return;
    }
    if (timer_) {
        runtime_.cancel(*timer_);
        timer_.reset();
    }
    if (!next) {
        return;
    }
    const base::Duration distance = std::max(*next - now(), base::Duration(0));
    timer_when_ = *next;
    timer_ = runtime_.at(*next, std::min(distance / 8, kTimerSlack), [this] {
        timer_.reset();
        touch();
    });
}

void Host::sample_load() {
    if (!budget_ || now() < load_due_) {
        return;
    }
    load_due_ = now() + load_interval_;
    const ProcessLoad process = sampler_.sample(now());
    wire::Load load = *budget_;
    load.cpu_millicores = process.cpu_millicores;
    load.memory_kib = process.memory_kib;
    stack_->set_load(load, now());
}

Host::Socket* Host::socket_for(const quic::Transmit& train) {
    const auto it = std::find_if(sockets_.begin(), sockets_.end(),
                                 [&](const Socket& socket) { return serves(socket.udp->local(), train); });
    return it == sockets_.end() ? nullptr : &*it;
}

void Host::send(const quic::Transmit& train) {
    Socket* socket = socket_for(train);
    if (socket == nullptr) {
        ++unroutable_;
        return;
    }
    const bool was_blocked = socket->udp->blocked();
    socket->udp->send(train);
    if (!was_blocked && socket->udp->blocked()) {
        await_writable(*socket);
    }
}

void Host::await_writable(Socket& socket) {
    const WatchId watch = socket.watch;
    runtime_.when_writable(watch, [this, watch] {
        const auto it = std::find_if(sockets_.begin(), sockets_.end(),
                                     [&](const Socket& candidate) { return candidate.watch == watch; });
        it->udp->on_writable();
        if (it->udp->blocked()) {
            await_writable(*it);
        }
        touch();
    });
}

}  // namespace grapevine::io
