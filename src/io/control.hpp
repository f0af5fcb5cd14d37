#pragma once

// The client of a control socket, of a running node or of the supervisor of `grapevine up`. docs/control-socket.md and
// docs/supervisor.md have the requests and answers; this class moves lines and knows nothing of their content.
//
// Every call has a deadline and blocks at most that long. For a caller with a loop of its own: fd() becomes readable
// when there may be a line, and try_line() never blocks.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "io/fd.hpp"
#include "io/node_registry.hpp"

namespace grapevine::io {

inline constexpr std::size_t kControlLineMax = 96U * 1024U;  // Bytes of a request: the largest message in base64.
inline constexpr std::size_t kControlAnswerMax = 16U * 1024U * 1024U;  // Bytes of an answer.
inline constexpr std::string_view kControlSocketName = "control.sock";
inline constexpr std::string_view kSupervisorSocketName = "supervisor.sock";

// Who listens in a directory; both have the same manners (control_server.hpp).
enum class ControlPeer : std::uint8_t { node, supervisor };

class ControlClient {
public:
    // Errors: not_found (no such directory, or nobody runs there), denied, failed.
    static base::Result<ControlClient> connect(const std::filesystem::path& data_dir, base::Duration deadline,
                                               ControlPeer peer = ControlPeer::node);

    // Sends a request, one JSON object without a newline.
    base::Status send(std::string_view request, base::Duration deadline);
    // The next line, without its newline. Errors: the node closed the socket, or the deadline passed (code busy).
    base::Result<std::string> next_line(base::Duration deadline);
    // As next_line() but never waits: nothing if there is no whole line yet.
    base::Result<std::optional<std::string>> try_line();
    // send(), then next_line().
    base::Result<std::string> ask(std::string_view request, base::Duration deadline);

    [[nodiscard]] int fd() const { return socket_.get(); }

private:
    ControlClient(Fd socket, std::string subject) : socket_(std::move(socket)), subject_(std::move(subject)) {}
    std::optional<std::string> take_line();
    base::Status wait(short events, base::TimePoint until);

    Fd socket_;
    std::string subject_;
    std::string buffer_;
    std::size_t searched_ = 0;
};

}  // namespace grapevine::io
