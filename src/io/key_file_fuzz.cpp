// Key files: any bytes give a key that encodes to the same text, or a refusal that shows nothing of them.

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/encoding.hpp"
#include "io/key_file.hpp"

using namespace grapevine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(base::as_text({data, size}));
    const auto key = io::decode_key("key file", text);
    if (key) {
        std::string lower = text;
        std::transform(lower.begin(), lower.end(), lower.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        GRAPEVINE_ASSERT(base::hex_encode(key->seed()) + '\n' == lower, "a key has one text");
    } else {
        GRAPEVINE_ASSERT(key.error().message.size() < 120, "a refusal does not quote the file");
    }
    return 0;
}
