// Configuration files: any text is refused in one line that names the file, or gives values of known keys within their
// bounds. And any text as JSON: it is repaired and nothing else.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "base/utf8.hpp"
#include "grapevine/node_main_file.hpp"
#include "grapevine/node_main_json.hpp"

using namespace grapevine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static constexpr std::string_view kKeys[] = {"mesh", "seeds", "staleness_ms"};
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto values = cli::parse_config(text, "fuzz", kKeys);
    if (!values) {
        const std::string& why = values.error().message;
        GRAPEVINE_ASSERT(why.starts_with("fuzz:") && why.find('\n') == std::string::npos, "one line, with the file");
    } else {
        for (const auto& [key, value] : *values) {
            GRAPEVINE_ASSERT(std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys), "a known key");
            GRAPEVINE_ASSERT(value.items.size() <= cli::kConfigListMax && value.line >= 1, "within its bounds");
        }
    }
    GRAPEVINE_ASSERT(std::string_view(cli::json_text(text)) == base::repaired_utf8(text), "text stays what it was");
    return 0;
}
