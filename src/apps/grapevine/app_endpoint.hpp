#pragma once

// What `listen` and `connect` share: an endpoint on the event loop whose received bytes are credited to the peer only
// once they have been passed on, which the public library's callbacks do not offer. So neither command ever buffers
// more than one flow-control window a stream.

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "grapevine/node_main_flags.hpp"
#include "io/host.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {

inline constexpr std::string_view kDefaultAlpn = "grapevine/echo/1";

struct CloseWords {
    std::uint64_t code = 0;
    std::string reason;
};

struct EndpointSettings {
    std::vector<base::SocketAddr> bind;
    std::string key_file;
    std::string alpn;
    CloseWords close;
};

// --alpn, --key, --bind, --close-code, --close-reason.
void append_app_flags(std::vector<cli::Flag>& flags);
base::Result<EndpointSettings> app_settings(const cli::Parsed& parsed);

// Starts an endpoint that serves `settings.alpn` and no gossip.
base::Result<std::unique_ptr<io::Host>> start_app_host(io::Runtime& runtime, const EndpointSettings& settings,
                                                       io::HostListener& listener);

// One JSON line on stderr: {"event":"closed","code":..,"reason":..,"cause":..}.
void report_closed(const quic::CloseReason& reason);

// {"event":"ready","id":..,"ticket":..,"addrs":[..]}
std::string ready_line(const io::Host& host);

// The sending side of a stream: keeps what the send buffer did not take, in order.
class StreamSender {
public:
    StreamSender(io::Host& host, quic::ConnectionRef connection, quic::StreamRef stream)
        : host_(host), connection_(connection), stream_(stream) {}

    [[nodiscard]] quic::StreamRef stream() const { return stream_; }
    void push(base::ByteView data) { pending_.insert(pending_.end(), data.begin(), data.end()); }
    // The stream ends after what was pushed.
    void finish() { finishing_ = true; }
    // Hands on what the send buffer takes now and returns how many bytes that was. A stream that is gone takes
    // everything.
    std::size_t pump();
    [[nodiscard]] bool empty() const { return pending_.empty(); }

private:
    io::Host& host_;
    quic::ConnectionRef connection_;
    quic::StreamRef stream_;
    base::Bytes pending_;
    bool finishing_ = false;
    bool finished_ = false;
};

}  // namespace grapevine::apps
