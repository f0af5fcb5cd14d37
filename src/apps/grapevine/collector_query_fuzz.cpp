// What users type and collectors are called: times, sizes, URLs, and the names that become parts of a request.
//
// A time and a size are bounded and survive being written; a name put into a request is read from it again by the
// collector's own reader; a URL that is taken fits into a line of a header.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "apps/grapevine/collector_query.hpp"
#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "console/http_target.hpp"

using namespace grapevine;

namespace {

void check_numbers(std::string_view text) {
    if (const auto time = apps::parse_time("--since", text); time) {
        GRAPEVINE_ASSERT(*time > base::Duration::zero() && *time <= std::chrono::hours(365 * 24), "at most a year");
        const auto written =
            std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(*time).count()) + "us";
        GRAPEVINE_ASSERT(apps::parse_time("--since", written) == *time, "a time survives being written");
    }
    if (const auto size = apps::parse_size("--size", text); size) {
        GRAPEVINE_ASSERT(*size >= 1 && *size <= 1ULL << 50U, "a size is bounded");
        GRAPEVINE_ASSERT(apps::parse_size("--size", std::to_string(*size) + "B") == *size,
                         "and survives being written");
    }
}

void check_parts(const std::string& text) {
    std::string request = "/api/traces/" + apps::path_segment(text);
    apps::append_parameter(request, "name", text);
    apps::append_parameter(request, "node", text);
    const auto read = console::HttpTarget::parse(request);
    if (text.empty() || text.find('\0') != std::string::npos || request.size() > console::HttpTarget::kBytesMax) return;
    GRAPEVINE_ASSERT(read && read->path == "/api/traces/" + text, "a segment is read again");
    GRAPEVINE_ASSERT(read->parameters.size() == 2 && read->parameters[0].first == "name", "so are parameters");
    GRAPEVINE_ASSERT(read->parameters[0].second == text && read->parameters[1].second == text, "with their values");
}

void check_url(const std::string& text) {
    cli::Parsed parsed;
    parsed.values["--collector"] = {text};
    const auto url = apps::collector_url(parsed);
    if (!url) return;
    GRAPEVINE_ASSERT(*url == text && (text.starts_with("http://") || text.starts_with("https://")), "an http URL");
    GRAPEVINE_ASSERT(std::none_of(text.begin(), text.end(),
                                  [](unsigned char c) { return c <= ' ' || c == 0x7f || c == '@' || c == '?'; }),
                     "of a host, without anything that a header could not hold");
    GRAPEVINE_ASSERT((text.find('[') == std::string::npos) == (text.find(']') == std::string::npos), "brackets close");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(base::as_text({data, size}));
    check_numbers(text);
    check_parts(text);
    check_url(text);
    check_url("http://" + text);
    check_url("http://127.0.0.1" + text);
    return 0;
}
