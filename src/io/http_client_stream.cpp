#include "io/http_client_stream.hpp"

#include <cerrno>

#include <sys/socket.h>

#include "io/fd.hpp"

namespace grapevine::io {

using State = StreamStep::State;

StreamStep PlainStream::handshake() {
    return {State::done, 0, {}};
}

StreamStep PlainStream::read(std::span<std::uint8_t> out) {
    ssize_t got = 0;
    do
        got = ::recv(fd_, out.data(), out.size(), 0);
    while (got < 0 && errno == EINTR);
    if (got > 0) return {State::done, static_cast<std::size_t>(got), {}};
    if (got == 0) return {State::closed, 0, {}};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {State::want_read, 0, {}};
    return {State::failed, 0, errno_text(errno)};
}

StreamStep PlainStream::write(std::string_view data, More more) {
    const int flags = MSG_NOSIGNAL | (more == More::yes ? MSG_MORE : 0);
    ssize_t sent = 0;
    do
        sent = ::send(fd_, data.data(), data.size(), flags);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0) return {State::done, static_cast<std::size_t>(sent), {}};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {State::want_write, 0, {}};
    return {State::failed, 0, errno_text(errno)};
}

}  // namespace grapevine::io
