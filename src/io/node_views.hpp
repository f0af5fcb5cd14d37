#pragma once

// A node's views and events as the JSON of docs/control-socket.md.

#include <optional>
#include <string>

#include "io/control_server.hpp"
#include "io/host.hpp"
#include "io/node_registry.hpp"
#include "stack/types.hpp"

namespace grapevine::io {

std::string encode_directory(const Host& host);
std::string encode_status(Host& host, const NodeRecord& record, const ControlServer& server);
std::string text_of(const wire::TransportAddr& addr);
// The authority of the node's mesh, and which of its lists of revocations is known here.
std::string encode_admission(Host& host);
std::string encode_log_level(const Log& log);
std::string encode_delivery(const delivery::Finished& finished, const std::string& name, const std::string& peer_name,
                            base::Duration elapsed);
// Why a message was not taken, for whoever submitted it.
base::Error delivery_error(delivery::SubmitRefusal refusal, std::string_view name);
// What was published; and why it was not.
std::string encode_published(const delivery::Announcement& what);
base::Error publish_error(delivery::PublishRefusal refusal);
std::string encode_ping(const stack::PingDone& done, const std::string& name);
// Nothing for events that are none of a watcher's business (streams of the application).
std::optional<std::string> encode_event(const stack::Event& event, base::WallTime now);

}  // namespace grapevine::io
