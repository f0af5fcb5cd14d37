#pragma once

// Questions to a gatekeeper in one line each, for its tests. "broker" asks unless another type is said, and both clocks
// have gone on by `since`.

#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "admission/admission_testing.hpp"
#include "admission/gatekeeper.hpp"

namespace grapevine::admission::testing {

using base::Bytes;

inline Verdict ask(Gatekeeper& gate, std::uint8_t who, const Bytes& ticket_bytes, Use wanted = Use::member,
                   std::string_view type = "broker", base::Duration since = 0s) {
    return gate.judge({id(who), wanted, type, ticket_bytes}, at(since), wall(since));
}
inline bool admits(Gatekeeper& gate, std::uint8_t who, const Bytes& ticket_bytes, Use wanted = Use::member,
                   base::Duration since = 0s) {
    return std::holds_alternative<Grant>(ask(gate, who, ticket_bytes, wanted, "broker", since));
}
// The cause of a denial, which must also be the only one counted by this question.
inline std::optional<Cause> cause_of(Gatekeeper& gate, std::uint8_t who, const Bytes& ticket_bytes,
                                     Use wanted = Use::member, std::string_view type = "broker",
                                     base::Duration since = 0s) {
    Counters expected = gate.counters();
    const Verdict verdict = ask(gate, who, ticket_bytes, wanted, type, since);
    const auto* denial = std::get_if<Denial>(&verdict);
    if (denial == nullptr) return std::nullopt;
    ++expected.denied[static_cast<std::size_t>(denial->cause)];
    EXPECT_EQ(gate.counters(), expected);
    return denial->cause;
}
inline std::string message_of(Gatekeeper& gate, std::uint8_t who, const Bytes& ticket_bytes, Use wanted = Use::member) {
    const Verdict verdict = ask(gate, who, ticket_bytes, wanted);
    const auto* denial = std::get_if<Denial>(&verdict);
    return denial == nullptr ? "" : denial->message;
}
inline Effects hear(Gatekeeper& gate, const Bytes& list) {
    Effects out;
    gate.on_revocations(list, out);
    return out;
}
inline Effects wait(Gatekeeper& gate, base::Duration since, base::WallTime wall_time) {
    Effects out;
    gate.on_deadline(at(since), wall_time, out);
    return out;
}
inline Effects wait(Gatekeeper& gate, base::Duration since) {
    return wait(gate, since, wall(since));
}

}  // namespace grapevine::admission::testing
