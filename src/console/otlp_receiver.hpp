#pragma once

// OTLP/HTTP into the store: POST /v1/traces, /v1/metrics and /v1/logs, protobuf, plain or gzip (OTLP 1.x, "OTLP/HTTP").
//
// Answers: 200 when everything or a part was stored (partial success says what was not, and why); 400 for a body that
// is no such request; 415 for another content type (JSON is optional in OTLP, and not understood); 503 with
// Retry-After when the store is full or locked; 500 when its file fails. 413 and the like come from the server. An
// error's body is a google.rpc.Status in protobuf.

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "console/http_server.hpp"
#include "console/store.hpp"
#include "io/log.hpp"
#include "otlp/decode.hpp"

namespace grapevine::console {

class OtlpReceiver {
public:
    struct Counters {
        std::uint64_t requests = 0;
        std::uint64_t items = 0;             // Decoded and handed to the store.
        std::uint64_t refused = 0;           // Items that broke a rule, here or in the store.
        std::uint64_t cut = 0;               // Attributes, links and bytes beyond their limits.
        std::uint64_t malformed = 0;         // 400
        std::uint64_t unsupported_type = 0;  // 415
        std::uint64_t store_full = 0;        // 503
        std::uint64_t store_busy = 0;        // 503
        std::uint64_t store_failed = 0;      // 500
    };

    // Both outlive the receiver, and it the routes.
    OtlpReceiver(Store& store, io::Log& log, std::function<base::WallTime()> wall_now)
        : store_(store), log_(log), wall_now_(std::move(wall_now)) {}
    OtlpReceiver(const OtlpReceiver&) = delete;
    OtlpReceiver& operator=(const OtlpReceiver&) = delete;

    // Told of the spans that were stored.
    void on_spans(std::function<void(const otlp::Decoded<otlp::SpanRow>&)> tap) { tap_ = std::move(tap); }
    std::vector<HttpRoute> routes();
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    template <typename Decode>
    HttpResponse receive(const HttpRequest& request, Decode decode);
    HttpResponse store_error(const base::Error& error, std::size_t items);

    Store& store_;
    io::Log& log_;
    std::function<base::WallTime()> wall_now_;
    std::function<void(const otlp::Decoded<otlp::SpanRow>&)> tap_;
    Counters counters_;
};

}  // namespace grapevine::console
