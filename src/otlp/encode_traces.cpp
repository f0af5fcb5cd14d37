#include <cstddef>
#include <cstdint>

#include "base/assert.hpp"
#include "otlp/encode.hpp"
#include "otlp/encode_common.hpp"

namespace grapevine::otlp {

namespace {

constexpr std::size_t kSpanBytesExpected = 320;
constexpr std::string_view kTargetKey = "mesh.target";

// The protocol counts from 1; its 0 means unspecified.
std::int32_t kind_number(telemetry::SpanKind kind) {
    switch (kind) {
        case telemetry::SpanKind::internal: return 1;
        case telemetry::SpanKind::server: return 2;
        case telemetry::SpanKind::client: return 3;
        case telemetry::SpanKind::producer: return 4;
        case telemetry::SpanKind::consumer: return 5;
    }
    return 0;
}

std::int32_t status_number(telemetry::SpanStatus status) {
    switch (status) {
        case telemetry::SpanStatus::unset: return 0;
        case telemetry::SpanStatus::ok: return 1;
        case telemetry::SpanStatus::error: return 2;
    }
    return 0;
}

// What is recorded was sampled. Whether the parent is remote is known of every span, of a root too.
std::uint32_t flags_of(const telemetry::Span& span) {
    return kFlagSampled | kFlagHasIsRemote | (span.remote_parent ? kFlagIsRemote : 0U);
}

void write_link(protozero::pbf_builder<SpanField>& span, const telemetry::SpanLink& link) {
    protozero::pbf_builder<LinkField> out(span, SpanField::links);
    write_id(out, number(LinkField::trace_id), link.trace.bytes);
    write_id(out, number(LinkField::span_id), link.span.bytes);
}

void write_status(protozero::pbf_builder<SpanField>& span, const telemetry::Span& from) {
    protozero::pbf_builder<StatusField> out(span, SpanField::status);
    write_text(out, number(StatusField::message), from.status_text);
    if (from.status != telemetry::SpanStatus::unset) {
        out.add_enum(StatusField::code, status_number(from.status));
    }
}

void write_span(protozero::pbf_builder<ScopeItemsField>& scope, const telemetry::Span& span) {
    GRAPEVINE_ASSERT(span.spec != nullptr, "a span to export has a spec");
    protozero::pbf_builder<SpanField> out(scope, ScopeItemsField::items);
    write_id(out, number(SpanField::trace_id), span.trace.bytes);
    write_id(out, number(SpanField::span_id), span.id.bytes);
    if (span.parent.is_valid()) write_id(out, number(SpanField::parent_span_id), span.parent.bytes);
    write_text(out, number(SpanField::name), span.spec->name);
    out.add_enum(SpanField::kind, kind_number(span.spec->kind));
    if (span.start_unix_ns != 0) out.add_fixed64(SpanField::start_time, span.start_unix_ns);
    if (span.end_unix_ns != 0) out.add_fixed64(SpanField::end_time, span.end_unix_ns);
    write_attributes(out, number(SpanField::attributes), span.attributes);
    write_attribute(out, number(SpanField::attributes), kTargetKey, telemetry::name(span.spec->target));
    for (const telemetry::SpanLink& link : span.links) {
        write_link(out, link);
    }
    write_status(out, span);
    out.add_fixed32(SpanField::flags, flags_of(span));
}

}  // namespace

std::string encode_traces(const telemetry::Resource& resource, std::size_t count_expected,
                          const NextRecord<telemetry::Span>& next) {
    const telemetry::Span* record = next();
    if (record == nullptr) return {};
    return encode_request(resource, count_expected * kSpanBytesExpected,
                          [&](protozero::pbf_builder<ScopeItemsField>& scope) {
                              for (; record != nullptr; record = next()) {
                                  write_span(scope, *record);
                              }
                          });
}

std::string encode_traces(const telemetry::Resource& resource, std::span<const telemetry::Span> records) {
    return encode_traces(resource, records.size(), next_of(records));
}

}  // namespace grapevine::otlp
