#include "io/control_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "io/control.hpp"
#include "io/control_socket.hpp"

namespace grapevine::io {

namespace {

bool is_own_user(int fd) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        return false;
    }
    return peer.uid == ::geteuid() || peer.uid == 0;
}

}  // namespace

base::Status ControlHandler::on_line(ClientId client, std::string_view line) {
    const auto request = decode_control_request(line);
    if (!request) {
        return tl::unexpected(request.error());
    }
    on_request(client, *request);
    return {};
}

base::Result<std::unique_ptr<ControlServer>> ControlServer::listen(Runtime& runtime,
                                                                   const std::filesystem::path& data_dir,
                                                                   LineHandler& handler, telemetry::Ledger& ledger,
                                                                   base::Duration idle, ControlPeer peer) {
    auto socket = listen_control_socket(data_dir, static_cast<int>(kClientsMax), peer);
    if (!socket) {
        return tl::unexpected(socket.error());
    }
    std::unique_ptr<ControlServer> server(
        new ControlServer(runtime, handler, ledger, idle, std::move(*socket), data_dir / socket_name(peer)));
    if (const auto status = server->begin(); !status) {
        return tl::unexpected(status.error());
    }
    return server;
}

ControlServer::ControlServer(Runtime& runtime, LineHandler& handler, telemetry::Ledger& ledger, base::Duration idle,
                             Fd socket, std::filesystem::path path)
    : runtime_(runtime),
      handler_(handler),
      ledger_(ledger),
      idle_(idle),
      socket_(std::move(socket)),
      path_(std::move(path)) {}

base::Status ControlServer::begin() {
    const auto watch = runtime_.watch(socket_.get(), [this] { on_acceptable(); });
    if (!watch) {
        return tl::unexpected(watch.error());
    }
    watch_ = *watch;
    return {};
}

ControlServer::~ControlServer() {
    while (!clients_.empty()) {
        forget(clients_.begin()->first);
    }
    if (retry_) {
        runtime_.cancel(*retry_);
    }
    runtime_.unwatch(watch_);
    ::unlink(path_.c_str());
}

std::size_t ControlServer::watchers() const {
    return static_cast<std::size_t>(std::count_if(
        clients_.begin(), clients_.end(), [](const auto& entry) { return entry.second.watching == Feed::published; }));
}

ControlServer::Client* ControlServer::find(ClientId id) {
    const auto it = clients_.find(id);
    return it == clients_.end() ? nullptr : &it->second;
}

void ControlServer::on_acceptable() {
    for (std::size_t i = 0; i < kClientsMax; ++i) {
        Fd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (socket.valid()) {
            admit(std::move(socket));
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            // The connection stays in the queue; asking again at once would spin.
            runtime_.pause_reading(watch_);
            retry_ = runtime_.at(runtime_.now() + std::chrono::seconds(1), base::Duration(0), [this] {
                retry_.reset();
                runtime_.resume_reading(watch_);
            });
        }
        return;
    }
}

void ControlServer::admit(Fd socket) {
    if (!is_own_user(socket.get())) {
        ++counters_.refused_user;
        return;
    }
    if (clients_.size() >= kClientsMax) {
        ++counters_.refused_full;
        const std::string line =
            encode_control_error({base::ErrorCode::busy, "control socket: too many clients"}) + '\n';
        static_cast<void>(::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0);
        return;
    }
    const ClientId id{++last_id_};
    const auto watch = runtime_.watch(socket.get(), [this, id] { on_readable(id); });
    if (!watch) {
        return;
    }
    ++counters_.accepted;
    Client& client = clients_[id];
    client.socket = std::move(socket);
    client.watch = *watch;
    ledger_.set_now(runtime_.now());
    client.life = telemetry::Life(ledger_, telemetry::Kind::control_client);
    restart_idle(id, client);
}

void ControlServer::restart_idle(ClientId id, Client& client) {
    runtime_.cancel(client.idle_timer);
    if (client.watching && client.out.empty()) {
        return;
    }
    client.idle_timer = runtime_.at(runtime_.now() + idle_, std::chrono::milliseconds(500), [this, id] {
        Client* waiting = find(id);
        if (waiting != nullptr && waiting->asked) return restart_idle(id, *waiting);  // It waits for us.
        ++counters_.dropped_idle;
        drop(id);
    });
}

void ControlServer::drop(ClientId id) {
    const Client* client = find(id);
    const bool waits = client != nullptr && (client->asked || client->watching == Feed::own);
    forget(id);
    if (waits) {
        handler_.on_gone(id);
    }
}

void ControlServer::forget(ClientId id) {
    const auto it = clients_.find(id);
    if (it == clients_.end()) {
        return;
    }
    runtime_.cancel(it->second.idle_timer);
    runtime_.cancel(it->second.resume);
    runtime_.unwatch(it->second.watch);
    clients_.erase(it);
}

// Reading goes on while an answer is due only to notice that the client is gone; the buffer is bounded all the same.
void ControlServer::on_readable(ClientId id) {
    Client* client = find(id);
    if (client == nullptr) {
        return;
    }
    std::array<char, 4096> chunk;
    const ssize_t got = ::recv(client->socket.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        drop(id);
        return;
    }
    if (client->ending) {
        return;
    }
    client->in.append(chunk.data(), static_cast<std::size_t>(got));
    restart_idle(id, *client);
    take_requests(id);
}

void ControlServer::take_requests(ClientId id) {
    Client* client = find(id);
    while (client != nullptr && !client->asked && client->out.empty() && !client->ending) {
        const std::size_t end = client->in.find('\n');
        if (end == std::string::npos) {
            break;
        }
        const std::string line = client->in.substr(0, end);
        client->in.erase(0, end + 1);
        serve(id, line);
        client = find(id);
    }
    if (client != nullptr && client->in.size() >= kControlLineMax) {
        ++counters_.dropped_overlong;
        client->ending = true;
        refuse(id, {base::ErrorCode::invalid, "request: longer than " + std::to_string(kControlLineMax) + " bytes"});
    }
}

void ControlServer::serve(ClientId id, std::string_view line) {
    if (line.size() >= kControlLineMax) {
        return refuse(id, {base::ErrorCode::invalid, "request: too long"});
    }
    ++counters_.requests;
    find(id)->asked = true;
    if (const auto taken = handler_.on_line(id, line); !taken) {
        ++counters_.refused_requests;
        refuse(id, taken.error());
    }
}

void ControlServer::refuse(ClientId id, const base::Error& error) {
    answer(id, encode_control_error(error));
}

void ControlServer::answer(ClientId id, std::string_view line) {
    Client* client = find(id);
    if (client == nullptr) {
        return;
    }
    // Requests that came meanwhile are served in a turn's end, not by recursion.
    if (client->asked && !client->in.empty()) {
        runtime_.cancel(client->resume);
        client->resume = runtime_.defer([this, id] { take_requests(id); });
    }
    client->asked = false;
    if (line.size() > kControlAnswerMax) {
        return refuse(id, {base::ErrorCode::exhausted, "the answer is too long"});
    }
    append(id, *client, line);
}

void ControlServer::say(ClientId id, std::string_view line) {
    Client* client = find(id);
    if (client != nullptr && client->out.size() + line.size() <= kWatchBacklogMax) {
        append(id, *client, line);
    }
}

void ControlServer::start_watching(ClientId id, std::string_view line, Feed feed) {
    if (Client* client = find(id); client != nullptr) {
        client->watching = feed;
        answer(id, line);
    }
}

void ControlServer::publish(std::string_view line) {
    std::vector<ClientId> watchers;
    for (const auto& [id, client] : clients_) {
        if (client.watching == Feed::published) {
            watchers.push_back(id);
        }
    }
    for (const ClientId id : watchers) {
        tell(id, line);
    }
}

void ControlServer::tell(ClientId id, std::string_view line) {
    Client* client = find(id);
    if (client == nullptr || !client->watching) {
        return;
    }
    if (client->out.size() + line.size() > kWatchBacklogMax) {
        ++counters_.dropped_slow;
        return drop(id);
    }
    append(id, *client, line);
}

void ControlServer::append(ClientId id, Client& client, std::string_view line) {
    client.out.append(line);
    client.out.push_back('\n');
    if (!client.blocked) {
        write(id);
    }
}

void ControlServer::write(ClientId id) {
    Client* client = find(id);
    if (client == nullptr) {
        return;
    }
    const ssize_t sent =
        ::send(client->socket.get(), client->out.data(), client->out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        drop(id);
        return;
    }
    if (sent > 0) {
        client->out.erase(0, static_cast<std::size_t>(sent));
        restart_idle(id, *client);
    }
    client->blocked = !client->out.empty();
    if (client->blocked) {
        runtime_.when_writable(client->watch, [this, id] {
            if (Client* waiting = find(id); waiting != nullptr) {
                waiting->blocked = false;
                write(id);
                take_requests(id);
            }
        });
    } else if (client->ending) {
        drop(id);
    }
}

}  // namespace grapevine::io
