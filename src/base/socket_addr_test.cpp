#include "base/socket_addr.hpp"

#include <array>
#include <string_view>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace grapevine::base {
namespace {

TEST(SocketAddr, ParsesAndPrints) {
    EXPECT_EQ(SocketAddr::parse("127.0.0.1:80"), SocketAddr::v4(127, 0, 0, 1, 80));
    EXPECT_EQ(SocketAddr::parse("0.0.0.0:0")->text(), "0.0.0.0:0");
    EXPECT_EQ(SocketAddr::parse("255.255.255.255:65535")->text(), "255.255.255.255:65535");
    EXPECT_EQ(SocketAddr::parse("[::1]:443")->text(), "[::1]:443");
    EXPECT_EQ(SocketAddr::parse("[2001:0db8:0:0:0:0:0:1]:1")->text(), "[2001:db8::1]:1");
    EXPECT_EQ(SocketAddr::parse("[::]:9")->family, IpFamily::v6);
}

TEST(SocketAddr, RefusesWhatIsNoAddressAndPort) {
    for (const std::string_view text : {"",
                                        ":",
                                        "127.0.0.1",
                                        "127.0.0.1:",
                                        ":80",
                                        "127.0.0.1:65536",
                                        "127.0.0.1:-1",
                                        "127.0.0.1:+1",
                                        "127.0.0.1: 80",
                                        " 127.0.0.1:80",
                                        "127.0.0.1:80 ",
                                        "127.0.0.1:8x",
                                        "127.0.0:80",
                                        "127.0.0.1.2:80",
                                        "256.0.0.1:80",
                                        "0127.0.0.1:80",
                                        "localhost:80",
                                        "::1:80",
                                        "[::1]",
                                        "[::1]80",
                                        "[::1:80",
                                        "::1]:80",
                                        "[]:80",
                                        "[127.0.0.1]:80",
                                        "[fe80::1%eth0]:80",
                                        "[::g]:80",
                                        "127.0.0.1:99999999999999999999",
                                        "http://x:80"}) {
        const auto addr = SocketAddr::parse(text);
        ASSERT_FALSE(addr) << text;
        EXPECT_EQ(addr.error().code, ErrorCode::invalid);
        EXPECT_NE(addr.error().message.find("must be IPV4:PORT or [IPV6]:PORT"), std::string::npos);
    }
    EXPECT_FALSE(SocketAddr::parse(std::string_view("127.0.0.1\0:80", 13)));
    EXPECT_FALSE(SocketAddr::parse(std::string_view("[::1\0]:80", 9)));
    EXPECT_EQ(SocketAddr::parse("a\nb").error().message, "address 'a\\x0ab': must be IPV4:PORT or [IPV6]:PORT");
}

TEST(SocketAddr, OrderIsFamilyThenAddressThenPort) {
    const auto v4 = SocketAddr::v4(255, 0, 0, 1, 9);
    const auto v6 = *SocketAddr::parse("[::1]:1");
    EXPECT_LT(v4, v6);
    EXPECT_LT(SocketAddr::v4(10, 0, 0, 1, 2), SocketAddr::v4(10, 0, 0, 2, 1));
    EXPECT_LT(SocketAddr::v4(10, 0, 0, 1, 1), SocketAddr::v4(10, 0, 0, 1, 2));
}

TEST(SocketAddr, KnowsSpecialAddresses) {
    EXPECT_TRUE(SocketAddr::parse("127.9.9.9:1")->is_loopback());
    EXPECT_TRUE(SocketAddr::parse("[::1]:1")->is_loopback());
    EXPECT_FALSE(SocketAddr::parse("[::2]:1")->is_loopback());
    EXPECT_FALSE(SocketAddr::parse("10.0.0.1:1")->is_loopback());
    EXPECT_FALSE(SocketAddr::parse("[1::1]:1")->is_loopback());
    EXPECT_TRUE(SocketAddr::parse("0.0.0.0:1")->is_unspecified());
    EXPECT_TRUE(SocketAddr::parse("[::]:1")->is_unspecified());
    EXPECT_FALSE(SocketAddr::parse("0.0.0.1:1")->is_unspecified());
}

TEST(SocketAddr, TextRoundTrips) {
    EXPECT_TRUE(rc::check([](const std::array<std::uint8_t, 16>& ip, std::uint16_t port) {
        const auto v6 = SocketAddr::v6(ip, port);
        RC_ASSERT(SocketAddr::parse(v6.text()) == v6);
        const auto v4 = SocketAddr::v4(ip[0], ip[1], ip[2], ip[3], port);
        RC_ASSERT(SocketAddr::parse(v4.text()) == v4);
    }));
}

}  // namespace
}  // namespace grapevine::base
