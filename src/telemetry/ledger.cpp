#include "telemetry/ledger.hpp"

namespace grapevine::telemetry {

namespace {

constexpr std::array<std::string_view, kKinds> kNames{
    "connection",   "handshake",       "stream",          "dial",         "active_peer",
    "passive_peer", "directory_entry", "remembered_peer", "gossip_topic", "gossip_message",
    "sync_session", "send_queue",      "suspicion",       "timer",        "control_client",
};

}  // namespace

std::string_view name(Kind kind) {
    return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace grapevine::telemetry
