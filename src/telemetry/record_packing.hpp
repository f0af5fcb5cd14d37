#pragma once

// Spans and log records as flat byte strings, for the time that they wait (record_ring.hpp). For this process only:
// names are the addresses of the literals that they are, numbers are in the machine's order. What leaves the process is
// encoded by `otlp`.

#include "base/bytes.hpp"
#include "telemetry/span.hpp"

namespace grapevine::telemetry {

// Appends.
void pack(const Span& span, base::Bytes& out);
void pack(const LogRecord& record, base::Bytes& out);

// `packed` is what pack() made in this process, whole; anything else ends the program.
void unpack(base::ByteView packed, Span& out);
void unpack(base::ByteView packed, LogRecord& out);

}  // namespace grapevine::telemetry
