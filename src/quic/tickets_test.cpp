#include "quic/tickets.hpp"

#include <gtest/gtest.h>

namespace grapevine::quic {
namespace {

base::EndpointId peer(std::uint8_t number) {
    base::EndpointId id;
    id.bytes.fill(number);
    return id;
}

base::Bytes bytes_of(std::size_t number) {
    return {static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8U)};
}

SessionTicket ticket(std::size_t number, std::string alpn = "a") {
    return {std::move(alpn), bytes_of(number), {}};
}

void append(base::Bytes& out, const base::Bytes& data, std::size_t width) {
    for (std::size_t i = width; i-- > 0;) {
        out.push_back(static_cast<std::uint8_t>(data.size() >> (8 * i)));
    }
    out.insert(out.end(), data.begin(), data.end());
}

base::Bytes extension(std::uint8_t type, const base::Bytes& list) {
    base::Bytes body;
    append(body, list, 2);
    base::Bytes out{0, type};
    append(out, body, 2);
    return out;
}

// A ClientHello with these tickets and ALPNs (RFC 8446 sections 4.1.2, 4.2.11, RFC 7301 section 3.1).
base::Bytes hello(const std::vector<base::Bytes>& tickets, const std::vector<base::Bytes>& alpns) {
    base::Bytes names;
    for (const base::Bytes& alpn : alpns) {
        append(names, alpn, 1);
    }
    base::Bytes identities;
    for (const base::Bytes& identity : tickets) {
        append(identities, identity, 2);
        identities.insert(identities.end(), {1, 2, 3, 4});
    }
    base::Bytes extensions = extension(16, names);
    const base::Bytes second = extension(41, identities);
    extensions.insert(extensions.end(), second.begin(), second.end());
    base::Bytes out(2 + 32, 3);
    append(out, {}, 1);
    append(out, {0x13, 0x01}, 2);
    append(out, {0}, 1);
    append(out, extensions, 2);
    return out;
}

TEST(RememberedTickets, GivesTheNewestOfThePeerAndAlpnOnce) {
    RememberedTickets tickets;
    EXPECT_EQ(tickets.put(peer(1), ticket(1)), 0U);
    EXPECT_EQ(tickets.put(peer(1), ticket(2)), 0U);
    EXPECT_EQ(tickets.put(peer(1), ticket(3, "b")), 0U);
    EXPECT_FALSE(tickets.take(peer(2), "a"));
    EXPECT_EQ(tickets.take(peer(1), "a")->session, bytes_of(2));
    EXPECT_EQ(tickets.take(peer(1), "a")->session, bytes_of(1));
    EXPECT_FALSE(tickets.take(peer(1), "a"));
    EXPECT_EQ(tickets.take(peer(1), "b")->session, bytes_of(3));
    EXPECT_EQ(tickets.size(), 0U);
}

TEST(RememberedTickets, KeepsEightForEachOf32PeersAndNoLargeOnes) {
    RememberedTickets tickets;
    Dropped dropped = 0;
    for (std::uint8_t number = 0; number < 40; ++number) {
        for (std::size_t i = 0; i < 10; ++i) {
            dropped += tickets.put(peer(number), ticket(i));
        }
    }
    EXPECT_EQ(tickets.size(), kTicketPeersMax * kTicketsPerPeerMax);
    EXPECT_EQ(dropped, 400 - tickets.size());
    EXPECT_FALSE(tickets.take(peer(7), "a"));
    EXPECT_EQ(tickets.take(peer(8), "a")->session, bytes_of(9));
    EXPECT_EQ(tickets.put(peer(50), {"a", base::Bytes(kSessionBytesMax + 1), {}}), 1U);
    EXPECT_FALSE(tickets.take(peer(50), "a"));
}

TEST(IssuedTickets, AreRedeemedOnceAndTheOldestGoes) {
    IssuedTickets tickets;
    Dropped dropped = 0;
    for (std::size_t i = 0; i < kTicketsIssuedMax + 10; ++i) {
        dropped += tickets.issue(bytes_of(i), std::to_string(i));
    }
    EXPECT_EQ(dropped, 10U);
    EXPECT_EQ(tickets.size(), kTicketsIssuedMax);
    EXPECT_FALSE(tickets.redeem(bytes_of(9)));
    EXPECT_EQ(tickets.redeem(bytes_of(10)), "10");
    EXPECT_FALSE(tickets.redeem(bytes_of(10)));
    EXPECT_EQ(tickets.redeem(bytes_of(kTicketsIssuedMax)), std::to_string(kTicketsIssuedMax));
}

TEST(ResumptionOffer, IsOneTicketAndOneAlpn) {
    const base::Bytes name{'a', '/', '1'};
    const auto offer = parse_offer(hello({{9, 8, 7}}, {name}));
    ASSERT_TRUE(offer);
    EXPECT_EQ(offer->ticket, (base::Bytes{9, 8, 7}));
    EXPECT_EQ(offer->alpn, "a/1");
    EXPECT_FALSE(parse_offer(hello({{9, 8, 7}, {6}}, {name})));
    EXPECT_FALSE(parse_offer(hello({{9, 8, 7}}, {name, {'b'}})));
    EXPECT_FALSE(parse_offer(hello({}, {name})));
    EXPECT_FALSE(parse_offer(hello({{9}}, {})));
}

TEST(ResumptionOffer, ATruncatedHelloOffersNothing) {
    const base::Bytes whole = hello({{9, 8, 7}}, {{'a'}});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(parse_offer(base::ByteView(whole).first(size))) << size;
    }
    EXPECT_TRUE(parse_offer(whole));
}

TEST(TicketOf, FindsTheTicketOrNothing) {
    base::Bytes message(8, 0);
    append(message, {1, 2}, 1);
    append(message, {5, 6, 7}, 2);
    const base::ByteView found = ticket_of(message);
    EXPECT_EQ(base::Bytes(found.begin(), found.end()), (base::Bytes{5, 6, 7}));
    for (std::size_t size = 0; size < message.size(); ++size) {
        EXPECT_TRUE(ticket_of(base::ByteView(message).first(size)).empty()) << size;
    }
}

}  // namespace
}  // namespace grapevine::quic
