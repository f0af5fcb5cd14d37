#pragma once

// The steps of a span, one after the other: each begins where the one before it ended, so that together they fill it,
// and time in which the process did not get the processor between two steps is not nobody's.

#include <cstdint>
#include <utility>

#include "telemetry/recorder.hpp"

namespace grapevine::telemetry {

class Steps {
public:
    // The first step begins at `start_unix_ns`, on the node's own clock. `recorder` and `whole` outlive the steps.
    Steps(Recorder& recorder, const OpenSpan& whole, std::uint64_t start_unix_ns)
        : recorder_(recorder), whole_(whole), at_(start_unix_ns) {}

    [[nodiscard]] OpenSpan begin(const SpanSpec& spec) { return recorder_.begin(spec, whole_, at_); }
    void end(OpenSpan step) { end_at(std::move(step), recorder_.unix_ns()); }
    void end_at(OpenSpan step, std::uint64_t end_unix_ns) {
        at_ = end_unix_ns;
        recorder_.end_at(std::move(step), at_);
    }
    // Where the last one ended.
    [[nodiscard]] std::uint64_t at() const { return at_; }

private:
    Recorder& recorder_;
    const OpenSpan& whole_;
    std::uint64_t at_;
};

}  // namespace grapevine::telemetry
