#include <cstddef>
#include <cstdint>
#include <utility>

#include "otlp/decode.hpp"
#include "otlp/decode_common.hpp"
#include "otlp/decode_value.hpp"

namespace grapevine::otlp {

namespace {

// As they came; checked when the span is complete.
struct SpanIds {
    std::string_view trace, span, parent;
};

telemetry::SpanKind kind_of(std::uint64_t number) {
    switch (number) {
        case 2: return telemetry::SpanKind::server;
        case 3: return telemetry::SpanKind::client;
        case 4: return telemetry::SpanKind::producer;
        case 5: return telemetry::SpanKind::consumer;
        default: return telemetry::SpanKind::internal;  // Unspecified means this, says the protocol.
    }
}

telemetry::SpanStatus status_of(std::uint64_t number) {
    if (number == 1) return telemetry::SpanStatus::ok;
    return number == 2 ? telemetry::SpanStatus::error : telemetry::SpanStatus::unset;
}

void read_status(Intake& intake, std::string_view bytes, SpanRow& row) {
    Message message("status", bytes, intake.problem());
    while (message.next()) {
        switch (message.field<StatusField>()) {
            case StatusField::message: row.status_text = limited(intake, message.text("message")); break;
            case StatusField::code: row.status = status_of(message.varint("code")); break;
            default: message.skip();
        }
    }
}

void read_link(Intake& intake, std::string_view bytes, SpanRow& row) {
    if (row.links.size() >= intake.limits().links_max) return intake.cut(1);
    std::string_view trace, span;
    Message message("link", bytes, intake.problem());
    while (message.next()) {
        switch (message.field<LinkField>()) {
            case LinkField::trace_id: trace = message.bytes("trace_id"); break;
            case LinkField::span_id: span = message.bytes("span_id"); break;
            default: message.skip();
        }
    }
    std::string trace_hex = hex_id<kTraceIdBytes>(trace);
    std::string span_hex = hex_id<kSpanIdBytes>(span);
    if (trace_hex.empty() || span_hex.empty()) return intake.cut(1);
    row.links.emplace_back(std::move(trace_hex), std::move(span_hex));
}

void read_field(Intake& intake, Message& span, SpanIds& ids, SpanRow& row) {
    switch (span.field<SpanField>()) {
        case SpanField::trace_id: ids.trace = span.bytes("trace_id"); break;
        case SpanField::span_id: ids.span = span.bytes("span_id"); break;
        case SpanField::parent_span_id: ids.parent = span.bytes("parent_span_id"); break;
        case SpanField::name: row.name = limited(intake, span.text("name")); break;
        case SpanField::kind: row.kind = kind_of(span.varint("kind")); break;
        case SpanField::start_time: row.start_unix_ns = span.fixed64("start_time_unix_nano"); break;
        case SpanField::end_time: row.end_unix_ns = span.fixed64("end_time_unix_nano"); break;
        case SpanField::attributes: read_attribute(intake, span.bytes("attributes"), row.attributes); break;
        case SpanField::links: read_link(intake, span.bytes("links"), row); break;
        case SpanField::status: read_status(intake, span.bytes("status"), row); break;
        case SpanField::events:
            span.bytes("events");
            intake.cut(1);
            break;
        default: span.skip();
    }
}

// Why the span cannot be kept; empty: it can.
std::string_view broken_rule(const SpanIds& ids, const SpanRow& row) {
    if (row.trace_id.empty()) return "trace_id is not 16 bytes, or zero";
    if (row.span_id.empty()) return "span_id is not 8 bytes, or zero";
    if (!ids.parent.empty() && ids.parent.size() != kSpanIdBytes) return "parent_span_id is not 8 bytes";
    if (row.end_unix_ns < row.start_unix_ns) return "ends before it starts";
    return {};
}

void read_span(Intake& intake, std::string_view bytes, std::size_t resource, std::vector<SpanRow>& rows) {
    if (!intake.has_room()) return;
    SpanIds ids;
    SpanRow row;
    row.resource = resource;
    Message span("span", bytes, intake.problem());
    while (span.next()) {
        read_field(intake, span, ids, row);
    }
    if (intake.problem().found()) return;
    row.trace_id = hex_id<kTraceIdBytes>(ids.trace);
    row.span_id = hex_id<kSpanIdBytes>(ids.span);
    row.parent_span_id = hex_id<kSpanIdBytes>(ids.parent);
    if (const auto why = broken_rule(ids, row); !why.empty()) return intake.refuse("span", row.name, why);
    const std::size_t link_bytes = row.links.size() * (sizeof row.links[0] + 2 * (kTraceIdBytes + kSpanIdBytes));
    if (!intake.admit(sizeof row + bytes_of(row.attributes) + link_bytes + row.name.size())) return;
    rows.push_back(std::move(row));
}

}  // namespace

base::Result<Decoded<SpanRow>> decode_traces(std::string_view body, const DecodeLimits& limits) {
    return decode_request<SpanRow>("traces", body, limits, read_span);
}

}  // namespace grapevine::otlp
