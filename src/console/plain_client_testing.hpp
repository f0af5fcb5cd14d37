#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "base/socket_addr.hpp"
#include "io/fd.hpp"
#include "io/sockaddr.hpp"

namespace grapevine::console::testing {

inline constexpr int kPatienceMs = 20'000;

// A client on plain sockets, so that it can misbehave.
class Client {
public:
    explicit Client(const base::SocketAddr& address) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const io::NativeAddr native = io::to_native(address);
        connected_ = ::connect(socket_.get(), native.get(), native.length) == 0;
    }

    void send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return;
            }
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    // Whether the other side closed, within our patience.
    bool closed() {
        while (receive()) {
        }
        return ended_;
    }

    // One answer, by its Content-Length.
    std::string answer() {
        for (;;) {
            const std::size_t head = received_.find("\r\n\r\n");
            if (head != std::string::npos) {
                const std::size_t at = received_.find("Content-Length: ");
                const std::size_t length = at < head ? std::stoul(received_.substr(at + 16)) : 0;
                if (received_.size() >= head + 4 + length) {
                    std::string out = received_.substr(0, head + 4 + length);
                    received_.erase(0, head + 4 + length);
                    return out;
                }
            }
            if (!receive()) {
                return "";
            }
        }
    }

    std::string ask(const std::string& request) {
        send(request);
        return answer();
    }

    // What came so far, once it holds `text`; else what came until the other side closed.
    const std::string& until(std::string_view text) {
        while (received_.find(text) == std::string::npos && receive()) {
        }
        return received_;
    }
    void forget() { received_.clear(); }
    void receive_little() {
        const int bytes = 4096;
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }

    [[nodiscard]] bool connected() const { return connected_; }

private:
    bool receive() {
        pollfd wait{socket_.get(), POLLIN, 0};
        if (::poll(&wait, 1, kPatienceMs) != 1) {
            return false;
        }
        char buffer[4096];
        const ssize_t size = ::recv(socket_.get(), buffer, sizeof(buffer), 0);
        if (size <= 0) {
            ended_ = true;
            return false;
        }
        received_.append(buffer, static_cast<std::size_t>(size));
        return true;
    }

    io::Fd socket_;
    std::string received_;
    bool connected_ = false;
    bool ended_ = false;
};

}  // namespace grapevine::console::testing
