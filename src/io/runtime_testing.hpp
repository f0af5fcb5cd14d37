#pragma once

// Running a runtime until a condition holds, with a deadline in place of sleeping.

#include <functional>

#include "io/runtime.hpp"

namespace grapevine::io {

// Looks after every turn of others and every 2 ms; whether `condition` held in time.
bool run_until(Runtime& runtime, const std::function<bool()>& condition,
               base::Duration limit = base::Duration(std::chrono::seconds(60)));

}  // namespace grapevine::io
