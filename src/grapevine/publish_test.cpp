// Publications through the public interface, over real sockets on loopback.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <grapevine/grapevine.hpp>

namespace grapevine {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);
constexpr std::size_t kMost = std::size_t{1} << 20U;

NodeOptions options(std::string type, std::vector<std::string> seeds = {}) {
    NodeOptions options;
    options.mesh = "mesh1";
    options.type = std::move(type);
    options.bind = {"127.0.0.1:0"};
    options.seeds = std::move(seeds);
    return options;
}

TEST(NodePublications, ReachTheOtherNodeWhole) {
    Loop loop;
    auto broker = Node::start(loop, options("broker"));
    ASSERT_TRUE(broker) << broker.error().message;
    auto gateway = Node::start(loop, options("gateway", {(*broker)->ticket()}));
    ASSERT_TRUE(gateway) << gateway.error().message;
    std::vector<std::uint8_t> content(kMost);
    for (std::size_t i = 0; i < content.size(); ++i)
        content[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    std::optional<Published> published;
    std::vector<Publication> had;
    (*gateway)->on_event([&](const NodeEvent& event) {
        if (event.kind != NodeEvent::Kind::neighbor_up || published) {
            return;
        }
        const auto done = (*gateway)->publish(content);
        ASSERT_TRUE(done) << done.error().message;
        published = *done;
    });
    (*gateway)->on_publication([&](const Publication&) { FAIL() << "its author has it"; });
    (*broker)->on_missed_publication([&](const MissedPublication& missed) { FAIL() << to_text(missed.cause); });
    (*broker)->on_publication([&](const Publication& publication) {
        had.push_back(publication);
        loop.stop();
    });
    loop.after(kPatience, [&] { loop.stop(); });
    loop.run();
    ASSERT_EQ(had.size(), 1U);
    EXPECT_EQ(had[0].author_id, (*gateway)->id());
    EXPECT_EQ(had[0].number, published->number);
    EXPECT_EQ(had[0].hash, published->hash);
    EXPECT_TRUE(had[0].content == content);
}

TEST(NodePublications, ThatBreakARuleAreRefusedAtOnce) {
    Loop loop;
    auto node = Node::start(loop, options("broker"));
    ASSERT_TRUE(node) << node.error().message;
    const auto empty = (*node)->publish({});
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().code, Error::Code::invalid);
    EXPECT_EQ(empty.error().message, "publication: empty");
    const auto large = (*node)->publish(std::vector<std::uint8_t>(kMost + 1));
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().code, Error::Code::invalid);
    std::vector<std::uint8_t> content(kMost);
    for (std::uint8_t i = 0; i < 16; ++i) {
        content[0] = i;
        ASSERT_TRUE((*node)->publish(content));
    }
    content[0] = 16;
    const auto full = (*node)->publish(content);
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, Error::Code::exhausted);
}

TEST(NodePublications, NamesOfTheLibraryAreReserved) {
    Loop loop;
    auto node = Node::start(loop, options("broker"));
    ASSERT_TRUE(node) << node.error().message;
    const std::string name = (*node)->id() + "#publication";
    const auto served = (*node)->serve(name, echo_handler());
    ASSERT_FALSE(served);
    EXPECT_EQ(served.error().code, Error::Code::invalid);
    EXPECT_NE(served.error().message.find("reserved"), std::string::npos) << served.error().message;
    EXPECT_FALSE((*node)->serve_streams(name, echo_streams()));
}

}  // namespace
}  // namespace grapevine
