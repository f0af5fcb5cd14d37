#include "io/udp_socket.hpp"

#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "io/interfaces.hpp"
#include "io/sockaddr.hpp"

namespace grapevine::io {
namespace {

using base::SocketAddr;

const SocketAddr kLoopback4 = SocketAddr::v4(127, 0, 0, 1, 0);

SocketAddr loopback6() {
    std::array<std::uint8_t, 16> ip{};
    ip[15] = 1;
    return SocketAddr::v6(ip, 0);
}

struct Received {
    SocketAddr local;
    SocketAddr remote;
    quic::Ecn ecn;
    base::Bytes payload;
    std::size_t segment_bytes;
};

// Waits for the socket with a deadline, then reads what is there; until `enough` datagrams or errors came.
struct Reader {
    explicit Reader(UdpSocket& from) : socket(from) {}

    bool wait_for(std::size_t datagrams, std::size_t hints = 0) {
        while (count < datagrams || unreachable.size() < hints) {
            pollfd entry{socket.fd(), POLLIN, 0};
            if (::poll(&entry, 1, 5000) <= 0) {
                return false;
            }
            socket.receive(
                scratch, [this](const quic::ReceivedDatagram& datagram) { take(datagram); },
                [this](const SocketAddr& remote) { unreachable.push_back(remote); });
        }
        return true;
    }

    void take(const quic::ReceivedDatagram& datagram) {
        const std::size_t size = datagram.payload.size();
        count += datagram.segment_bytes == 0 ? 1 : (size + datagram.segment_bytes - 1) / datagram.segment_bytes;
        trains.push_back({datagram.local, datagram.remote, datagram.ecn,
                          base::Bytes(datagram.payload.begin(), datagram.payload.end()), datagram.segment_bytes});
    }

    UdpSocket& socket;
    std::vector<std::uint8_t> scratch = std::vector<std::uint8_t>(UdpSocket::kScratchBytes);
    std::vector<Received> trains;
    std::vector<SocketAddr> unreachable;
    std::size_t count = 0;
};

std::unique_ptr<UdpSocket> bound(const SocketAddr& addr) {
    auto socket = UdpSocket::bind(addr);
    EXPECT_TRUE(socket) << (socket ? "" : socket.error().message);
    return socket ? std::move(*socket) : nullptr;
}

base::Bytes pattern(std::size_t size) {
    base::Bytes bytes(size);
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
    return bytes;
}

base::Bytes joined(const std::vector<Received>& trains) {
    base::Bytes all;
    for (const Received& train : trains) {
        all.insert(all.end(), train.payload.begin(), train.payload.end());
    }
    return all;
}

class UdpSocketFamilies : public testing::TestWithParam<bool> {
protected:
    static SocketAddr loopback() { return GetParam() ? loopback6() : kLoopback4; }
    static SocketAddr unspecified() { return GetParam() ? SocketAddr::v6({}, 0) : SocketAddr::v4(0, 0, 0, 0, 0); }
    void SetUp() override {
        if (!UdpSocket::bind(loopback())) {
            GTEST_SKIP() << "this machine has no such family";
        }
    }
};
INSTANTIATE_TEST_SUITE_P(Families, UdpSocketFamilies, testing::Bool(),
                         [](const auto& test) { return test.param ? "V6" : "V4"; });

TEST_P(UdpSocketFamilies, CarriesPayloadAddressesAndEcn) {
    const auto a = bound(loopback());
    const auto b = bound(loopback());
    Reader reader(*b);
    const base::Bytes payload = pattern(1200);
    for (const quic::Ecn ecn : {quic::Ecn::not_ect, quic::Ecn::ect0, quic::Ecn::ect1, quic::Ecn::ce}) {
        a->send({a->local(), b->local(), ecn, payload, 0});
    }
    ASSERT_TRUE(reader.wait_for(4));
    ASSERT_EQ(reader.trains.size(), 4U);
    EXPECT_EQ(reader.trains[0].payload, payload);
    EXPECT_EQ(reader.trains[0].remote, a->local());
    EXPECT_EQ(reader.trains[0].local, b->local());
    ASSERT_TRUE(b->features().ecn);
    EXPECT_EQ(reader.trains[0].ecn, quic::Ecn::not_ect);
    EXPECT_EQ(reader.trains[1].ecn, quic::Ecn::ect0);
    EXPECT_EQ(reader.trains[2].ecn, quic::Ecn::ect1);
    EXPECT_EQ(reader.trains[3].ecn, quic::Ecn::ce);
}

TEST_P(UdpSocketFamilies, ATrainIsOneCallEachWay) {
    const auto a = bound(loopback());
    const auto b = bound(loopback());
    if (!a->features().gso || !b->features().gro) {
        GTEST_SKIP() << "this kernel has no GSO or GRO";
    }
    Reader reader(*b);
    const base::Bytes payload = pattern(40 * 1200 + 300);
    a->send({a->local(), b->local(), quic::Ecn::ect0, payload, 1200});
    ASSERT_TRUE(reader.wait_for(41));
    EXPECT_EQ(a->counters().sends, 1U);
    EXPECT_EQ(a->counters().datagrams_sent, 41U);
    EXPECT_EQ(joined(reader.trains), payload);
    EXPECT_EQ(b->counters().datagrams_received, 41U);
    EXPECT_EQ(b->counters().trains_received, 1U);
    EXPECT_EQ(reader.trains[0].segment_bytes, 1200U);
    EXPECT_EQ(reader.trains[0].ecn, quic::Ecn::ect0);
}

TEST_P(UdpSocketFamilies, TrainsBeyondTheKernelsLimitsAreSplit) {
    const auto a = bound(loopback());
    const auto b = bound(loopback());
    Reader reader(*b);
    const base::Bytes payload = pattern(150 * 1000 + 1);
    a->send({a->local(), b->local(), quic::Ecn::not_ect, payload, 1000});
    ASSERT_TRUE(reader.wait_for(151));
    EXPECT_EQ(joined(reader.trains), payload);
    EXPECT_EQ(a->counters().datagrams_sent, 151U);
}

TEST_P(UdpSocketFamilies, WithoutGsoTheSameDatagramsArrive) {
    const auto a = bound(loopback());
    const auto b = bound(loopback());
    a->disable_gso();
    Reader reader(*b);
    const base::Bytes payload = pattern(10 * 1200 + 5);
    a->send({a->local(), b->local(), quic::Ecn::not_ect, payload, 1200});
    ASSERT_TRUE(reader.wait_for(11));
    EXPECT_EQ(a->counters().sends, 11U);
    EXPECT_EQ(joined(reader.trains), payload);
}

TEST_P(UdpSocketFamilies, AnsweringFromAnUnspecifiedSocketKeepsTheAddress) {
    const auto a = bound(loopback());
    const auto b = bound(unspecified());
    Reader at_b(*b);
    SocketAddr target = loopback();
    target.port = b->local().port;
    a->send({a->local(), target, quic::Ecn::not_ect, pattern(8), 0});
    ASSERT_TRUE(at_b.wait_for(1));
    EXPECT_EQ(at_b.trains[0].local, target);
    Reader at_a(*a);
    b->send({at_b.trains[0].local, at_b.trains[0].remote, quic::Ecn::not_ect, pattern(8), 0});
    ASSERT_TRUE(at_a.wait_for(1));
    EXPECT_EQ(at_a.trains[0].remote, target);
}

TEST_P(UdpSocketFamilies, NobodyThereIsAHintThatNamesTheAddress) {
    const auto a = bound(loopback());
    ASSERT_TRUE(a->features().error_queue);
    const SocketAddr gone = bound(loopback())->local();
    Reader reader(*a);
    a->send({a->local(), gone, quic::Ecn::not_ect, pattern(100), 0});
    ASSERT_TRUE(reader.wait_for(0, 1));
    EXPECT_EQ(reader.unreachable.front(), gone);
    EXPECT_EQ(a->counters().unreachable_hints, 1U);
}

TEST_P(UdpSocketFamilies, AnIcmpErrorDoesNotLoseTheNextDatagram) {
    const auto a = bound(loopback());
    const auto b = bound(loopback());
    const SocketAddr gone = bound(loopback())->local();
    a->send({a->local(), gone, quic::Ecn::not_ect, pattern(100), 0});
    a->send({a->local(), b->local(), quic::Ecn::not_ect, pattern(200), 0});
    Reader reader(*b);
    ASSERT_TRUE(reader.wait_for(1));
    EXPECT_EQ(reader.trains[0].payload.size(), 200U);
    b->send({b->local(), a->local(), quic::Ecn::not_ect, pattern(300), 0});
    Reader back(*a);
    ASSERT_TRUE(back.wait_for(1, 1));
}

TEST(UdpSocket, LargerThanThePathIsRefusedAndCounted) {
    const auto a = bound(kLoopback4);
    const auto b = bound(kLoopback4);
    // 65,536 bytes and more can be no UDP datagram on any path.
    a->send({a->local(), b->local(), quic::Ecn::not_ect, pattern(65600), 0});
    EXPECT_EQ(a->counters().dropped_too_large, 1U);
    EXPECT_EQ(a->counters().datagrams_sent, 0U);
    EXPECT_FALSE(a->blocked());
}

TEST(UdpSocket, AFullSendQueueIsBoundedAndDrainsInOrder) {
    const auto a = bound(kLoopback4);
    const auto b = bound(kLoopback4);
    // A send buffer far below one train in flight, towards a receiver that does not read, blocks soon.
    const int tiny = 1;
    ASSERT_EQ(::setsockopt(a->fd(), SOL_SOCKET, SO_SNDBUF, &tiny, sizeof tiny), 0);
    const base::Bytes payload = pattern(60000);
    for (int i = 0; i < 200; ++i) {
        a->send({a->local(), b->local(), quic::Ecn::not_ect, payload, 1200});
    }
    const UdpCounters& counters = a->counters();
    if (!a->blocked()) {
        GTEST_SKIP() << "this kernel delivers on loopback before it counts";
    }
    EXPECT_GT(counters.dropped_queue, 0U);
    EXPECT_LE(counters.deferred, UdpSocket::kPendingTrainsMax);
    Reader reader(*b);
    while (a->blocked()) {
        pollfd entry{a->fd(), POLLOUT, 0};
        ASSERT_GT(::poll(&entry, 1, 5000), 0);
        a->on_writable();
        reader.wait_for(1);
    }
}

TEST(UdpSocket, BindErrorsNameTheAddress) {
    const auto a = bound(kLoopback4);
    const auto taken = UdpSocket::bind(a->local());
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, base::ErrorCode::busy);
    EXPECT_EQ(taken.error().message,
              "address '" + a->local().text() + "': port " + std::to_string(a->local().port) + " is in use");
    const auto foreign = UdpSocket::bind(SocketAddr::v4(203, 0, 113, 7, 0));
    ASSERT_FALSE(foreign);
    EXPECT_EQ(foreign.error().code, base::ErrorCode::invalid);
    EXPECT_EQ(foreign.error().message, "address '203.0.113.7:0': is not an address of this machine");
}

TEST(Interfaces, AddressesCarryThePortAndAreNeverLinkLocal) {
    for (const SocketAddr& addr : interface_addrs(base::IpFamily::v4, 4711)) {
        EXPECT_EQ(addr.port, 4711);
        EXPECT_FALSE(addr.is_unspecified());
        EXPECT_FALSE(addr.ip[0] == 169 && addr.ip[1] == 254);
    }
    EXPECT_FALSE(interface_addrs(base::IpFamily::v4, 1).empty());
    EXPECT_LE(interface_addrs(base::IpFamily::v6, 1).size(), kInterfaceAddrsMax);
}

}  // namespace
}  // namespace grapevine::io
