#pragma once

// The requests of the control socket, decoded. docs/control-socket.md is their specification.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "delivery/types.hpp"
#include "telemetry/filter.hpp"
#include "wire/admission.hpp"

namespace grapevine::io {

struct LsRequest {};
struct StatusRequest {};
struct PingRequest {
    std::string name;
};
struct WatchRequest {};
struct StopRequest {};
struct LedgerRequest {};
struct LogLevelRequest {
    std::optional<telemetry::Filter> filter;  // Absent: only asked for.
};

struct DeliverRequest {
    delivery::Submission submission;
};

struct PublishRequest {
    base::Bytes content;
};

struct ResolveRequest {
    std::string name;
    base::Duration deadline{};
};
struct CacheRequest {};
struct WhyRequest {
    std::string name;  // Or an id, or the beginning of one.
};

// Another ticket for the node; with an authority, the mesh is closed by it.
struct AdmitRequest {
    wire::SignedTicket ticket;
    std::optional<base::EndpointId> authority;
};
struct RevokeRequest {
    wire::SignedRevocations list;
};

// A load (include/grapevine/producer.hpp); absent members are its defaults, and it checks what they hold.
struct ProduceRequest {
    std::string name;
    delivery::MessageKind kind = delivery::MessageKind::send;
    delivery::Options options;
    std::uint32_t rate = 1000;
    base::Duration duration{};
    std::size_t payload_bytes = 200;
    std::uint32_t unanswered_max = 2048;
    base::Duration report_every = std::chrono::seconds(1);
    std::string outcomes_file;
};

using ControlRequest = std::variant<LsRequest, StatusRequest, PingRequest, WatchRequest, StopRequest, LedgerRequest,
                                    LogLevelRequest, DeliverRequest, PublishRequest, ResolveRequest, CacheRequest,
                                    WhyRequest, AdmitRequest, RevokeRequest, ProduceRequest>;

inline constexpr std::size_t kControlNameMax = 256;  // Bytes of a name in a request.

// One line without its newline. Unknown operations and unknown members are errors, and named.
base::Result<ControlRequest> decode_control_request(std::string_view line);

// {"ok":false,"error":{"code":...,"message":...}}
std::string encode_control_error(const base::Error& error);
std::string_view name(base::ErrorCode code);

}  // namespace grapevine::io
