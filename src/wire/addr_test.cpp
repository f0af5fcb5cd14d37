#include "wire/addr.hpp"

#include <array>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "wire/addr_codec.hpp"
#include "wire/generators_testing.hpp"
#include "wire/vectors_testing.hpp"

namespace grapevine::wire {
namespace {

using testing::concat;
using testing::hex;
using testing::id_of;
using testing::kId1;
using testing::kRelayHex;

constexpr std::string_view kT1 = "endpointadefhlipbtjlmgnovewo5rh5k2re2zez2wcm46jfpzc47wattnqkoaibab7qaaabzlpqe";
constexpr std::string_view kT2 =
    "endpointacfiry65oqe7dfp5klns2pf2lvzmuzyjx4ozieq36n2iqanub5xvyayaczuhi5dqhixs6mjsg4xdalrqfyyt"
    "umztgqyc6aiabiaaaakqaeasaainxaaaaaaaaaaaaaaaaaaadoyd";

EndpointAddr t1() {
    return {id_of<base::EndpointId>("c853ad0f0cd2b619aea92ceec4fd56a24d6499d584ce79257e45cfd8139b60a7"),
            {base::SocketAddr::v4(127, 0, 0, 1, 45002)}};
}

EndpointAddr t2() {
    return {id_of<base::EndpointId>(kId1),
            {*RelayUrl::parse("http://127.0.0.1:3340"), base::SocketAddr::v4(10, 0, 0, 1, 80),
             *base::SocketAddr::parse("[2001:db8::1]:443")}};
}

// Made by a real iroh endpoint.
TEST(Ticket, T1) {
    EXPECT_EQ(ticket_text(t1()), kT1);
    EXPECT_EQ(parse_ticket(kT1), t1());
    EXPECT_EQ(encode(t1()), hex("c853ad0f0cd2b619aea92ceec4fd56a24d6499d584ce79257e45cfd8139b60a7 01"
                                "01 00 7f000001 cadf02"));
}

TEST(Ticket, T2) {
    EXPECT_EQ(
        encode(t2()),
        hex(concat({kId1, "03 00 16", kRelayHex, "01 00 0a000001 50 01 01 20010db8000000000000000000000001 bb03"})));
    EXPECT_EQ(ticket_text(t2()), kT2);
    EXPECT_EQ(parse_ticket(kT2), t2());
}

TEST(Ticket, EverythingButThePrefixMayHaveAnyCase) {
    std::string text(kT1);
    for (char& c : text)
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    EXPECT_FALSE(parse_ticket(text));
    EXPECT_EQ(parse_ticket("endpoint" + text.substr(8)), t1());
}

TEST(Ticket, EveryCutIsAnErrorThatNamesTheTicket) {
    for (std::size_t size = 0; size < kT2.size(); ++size) {
        const auto addr = parse_ticket(kT2.substr(0, size));
        ASSERT_FALSE(addr) << size;
        EXPECT_TRUE(addr.error().message.starts_with("ticket '")) << addr.error().message;
    }
}

TEST(Ticket, ErrorsSayTheRule) {
    EXPECT_EQ(parse_ticket("ticket").error().message, "ticket 'ticket': must begin with 'endpoint'");
    EXPECT_EQ(parse_ticket("endpoint!").error().message,
              "ticket 'endpoint!': base32: character '!' at 0 is not in the alphabet");
    EXPECT_EQ(parse_ticket("endpointaa").error().message, "ticket 'endpointaa': id: truncated at byte 1");
    EXPECT_EQ(parse_ticket("endpointae").error().message, "ticket 'endpointae': version: unknown variant 1");
    const auto oversized = parse_ticket("endpoint" + std::string(kTicketTextMax, 'a'));
    EXPECT_NE(oversized.error().message.find("longer than 8192 characters"), std::string::npos);
}

TEST(EndpointAddr, DecodingSortsAndRemovesDuplicates) {
    const auto relay = *RelayUrl::parse("http://a/");
    const auto v4 = base::SocketAddr::v4(1, 2, 3, 4, 5);
    const auto v6 = *base::SocketAddr::parse("[::1]:5");
    Writer out;
    out.raw(id_of<base::EndpointId>(kId1).view());
    write(out, std::vector<TransportAddr>{CustomAddr{1, {9}}, v6, v4, relay, v4});
    const auto addr = decode_endpoint_addr(out.take());
    ASSERT_TRUE(addr);
    EXPECT_EQ(addr->addrs, (std::vector<TransportAddr>{relay, v4, v6, CustomAddr{1, {9}}}));
    EXPECT_EQ(addr->direct(), (std::vector<base::SocketAddr>{v4, v6}));
}

TEST(EndpointAddr, EncodingSortsToo) {
    EndpointAddr shuffled = t2();
    std::swap(shuffled.addrs[0], shuffled.addrs[2]);
    EXPECT_EQ(encode(shuffled), encode(t2()));
}

TEST(EndpointAddr, BytesAfterTheLastFieldAreIgnored) {
    base::Bytes bytes = encode(t2());
    bytes.push_back(0xff);
    EXPECT_EQ(decode_endpoint_addr(bytes), t2());
}

// Invariant 2: every list has its limit.
TEST(EndpointAddr, LimitsHold) {
    const std::string head(kId1);
    EXPECT_EQ(decode_endpoint_addr(hex(head + "21")).error().message,
              "endpoint address: addresses: 33 items where 32 are allowed");
    EXPECT_EQ(decode_endpoint_addr(hex(head + "01 00 8104")).error().message,
              "endpoint address: relay url: 513 bytes where 512 are allowed");
    EXPECT_EQ(decode_endpoint_addr(hex(head + "01 02 00 8102")).error().message,
              "endpoint address: custom address: 257 bytes where 256 are allowed");
    EXPECT_EQ(decode_endpoint_addr(hex(head + "01 03")).error().message,
              "endpoint address: address kind: unknown variant 3");
    EXPECT_EQ(decode_endpoint_addr(hex(head + "01 01 02")).error().message,
              "endpoint address: address family: unknown variant 2");
    EXPECT_EQ(decode_endpoint_addr(hex(head + "01 01 00 7f000001 ffff04")).error().message,
              "endpoint address: port: integer does not fit its type");
}

TEST(EndpointAddr, RoundTrips) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        base::Rng rng(seed);
        const EndpointAddr addr = testing::any_endpoint_addr(rng);
        RC_ASSERT(decode_endpoint_addr(encode(addr)) == addr);
        RC_ASSERT(parse_ticket(ticket_text(addr)) == addr);
    }));
}

TEST(EndpointAddr, EveryCutIsAnError) {
    const base::Bytes bytes = encode(t2());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_endpoint_addr(base::ByteView(bytes).first(size))) << size;
}

TEST(AddrInfo, VectorOfAJoin) {
    const AddrInfo info{{*RelayUrl::parse("http://127.0.0.1:3340/")}, {base::SocketAddr::v4(127, 0, 0, 1, 45002)}};
    const base::Bytes bytes = hex(concat({"0116", kRelayHex, "01 00 7f000001 cadf02"}));
    EXPECT_EQ(encode(info), bytes);
    EXPECT_EQ(decode_addr_info(bytes), info);
    for (std::size_t size = 1; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_addr_info(base::ByteView(bytes).first(size))) << size;
}

TEST(AddrInfo, EmptyBytesMeanNotKnown) {
    EXPECT_EQ(encode(AddrInfo{}), base::Bytes{});
    EXPECT_EQ(decode_addr_info({}), AddrInfo{});
    EXPECT_EQ(decode_addr_info(hex("0000")), AddrInfo{}) << "as iroh writes it";
}

TEST(AddrInfo, LimitsHold) {
    EXPECT_EQ(decode_addr_info(hex("0021")).error().message,
              "peer data: direct addresses: 33 items where 32 are allowed");
    EXPECT_EQ(decode_addr_info(hex("02")).error().message, "peer data: has relay: must be 0 or 1, is 2");
}

TEST(RelayUrl, NormalForm) {
    const std::array<std::array<std::string_view, 2>, 11> cases{{
        {"http://127.0.0.1:3340", "http://127.0.0.1:3340/"},
        {"http://127.0.0.1:3340/", "http://127.0.0.1:3340/"},
        {"HTTPS://Relay.Example", "https://relay.example/"},
        {"https://relay.example./", "https://relay.example./"},
        {"https://a:443/x", "https://a/x"},
        {"http://a:0080", "http://a/"},
        {"http://a:443", "http://a:443/"},
        {"http://a:", "http://a/"},
        {"http://[2001:DB8::1]:80/Path", "http://[2001:db8::1]/Path"},
        {"https://User@Host?q", "https://User@host/?q"},
        {"https://a#f", "https://a/#f"},
    }};
    for (const auto& [text, normal] : cases) {
        const auto url = RelayUrl::parse(text);
        ASSERT_TRUE(url) << text;
        EXPECT_EQ(url->text, normal);
        EXPECT_EQ(RelayUrl::parse(normal), url) << "the normal form is its own normal form";
    }
}

TEST(RelayUrl, RefusesWhatIsNoUrl) {
    for (const std::string_view text :
         {"", "http", "http:/a", "ftp://a/", "http://", "https:///x", "http://:80/", "http://a:x/", "http://a:65536/",
          "http://a:80:80/", "http://a b/", "http://a\n/", "http://a\\b/", "http://[::1", "http://[]/", "http://a]/",
          "http://[::1]x/", "http://\xc3\xa9/"}) {
        const auto url = RelayUrl::parse(text);
        ASSERT_FALSE(url) << text;
        EXPECT_TRUE(url.error().message.starts_with("relay url '")) << url.error().message;
    }
    EXPECT_FALSE(RelayUrl::parse("http://" + std::string(kRelayUrlBytesMax - 7, 'a'))) << "no room for the slash";
    EXPECT_TRUE(RelayUrl::parse("http://" + std::string(kRelayUrlBytesMax - 8, 'a')));
}

}  // namespace
}  // namespace grapevine::wire
