#pragma once

/// Errors of the public interface.

#include <string>

#include <tl/expected.hpp>

namespace grapevine {

/// Why a call failed: one line fit for a user, naming the offender and the rule.
struct Error {
    enum class Code { failed, invalid, not_found, exhausted, busy, denied };
    Code code = Code::failed;
    std::string message;
};

template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
public:
    using tl::expected<T, Error>::expected;
};
using Status = Result<void>;

}  // namespace grapevine
