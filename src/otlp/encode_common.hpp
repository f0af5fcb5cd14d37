#pragma once

// What the encoders of the three signals share. Fields are written in the order of their numbers and defaults are left
// out, so that the bytes are those that the official serialiser makes of the same message.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <protozero/pbf_builder.hpp>

#include "otlp/fields.hpp"
#include "telemetry/resource.hpp"
#include "telemetry/span.hpp"

namespace grapevine::otlp {

// `value` as a string field, made valid UTF-8; nothing if it is empty.
void write_text(protozero::pbf_writer& message, FieldNumber field, std::string_view value);

// One KeyValue as `field` of `message`. A value that is a text is made valid UTF-8.
void write_attribute(protozero::pbf_writer& message, FieldNumber field, std::string_view key,
                     const telemetry::Value& value);
void write_attribute(protozero::pbf_writer& message, FieldNumber field, std::string_view key, std::string_view value);
void write_attributes(protozero::pbf_writer& message, FieldNumber field, const telemetry::Attributes& attributes);

// An AnyValue that is a text.
void write_text_value(protozero::pbf_writer& message, FieldNumber field, std::string_view value);

template <std::size_t N>
void write_id(protozero::pbf_writer& message, FieldNumber field, const std::array<std::uint8_t, N>& id) {
    message.add_bytes(field, reinterpret_cast<const char*>(id.data()), id.size());
}

void write_resource(protozero::pbf_builder<ResourceItemsField>& message, const telemetry::Resource& resource);
void write_scope(protozero::pbf_builder<ScopeItemsField>& message);

template <typename Field>
constexpr FieldNumber number(Field field) {
    return static_cast<FieldNumber>(field);
}

// Gives the records one after the other.
template <typename Record>
auto next_of(std::span<const Record> records) {
    return [records, at = std::size_t{0}]() mutable { return at < records.size() ? &records[at++] : nullptr; };
}

// A request with one resource and one scope, filled by write_items(pbf_builder<ScopeItemsField>&).
template <typename WriteItems>
std::string encode_request(const telemetry::Resource& resource, std::size_t bytes_expected,
                           const WriteItems& write_items) {
    std::string bytes;
    bytes.reserve(bytes_expected);
    protozero::pbf_builder<RequestField> request(bytes);
    protozero::pbf_builder<ResourceItemsField> of_resource(request, RequestField::resources);
    write_resource(of_resource, resource);
    protozero::pbf_builder<ScopeItemsField> of_scope(of_resource, ResourceItemsField::scopes);
    write_scope(of_scope);
    write_items(of_scope);
    of_scope.commit();
    of_resource.commit();
    return bytes;
}

}  // namespace grapevine::otlp
