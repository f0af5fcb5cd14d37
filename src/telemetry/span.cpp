#include "telemetry/span.hpp"

namespace grapevine::telemetry {
namespace {

// What a string holds outside itself. Short ones lie inside.
std::size_t heap_bytes(const std::string& text) {
    static const std::size_t kInside = std::string().capacity();
    return text.capacity() > kInside ? text.capacity() + 1 : 0;
}

std::size_t heap_bytes(const Attributes& attributes) {
    std::size_t bytes = attributes.capacity() * sizeof(Attribute);
    for (const Attribute& attribute : attributes)
        if (const auto* text = std::get_if<std::string>(&attribute.value)) bytes += heap_bytes(*text);
    return bytes;
}

}  // namespace

std::size_t footprint(const Span& span) {
    return sizeof span + heap_bytes(span.attributes) + span.links.capacity() * sizeof(SpanLink) +
           heap_bytes(span.status_text);
}

std::size_t footprint(const LogRecord& record) {
    return sizeof record + heap_bytes(record.site) + heap_bytes(record.body) + heap_bytes(record.attributes);
}

}  // namespace grapevine::telemetry
