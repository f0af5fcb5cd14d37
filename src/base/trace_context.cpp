#include "base/trace_context.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace grapevine::base {

namespace {

constexpr std::size_t kTraceparentChars = 55;

// The recommendation allows lower case only.
bool is_lower_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

template <typename IdType>
Result<IdType> parse_id(std::string_view what, std::string_view text) {
    IdType id;
    if (is_lower_hex(text) && text.size() == 2 * id.bytes.size()) {
        const auto decoded = hex_decode(text);
        std::copy(decoded->begin(), decoded->end(), id.bytes.begin());
    }
    if (id.is_valid()) return id;
    return invalid(std::string(what) + " '" + printable(text) + "': must be " + std::to_string(2 * id.bytes.size()) +
                   " lower-case hex characters, not all zero");
}

}  // namespace

std::string TraceId::hex() const {
    return hex_encode(bytes);
}
std::string SpanId::hex() const {
    return hex_encode(bytes);
}
Result<TraceId> TraceId::parse(std::string_view text) {
    return parse_id<TraceId>("trace id", text);
}
Result<SpanId> SpanId::parse(std::string_view text) {
    return parse_id<SpanId>("span id", text);
}

std::string TraceContext::traceparent() const {
    return "00-" + trace.hex() + "-" + span.hex() + (sampled ? "-01" : "-00");
}

Result<TraceContext> TraceContext::parse(std::string_view text) {
    const auto malformed = [&] {
        return invalid("traceparent '" + printable(text) + "': must be 00-<32 hex>-<16 hex>-<2 hex>");
    };
    const bool dashes = text.size() >= kTraceparentChars && text[2] == '-' && text[35] == '-' && text[52] == '-';
    if (!dashes) return malformed();
    const std::string_view version = text.substr(0, 2);
    const std::string_view flags = text.substr(53, 2);
    if (!is_lower_hex(version) || !is_lower_hex(flags) || version == "ff") return malformed();
    if (text.size() > kTraceparentChars && (version == "00" || text[kTraceparentChars] != '-')) return malformed();
    const auto trace = TraceId::parse(text.substr(3, 32));
    const auto span = SpanId::parse(text.substr(36, 16));
    if (!trace || !span) return malformed();
    return TraceContext{*trace, *span, (hex_decode(flags)->front() & 1) != 0, 0};
}

}  // namespace grapevine::base
