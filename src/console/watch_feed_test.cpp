// Meshes that are watched, in the world: a stand-in says what a node would.

#include "console/watch_feed.hpp"

#include <map>

#include <gtest/gtest.h>

#include "console/world.hpp"
#include "console/world_testing.hpp"

namespace grapevine::console {
namespace {

using namespace testing;
using Kind = MeshEvent::Kind;
using State = MeshWatcher::State;

class FakeWatcher final : public MeshWatcher {
public:
    void listen(Listener listener) override { listener_ = std::move(listener); }
    [[nodiscard]] std::vector<std::string> meshes() const override { return known_; }
    base::Status watch(const std::string& mesh) override {
        if (sources_.size() >= 2) {
            return base::fail(base::ErrorCode::exhausted, "2 are watched already");
        }
        sources_[mesh];
        return {};
    }
    void unwatch(const std::string& mesh) override { sources_.erase(mesh); }
    [[nodiscard]] std::optional<Source> source(const std::string& mesh) const override {
        const auto it = sources_.find(mesh);
        return it == sources_.end() ? std::nullopt : std::optional(it->second);
    }
    [[nodiscard]] std::vector<DirectoryRow> rows(const std::string&, base::TimePoint now) const override {
        std::vector<DirectoryRow> rows = rows_;
        for (DirectoryRow& row : rows) {
            row.digest.heard = now - std::chrono::seconds(7);
        }
        return rows;
    }

    void tell(std::vector<std::string> meshes) {
        known_ = std::move(meshes);
        listener_.meshes();
    }
    void tell(const std::string& mesh, Source source) {
        sources_[mesh] = std::move(source);
        listener_.source(mesh);
    }
    Listener listener_;
    std::vector<std::string> known_;
    std::map<std::string, Source> sources_;
    std::vector<DirectoryRow> rows_;
};

DirectoryRow watched(std::uint32_t number, std::uint64_t sequence = 1) {
    DirectoryRow row = row_of(number, sequence);
    row.digest.via = KnownVia::watch;
    return row;
}

// Of row_of() the mesh is m.
class WatchFeedTest : public ::testing::Test {
protected:
    [[nodiscard]] Moment moment() const { return {runtime_.now(), runtime_.wall_now()}; }
    [[nodiscard]] const NodeRow* node(std::uint32_t number) const { return world_.nodes().find(id_of(number)); }
    [[nodiscard]] const SourceRow& source() const { return *world_.sources().find("mesh m"); }
    void up(std::uint32_t gateway) { watcher_.tell("m", {State::up, id_of(gateway), ""}); }
    void begin() {
        watcher_.rows_ = {watched(1), watched(2), watched(3)};
        watcher_.tell({"m"});
        up(1);
    }

    io::Runtime runtime_;
    World world_{1000, {runtime_.now(), runtime_.wall_now()}};
    FakeWatcher watcher_;
    std::size_t changes_ = 0;
    WatchFeed feed_{runtime_, world_, watcher_, [this] { ++changes_; }};
};

TEST_F(WatchFeedTest, AMeshWithoutNodesHereIsWatched) {
    watcher_.tell({"m"});
    EXPECT_EQ(source().state, SourceState::down) << "until a gateway has told";
    begin();
    EXPECT_EQ(source().state, SourceState::up);
    ASSERT_NE(node(2), nullptr);
    EXPECT_EQ(node(2)->state, NodeState::member);
    EXPECT_EQ(node(2)->digest.via, KnownVia::watch);
    EXPECT_EQ(node(2)->digest.source, id_of(1)) << "the gateway";
    EXPECT_FALSE(node(1)->here);
    EXPECT_EQ(node(1)->process, ProcessState::none);
    EXPECT_GE(runtime_.now() - node(2)->digest.heard, std::chrono::seconds(7));
    EXPECT_TRUE(world_.meshes().find("m")->known);
    EXPECT_GT(changes_, 0U);
}

TEST_F(WatchFeedTest, OneWithNodesHereIsNot) {
    feed_.set_here({"m"});
    watcher_.tell({"m", "n"});
    EXPECT_TRUE(watcher_.sources_.contains("n"));
    EXPECT_FALSE(watcher_.sources_.contains("m"));
    feed_.set_here({});
    EXPECT_TRUE(watcher_.sources_.contains("m"));
    begin();
    feed_.set_here({"m"});
    EXPECT_FALSE(watcher_.sources_.contains("m"));
    EXPECT_EQ(node(2)->state, NodeState::unknown) << "until a node here tells";
}

TEST_F(WatchFeedTest, WhatHappensIsSeenAtOnce) {
    begin();
    watcher_.listener_.event("m", {Kind::suspected, id_of(3), "m.t.3", {id_of(2)}, ""});
    EXPECT_EQ(node(3)->state, NodeState::suspected);
    watcher_.listener_.event("m", {Kind::died, id_of(3), "m.t.3", {id_of(2)}, ""});
    EXPECT_EQ(node(3)->state, NodeState::dead);
    watcher_.listener_.event("m", {Kind::unlisted, id_of(2), "m.t.2", {}, ""});
    EXPECT_EQ(node(2)->state, NodeState::unknown) << "nobody signed that it died";
}

TEST_F(WatchFeedTest, AnotherGatewayTakesThePlaceWithoutAGap) {
    begin();
    watcher_.tell("m", {State::seeking, id_of(1), "its gateway is silent"});
    EXPECT_EQ(source().state, SourceState::up);
    EXPECT_EQ(node(3)->state, NodeState::member);
    const Version before = world_.version();
    watcher_.rows_ = {watched(1, 2), watched(2, 2), watched(3, 2)};
    up(2);
    EXPECT_EQ(node(3)->digest.source, id_of(2));
    EXPECT_EQ(node(3)->state, NodeState::member);
    EXPECT_EQ(node(3)->since_unix_ms, node(2)->since_unix_ms);
    EXPECT_GT(world_.version(), before);
    EXPECT_EQ(world_.meshes().find("m")->viewers, 1U);
}

TEST_F(WatchFeedTest, WithoutAGatewayAllOfItIsUnknownAndSaysSinceWhen) {
    begin();
    watcher_.tell("m", {State::down, id_of(1), "no gateway is known"});
    EXPECT_EQ(source().state, SourceState::down);
    EXPECT_NE(source().text.find("no gateway is known"), std::string::npos);
    EXPECT_GT(source().since_unix_ms, 0U);
    EXPECT_EQ(node(3)->state, NodeState::unknown);
    EXPECT_NE(world_.alerts().find("source_down:mesh m"), nullptr);
    EXPECT_FALSE(world_.meshes().find("m")->known);
    up(2);
    EXPECT_EQ(node(3)->state, NodeState::member);
}

TEST_F(WatchFeedTest, OneThatTheFabricDoesNotKnowAnyMoreIsDown) {
    begin();
    watcher_.tell(std::vector<std::string>{});
    EXPECT_FALSE(watcher_.sources_.contains("m"));
    EXPECT_EQ(source().state, SourceState::down);
    EXPECT_EQ(feed_.watched(), 0U);
}

TEST_F(WatchFeedTest, TooManyAreSaid) {
    watcher_.tell({"a", "b", "m"});
    EXPECT_EQ(feed_.watched(), 2U);
    EXPECT_EQ(source().state, SourceState::down);
    EXPECT_EQ(source().text, "2 are watched already");
}

TEST_F(WatchFeedTest, NewerWordsAreTakenWhileSomebodyLooks) {
    begin();
    watcher_.rows_ = {watched(1, 9), watched(2, 9), watched(3, 9)};
    const auto task =
        runtime_.at(runtime_.now() + std::chrono::seconds(20), base::Duration::zero(), [this] { runtime_.stop(); });
    const auto look = runtime_.at(runtime_.now(), base::Duration::zero(), [this] { feed_.attend(); });
    changes_ = 0;
    std::function<void()> until = [&] {
        if (node(3)->digest.sequence == 9) {
            runtime_.stop();
        } else {
            runtime_.at(runtime_.now() + std::chrono::milliseconds(5), base::Duration::zero(), until);
        }
    };
    runtime_.post(until);
    runtime_.run();
    runtime_.cancel(task);
    runtime_.cancel(look);
    EXPECT_EQ(node(3)->digest.sequence, 9U);
}

}  // namespace
}  // namespace grapevine::console
