#include "quic/types.hpp"

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

}  // namespace grapevine::quic
