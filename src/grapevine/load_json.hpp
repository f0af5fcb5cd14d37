#pragma once

// A load asked for through the control socket, and what is said of it there (docs/control-socket.md).

#include <string>

#include <grapevine/producer.hpp>

#include "io/control_request.hpp"

namespace grapevine {

ProducerOptions to_options(const io::ProduceRequest& request);

// {"event":"progress",...}
std::string progress_line(const ProducerReport& report);
// {"ok":true,...}, or an error if it ended early.
std::string end_line(const ProducerReport& report);

}  // namespace grapevine
