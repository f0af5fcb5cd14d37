#include "telemetry/laws.hpp"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "telemetry/catalogue.hpp"

namespace grapevine::telemetry {
namespace {

using namespace base;

TimePoint at(Duration since) {
    return TimePoint(since);
}

class LawsTest : public testing::Test {
protected:
    // As an owner does: at each wake-up, if it is due.
    std::vector<LawChange> look(Duration now) {
        std::vector<LawChange> out;
        ledger_.set_now(at(now));
        if (!laws_.due(at(now))) return out;
        Census census;
        add(census, ledger_);
        laws_.check(census, allowances_, at(now), out);
        return out;
    }
    std::vector<Life> make(Kind kind, int count) {
        std::vector<Life> lives;
        for (int i = 0; i < count; ++i)
            lives.emplace_back(ledger_, kind);
        return lives;
    }

    Ledger ledger_;
    Allowances allowances_;
    Laws laws_;
};

TEST_F(LawsTest, TooManyForTooLongIsToldOnce) {
    allowances_.set(Kind::stream, 2);
    const auto lives = make(Kind::stream, 3);
    EXPECT_TRUE(look(100s).empty());
    EXPECT_TRUE(look(110s).empty());
    EXPECT_TRUE(look(119s).empty()) << "still within the grace";
    EXPECT_EQ(look(120s), (std::vector<LawChange>{LawBroken{Kind::stream, 3, {2, std::nullopt}, 120s, 20s}}));
    EXPECT_TRUE(laws_.is_broken(Kind::stream));
    EXPECT_EQ(laws_.broken(), 1U);
    EXPECT_TRUE(look(200s).empty()) << "once is enough";
    EXPECT_EQ(laws_.broken_ever(), 1U);
}

TEST_F(LawsTest, HealingIsToldOnceAndTheLawCanBreakAgain) {
    allowances_.set(Kind::stream, 0);
    {
        const auto lives = make(Kind::stream, 1);
        EXPECT_TRUE(look(0s).empty());
        EXPECT_EQ(look(30s).size(), 1U);
    }
    EXPECT_EQ(look(50s), (std::vector<LawChange>{LawKept{Kind::stream, 20s}}));
    EXPECT_TRUE(look(60s).empty());
    EXPECT_EQ(laws_.broken(), 0U);
    const auto lives = make(Kind::stream, 1);
    EXPECT_TRUE(look(70s).empty());
    EXPECT_EQ(look(90s).size(), 1U);
    EXPECT_EQ(laws_.broken_ever(), 2U);
}

TEST_F(LawsTest, WhatDrainsWithinTheGraceIsNoBreach) {
    allowances_.set(Kind::connection, 1);
    {
        const auto lives = make(Kind::connection, 5);
        EXPECT_TRUE(look(0s).empty());
        EXPECT_TRUE(look(15s).empty());
    }
    EXPECT_TRUE(look(25s).empty());
    const auto lives = make(Kind::connection, 5);
    EXPECT_TRUE(look(30s).empty()) << "a new breach has a grace of its own";
    EXPECT_TRUE(look(45s).empty());
    EXPECT_EQ(look(50s).size(), 1U);
}

TEST_F(LawsTest, OneThatLivesTooLongIsABreachAmongMany) {
    allowances_.set(Kind::sync_session, 64, 30s);
    const auto old = make(Kind::sync_session, 1);
    for (Duration now = 0s; now <= 45s; now += 5s) {
        const auto young = make(Kind::sync_session, 3);
        EXPECT_TRUE(look(now).empty()) << now.count();
    }
    const auto young = make(Kind::sync_session, 3);
    const auto told = look(55s);
    EXPECT_EQ(told, (std::vector<LawChange>{LawBroken{Kind::sync_session, 4, {64, 30s}, 55s, 20s}}));
    EXPECT_EQ(describe(std::get<LawBroken>(told[0])),
              "sync_session: 4 alive, at most 64 allowed; the oldest 55 s, at most 30 s (over in seconds)");
}

TEST_F(LawsTest, WithoutAnAllowanceNothingIsJudged) {
    const auto lives = make(Kind::thread, 1000);
    EXPECT_TRUE(look(0s).empty());
    EXPECT_TRUE(look(1h).empty());
    EXPECT_EQ(laws_.next_deadline(), std::nullopt);
}

TEST_F(LawsTest, ChecksAreRareAndWakeOnlyWhatHasSomethingToJudge) {
    allowances_.set(Kind::stream, 1, 10s);
    EXPECT_TRUE(laws_.due(at(0s)));
    EXPECT_EQ(laws_.next_deadline(), std::nullopt) << "nothing before the first look";
    look(100s);
    EXPECT_FALSE(laws_.due(at(104s)));
    EXPECT_TRUE(laws_.due(at(105s)));
    EXPECT_EQ(laws_.next_deadline(), std::nullopt) << "nothing lives";
    const auto lives = make(Kind::stream, 1);
    look(105s);
    EXPECT_EQ(laws_.next_deadline(), at(130s)) << "nobody else may wake us before";
    look(130s);
    EXPECT_EQ(laws_.next_deadline(), at(150s)) << "the end of the grace";
    EXPECT_EQ(look(150s).size(), 1U);
    EXPECT_EQ(laws_.next_deadline(), at(175s));
}

// Whenever something begins to break a law, and if nothing but our own deadlines wakes us: told within a minute.
TEST_F(LawsTest, ABreachIsToldWithinAMinuteOnOurDeadlinesAlone) {
    for (Duration begins = 0s; begins < 60s; begins += 1s) {
        Laws laws;
        Ledger ledger;
        Allowances allowances;
        allowances.set(Kind::stream, 1);
        std::vector<Life> lives;
        lives.emplace_back(ledger, Kind::stream);
        std::optional<TimePoint> told;
        TimePoint now = at(0s);
        while (!told && now < at(200s)) {
            if (now >= at(begins) && lives.size() == 1) lives.emplace_back(ledger, Kind::stream);
            Census census;
            add(census, ledger);
            std::vector<LawChange> out;
            laws.check(census, allowances, now, out);
            if (!out.empty()) told = now;
            ASSERT_TRUE(laws.next_deadline().has_value());
            ASSERT_GT(*laws.next_deadline(), now);
            now = *laws.next_deadline();
        }
        ASSERT_TRUE(told.has_value());
        EXPECT_LT(*told - at(begins), 60s) << begins.count();
    }
}

TEST(LawWords, EveryKindHasALawOfAFewWords) {
    for (std::size_t i = 0; i < kKinds; ++i) {
        const auto kind = static_cast<Kind>(i);
        EXPECT_FALSE(law(kind).empty()) << name(kind);
        EXPECT_LE(law(kind).size(), 26U) << name(kind);
    }
}

TEST(LawSpan, TellsWhatWasBrokenSinceWhen) {
    struct FixedClock : Clock {
        [[nodiscard]] std::uint64_t unix_ns() const override { return 1'700'000'000'000'000'000; }
    } clock;
    Recorder recorder(RecorderConfig{}, Rng(1), clock);
    record(recorder, LawBroken{Kind::stream, 7, {2, 10s}, 31s, 21s});
    const auto spans = recorder.take_spans(9);
    ASSERT_EQ(spans.size(), 1U);
    EXPECT_EQ(spans[0].spec->name, "mesh.ledger.law_broken");
    EXPECT_EQ(spans[0].end_unix_ns - spans[0].start_unix_ns, 21'000'000'000U);
    EXPECT_EQ(spans[0].status, SpanStatus::error);
    std::set<std::string> keys;
    for (const auto& attribute : spans[0].attributes)
        keys.emplace(attribute.key);
    EXPECT_EQ(keys, (std::set<std::string>{"kind", "law", "alive", "limit", "oldest_ms", "oldest_limit_ms"}));
}

}  // namespace
}  // namespace grapevine::telemetry
