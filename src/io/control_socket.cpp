#include "io/control_socket.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "io/control.hpp"
#include "io/files.hpp"

namespace grapevine::io {

namespace {

// The short name of the socket lives as long as the directory's descriptor.
struct SocketName {
    Fd dir;
    sockaddr_un addr{};
    socklen_t length = 0;
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&addr); }
};

base::Result<SocketName> name_socket(const std::filesystem::path& data_dir, ControlPeer peer) {
    SocketName name;
    name.dir = Fd(::open(data_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!name.dir.valid()) {
        return tl::unexpected(system_error(file_subject("data directory", data_dir), "cannot be opened", errno));
    }
    const std::string path = "/proc/self/fd/" + std::to_string(name.dir.get()) + '/' + std::string(socket_name(peer));
    GRAPEVINE_ASSERT(path.size() < sizeof name.addr.sun_path, "the short name fits");
    name.addr.sun_family = AF_UNIX;
    std::memcpy(name.addr.sun_path, path.c_str(), path.size() + 1);
    name.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return name;
}

}  // namespace

std::string_view socket_name(ControlPeer peer) {
    return peer == ControlPeer::node ? kControlSocketName : kSupervisorSocketName;
}

base::Result<Fd> listen_control_socket(const std::filesystem::path& data_dir, int backlog, ControlPeer peer) {
    const std::string subject = file_subject("control socket", data_dir / socket_name(peer));
    const auto name = name_socket(data_dir, peer);
    if (!name) {
        return tl::unexpected(name.error());
    }
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::unlinkat(name->dir.get(), socket_name(peer).data(), 0);
    if (!socket.valid() || ::bind(socket.get(), name->get(), name->length) != 0 ||
        ::chmod(name->addr.sun_path, S_IRUSR | S_IWUSR) != 0 || ::listen(socket.get(), backlog) != 0) {
        return tl::unexpected(system_error(subject, "cannot be opened", errno));
    }
    return socket;
}

base::Result<Fd> connect_control_socket(const std::filesystem::path& data_dir, ControlPeer peer) {
    const auto name = name_socket(data_dir, peer);
    if (!name) {
        return tl::unexpected(name.error());
    }
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.valid() && ::connect(socket.get(), name->get(), name->length) == 0) {
        return socket;
    }
    const std::string subject = file_subject("data directory", data_dir);
    if (errno == ECONNREFUSED || errno == ENOENT) {
        return base::fail(
            base::ErrorCode::not_found,
            subject + (peer == ControlPeer::node ? ": no node runs there" : ": no supervisor runs there"));
    }
    if (errno == EAGAIN) {
        return base::fail(base::ErrorCode::busy,
                          subject + (peer == ControlPeer::node ? ": the node there does not answer"
                                                               : ": the supervisor there does not answer"));
    }
    return tl::unexpected(system_error(subject, "its control socket cannot be reached", errno));
}

}  // namespace grapevine::io
