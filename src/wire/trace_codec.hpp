#pragma once

// The trailing fields that tracing adds to our frames and statements: an Option (postcard) of a trace context, and
// where a frame answers another one, an Option of the two times that the asker needs to compare clocks.
//
//   context: 01 · trace id 16 bytes · span id 8 bytes · flags u8 (bit 0: sampled) · sent time, 8 bytes big-endian
//   times:   01 · received time, 8 bytes big-endian · sent time, 8 bytes big-endian
//
// Times are Unix nanoseconds. A field that is absent is `00`, and nothing at all when no field follows: a frame that
// nobody traces is what it was before there was tracing. Contexts that are not valid are not written, and read as none.
// One that is not sampled says that its trace was left out, so that nobody records a part of it; whether that is worth
// its bytes, the sender's sampler decides (telemetry/recorder.hpp, rule 2). Whatever else stands where a field could be
// is of a later version and ignored, with all after it.

#include <cstdint>
#include <optional>

#include "base/trace_context.hpp"
#include "wire/postcard.hpp"

namespace grapevine::wire {

inline constexpr std::size_t kContextBytes = 1 + 16 + 8 + 1 + 8;

// On the clock of whoever answers; what makes an answer a measurement of that clock (RFC 5905, section 8).
struct AnswerTimes {
    std::uint64_t received_unix_ns = 0;
    std::uint64_t sent_unix_ns = 0;
    friend bool operator==(const AnswerTimes&, const AnswerTimes&) = default;
};

// The context as it is carried: itself when valid, else none.
[[nodiscard]] base::TraceContext carried(const base::TraceContext& context);

void write_context(Writer& out, const base::TraceContext& context);
void write_answer(Writer& out, const base::TraceContext& context, const std::optional<AnswerTimes>& times);

base::TraceContext read_context(Reader& in);
// After read_context.
std::optional<AnswerTimes> read_answer_times(Reader& in);

}  // namespace grapevine::wire
