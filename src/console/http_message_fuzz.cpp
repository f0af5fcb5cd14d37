// Values of headers. The gate against DNS rebinding lets only names pass that no name server can give another meaning;
// what it lets pass is read again here, by another road.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <arpa/inet.h>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "console/http_message.hpp"
#include "io/json.hpp"

using namespace grapevine;

namespace {

// By the C library: an address, or "localhost" in any case.
bool is_local_name(std::string name) {
    if (name.starts_with('[')) {
        const std::size_t end = name.find(']');
        if (end == std::string::npos) return false;
        in6_addr v6{};
        const std::string inner = name.substr(1, end - 1);
        return ::inet_pton(AF_INET6, inner.substr(0, inner.find('%')).c_str(), &v6) == 1;
    }
    for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    in_addr v4{};
    return name == "localhost" || ::inet_pton(AF_INET, name.c_str(), &v4) == 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = base::as_text({data, size});
    for (const std::string& host : {std::string(text), "localhost" + std::string(text), "127.0.0.1" + std::string(text),
                                    "[::1]" + std::string(text)}) {
        if (!console::is_local_host(host)) continue;
        const std::size_t end = host.starts_with('[') ? host.find(':', host.find(']')) : host.find(':');
        const std::string name = host.substr(0, end);
        GRAPEVINE_ASSERT(name.find('\0') == std::string::npos && is_local_name(name), "only local names pass");
    }
    const std::string type = console::media_type(text);
    GRAPEVINE_ASSERT(type.size() <= size && type.find(';') == std::string::npos, "a type has no parameters");
    GRAPEVINE_ASSERT(type.empty() || (type.front() != ' ' && type.back() != ' '), "nor spaces around it");
    GRAPEVINE_ASSERT(console::media_type(type) == type, "a type is its own type");
    const auto refusal = console::http_error(400, text);
    GRAPEVINE_ASSERT(io::parse_json_object("refusal", refusal.body).has_value(), "JSON whatever was said");
    return 0;
}
