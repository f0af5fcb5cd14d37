#include "wire/trace_codec.hpp"

#include <array>

namespace grapevine::wire {

namespace {

constexpr std::uint8_t kAbsent = 0;
constexpr std::uint8_t kPresent = 1;
constexpr std::uint8_t kSampled = 1;

void write_time(Writer& out, std::uint64_t unix_ns) {
    for (int shift = 56; shift >= 0; shift -= 8)
        out.u8(static_cast<std::uint8_t>(unix_ns >> static_cast<unsigned>(shift)));
}

std::uint64_t read_time(Reader& in, std::string_view field) {
    std::uint64_t unix_ns = 0;
    for (const std::uint8_t byte : in.array<8>(field))
        unix_ns = unix_ns << 8U | byte;
    return unix_ns;
}

bool is_present(Reader& in, std::string_view field) {
    if (!in.ok() || in.remaining() == 0) return false;
    const std::uint8_t marker = in.u8(field);
    if (marker != kPresent && marker != kAbsent) in.raw(field, in.remaining());  // Of a later version.
    return marker == kPresent;
}

}  // namespace

base::TraceContext carried(const base::TraceContext& context) {
    return context.is_valid() ? context : base::TraceContext{};
}

void write_context(Writer& out, const base::TraceContext& context) {
    if (!carried(context).is_valid()) return;
    out.u8(kPresent);
    out.raw(context.trace.bytes);
    out.raw(context.span.bytes);
    out.u8(context.sampled ? kSampled : std::uint8_t{0});
    write_time(out, context.sent_unix_ns);
}

void write_answer(Writer& out, const base::TraceContext& context, const std::optional<AnswerTimes>& times) {
    write_context(out, context);
    if (!times) return;
    if (!carried(context).is_valid()) out.u8(kAbsent);
    out.u8(kPresent);
    write_time(out, times->received_unix_ns);
    write_time(out, times->sent_unix_ns);
}

base::TraceContext read_context(Reader& in) {
    if (!is_present(in, "trace context")) return {};
    base::TraceContext context;
    context.trace.bytes = in.array<16>("trace id");
    context.span.bytes = in.array<8>("span id");
    context.sampled = (in.u8("trace flags") & kSampled) != 0;
    context.sent_unix_ns = read_time(in, "sent time");
    return in.ok() ? carried(context) : base::TraceContext{};
}

std::optional<AnswerTimes> read_answer_times(Reader& in) {
    if (!is_present(in, "times")) return std::nullopt;
    AnswerTimes times;
    times.received_unix_ns = read_time(in, "received time");
    times.sent_unix_ns = read_time(in, "sent time");
    return times;
}

}  // namespace grapevine::wire
