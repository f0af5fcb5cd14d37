#include <cstddef>
#include <cstdint>
#include <utility>

#include "otlp/decode.hpp"
#include "otlp/decode_common.hpp"
#include "otlp/decode_value.hpp"

namespace grapevine::otlp {

namespace {

constexpr std::uint64_t kSeverityMax = 24;

void read_field(Intake& intake, Message& log, LogRow& row, std::uint64_t& observed_unix_ns) {
    switch (log.field<LogField>()) {
        case LogField::time: row.unix_ns = log.fixed64("time_unix_nano"); break;
        case LogField::observed_time: observed_unix_ns = log.fixed64("observed_time_unix_nano"); break;
        case LogField::severity_number: {
            const std::uint64_t number = log.varint("severity_number");
            row.severity = number <= kSeverityMax ? static_cast<std::int32_t>(number) : 0;
            break;
        }
        case LogField::severity_text: row.severity_text = limited(intake, log.text("severity_text")); break;
        case LogField::body: row.body = read_value(intake, log.bytes("body")).value; break;
        case LogField::attributes: read_attribute(intake, log.bytes("attributes"), row.attributes); break;
        case LogField::trace_id: row.trace_id = hex_id<kTraceIdBytes>(log.bytes("trace_id")); break;
        case LogField::span_id: row.span_id = hex_id<kSpanIdBytes>(log.bytes("span_id")); break;
        default: log.skip();
    }
}

void read_log(Intake& intake, std::string_view bytes, std::size_t resource, std::vector<LogRow>& rows) {
    if (!intake.has_room()) return;
    LogRow row;
    row.resource = resource;
    std::uint64_t observed_unix_ns = 0;
    Message log("log_record", bytes, intake.problem());
    while (log.next()) {
        read_field(intake, log, row, observed_unix_ns);
    }
    if (intake.problem().found()) return;
    if (row.unix_ns == 0) row.unix_ns = observed_unix_ns;
    // A span is named by both ids, a trace by one; a bad id means none.
    if (row.trace_id.empty()) row.span_id.clear();
    if (!intake.admit(sizeof row + bytes_of(row.attributes) + row.body.size())) return;
    rows.push_back(std::move(row));
}

}  // namespace

base::Result<Decoded<LogRow>> decode_logs(std::string_view body, const DecodeLimits& limits) {
    return decode_request<LogRow>("logs", body, limits, read_log);
}

}  // namespace grapevine::otlp
