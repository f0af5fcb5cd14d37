// What whole stacks tell of each other: of members, of the dead, of names that nobody has.

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "stack/cluster_testing.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;

class WhyTest : public testing::Test {
protected:
    void SetUp() override {
        cluster_.add("mesh1", "gateway", {});
        for (int i = 0; i < 3; ++i)
            cluster_.add("mesh1", "broker", {0});
        ASSERT_TRUE(cluster_.run_until([&] { return cluster_.converged({0, 1, 2, 3}); }, 1s));
    }

    Why ask(std::size_t index, const std::string& name) { return cluster_.stack(index).why(name, cluster_.now()); }

    static const StoryEvent* find(const Why& why, StoryKind kind) {
        if (!why.story) return nullptr;
        const auto& events = why.story->events;
        const auto found = std::find_if(events.begin(), events.end(), [&](const auto& e) { return e.kind == kind; });
        return found == events.end() ? nullptr : &*found;
    }

    TestCluster cluster_{77};
};

TEST_F(WhyTest, OfAMemberItTellsSinceWhenFromWhomAndHow) {
    const Why why = ask(1, cluster_.stack(0).own_name());
    EXPECT_EQ(why.acquaintance, Acquaintance::member);
    EXPECT_EQ(why.id, cluster_.stack(0).id());
    ASSERT_TRUE(why.row);
    ASSERT_TRUE(why.story && why.story->known);
    EXPECT_EQ(why.story->known->told_by, cluster_.stack(0).id()) << "the seed told of itself";
    ASSERT_FALSE(why.connections.empty());
    EXPECT_EQ(why.connections.front().remote, cluster_.member(0).addr);
    EXPECT_TRUE(why.is_neighbor);
    ASSERT_FALSE(why.addresses.empty());
    ASSERT_TRUE(why.addresses.front().tried);
    EXPECT_EQ(why.addresses.front().tried->fate, AddressFate::answered);
    EXPECT_NE(find(why, StoryKind::connected), nullptr);
    EXPECT_EQ(ask(1, cluster_.stack(1).own_name()).acquaintance, Acquaintance::self);
}

TEST_F(WhyTest, OfTheDeadItTellsWhoAccusedThemAndThatNobodyAnswered) {
    const std::string name = cluster_.stack(3).own_name();
    const base::EndpointId dead = cluster_.stack(3).id();
    cluster_.silence(3);
    ASSERT_TRUE(cluster_.run_until([&] { return ask(1, name).acquaintance == Acquaintance::gone; }, 30s));
    const Why why = ask(1, name);
    EXPECT_EQ(why.id, dead);
    EXPECT_FALSE(why.story->known);
    const StoryEvent* suspected = find(why, StoryKind::suspected);
    const StoryEvent* died = find(why, StoryKind::died);
    ASSERT_TRUE(suspected != nullptr && died != nullptr);
    EXPECT_FALSE(died->who.empty());
    EXPECT_LT(suspected->first, died->first);
    EXPECT_EQ(ask(1, dead.hex()).id, dead);
    EXPECT_EQ(ask(1, dead.hex().substr(0, 12)).id, dead);
    const bool dialled =
        cluster_.run_until([&] { return find(ask(0, name), StoryKind::dial_failed) != nullptr; }, 120s);
    ASSERT_TRUE(dialled) << "it is remembered and tried again";
    const Why later = ask(0, name);
    ASSERT_FALSE(later.addresses.empty());
    ASSERT_TRUE(later.addresses.front().tried);
    EXPECT_NE(later.addresses.front().tried->fate, AddressFate::answered);
    cluster_.unsilence(3);
    ASSERT_TRUE(cluster_.run_until([&] { return ask(1, name).acquaintance == Acquaintance::member; }, 120s));
    EXPECT_NE(find(ask(1, name), StoryKind::died), nullptr) << "its past is kept";
}

TEST_F(WhyTest, OfANameItTellsWhyMessagesFailed) {
    const auto send = [&](const std::string& name) {
        delivery::Options options;
        options.deadline = 2s;
        ASSERT_TRUE(cluster_.stack(0).submit(
            delivery::Submission{{name}, delivery::MessageKind::send, base::to_bytes("x"), options, {}},
            cluster_.now()));
        cluster_.settle(0);
        cluster_.run_for(3s);
    };
    EXPECT_EQ(ask(0, "mesh9.broker").acquaintance, Acquaintance::unknown);
    EXPECT_FALSE(ask(0, "mesh9.broker").story);
    send("mesh9.broker");
    const Why nobody = ask(0, "mesh9.broker");
    EXPECT_EQ(nobody.acquaintance, Acquaintance::unknown);
    ASSERT_NE(find(nobody, StoryKind::send_failed), nullptr);
    send("mesh1.broker");
    const Why several = ask(0, "mesh1.broker");
    EXPECT_EQ(several.acquaintance, Acquaintance::several);
    EXPECT_EQ(several.fits.size(), 3U);
    const StoryEvent* failed = find(several, StoryKind::send_failed);
    ASSERT_NE(failed, nullptr) << "nobody handles it";
    EXPECT_NE(failed->text.find("refused"), std::string::npos) << failed->text;
    send(cluster_.stack(2).own_name());
    EXPECT_NE(find(ask(0, cluster_.stack(2).own_name()), StoryKind::send_failed), nullptr);
}

}  // namespace
}  // namespace grapevine::stack
