// The public endpoint over real sockets on loopback: what it refuses, and early data.

#include <gtest/gtest.h>

#include <grapevine/grapevine.hpp>

namespace grapevine {
namespace {

constexpr const char* kAlpn = "endpoint-test/1";
constexpr auto kPatience = std::chrono::seconds(20);

EndpointOptions options_with(std::vector<std::string> alpns) {
    EndpointOptions options;
    options.bind = {"127.0.0.1:0"};
    options.alpns = std::move(alpns);
    return options;
}

TEST(EndpointOptions, AnAlpnThatCannotBeServedIsNamed) {
    Loop loop;
    const auto empty = Endpoint::create(loop, options_with({"good", ""}));
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().message, "ALPN '': has 1 to 31 bytes, not 0");
    const auto length = Endpoint::create(loop, options_with({std::string(32, 'x')}));
    ASSERT_FALSE(length);
    EXPECT_EQ(length.error().message, "ALPN '" + std::string(32, 'x') + "': has 1 to 31 bytes, not 32");
    EXPECT_TRUE(Endpoint::create(loop, options_with({"1", "2", "3", "4", "5", "6", "7"})));
    const auto many = Endpoint::create(loop, options_with({"1", "2", "3", "4", "5", "6", "7", "eighth"}));
    ASSERT_FALSE(many);
    EXPECT_NE(many.error().message.find("ALPN 'eighth': one too many"), std::string::npos);
}

// Counts; a server ends its side of each stream, a client closes when that has come.
struct Recorder final : Protocol {
    explicit Recorder(Endpoint& own) : endpoint(own) {}
    void on_connected(Connection connection, const std::string& peer, bool) override {
        ++connected;
        peer_id = peer;
        state = endpoint.state(connection);
        if (speak_when_connected) {
            send(connection);
        }
    }
    void send(Connection connection) {
        const auto stream = endpoint.open_bidirectional(connection);
        opened = stream.has_value();
        if (opened) {
            static_cast<void>(endpoint.write(*stream, std::vector<std::uint8_t>(10, 1), true));
        }
    }
    void on_data(Stream stream, std::span<const std::uint8_t> data, bool fin) override {
        received += data.size();
        if (fin && server) {
            static_cast<void>(endpoint.write(stream, std::vector<std::uint8_t>(5, 2), true));
        } else if (fin) {
            endpoint.close(stream.connection, 0, "");
        }
    }
    void on_closed(Connection, const Closing&) override {
        if (!server && when_closed) {
            when_closed();
        }
    }
    Endpoint& endpoint;
    bool server = false;
    bool speak_when_connected = false;
    bool opened = false;
    int connected = 0;
    std::size_t received = 0;
    std::string peer_id;
    std::optional<ConnectionState> state;
    std::function<void()> when_closed;
};

TEST(Endpoint, CarriesEarlyDataOnTheSecondConnection) {
    Loop loop;
    EndpointOptions options = options_with({kAlpn});
    options.zero_rtt = true;
    auto server = Endpoint::create(loop, options);
    auto client = Endpoint::create(loop, options);
    ASSERT_TRUE(server && client);
    Recorder serving(**server);
    Recorder asking(**client);
    serving.server = true;
    asking.speak_when_connected = true;
    ASSERT_TRUE((*server)->serve(kAlpn, serving));
    const std::string ticket = (*server)->ticket();
    bool second = false;
    asking.when_closed = [&] {
        if (std::exchange(second, true)) {
            return loop.stop();
        }
        EXPECT_EQ(asking.state->early_data, EarlyData::none);
        asking.speak_when_connected = false;
        const auto connection = (*client)->connect(ticket, kAlpn, asking);
        ASSERT_TRUE(connection);
        asking.send(*connection);
        EXPECT_TRUE(asking.opened) << "no ticket was at hand";
        EXPECT_EQ(asking.connected, 1);
    };
    const auto first = (*client)->connect(ticket, kAlpn, asking);
    ASSERT_TRUE(first);
    EXPECT_FALSE((*client)->open_bidirectional(*first));
    loop.after(kPatience, [&] { loop.stop(); });
    loop.run();
    EXPECT_TRUE(second);
    EXPECT_EQ(asking.connected, 2);
    EXPECT_EQ(serving.connected, 2);
    EXPECT_EQ(serving.received, 20U);
    EXPECT_EQ(asking.received, 10U);
    EXPECT_EQ(asking.state->early_data, EarlyData::accepted);
    EXPECT_TRUE(asking.state->handshake_complete);
    EXPECT_EQ(serving.state->early_data, EarlyData::accepted);
    EXPECT_FALSE(serving.state->handshake_complete);
    EXPECT_EQ(serving.peer_id, (*client)->id());
}

}  // namespace
}  // namespace grapevine
