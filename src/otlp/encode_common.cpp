#include "otlp/encode_common.hpp"

#include <bit>
#include <variant>

#include <protozero/data_view.hpp>
#include <protozero/types.hpp>

#include "base/overloaded.hpp"
#include "base/utf8.hpp"

namespace grapevine::otlp {

namespace {

constexpr std::string_view kScopeName = "grapevine";

// The bytes before a text, or instead of one: tags, lengths, numbers. Every field number here is below 16, so that a
// tag takes one byte.
class Piece {
public:
    template <typename Field>
    Piece& tag(Field field, protozero::pbf_wire_type type) {
        return byte(static_cast<std::uint8_t>(number(field) << 3U | static_cast<unsigned>(type)));
    }
    Piece& varint(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7U) {
            byte(static_cast<std::uint8_t>(value | 0x80U));
        }
        return byte(static_cast<std::uint8_t>(value));
    }
    Piece& fixed64(std::uint64_t value) {
        for (unsigned shift = 0; shift < 64; shift += 8) {
            byte(static_cast<std::uint8_t>(value >> shift));
        }
        return *this;
    }
    template <typename Field>
    Piece& length(Field field, std::size_t bytes) {
        return tag(field, protozero::pbf_wire_type::length_delimited).varint(bytes);
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] protozero::data_view view() const { return {bytes_.data(), size_}; }

private:
    static constexpr std::size_t kBytesMax = 1 + 10;  // A tag and the longest varint.
    Piece& byte(std::uint8_t value) {
        bytes_[size_++] = static_cast<char>(value);
        return *this;
    }
    std::array<char, kBytesMax> bytes_{};
    std::size_t size_ = 0;
};

protozero::data_view view_of(std::string_view text) {
    return {text.data(), text.size()};
}

// The sizes are known before anything is written, so that nothing has to be moved afterwards. `any` begins the AnyValue
// and `text` ends it.
void write_key_value(protozero::pbf_writer& message, FieldNumber field, std::string_view key, const Piece& any,
                     std::string_view text) {
    const base::SafeText safe_key(key);
    Piece before_key;
    if (!key.empty()) before_key.length(KeyValueField::key, safe_key.view().size());
    Piece before_value;
    before_value.length(KeyValueField::value, any.size() + text.size());
    message.add_bytes_vectored(field, before_key.view(), view_of(safe_key.view()), before_value.view(), any.view(),
                               view_of(text));
}

Piece piece_of(bool value) {
    return Piece().tag(AnyValueField::bool_value, protozero::pbf_wire_type::varint).varint(value ? 1 : 0);
}
Piece piece_of(std::int64_t value) {
    return Piece()
        .tag(AnyValueField::int_value, protozero::pbf_wire_type::varint)
        .varint(static_cast<std::uint64_t>(value));
}
Piece piece_of(double value) {
    return Piece()
        .tag(AnyValueField::double_value, protozero::pbf_wire_type::fixed64)
        .fixed64(std::bit_cast<std::uint64_t>(value));
}

}  // namespace

void write_text(protozero::pbf_writer& message, FieldNumber field, std::string_view value) {
    if (value.empty()) return;
    const base::SafeText safe(value);
    message.add_string(field, safe.view().data(), safe.view().size());
}

void write_attribute(protozero::pbf_writer& message, FieldNumber field, std::string_view key, std::string_view value) {
    const base::SafeText safe(value);
    write_key_value(message, field, key, Piece().length(AnyValueField::string_value, safe.view().size()), safe.view());
}

void write_attribute(protozero::pbf_writer& message, FieldNumber field, std::string_view key,
                     const telemetry::Value& value) {
    std::visit(base::Overloaded{
                   [&](const std::string& text) { write_attribute(message, field, key, std::string_view(text)); },
                   [&](const auto& other) { write_key_value(message, field, key, piece_of(other), {}); },
               },
               value);
}

void write_attributes(protozero::pbf_writer& message, FieldNumber field, const telemetry::Attributes& attributes) {
    for (const telemetry::Attribute& attribute : attributes) {
        write_attribute(message, field, attribute.key, attribute.value);
    }
}

void write_text_value(protozero::pbf_writer& message, FieldNumber field, std::string_view value) {
    const base::SafeText safe(value);
    const Piece before = Piece().length(AnyValueField::string_value, safe.view().size());
    message.add_bytes_vectored(field, before.view(), view_of(safe.view()));
}

void write_resource(protozero::pbf_builder<ResourceItemsField>& message, const telemetry::Resource& resource) {
    protozero::pbf_builder<ResourceField> out(message, ResourceItemsField::resource);
    for (const auto& [key, value] : resource.attributes) {
        write_attribute(out, number(ResourceField::attributes), key, std::string_view(value));
    }
}

void write_scope(protozero::pbf_builder<ScopeItemsField>& message) {
    protozero::pbf_builder<ScopeField> out(message, ScopeItemsField::scope);
    write_text(out, number(ScopeField::name), kScopeName);
    write_text(out, number(ScopeField::version), GRAPEVINE_VERSION);
}

}  // namespace grapevine::otlp
