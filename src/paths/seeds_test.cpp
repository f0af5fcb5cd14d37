#include "paths/seeds.hpp"

#include <gtest/gtest.h>

#include "paths/paths_testing.hpp"

namespace grapevine::paths {
namespace {

using namespace testing;

struct Dialer {
    explicit Dialer(std::uint64_t seed = 1, SeedConfig config = {}) : rng(seed), dialer(id(0), config, rng) {}
    base::Admitted add(std::uint8_t n, TimePoint now) {
        out.clear();
        return dialer.add_seed(endpoint(n), now, out);
    }
    SeedRetry fail(std::uint8_t n, TimePoint now) {
        out.clear();
        dialer.on_attempt_failed(id(n), "refused", now, out);
        EXPECT_EQ(out.size(), 1U);
        return std::get<SeedRetry>(out.at(0));
    }
    void deadline(TimePoint now) {
        out.clear();
        dialer.on_deadline(now, out);
    }
    void connectivity(Connectivity c, TimePoint now) {
        out.clear();
        dialer.set_connectivity(c, now, out);
    }
    base::Rng rng;
    SeedDialer dialer;
    SeedEffects out;
};

TEST(Seeds, FirstAttemptIsImmediateAndOwnIdIsSkipped) {
    Dialer d;
    EXPECT_EQ(d.add(1, at(0s)), base::Admitted::yes);
    EXPECT_EQ(d.out, (SeedEffects{JoinVia{endpoint(1)}}));
    EXPECT_EQ(d.add(0, at(0s)), base::Admitted::no);
    EXPECT_TRUE(d.out.empty());
    EXPECT_EQ(d.dialer.counters().skipped_self, 1U);
    EXPECT_EQ(d.add(1, at(0s)), base::Admitted::yes);  // Named twice: one seed.
    EXPECT_TRUE(d.out.empty());
    EXPECT_EQ(d.dialer.size(), 1U);
}

TEST(Seeds, ConnectedBackoffDoublesFromOneSecondToThirtyForEver) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Dialer d(seed);
        d.connectivity(Connectivity::connected, at(0s));
        d.add(1, at(0s));
        TimePoint now = at(0s);
        for (std::uint32_t attempt = 2; attempt < 200; ++attempt) {
            const SeedRetry retry = d.fail(1, now);
            const auto nominal =
                attempt < 8 ? std::min<base::Duration>(1s * (1 << (attempt - 2)), 30s) : base::Duration(30s);
            EXPECT_EQ(retry.attempt, attempt);
            EXPECT_EQ(retry.reason, "refused");
            EXPECT_GE(retry.delay, nominal / 2);
            EXPECT_LE(retry.delay, nominal);
            EXPECT_EQ(d.dialer.next_deadline(), now + retry.delay);
            now += retry.delay;
            d.deadline(now - 1ns);
            EXPECT_TRUE(d.out.empty());
            d.deadline(now);
            EXPECT_EQ(d.out, (SeedEffects{JoinVia{endpoint(1)}}));
        }
    }
}

TEST(Seeds, IsolatedBackoffBeginsAtTwoHundredMilliseconds) {
    Dialer d;
    d.add(1, at(0s));
    const base::Duration nominal[] = {200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms, 30s, 30s};
    TimePoint now = at(0s);
    for (const base::Duration expected : nominal) {
        const SeedRetry retry = d.fail(1, now);
        EXPECT_GE(retry.delay, expected / 2);
        EXPECT_LE(retry.delay, expected);
        now += retry.delay;
        d.deadline(now);
    }
}

TEST(Seeds, ALostSeedIsTriedAgainFromTheFirstStep) {
    Dialer d;
    d.connectivity(Connectivity::connected, at(0s));
    d.add(1, at(0s));
    for (int i = 0; i < 5; ++i) {
        d.fail(1, at(0s));
        d.deadline(*d.dialer.next_deadline());
    }
    d.dialer.on_seed_live(id(1));
    EXPECT_EQ(d.dialer.next_deadline(), std::nullopt);
    d.out.clear();
    d.dialer.on_seed_lost(id(1), "idle timeout", at(100s), d.out);
    const auto& retry = std::get<SeedRetry>(d.out.at(0));
    EXPECT_EQ(retry.attempt, 1U);
    EXPECT_LE(retry.delay, 1s);
    EXPECT_EQ(retry.reason, "idle timeout");
    d.out.clear();
    d.dialer.on_seed_lost(id(1), "again", at(100s), d.out);
    EXPECT_TRUE(d.out.empty());
}

TEST(Seeds, WhileIsolatedAnAttemptThatNobodyReportsOnFailsSooner) {
    Dialer d;
    d.add(1, at(0s));
    EXPECT_EQ(d.dialer.next_deadline(), at(1s));
    d.deadline(at(1s));
    EXPECT_EQ(std::get<SeedRetry>(d.out.at(0)).reason, "no answer");
    EXPECT_LE(std::get<SeedRetry>(d.out.at(0)).delay, 200ms);
    EXPECT_EQ(d.dialer.counters().failures, 1U);
}

TEST(Seeds, AnAttemptThatNobodyReportsOnCountsAsFailed) {
    Dialer d;
    d.connectivity(Connectivity::connected, at(0s));
    d.add(1, at(0s));
    EXPECT_EQ(d.dialer.next_deadline(), at(10s));
    d.deadline(at(10s));
    EXPECT_EQ(std::get<SeedRetry>(d.out.at(0)).reason, "no answer");
    EXPECT_EQ(d.dialer.counters().failures, 1U);
}

TEST(Seeds, IsolationRetriesAtOnceButNeverInAHotLoop) {
    Dialer d;
    d.connectivity(Connectivity::connected, at(0s));
    d.add(1, at(0s));
    for (int i = 0; i < 6; ++i) {
        d.fail(1, at(0s) + 1min * i);
        if (i < 5) d.deadline(at(0s) + 1min * (i + 1));
    }
    const TimePoint isolated = at(5min + 5s);  // Waiting for up to 30 s since the attempt at 5 min.
    d.connectivity(Connectivity::isolated, isolated);
    EXPECT_EQ(d.out, (SeedEffects{JoinVia{endpoint(1)}}));
    EXPECT_LE(d.fail(1, isolated).delay, 200ms);
    d.connectivity(Connectivity::connected, isolated);
    d.connectivity(Connectivity::isolated, isolated);
    EXPECT_TRUE(d.out.empty());
    EXPECT_LE(*d.dialer.next_deadline(), isolated + 200ms);
    EXPECT_GT(*d.dialer.next_deadline(), isolated);
}

TEST(Seeds, AreBounded) {
    SeedConfig config;
    config.seeds_max = 2;
    Dialer d(1, config);
    d.add(1, at(0s));
    d.add(2, at(0s));
    EXPECT_EQ(d.add(3, at(0s)), base::Admitted::no);
    EXPECT_EQ(d.dialer.counters().refused_full, 1U);
}

TEST(Seeds, ReportsAboutStrangersChangeNothing) {
    Dialer d;
    d.dialer.on_seed_live(id(9));
    d.dialer.on_seed_lost(id(9), "", at(0s), d.out);
    d.dialer.on_attempt_failed(id(9), "", at(0s), d.out);
    EXPECT_TRUE(d.out.empty());
    EXPECT_EQ(d.dialer.next_deadline(), std::nullopt);
}

}  // namespace
}  // namespace grapevine::paths
