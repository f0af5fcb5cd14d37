// Any target is refused or split; what was split has the bounds that the header promises.

#include <cstdint>
#include <cstdlib>

#include "console/http_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using grapevine::console::HttpTarget;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto target = HttpTarget::parse(text);
    if (!target) {
        return 0;
    }
    std::size_t bytes = target->path.size();
    for (const auto& [name, value] : target->parameters) {
        bytes += name.size() + value.size();
    }
    if (bytes > size || !target->path.starts_with('/') || target->parameters.size() > HttpTarget::kParametersMax) {
        std::abort();
    }
    return 0;
}
