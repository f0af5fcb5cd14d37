#include "telemetry/ledger.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace grapevine::telemetry {
namespace {

using namespace base;

TimePoint at(Duration since) {
    return TimePoint(since);
}

// Invariant 1: born minus ended equals alive.
TEST(Ledger, CountsEachKindByItself) {
    Ledger ledger;
    const Life one(ledger, Kind::stream);
    {
        const Life two(ledger, Kind::stream);
    }
    const Life timer(ledger, Kind::timer);
    EXPECT_EQ(ledger[Kind::stream], (Tally{2, 1, 2}));
    EXPECT_EQ(ledger[Kind::stream].alive(), 1U);
    EXPECT_EQ(ledger[Kind::timer], (Tally{1, 0, 1}));
    EXPECT_EQ(ledger[Kind::connection], Tally{});
}

TEST(Ledger, PeakIsTheMostThatEverLivedAtOnce) {
    Ledger ledger;
    std::vector<Life> lives;
    for (int i = 0; i < 3; ++i)
        lives.emplace_back(ledger, Kind::dial);
    lives.resize(1);
    lives.emplace_back(ledger, Kind::dial);
    EXPECT_EQ(ledger[Kind::dial], (Tally{4, 2, 3}));
}

TEST(Ledger, KnowsTheOldestWhoeverEndsFirst) {
    Ledger ledger;
    EXPECT_EQ(ledger.oldest(Kind::stream), std::nullopt);
    ledger.set_now(at(1s));
    std::optional<Life> first(std::in_place, ledger, Kind::stream);
    ledger.set_now(at(2s));
    std::optional<Life> second(std::in_place, ledger, Kind::stream);
    ledger.set_now(at(3s));
    std::optional<Life> third(std::in_place, ledger, Kind::stream);
    EXPECT_EQ(ledger.oldest(Kind::stream), at(1s));
    second.reset();
    EXPECT_EQ(ledger.oldest(Kind::stream), at(1s));
    first.reset();
    EXPECT_EQ(ledger.oldest(Kind::stream), at(3s));
    third.reset();
    EXPECT_EQ(ledger.oldest(Kind::stream), std::nullopt);
}

TEST(Ledger, TimeNeverGoesBack) {
    Ledger ledger;
    ledger.set_now(at(5s));
    ledger.set_now(at(4s));
    EXPECT_EQ(ledger.now(), at(5s));
}

TEST(Ledger, ACensusAddsUp) {
    Ledger one, two;
    one.set_now(at(9s));
    two.set_now(at(3s));
    const Life a(one, Kind::socket), b(two, Kind::socket), c(two, Kind::timer);
    Census census;
    add(census, one);
    add(census, two);
    EXPECT_EQ(census[static_cast<std::size_t>(Kind::socket)], (Count{Tally{2, 0, 2}, at(3s)}));
    EXPECT_EQ(census[static_cast<std::size_t>(Kind::stream)], Count{});
}

TEST(Life, IsCountedOnceHoweverItMoves) {
    static_assert(!std::is_copy_constructible_v<Life>);
    Ledger ledger;
    ledger.set_now(at(1s));
    {
        Life first(ledger, Kind::connection);
        ledger.set_now(at(2s));
        Life second(std::move(first));
        Life third;
        third = std::move(second);
        EXPECT_TRUE(third);
        EXPECT_EQ(ledger[Kind::connection], (Tally{1, 0, 1}));
        EXPECT_EQ(ledger.oldest(Kind::connection), at(1s)) << "moving makes nothing younger";
    }
    EXPECT_EQ(ledger[Kind::connection], (Tally{1, 1, 1}));
}

TEST(Life, AssignmentEndsWhatWasThere) {
    Ledger ledger;
    Life life(ledger, Kind::stream);
    life = Life(ledger, Kind::timer);
    EXPECT_EQ(ledger[Kind::stream].alive(), 0U);
    EXPECT_EQ(ledger[Kind::timer].alive(), 1U);
    life = Life();
    EXPECT_EQ(ledger[Kind::timer].alive(), 0U);
    EXPECT_FALSE(life);
}

// Against a naive twin: a vector of births. The lives move whenever the vector grows or something before them goes.
TEST(Life, AVectorOfThingsIsAlwaysInBalance) {
    EXPECT_TRUE(rc::check([](const std::vector<std::uint8_t>& operations) {
        Ledger ledger;
        std::vector<Life> things;
        std::vector<TimePoint> births;
        Duration now = 0s;
        for (const std::uint8_t operation : operations) {
            now += 1s;
            ledger.set_now(at(now));
            if (operation % 3 != 0 || things.empty()) {
                things.emplace_back(ledger, Kind::gossip_message);
                births.push_back(at(now));
            } else {
                const auto index = operation % static_cast<std::ptrdiff_t>(things.size());
                things.erase(things.begin() + index);
                births.erase(births.begin() + index);
            }
            RC_ASSERT(ledger[Kind::gossip_message].alive() == things.size());
            const auto oldest = std::min_element(births.begin(), births.end());
            RC_ASSERT(ledger.oldest(Kind::gossip_message) == (births.empty() ? std::nullopt : std::optional(*oldest)));
        }
        things.clear();
        RC_ASSERT(ledger[Kind::gossip_message].born == ledger[Kind::gossip_message].ended);
        RC_ASSERT(!ledger.oldest(Kind::gossip_message).has_value());
    }));
}

TEST(Ledger, EveryKindHasItsOwnName) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < kKinds; ++i)
        names.emplace(name(static_cast<Kind>(i)));
    EXPECT_EQ(names.size(), kKinds);
    EXPECT_FALSE(names.contains(""));
    EXPECT_EQ(name(Kind::connection), "connection");
    EXPECT_EQ(name(Kind::control_client), "control_client");
    EXPECT_EQ(name(Kind::gossip_link), "gossip_link");
    EXPECT_EQ(name(Kind::thread), "thread");
}

TEST(LedgerDeathTest, ALifeThatOutlivesItsLedgerIsOurOwnBug) {
    EXPECT_DEATH(
        {
            Life life;
            Ledger ledger;
            life = Life(ledger, Kind::stream);
        },
        "outlives");
}

}  // namespace
}  // namespace grapevine::telemetry
