#include "paths/link_monitor.hpp"

#include <map>
#include <optional>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "paths/paths_testing.hpp"

namespace grapevine::paths {
namespace {

using namespace testing;

struct Monitor {
    explicit Monitor(LinkMonitorConfig config = {}) : monitor(config) {}
    const LinkEffects& deadline(TimePoint now) {
        out.clear();
        monitor.on_deadline(now, out);
        return out;
    }
    LinkMonitor monitor;
    LinkEffects out;
};

TEST(LinkMonitor, NoLinksNoTimer) {
    Monitor m;
    EXPECT_EQ(m.monitor.next_deadline(), std::nullopt);
    EXPECT_EQ(m.monitor.link_up(id(1), at(0s)), base::Admitted::yes);
    EXPECT_EQ(m.monitor.next_deadline(), at(1s));
    m.monitor.link_down(id(1));
    EXPECT_EQ(m.monitor.next_deadline(), std::nullopt);
}

TEST(LinkMonitor, OneTickProbesAllQuietLinksAndSparesTheHeard) {
    Monitor m;
    m.monitor.link_up(id(1), at(0s));
    m.monitor.link_up(id(2), at(300ms));
    m.monitor.link_up(id(3), at(400ms));
    m.monitor.heard(id(3), at(501ms));
    EXPECT_EQ(m.deadline(at(1s)), (LinkEffects{Probe{id(1)}, Probe{id(2)}}));
    m.monitor.heard(id(1), at(1010ms));
    m.monitor.heard(id(2), at(1010ms));
    EXPECT_EQ(m.deadline(at(2s)), (LinkEffects{Probe{id(1)}, Probe{id(2)}, Probe{id(3)}}));
    EXPECT_EQ(m.monitor.counters().ticks, 2U);
}

TEST(LinkMonitor, AnsweredProbesCostNoFurtherWakeUps) {
    Monitor m;
    for (std::uint8_t n = 1; n <= 5; ++n)
        m.monitor.link_up(id(n), at(0s));
    int wake_ups = 0;
    TimePoint now = at(0s);
    while (*m.monitor.next_deadline() <= at(60s)) {
        now = *m.monitor.next_deadline();
        for (const auto& effect : m.deadline(now))
            m.monitor.heard(std::get<Probe>(effect).peer, now + 1ms);
        ++wake_ups;
    }
    EXPECT_EQ(wake_ups, 60);
}

TEST(LinkMonitor, SilentOnceAfterTheVerdictAndRecoveredOnce) {
    Monitor m;
    m.monitor.link_up(id(1), at(0s));
    EXPECT_EQ(m.deadline(at(1s)), (LinkEffects{Probe{id(1)}}));
    EXPECT_TRUE(m.deadline(at(2s)).empty());
    EXPECT_EQ(m.monitor.next_deadline(), at(2200ms));
    EXPECT_TRUE(m.deadline(at(2199ms)).empty());
    EXPECT_EQ(m.deadline(at(2200ms)), (LinkEffects{Silent{id(1), 2200ms, SilenceCause::silent}}));
    EXPECT_EQ(m.deadline(at(3s)), (LinkEffects{Probe{id(1)}}));
    EXPECT_TRUE(m.deadline(at(4s)).empty());
    EXPECT_TRUE(m.deadline(at(4200ms)).empty());
    m.monitor.heard(id(1), at(4500ms));
    EXPECT_EQ(m.deadline(at(5s)), (LinkEffects{Recovered{id(1)}, Probe{id(1)}}));
    m.monitor.heard(id(1), at(5010ms));
    EXPECT_TRUE(m.deadline(at(5100ms)).empty());
    EXPECT_EQ(m.monitor.counters().silent, 1U);
    EXPECT_EQ(m.monitor.counters().recovered, 1U);
}

TEST(LinkMonitor, SilenceIsNoticedWithin1700To2700Milliseconds) {
    for (int phase = 0; phase < 1000; phase += 7) {
        Monitor m;
        m.monitor.link_up(id(1), at(0s));
        const TimePoint last = at(10s + 1ms * phase);
        TimePoint silent{};
        while (silent == TimePoint{}) {
            const TimePoint now = *m.monitor.next_deadline();
            if (now <= last) m.monitor.heard(id(1), now);
            if (now > last) m.monitor.heard(id(1), last);
            for (const auto& effect : m.deadline(now)) {
                if (std::holds_alternative<Silent>(effect)) silent = now;
            }
        }
        EXPECT_GE(silent - last, 1700ms) << phase;
        EXPECT_LE(silent - last, 2700ms) << phase;
    }
}

TEST(LinkMonitor, AnUnreachableHintHurriesButDoesNotDecide) {
    Monitor m;
    m.monitor.link_up(id(1), at(0s));
    m.monitor.link_up(id(2), at(0s));
    m.out.clear();
    m.monitor.unreachable(id(1), at(100ms), m.out);
    m.monitor.unreachable(id(2), at(100ms), m.out);
    m.monitor.unreachable(id(9), at(100ms), m.out);
    EXPECT_EQ(m.out, (LinkEffects{Probe{id(1)}, Probe{id(2)}}));
    m.monitor.heard(id(2), at(101ms));  // A forged hint: the peer answers.
    EXPECT_EQ(m.monitor.next_deadline(), at(400ms));
    EXPECT_EQ(m.deadline(at(400ms)), (LinkEffects{Silent{id(1), 400ms, SilenceCause::unreachable}}));
    m.out.clear();
    m.monitor.unreachable(id(1), at(500ms), m.out);
    EXPECT_TRUE(m.out.empty());
}

TEST(LinkMonitor, AHintShortensAnOpenVerdict) {
    Monitor m;
    m.monitor.link_up(id(1), at(0s));
    m.deadline(at(1s));
    m.out.clear();
    m.monitor.unreachable(id(1), at(1050ms), m.out);
    EXPECT_TRUE(m.out.empty());
    EXPECT_EQ(m.deadline(at(1350ms)), (LinkEffects{Silent{id(1), 1350ms, SilenceCause::unreachable}}));
}

TEST(LinkMonitor, AStallOfThisProcessIsNotTheirSilence) {
    Monitor m;
    m.monitor.link_up(id(1), at(0s));
    m.deadline(at(1s));
    EXPECT_EQ(m.deadline(at(100s)), (LinkEffects{Probe{id(1)}}));
    EXPECT_EQ(m.monitor.counters().stalls, 1U);
    EXPECT_EQ(m.monitor.next_deadline(), at(101s));
    m.deadline(at(101s));
    EXPECT_EQ(m.deadline(at(101200ms)), (LinkEffects{Silent{id(1), 101200ms, SilenceCause::silent}}));
}

TEST(LinkMonitor, IsBounded) {
    LinkMonitorConfig config;
    config.links_max = 1;
    Monitor m(config);
    m.monitor.link_up(id(1), at(0s));
    EXPECT_EQ(m.monitor.link_up(id(2), at(0s)), base::Admitted::no);
    EXPECT_EQ(m.monitor.counters().refused_full, 1U);
}

// A probe and its retransmissions as QUIC sends them: one packet at first, then two for each probe timeout (RFC 9002,
// section 6.2.4), the timeout 60 ms and doubling, as for a smoothed round trip of 20 ms with 25 ms max_ack_delay. Each
// packet and each answer is lost with probability `loss`; a round trip takes 20 ms.
std::optional<base::Duration> answered_after(base::Rng& rng, double loss) {
    base::Duration sent = 0ms;
    base::Duration timeout = 60ms;
    for (int packets = 1; sent < 5s; packets = 2) {
        for (int i = 0; i < packets; ++i) {
            if (!rng.chance(loss) && !rng.chance(loss)) return sent + 20ms;
        }
        sent += timeout;
        timeout *= 2;
    }
    return std::nullopt;
}

TEST(LinkMonitor, FivePercentLossGivesNoFalseSilenceInTenMinutesOnFortyFiveLinks) {
    std::uint64_t silent = 0;
    std::uint64_t probes = 0;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        base::Rng rng(seed);
        Monitor m;
        std::map<EndpointId, std::vector<TimePoint>> answers;
        for (std::uint8_t n = 1; n <= 45; ++n)
            m.monitor.link_up(id(n), at(0s));
        while (*m.monitor.next_deadline() <= at(10min)) {
            const TimePoint now = *m.monitor.next_deadline();
            for (auto& [peer, times] : answers) {
                for (const TimePoint time : times) {
                    if (time <= now) m.monitor.heard(peer, time);
                }
                std::erase_if(times, [&](TimePoint time) { return time <= now; });
            }
            for (const auto& effect : m.deadline(now)) {
                if (const auto* probe = std::get_if<Probe>(&effect)) {
                    if (const auto delay = answered_after(rng, 0.05)) answers[probe->peer].push_back(now + *delay);
                }
            }
        }
        silent += m.monitor.counters().silent;
        probes += m.monitor.counters().probes;
    }
    EXPECT_EQ(silent, 0U);
    EXPECT_GT(probes, 200'000U);  // The test did probe.
}

}  // namespace
}  // namespace grapevine::paths
