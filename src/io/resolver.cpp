#include "io/resolver.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <utility>

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/select.h>
#include <sys/time.h>

#include "io/process_ledger.hpp"
#include "io/sockaddr.hpp"

namespace grapevine::io {

namespace {

using Addresses = std::vector<base::SocketAddr>;

std::optional<base::SocketAddr> numeric(const std::string& host, std::uint16_t port) {
    in_addr v4{};
    if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
        const auto bytes = reinterpret_cast<const std::uint8_t*>(&v4.s_addr);
        return base::SocketAddr::v4(bytes[0], bytes[1], bytes[2], bytes[3], port);
    }
    std::array<std::uint8_t, 16> v6{};
    if (::inet_pton(AF_INET6, host.c_str(), v6.data()) == 1) return base::SocketAddr::v6(v6, port);
    return std::nullopt;
}

bool is_localhost(std::string host) {
    std::transform(host.begin(), host.end(), host.begin(), [](unsigned char c) { return std::tolower(c); });
    if (!host.empty() && host.back() == '.') host.pop_back();
    return host == "localhost" || host.ends_with(".localhost");
}

Addresses localhost(std::uint16_t port) {
    return {base::SocketAddr::v4(127, 0, 0, 1, port),
            base::SocketAddr::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, port)};
}

Addresses addresses(const ares_addrinfo& info) {
    Addresses found;
    for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
        const auto address = from_native(*node->ai_addr);
        if (address && found.size() < Resolver::kAddressesMax) found.push_back(*address);
    }
    return found;
}

}  // namespace

class Resolver::Impl {
public:
    Impl(Runtime& runtime, ResolverOptions options) : runtime_(runtime), options_(std::move(options)) {}
    ~Impl() { cancel(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void lookup(const std::string& host, std::uint16_t port, base::TimePoint deadline, Done done);
    void cancel();

private:
    struct Socket {
        WatchId watch;
        HeldFd held;  // c-ares opens and closes it.
        bool writing = false;
    };
    using Outcome = base::Result<Addresses>;

    base::Status open_channel();
    void ask(std::uint16_t port);
    void process(int readable, int writable);
    void settle();
    void arm_timer();
    void on_socket(int fd, bool reads, bool writes);
    void wait_writable(int fd);
    void on_answer(int status, ares_addrinfo* info);
    void finish_later(Outcome outcome);
    void close_channel();

    Runtime& runtime_;
    ResolverOptions options_;
    std::string host_;
    Done done_;
    std::optional<Outcome> outcome_;
    ares_channel channel_ = nullptr;
    std::map<int, Socket> sockets_;
    TaskId timer_;
    TaskId deadline_;
    TaskId report_;
};

void Resolver::Impl::lookup(const std::string& host, std::uint16_t port, base::TimePoint deadline, Done done) {
    cancel();
    host_ = host;
    done_ = std::move(done);
    if (host.empty() || host.size() > kHostBytesMax || host.find('\0') != std::string::npos)
        return finish_later(base::invalid("host '" + host.substr(0, 64) + "': not a host name"));
    if (const auto address = numeric(host, port)) return finish_later(Addresses{*address});
    if (is_localhost(host)) return finish_later(localhost(port));
    if (const auto opened = open_channel(); !opened) return finish_later(tl::unexpected(opened.error()));
    deadline_ = runtime_.at(deadline, base::Duration(0), [this] {
        finish_later(base::fail("host '" + host_ + "': no name server answered in time"));
    });
    ask(port);
}

void Resolver::Impl::cancel() {
    runtime_.cancel(report_);
    done_ = nullptr;
    outcome_.reset();
    close_channel();
}

// Closing calls on_answer() for the open question and on_socket() for the sockets.
void Resolver::Impl::close_channel() {
    runtime_.cancel(timer_);
    runtime_.cancel(deadline_);
    if (const ares_channel channel = std::exchange(channel_, nullptr); channel != nullptr) ares_destroy(channel);
    for (const auto& [fd, socket] : sockets_)
        runtime_.unwatch(socket.watch);
    sockets_.clear();
}

base::Status Resolver::Impl::open_channel() {
    ares_options options{};
    options.sock_state_cb = [](void* self, ares_socket_t fd, int reads, int writes) {
        static_cast<Impl*>(self)->on_socket(fd, reads != 0, writes != 0);
    };
    options.sock_state_cb_data = this;
    options.timeout = static_cast<int>(std::chrono::milliseconds(2000).count());
    static_assert(kTryTimeout == std::chrono::milliseconds(2000));
    options.tries = kTries;
    int status = ares_init_options(&channel_, &options, ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (status == ARES_SUCCESS && !options_.servers.empty())
        status = ares_set_servers_ports_csv(channel_, options_.servers.c_str());
    if (status != ARES_SUCCESS) return base::fail("host '" + host_ + "': " + ares_strerror(status));
    return {};
}

void Resolver::Impl::ask(std::uint16_t port) {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NUMERICSERV;
    const std::string service = std::to_string(port);
    ares_getaddrinfo(
        channel_, host_.c_str(), service.c_str(), &hints,
        [](void* self, int status, int, ares_addrinfo* info) { static_cast<Impl*>(self)->on_answer(status, info); },
        this);
    settle();
}

// After close_channel() took the channel, this is its last word, and nobody's business.
void Resolver::Impl::on_answer(int status, ares_addrinfo* info) {
    if (channel_ != nullptr && !outcome_) {
        if (status != ARES_SUCCESS || info == nullptr)
            outcome_ = base::fail("host '" + host_ + "': " + ares_strerror(status));
        else if (Addresses found = addresses(*info); found.empty())
            outcome_ = base::fail("host '" + host_ + "': has no address");
        else
            outcome_ = std::move(found);
    }
    if (info != nullptr) ares_freeaddrinfo(info);
}

void Resolver::Impl::on_socket(int fd, bool reads, bool writes) {
    const auto it = sockets_.find(fd);
    if (!reads && !writes) {  // It is about to be closed.
        if (it != sockets_.end()) {
            runtime_.unwatch(it->second.watch);
            sockets_.erase(it);
        }
        return;
    }
    if (it == sockets_.end()) {
        const auto watch = runtime_.watch(fd, [this, fd] { process(fd, ARES_SOCKET_BAD); });
        if (!watch) return;  // The question ends by its timeout.
        sockets_.emplace(fd, Socket{*watch, HeldFd(fd), false});
    }
    sockets_.find(fd)->second.writing = writes;
}

void Resolver::Impl::wait_writable(int fd) {
    runtime_.when_writable(sockets_.find(fd)->second.watch, [this, fd] { process(ARES_SOCKET_BAD, fd); });
}

void Resolver::Impl::process(int readable, int writable) {
    if (channel_ == nullptr) return;
    ares_process_fd(channel_, readable, writable);
    settle();
}

void Resolver::Impl::settle() {
    if (outcome_) return finish_later(std::move(*outcome_));
    for (const auto& [fd, socket] : sockets_)
        if (socket.writing) wait_writable(fd);
    arm_timer();
}

void Resolver::Impl::arm_timer() {
    runtime_.cancel(timer_);
    timeval time{};
    if (ares_timeout(channel_, nullptr, &time) == nullptr) return;
    const base::Duration wait = std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
    timer_ = runtime_.at(runtime_.now() + wait, std::chrono::milliseconds(10),
                         [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); });
}

void Resolver::Impl::finish_later(Outcome outcome) {
    close_channel();
    outcome_.reset();
    report_ = runtime_.at(runtime_.now(), base::Duration(0), [this, outcome = std::move(outcome)]() mutable {
        const Done done = std::exchange(done_, nullptr);
        if (done) done(std::move(outcome));
    });
}

Resolver::Resolver(Runtime& runtime, ResolverOptions options)
    : impl_(std::make_unique<Impl>(runtime, std::move(options))) {}
Resolver::~Resolver() = default;

void Resolver::lookup(const std::string& host, std::uint16_t port, base::TimePoint deadline, Done done) {
    impl_->lookup(host, port, deadline, std::move(done));
}
void Resolver::cancel() {
    impl_->cancel();
}

}  // namespace grapevine::io
