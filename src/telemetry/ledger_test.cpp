#include "telemetry/ledger.hpp"

#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace grapevine::telemetry {
namespace {

// Invariant 1: born minus ended equals alive.
TEST(Ledger, CountsEachKindByItself) {
    Ledger ledger;
    ledger.born(Kind::stream);
    ledger.born(Kind::stream);
    ledger.born(Kind::timer);
    ledger.ended(Kind::stream);
    EXPECT_EQ(ledger[Kind::stream], (Tally{2, 1, 2}));
    EXPECT_EQ(ledger[Kind::stream].alive(), 1U);
    EXPECT_EQ(ledger[Kind::timer], (Tally{1, 0, 1}));
    EXPECT_EQ(ledger[Kind::connection], Tally{});
}

TEST(Ledger, PeakIsTheMostThatEverLivedAtOnce) {
    Ledger ledger;
    for (int i = 0; i < 3; ++i)
        ledger.born(Kind::dial);
    for (int i = 0; i < 2; ++i)
        ledger.ended(Kind::dial);
    ledger.born(Kind::dial);
    EXPECT_EQ(ledger[Kind::dial], (Tally{4, 2, 3}));
}

TEST(Life, IsCountedOnceHoweverItMoves) {
    static_assert(!std::is_copy_constructible_v<Life>);
    Ledger ledger;
    {
        Life first(ledger, Kind::connection);
        Life second(std::move(first));
        Life third;
        third = std::move(second);
        EXPECT_EQ(ledger[Kind::connection], (Tally{1, 0, 1}));
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
}

TEST(Life, AVectorOfThingsIsAlwaysInBalance) {
    EXPECT_TRUE(rc::check([](const std::vector<std::uint8_t>& operations) {
        Ledger ledger;
        std::vector<Life> things;
        for (const std::uint8_t operation : operations) {
            if (operation % 3 != 0 || things.empty()) {
                things.emplace_back(ledger, Kind::gossip_message);
            } else {
                things.erase(things.begin() + operation % static_cast<std::ptrdiff_t>(things.size()));
            }
            RC_ASSERT(ledger[Kind::gossip_message].alive() == things.size());
        }
        things.clear();
        RC_ASSERT(ledger[Kind::gossip_message].born == ledger[Kind::gossip_message].ended);
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
}

TEST(LedgerDeathTest, EndingWhatWasNeverBornIsOurOwnBug) {
    Ledger ledger;
    EXPECT_DEATH(ledger.ended(Kind::stream), "never born");
}

}  // namespace
}  // namespace grapevine::telemetry
