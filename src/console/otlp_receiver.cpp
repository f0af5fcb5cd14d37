#include "console/otlp_receiver.hpp"

#include <algorithm>
#include <string>
#include <type_traits>

#include "base/encoding.hpp"
#include "otlp/decode.hpp"
#include "otlp/encode.hpp"

namespace grapevine::console {
namespace {

constexpr const char* kProtobuf = "application/x-protobuf";
constexpr std::size_t kMessageMax = 120;  // Of one byte's length below.

// google.rpc.Code.
enum class RpcCode : std::uint8_t { invalid_argument = 3, resource_exhausted = 8, internal = 13, unavailable = 14 };

// google.rpc.Status: code = 1, message = 2.
HttpResponse status_response(unsigned status, RpcCode code, std::string_view message) {
    const std::string_view cut = message.substr(0, kMessageMax);
    HttpResponse out;
    out.status = status;
    out.content_type = kProtobuf;
    out.body += '\x08';
    out.body += static_cast<char>(code);
    out.body += '\x12';
    out.body += static_cast<char>(cut.size());
    out.body += cut;
    return out;
}

}  // namespace

std::vector<HttpRoute> OtlpReceiver::routes() {
    return {{"POST", "/v1/traces",
             [this](const HttpRequest& request) {
                 return receive(request, [](std::string_view body) { return otlp::decode_traces(body); });
             }},
            {"POST", "/v1/metrics",
             [this](const HttpRequest& request) {
                 return receive(request, [](std::string_view body) { return otlp::decode_metrics(body); });
             }},
            {"POST", "/v1/logs", [this](const HttpRequest& request) {
                 return receive(request, [](std::string_view body) { return otlp::decode_logs(body); });
             }}};
}

template <typename Decode>
HttpResponse OtlpReceiver::receive(const HttpRequest& request, Decode decode) {
    ++counters_.requests;
    if (request.content_type != kProtobuf) {
        ++counters_.unsupported_type;
        return status_response(415, RpcCode::invalid_argument, "content type: only application/x-protobuf");
    }
    const auto decoded = decode(request.body);
    if (!decoded) {
        ++counters_.malformed;
        return status_response(400, RpcCode::invalid_argument, base::printable(decoded.error().message));
    }
    const auto added = store_.add(*decoded, wall_now_());
    if (!added) {
        return store_error(added.error(), decoded->rows.size());
    }
    counters_.items += decoded->rows.size();
    counters_.refused += decoded->refused + added->refused;
    counters_.cut += decoded->cut + added->cut;
    if constexpr (std::is_same_v<std::decay_t<decltype(*decoded)>, otlp::Decoded<otlp::SpanRow>>) {
        if (tap_) {
            tap_(*decoded);
        }
    }
    HttpResponse response;
    response.content_type = kProtobuf;
    response.body = otlp::encode_response({decoded->refused + added->refused,
                                           base::printable(decoded->reason.empty() ? added->reason : decoded->reason)});
    return response;
}

HttpResponse OtlpReceiver::store_error(const base::Error& error, std::size_t items) {
    log_.write(io::LogLevel::error, "collector.store", "%zu items dropped: %s", items, error.message.c_str());
    if (error.code != base::ErrorCode::exhausted && error.code != base::ErrorCode::busy) {
        ++counters_.store_failed;
        return status_response(500, RpcCode::internal, base::printable(error.message));
    }
    const bool full = error.code == base::ErrorCode::exhausted;
    ++(full ? counters_.store_full : counters_.store_busy);
    HttpResponse response =
        status_response(503, full ? RpcCode::resource_exhausted : RpcCode::unavailable, base::printable(error.message));
    response.headers.emplace_back("Retry-After", full ? "10" : "1");
    return response;
}

}  // namespace grapevine::console
