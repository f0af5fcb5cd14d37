// Trace contexts as text: any text is refused, or a valid context that its own text gives again.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/trace_context.hpp"

using namespace grapevine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = base::as_text({data, size});
    const auto context = base::TraceContext::parse(text);
    if (!context) {
        GRAPEVINE_ASSERT(context.error().message.find('\n') == std::string::npos, "a refusal is one line");
        return 0;
    }
    GRAPEVINE_ASSERT(context->is_valid(), "what is read is valid");
    const std::string written = context->traceparent();
    GRAPEVINE_ASSERT(base::TraceContext::parse(written) == *context, "a context survives its text");
    // Ids stand where they stood; version and further flags are ours.
    GRAPEVINE_ASSERT(written.substr(2, 51) == text.substr(2, 51), "ids are taken as they came");
    GRAPEVINE_ASSERT(text.starts_with("00") ? size == written.size() : size >= written.size(), "a length is checked");
    return 0;
}
