#pragma once

// Result<T>: a value, or an Error whose message names the offender and the rule.
// One alias over tl::expected, to become std::expected when the compilers allow.

#include <string>
#include <type_traits>
#include <utility>

#include <tl/expected.hpp>

namespace grapevine::base {

// What went wrong, in one line fit for a user: "ticket 'endpointabc': truncated at byte 12".
// A code exists only if somebody reacts to it.
enum class ErrorCode {
    failed,     // Anything without a more exact code.
    invalid,    // The input breaks a rule (exit code 2 at the command line).
    not_found,  // The thing named does not exist.
    exhausted,  // A named limit is reached.
    busy,       // Somebody else holds it (a lock, a port).
    denied,     // Permissions.
};

struct Error {
    ErrorCode code = ErrorCode::failed;
    std::string message;
    friend bool operator==(const Error&, const Error&) = default;
};

template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
    struct NoValue {};
    using Value = std::conditional_t<std::is_void_v<T>, NoValue, T>;

public:
    using tl::expected<T, Error>::expected;

    // Equal values, or equal errors. Without these two, C++20 finds the comparisons of tl::expected ambiguous.
    friend bool operator==(const Result& a, const Result& b) {
        if (a.has_value() != b.has_value()) return false;
        if (!a.has_value()) return a.error() == b.error();
        if constexpr (std::is_void_v<T>) {
            return true;
        } else {
            return *a == *b;
        }
    }
    friend bool operator==(const Result& a, const Value& value) { return a.has_value() && *a == value; }
};

using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
    return tl::unexpected<Error>(Error{code, std::move(message)});
}
inline tl::unexpected<Error> fail(std::string message) {
    return fail(ErrorCode::failed, std::move(message));
}
inline tl::unexpected<Error> invalid(std::string message) {
    return fail(ErrorCode::invalid, std::move(message));
}

}  // namespace grapevine::base
