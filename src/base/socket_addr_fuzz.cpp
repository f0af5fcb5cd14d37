// Addresses as text: whatever parses, prints to a text that parses to the same address.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.hpp"
#include "base/socket_addr.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using grapevine::base::SocketAddr;
    const auto addr = SocketAddr::parse(grapevine::base::as_text({data, size}));
    if (!addr) return 0;
    const auto again = SocketAddr::parse(addr->text());
    if (!again || *again != *addr) std::abort();
    return 0;
}
