#include "quic/types.hpp"

#include "base/encoding.hpp"
#include "quic/tls.hpp"

namespace grapevine::quic {

std::string_view name(CloseCause cause) {
    switch (cause) {
        case CloseCause::application_local: return "application_local";
        case CloseCause::application_remote: return "application_remote";
        case CloseCause::transport_local: return "transport_local";
        case CloseCause::transport_remote: return "transport_remote";
        case CloseCause::tls: return "tls";
        case CloseCause::wrong_peer: return "wrong_peer";
        case CloseCause::idle_timeout: return "idle_timeout";
        case CloseCause::handshake_timeout: return "handshake_timeout";
        case CloseCause::stateless_reset: return "stateless_reset";
        case CloseCause::unreachable: return "unreachable";
        case CloseCause::version: return "version";
        case CloseCause::endpoint_shutdown: return "endpoint_shutdown";
    }
    return "unknown";
}

base::Status check(const Config& config) {
    if (config.alpns.size() > kAlpnsMax) {
        return base::invalid("ALPN '" + base::printable(config.alpns[kAlpnsMax]) + "': one too many, at most " +
                             std::to_string(kAlpnsMax) + " can be served, gossip's and the mesh's included");
    }
    for (const std::string& alpn : config.alpns) {
        if (alpn.empty() || alpn.size() > kAlpnBytesMax) {
            return base::invalid("ALPN '" + base::printable(alpn) + "': has 1 to " + std::to_string(kAlpnBytesMax) +
                                 " bytes, not " + std::to_string(alpn.size()));
        }
    }
    return {};
}

}  // namespace grapevine::quic
