// Arbitrary bytes as a ClientHello and as a NewSessionTicket. What is found lies within the input, and a hello cut
// short offers nothing.

#include "base/assert.hpp"
#include "quic/tickets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace grapevine;
    const base::ByteView input(data, size);
    if (const auto offer = quic::parse_offer(input)) {
        GRAPEVINE_ASSERT(offer->ticket.size() + offer->alpn.size() < size, "an offer larger than its message");
        GRAPEVINE_ASSERT(!quic::parse_offer(input.first(40)), "an offer in a hello that was cut short");
    }
    const base::ByteView ticket = quic::ticket_of(input);
    GRAPEVINE_ASSERT(ticket.empty() || (ticket.data() >= data && ticket.data() + ticket.size() <= data + size),
                     "a ticket outside its message");
    return 0;
}
