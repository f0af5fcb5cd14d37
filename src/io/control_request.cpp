#include "io/control_request.hpp"

#include <array>

#include <boost/json/serialize.hpp>

#include "base/encoding.hpp"
#include "io/json.hpp"
#include "io/request_members.hpp"

namespace grapevine::io {

namespace {

namespace json = boost::json;

constexpr std::uint64_t kDeadlineMsMax = 60'000;                    // delivery::kDeadlineMax.
constexpr std::uint64_t kDeadlineMsDefault = 10'000;                // delivery::kDeadlineDefault.
constexpr std::uint64_t kDurationMsMax = 30ULL * 24 * 3600 * 1000;  // 30 days.
constexpr std::uint64_t kResolveMsDefault = 5'000;

template <typename Request>
base::Result<ControlRequest> plain(const json::object& object) {
    if (const auto status = check_members(object, {}); !status) {
        return tl::unexpected(status.error());
    }
    return ControlRequest(Request{});
}

// A request that has a name and nothing else.
template <typename Request>
base::Result<ControlRequest> named(const json::object& object) {
    if (const auto status = check_members(object, {"name"}); !status) {
        return tl::unexpected(status.error());
    }
    auto name = string_member(object, "name");
    if (!name || name->empty() || name->size() > kControlNameMax) {
        return base::invalid("request: 'name' must be a string of 1 to " + std::to_string(kControlNameMax) + " bytes");
    }
    return ControlRequest(Request{std::move(*name)});
}

base::Result<ControlRequest> decode_log_level(const json::object& object) {
    if (const auto status = check_members(object, {"filter"}); !status) {
        return tl::unexpected(status.error());
    }
    if (!object.contains("filter")) {
        return ControlRequest(LogLevelRequest{});
    }
    const auto text = string_member(object, "filter");
    if (!text) {
        return base::invalid("request: 'filter' must be a string");
    }
    const auto filter = telemetry::Filter::parse(*text);
    if (!filter) {
        return base::invalid("filter: " + filter.error().message);
    }
    return ControlRequest(LogLevelRequest{*filter});
}

// What a message is to be like, for those who make one or many.
base::Result<delivery::Options> decode_options(const json::object& object) {
    const auto deadline = number_member(object, "deadline_ms", kDeadlineMsMax, kDeadlineMsDefault);
    const auto ordered = flag_member(object, "ordered");
    const auto idempotent = flag_member(object, "idempotent");
    if (!deadline) {
        return tl::unexpected(deadline.error());
    }
    if (!ordered || !idempotent) {
        return tl::unexpected(ordered ? idempotent.error() : ordered.error());
    }
    delivery::Options options;
    options.deadline = std::chrono::milliseconds(*deadline);
    options.ordering = *ordered ? delivery::Ordering::lane : delivery::Ordering::none;
    options.repetition = *idempotent ? delivery::Repetition::idempotent : delivery::Repetition::unsafe;
    return options;
}

base::Status read_load(const json::object& object, ProduceRequest& out) {
    struct Number {
        std::string_view name;
        std::uint64_t most;
        std::uint64_t value;  // When absent.
    };
    std::array<Number, 5> numbers{{{"rate", UINT32_MAX, out.rate},
                                   {"duration_ms", kDurationMsMax, 0},
                                   {"payload_bytes", UINT32_MAX, out.payload_bytes},
                                   {"unanswered_max", UINT32_MAX, out.unanswered_max},
                                   {"report_ms", kDurationMsMax, 1000}}};
    for (Number& number : numbers) {
        const auto read = number_member(object, number.name, number.most, number.value);
        if (!read) {
            return tl::unexpected(read.error());
        }
        number.value = *read;
    }
    out.rate = static_cast<std::uint32_t>(numbers[0].value);
    out.duration = std::chrono::milliseconds(numbers[1].value);
    out.payload_bytes = numbers[2].value;
    out.unanswered_max = static_cast<std::uint32_t>(numbers[3].value);
    out.report_every = std::chrono::milliseconds(numbers[4].value);
    return {};
}

base::Result<ControlRequest> decode_produce(const json::object& object) {
    if (const auto status =
            check_members(object, {"name", "kind", "deadline_ms", "ordered", "idempotent", "rate", "duration_ms",
                                   "payload_bytes", "unanswered_max", "report_ms", "outcomes_file"});
        !status) {
        return tl::unexpected(status.error());
    }
    ProduceRequest out;
    const auto name = string_member(object, "name");
    if (!name) {
        return base::invalid("request: 'name' must be a string");
    }
    const auto options = decode_options(object);
    if (!options) {
        return tl::unexpected(options.error());
    }
    if (const auto load = read_load(object, out); !load) {
        return tl::unexpected(load.error());
    }
    const auto kind = object.contains("kind") ? string_member(object, "kind") : std::string("send");
    if (!kind || (*kind != "send" && *kind != "request")) {
        return base::invalid("request: 'kind' must be send or request");
    }
    const auto file = object.contains("outcomes_file") ? string_member(object, "outcomes_file") : std::string();
    if (!file) {
        return base::invalid("request: 'outcomes_file' must be a string");
    }
    out.name = *name;
    out.options = *options;
    out.kind = *kind == "send" ? delivery::MessageKind::send : delivery::MessageKind::request;
    out.outcomes_file = *file;
    return ControlRequest(std::move(out));
}

base::Result<ControlRequest> decode_deliver(const json::object& object, delivery::MessageKind kind) {
    if (const auto status = check_members(object, {"name", "payload_base64", "deadline_ms", "ordered", "idempotent"});
        !status) {
        return tl::unexpected(status.error());
    }
    delivery::Submission submission;
    submission.kind = kind;
    const auto name = string_member(object, "name");
    const auto payload = base::base64_decode(string_member(object, "payload_base64").value_or(""));
    const auto options = decode_options(object);
    if (!name) {
        return base::invalid("request: 'name' must be a string");
    }
    if (!payload) {
        return base::invalid("request: 'payload_base64' must be base64");
    }
    if (!options) {
        return tl::unexpected(options.error());
    }
    submission.target.name = *name;
    submission.payload = *payload;
    submission.options = *options;
    return ControlRequest(DeliverRequest{std::move(submission)});
}

base::Result<ControlRequest> decode_publish(const json::object& object) {
    if (const auto status = check_members(object, {"payload_base64"}); !status) {
        return tl::unexpected(status.error());
    }
    auto content = base::base64_decode(string_member(object, "payload_base64").value_or(""));
    if (!content) {
        return base::invalid("request: 'payload_base64' must be base64");
    }
    return ControlRequest(PublishRequest{*std::move(content)});
}

base::Result<ControlRequest> decode_resolve(const json::object& object) {
    if (const auto status = check_members(object, {"name", "deadline_ms"}); !status) {
        return tl::unexpected(status.error());
    }
    auto name = string_member(object, "name");
    if (!name || name->empty() || name->size() > kControlNameMax) {
        return base::invalid("request: 'name' must be a string of 1 to " + std::to_string(kControlNameMax) + " bytes");
    }
    const auto deadline = object.contains("deadline_ms") ? unsigned_member(object, "deadline_ms")
                                                         : std::optional<std::uint64_t>(kResolveMsDefault);
    if (!deadline || *deadline == 0 || *deadline > kDeadlineMsMax) {
        return base::invalid("request: 'deadline_ms' must be a number from 1 to " + std::to_string(kDeadlineMsMax));
    }
    return ControlRequest(ResolveRequest{std::move(*name), std::chrono::milliseconds(*deadline)});
}

base::Result<ControlRequest> decode_admit(const json::object& object) {
    if (const auto status = check_members(object, {"ticket", "authority"}); !status) {
        return tl::unexpected(status.error());
    }
    AdmitRequest request;
    auto ticket = wire::parse_admission_text(string_member(object, "ticket").value_or(""));
    if (!ticket) {
        return base::invalid("request: " + ticket.error().message);
    }
    request.ticket = std::move(*ticket);
    if (object.contains("authority")) {
        const auto authority = base::EndpointId::parse(string_member(object, "authority").value_or(""));
        if (!authority) {
            return base::invalid("request: 'authority': " + authority.error().message);
        }
        request.authority = *authority;
    }
    return ControlRequest(std::move(request));
}

base::Result<ControlRequest> decode_revoke(const json::object& object) {
    if (const auto status = check_members(object, {"list"}); !status) {
        return tl::unexpected(status.error());
    }
    auto list = wire::parse_revocations_text(string_member(object, "list").value_or(""));
    if (!list) {
        return base::invalid("request: " + list.error().message);
    }
    return ControlRequest(RevokeRequest{std::move(*list)});
}

}  // namespace

base::Result<ControlRequest> decode_control_request(std::string_view line) {
    const auto object = parse_json_object("request", line);
    if (!object) {
        return tl::unexpected(object.error());
    }
    const auto op = string_member(*object, "op");
    if (!op) {
        return base::invalid("request: 'op' must be a string");
    }
    if (*op == "ls") {
        return plain<LsRequest>(*object);
    }
    if (*op == "status") {
        return plain<StatusRequest>(*object);
    }
    if (*op == "ping") {
        return named<PingRequest>(*object);
    }
    if (*op == "watch") {
        return plain<WatchRequest>(*object);
    }
    if (*op == "stop") {
        return plain<StopRequest>(*object);
    }
    if (*op == "ledger") {
        return plain<LedgerRequest>(*object);
    }
    if (*op == "log-level") {
        return decode_log_level(*object);
    }
    if (*op == "send") {
        return decode_deliver(*object, delivery::MessageKind::send);
    }
    if (*op == "request") {
        return decode_deliver(*object, delivery::MessageKind::request);
    }
    if (*op == "publish") {
        return decode_publish(*object);
    }
    if (*op == "resolve") {
        return decode_resolve(*object);
    }
    if (*op == "cache") {
        return plain<CacheRequest>(*object);
    }
    if (*op == "why") {
        return named<WhyRequest>(*object);
    }
    if (*op == "produce") {
        return decode_produce(*object);
    }
    if (*op == "admit") {
        return decode_admit(*object);
    }
    if (*op == "revoke") {
        return decode_revoke(*object);
    }
    return base::invalid(
        "request: unknown op '" + base::printable(*op) +
        "'; ls, status, ping, watch, ledger, log-level, send, request, publish, produce, resolve, cache, why, admit, "
        "revoke and stop exist");
}

std::string_view name(base::ErrorCode code) {
    switch (code) {
        case base::ErrorCode::failed: return "failed";
        case base::ErrorCode::invalid: return "invalid";
        case base::ErrorCode::not_found: return "not_found";
        case base::ErrorCode::exhausted: return "exhausted";
        case base::ErrorCode::busy: return "busy";
        case base::ErrorCode::denied: return "denied";
    }
    return "failed";
}

std::string encode_control_error(const base::Error& error) {
    const std::string_view code = name(error.code);
    json::object detail;
    detail["code"] = json::string_view(code.data(), code.size());
    detail["message"] = error.message;
    json::object answer;
    answer["ok"] = false;
    answer["error"] = std::move(detail);
    return json::serialize(answer);
}

}  // namespace grapevine::io
