#include <cstddef>
#include <cstdint>

#include "otlp/encode.hpp"
#include "otlp/encode_common.hpp"

namespace grapevine::otlp {

namespace {

constexpr std::size_t kLogBytesExpected = 256;
constexpr std::string_view kTargetKey = "mesh.target";
constexpr std::string_view kSiteKey = "mesh.site";

// The first number of each of the data model's ranges (SeverityNumber); 0 is unspecified.
std::int32_t severity_number(telemetry::Level level) {
    switch (level) {
        case telemetry::Level::off: return 0;
        case telemetry::Level::error: return 17;
        case telemetry::Level::warn: return 13;
        case telemetry::Level::info: return 9;
        case telemetry::Level::debug: return 5;
        case telemetry::Level::trace: return 1;
    }
    return 0;
}

void write_severity(protozero::pbf_builder<LogField>& out, telemetry::Level level) {
    const std::int32_t severity = severity_number(level);
    if (severity == 0) return;
    out.add_enum(LogField::severity_number, severity);
    write_text(out, number(LogField::severity_text), telemetry::name(level));
}

void write_context(protozero::pbf_builder<LogField>& out, const base::TraceContext& context) {
    if (!context.is_valid()) return;
    if (context.sampled) out.add_fixed32(LogField::flags, kFlagSampled);
    write_id(out, number(LogField::trace_id), context.trace.bytes);
    write_id(out, number(LogField::span_id), context.span.bytes);
}

void write_log(protozero::pbf_builder<ScopeItemsField>& scope, const telemetry::LogRecord& log) {
    protozero::pbf_builder<LogField> out(scope, ScopeItemsField::items);
    if (log.unix_ns != 0) out.add_fixed64(LogField::time, log.unix_ns);
    write_severity(out, log.level);
    write_text_value(out, number(LogField::body), log.body);
    write_attributes(out, number(LogField::attributes), log.attributes);
    write_attribute(out, number(LogField::attributes), kTargetKey, telemetry::name(log.target));
    if (!log.site.empty()) {
        write_attribute(out, number(LogField::attributes), kSiteKey, std::string_view(log.site));
    }
    write_context(out, log.context);
    // The one who observes the record is the one who makes it.
    if (log.unix_ns != 0) out.add_fixed64(LogField::observed_time, log.unix_ns);
}

}  // namespace

std::string encode_logs(const telemetry::Resource& resource, std::size_t count_expected,
                        const NextRecord<telemetry::LogRecord>& next) {
    const telemetry::LogRecord* record = next();
    if (record == nullptr) return {};
    return encode_request(resource, count_expected * kLogBytesExpected,
                          [&](protozero::pbf_builder<ScopeItemsField>& scope) {
                              for (; record != nullptr; record = next()) {
                                  write_log(scope, *record);
                              }
                          });
}

std::string encode_logs(const telemetry::Resource& resource, std::span<const telemetry::LogRecord> records) {
    return encode_logs(resource, records.size(), next_of(records));
}

}  // namespace grapevine::otlp
