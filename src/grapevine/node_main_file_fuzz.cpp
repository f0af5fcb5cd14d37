#include <cstddef>
#include <cstdint>
#include <string_view>

#include "grapevine/node_main_file.hpp"
#include "grapevine/node_main_json.hpp"

// The configuration file's decoder, and the JSON writer on the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static constexpr std::string_view kKeys[] = {"mesh", "seeds", "staleness_ms"};
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto values = grapevine::cli::parse_config(text, "fuzz", kKeys);
    static_cast<void>(values);
    static_cast<void>(grapevine::cli::json_text(text));
    return 0;
}
