#include "io/control.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/control_socket.hpp"
#include "io/files.hpp"

namespace grapevine::io {

namespace {

base::TimePoint monotonic_now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return base::TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

base::Result<ControlClient> ControlClient::connect(const std::filesystem::path& data_dir, base::Duration deadline,
                                                   ControlPeer peer) {
    auto socket = connect_control_socket(data_dir, peer);
    if (!socket) {
        return tl::unexpected(socket.error());
    }
    const std::string_view who = peer == ControlPeer::node ? "node at" : "supervisor at";
    ControlClient client(std::move(*socket), file_subject(who, data_dir));
    if (const auto status = client.wait(POLLOUT, monotonic_now() + deadline); !status) {
        return tl::unexpected(status.error());
    }
    return client;
}

base::Status ControlClient::wait(short events, base::TimePoint until) {
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - monotonic_now()).count();
        pollfd entry{socket_.get(), events, 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000)));
        if (ready > 0) {
            return {};
        }
        if (ready < 0 && errno != EINTR) {
            return tl::unexpected(system_error(subject_, "cannot be waited for", errno));
        }
        if (left <= 0) {
            return base::fail(base::ErrorCode::busy, subject_ + ": no answer in time");
        }
    }
}

base::Status ControlClient::send(std::string_view request, base::Duration deadline) {
    if (request.size() + 1 > kControlLineMax) {
        return base::invalid("request: longer than " + std::to_string(kControlLineMax) + " bytes");
    }
    const base::TimePoint until = monotonic_now() + deadline;
    const std::string line = std::string(request) + '\n';
    std::string_view rest = line;
    while (!rest.empty()) {
        const ssize_t sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return tl::unexpected(system_error(subject_, "cannot be asked", errno));
        }
        if (auto status = wait(POLLOUT, until); !status) {
            return status;
        }
    }
    return {};
}

std::optional<std::string> ControlClient::take_line() {
    const std::size_t end = buffer_.find('\n', searched_);
    if (end == std::string::npos) {
        searched_ = buffer_.size();
        return std::nullopt;
    }
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    searched_ = 0;
    return line;
}

base::Result<std::optional<std::string>> ControlClient::try_line() {
    while (true) {
        if (auto line = take_line()) {
            return line;
        }
        if (buffer_.size() > kControlAnswerMax) {
            return base::invalid(subject_ + ": answered more than " + std::to_string(kControlAnswerMax) + " bytes");
        }
        std::array<char, 16384> chunk;
        const ssize_t got = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
        if (got > 0) {
            buffer_.append(chunk.data(), static_cast<std::size_t>(got));
        } else if (got == 0) {
            return base::fail(subject_ + ": closed the control socket");
        } else if (errno == EAGAIN) {
            return std::optional<std::string>();
        } else if (errno != EINTR) {
            return tl::unexpected(system_error(subject_, "cannot be read", errno));
        }
    }
}

base::Result<std::string> ControlClient::next_line(base::Duration deadline) {
    const base::TimePoint until = monotonic_now() + deadline;
    while (true) {
        auto line = try_line();
        if (!line) {
            return tl::unexpected(line.error());
        }
        if (*line) {
            return std::move(**line);
        }
        if (const auto status = wait(POLLIN, until); !status) {
            return tl::unexpected(status.error());
        }
    }
}

base::Result<std::string> ControlClient::ask(std::string_view request, base::Duration deadline) {
    if (const auto status = send(request, deadline); !status) {
        return tl::unexpected(status.error());
    }
    return next_line(deadline);
}

}  // namespace grapevine::io
