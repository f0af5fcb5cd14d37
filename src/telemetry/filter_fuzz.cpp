// Log filters, from the environment and over the control socket: any text is refused in one line or a filter that its
// own text gives again, and that wants a level only where it wants all before it.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "telemetry/filter.hpp"

using namespace grapevine;
using telemetry::Filter;
using telemetry::Level;
using telemetry::Target;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto filter = Filter::parse(base::as_text({data, size}));
    if (!filter) {
        const std::string& why = filter.error().message;
        GRAPEVINE_ASSERT(!why.empty() && why.find('\n') == std::string::npos, "a refusal is one line");
        return 0;
    }
    GRAPEVINE_ASSERT(size <= Filter::kTextMax, "a text is bounded");
    GRAPEVINE_ASSERT(filter->text().size() <= Filter::kTextMax, "also our own");
    const auto again = Filter::parse(filter->text());
    GRAPEVINE_ASSERT(again && *again == *filter, "a filter survives its text");
    for (std::size_t i = 0; i < telemetry::kTargets; ++i)
        for (const Level level : {Level::error, Level::warn, Level::info, Level::debug, Level::trace})
            GRAPEVINE_ASSERT(
                filter->wants(static_cast<Target>(i), level) == (level <= filter->limit(static_cast<Target>(i))),
                "a limit is a limit");
    return 0;
}
