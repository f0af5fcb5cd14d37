#pragma once

// W3C Trace Context (level 1): which trace a piece of work belongs to and which span caused it. Lives in base because
// frames carry it (wire) and spans are made of it (telemetry).

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace grapevine::base {

// All zero means none.
struct TraceId {
    std::array<std::uint8_t, 16> bytes{};
    [[nodiscard]] bool is_valid() const { return bytes != std::array<std::uint8_t, 16>{}; }
    [[nodiscard]] std::string hex() const;
    // 32 hex characters, not all zero.
    static Result<TraceId> parse(std::string_view text);
    friend auto operator<=>(const TraceId&, const TraceId&) = default;
};

struct SpanId {
    std::array<std::uint8_t, 8> bytes{};
    [[nodiscard]] bool is_valid() const { return bytes != std::array<std::uint8_t, 8>{}; }
    [[nodiscard]] std::string hex() const;
    // 16 hex characters, not all zero.
    static Result<SpanId> parse(std::string_view text);
    friend auto operator<=>(const SpanId&, const SpanId&) = default;
};

// What travels with a message, and what a child span needs of its parent.
struct TraceContext {
    TraceId trace;
    SpanId span;
    bool sampled = false;  // Trace flags, bit 0.
    // When it was sent, on the clock of the trace's root as well as the sender knows it; 0: unknown. Not part of W3C:
    // it is what lets a receiver with a wrong clock keep causes before effects (telemetry/clock_offset.hpp).
    std::uint64_t sent_unix_ns = 0;

    [[nodiscard]] bool is_valid() const { return trace.is_valid() && span.is_valid(); }
    // "00-<trace>-<span>-01", section 3.2 of the recommendation.
    [[nodiscard]] std::string traceparent() const;
    // Any version but ff is read as version 00 is (section 3.2.2.1: a later one may be longer).
    static Result<TraceContext> parse(std::string_view traceparent);
    friend bool operator==(const TraceContext&, const TraceContext&) = default;
};

}  // namespace grapevine::base
