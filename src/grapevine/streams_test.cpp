// Streams by name through the public interface, over real sockets on loopback.

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <grapevine/grapevine.hpp>

namespace grapevine {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);
constexpr std::size_t kBytes = 3'000'000;  // More than buffers and windows hold.

NodeOptions options(std::string type, std::vector<std::string> seeds = {}) {
    NodeOptions options;
    options.mesh = "mesh1";
    options.type = std::move(type);
    options.bind = {"127.0.0.1:0"};
    options.seeds = std::move(seeds);
    return options;
}

struct Seen {
    std::vector<std::uint8_t> received;
    std::optional<StreamEnd> end;
    int opened = 0;
    int rooms = 0;
};

// Sends kBytes and finishes; keeps what comes back.
class Sender final : public StreamListener {
public:
    Sender(Seen& seen, std::function<void()> when_over) : seen_(seen), when_over_(std::move(when_over)) {
        bytes_.resize(kBytes);
        for (std::size_t i = 0; i < kBytes; ++i)
            bytes_[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    }
    void on_open(ByteStream stream) override {
        ++seen_.opened;
        push(stream);
    }
    void on_room(ByteStream stream) override {
        ++seen_.rooms;
        push(stream);
    }
    void on_data(ByteStream, std::span<const std::uint8_t> data, bool) override {
        seen_.received.insert(seen_.received.end(), data.begin(), data.end());
    }
    void on_end(ByteStream stream, const StreamEnd& end) override {
        seen_.end = end;
        EXPECT_FALSE(stream.write(bytes_));
        EXPECT_EQ(seen_.received, bytes_);
        when_over_();
    }

private:
    void push(ByteStream& stream) {
        const auto taken = stream.write(std::span(bytes_).subspan(at_));
        ASSERT_TRUE(taken);
        at_ += *taken;
        if (at_ == bytes_.size()) {
            EXPECT_TRUE(stream.finish());
        }
    }

    Seen& seen_;
    std::function<void()> when_over_;
    std::vector<std::uint8_t> bytes_;
    std::size_t at_ = 0;
};

TEST(NodeStreams, CarryMoreThanTheirBuffersHoldThereAndBack) {
    Loop loop;
    auto broker = Node::start(loop, options("broker"));
    ASSERT_TRUE(broker) << broker.error().message;
    ASSERT_TRUE((*broker)->serve_streams("", echo_streams()));
    auto gateway = Node::start(loop, options("gateway", {(*broker)->ticket()}));
    ASSERT_TRUE(gateway) << gateway.error().message;
    Seen seen;
    std::optional<Delivery> opened;
    bool asked = false;
    (*gateway)->on_event([&](const NodeEvent& event) {
        if (event.kind != NodeEvent::Kind::joined || std::exchange(asked, true)) {
            return;
        }
        auto sender = std::make_unique<Sender>(seen, [&] { loop.stop(); });
        ASSERT_TRUE((*gateway)->open_stream("mesh1.broker", std::chrono::seconds(10), std::move(sender),
                                            [&](const Delivery& delivery) { opened = delivery; }));
    });
    loop.after(kPatience, [&] { loop.stop(); });
    loop.run();
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->ending, Delivery::Ending::acknowledged);
    EXPECT_EQ(opened->peer_id, (*broker)->id());
    EXPECT_EQ(seen.opened, 1);
    EXPECT_GT(seen.rooms, 0);
    ASSERT_TRUE(seen.end);
    EXPECT_EQ(seen.end->cause, StreamEnd::Cause::finished);
}

TEST(NodeStreams, ThatAreRefusedOrFailedNeverOpen) {
    Loop loop;
    auto node = Node::start(loop, options("broker"));
    ASSERT_TRUE(node) << node.error().message;
    ASSERT_TRUE((*node)->serve_streams("mesh1.broker", [](const IncomingStream&) -> std::unique_ptr<StreamListener> {
        throw std::runtime_error("out of order");
    }));
    ASSERT_TRUE((*node)->serve_streams("", [](const IncomingStream&) { return nullptr; }));
    Seen seen;
    std::vector<Delivery> ends;
    const auto done = [&](const Delivery& delivery) {
        ends.push_back(delivery);
        if (ends.size() == 2) {
            loop.stop();
        }
    };
    for (const std::string& name : {std::string("mesh1.broker"), (*node)->name()}) {
        ASSERT_TRUE((*node)->open_stream(name, std::chrono::seconds(10), std::make_unique<Sender>(seen, [] {}), done));
    }
    EXPECT_FALSE(
        (*node)->open_stream("two words", std::chrono::seconds(10), std::make_unique<Sender>(seen, [] {}), done));
    loop.after(kPatience, [&] { loop.stop(); });
    loop.run();
    ASSERT_EQ(ends.size(), 2U);
    EXPECT_EQ(ends[0].ending, Delivery::Ending::handler_failed);
    EXPECT_EQ(std::string(ends[0].payload.begin(), ends[0].payload.end()), "out of order");
    EXPECT_EQ(ends[1].ending, Delivery::Ending::refused);
    EXPECT_EQ(seen.opened, 0);
}

}  // namespace
}  // namespace grapevine
