// Addresses as bytes, tickets and relay URLs as text: what is accepted has one normal form and keeps it.

#include <cstddef>
#include <cstdint>

#include "wire/addr.hpp"
#include "wire/fuzz_require_testing.hpp"

namespace {

using namespace grapevine;
using wire::testing::require;

void check_addr(const wire::EndpointAddr& addr) {
    require(addr.addrs.size() <= wire::kAddrsMax);
    require(wire::decode_endpoint_addr(wire::encode(addr)) == addr);
    const std::string text = wire::ticket_text(addr);
    if (text.size() <= wire::kTicketTextMax) require(wire::parse_ticket(text) == addr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::ByteView input(data, size);
    const std::string_view text = base::as_text(input);
    if (const auto addr = wire::decode_endpoint_addr(input)) check_addr(*addr);
    if (const auto addr = wire::parse_ticket(text)) check_addr(*addr);
    if (const auto info = wire::decode_addr_info(input)) require(wire::decode_addr_info(wire::encode(*info)) == *info);
    if (const auto url = wire::RelayUrl::parse(text)) require(wire::RelayUrl::parse(url->text) == *url);
    return 0;
}
