// Authority files: any bytes give an authority that has one text, or a refusal that shows nothing of them.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/encoding.hpp"
#include "io/authority_file.hpp"

using namespace grapevine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(base::as_text({data, size}));
    const auto authority = io::decode_authority("authority file", text);
    if (authority) {
        const std::string again = std::string(io::kAuthorityHeading) + "mesh " + authority->mesh + "\nsecret " +
                                  base::hex_encode(authority->key.seed()) + "\n";
        GRAPEVINE_ASSERT(again == text, "an authority has one text");
    } else {
        GRAPEVINE_ASSERT(authority.error().message.size() < 120, "a refusal does not quote the file");
    }
    return 0;
}
