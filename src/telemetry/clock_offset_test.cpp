#include "telemetry/clock_offset.hpp"

#include <gtest/gtest.h>

namespace grapevine::telemetry {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kNow = 1'700'000'000'000'000'000;
constexpr std::uint64_t kMs = 1'000'000;
constexpr base::TimePoint kAt{1h};

base::EndpointId peer(std::uint8_t fill) {
    base::EndpointId id;
    id.bytes.fill(fill);
    return id;
}

TEST(ClockOffsets, ARoundTripGivesOffsetAndError) {
    ClockOffsets offsets;
    // The peer is 30 s ahead; 4 ms there, 1 ms of work, 2 ms back.
    const std::uint64_t ahead = kNow + 30'000 * kMs;
    offsets.on_round_trip(peer(1), kNow, ahead + 4 * kMs, ahead + 5 * kMs, kNow + 7 * kMs, kAt);
    const auto known = offsets.estimate(peer(1), kAt);
    ASSERT_TRUE(known);
    EXPECT_EQ(known->offset_ns, static_cast<std::int64_t>(30'001 * kMs));
    EXPECT_EQ(known->error_ns, 3 * kMs + 1);
}

TEST(ClockOffsets, AMessageOfADirectPeerGivesOne) {
    ClockOffsets offsets;
    offsets.on_message(peer(1), kNow - 30'000 * kMs, kNow, 10ms, kAt);
    const auto known = offsets.estimate(peer(1), kAt);
    ASSERT_TRUE(known);
    EXPECT_EQ(known->offset_ns, -static_cast<std::int64_t>(29'995 * kMs));
    EXPECT_EQ(known->error_ns, 5 * kMs + 1);
    offsets.on_message(peer(2), kNow, kNow, std::nullopt, kAt);
    EXPECT_FALSE(offsets.estimate(peer(2), kAt));
}

TEST(ClockOffsets, TheBetterEvidenceIsKeptUntilItHasAged) {
    ClockOffsets offsets;
    offsets.on_message(peer(1), kNow, kNow, 2ms, kAt);
    offsets.on_message(peer(1), kNow + 50 * kMs, kNow, 40ms, kAt + 1s);
    EXPECT_EQ(offsets.estimate(peer(1), kAt + 1s)->offset_ns, static_cast<std::int64_t>(kMs));
    // 50 ppm of ten minutes are 30 ms.
    EXPECT_EQ(offsets.estimate(peer(1), kAt + 600s)->error_ns, kMs + 1 + 30 * kMs);
    offsets.on_message(peer(1), kNow + 50 * kMs, kNow, 40ms, kAt + 600s);
    EXPECT_EQ(offsets.estimate(peer(1), kAt + 600s)->offset_ns, static_cast<std::int64_t>(70 * kMs));
}

TEST(ClockOffsets, AbsurdClaimsAreCounted) {
    ClockOffsets offsets;
    offsets.on_round_trip(peer(1), kNow, 5, 6, kNow + 1, kAt);
    offsets.on_round_trip(peer(1), kNow, kNow, kNow + 9 * kMs, kNow + kMs, kAt);
    offsets.on_round_trip(peer(1), kNow, kNow + 2, kNow + 1, kNow + kMs, kAt);
    offsets.on_message(peer(1), ~std::uint64_t{0}, kNow, 1ms, kAt);
    EXPECT_EQ(offsets.refused(), 4U);
    EXPECT_FALSE(offsets.estimate(peer(1), kAt));
}

TEST(ClockOffsets, ThePeerHeardLongestAgoMakesRoom) {
    ClockOffsets offsets;
    for (std::size_t i = 0; i <= ClockOffsets::kPeersMax; ++i) {
        base::EndpointId id = peer(9);
        id.bytes[0] = static_cast<std::uint8_t>(i % 256);
        id.bytes[1] = static_cast<std::uint8_t>(i / 256);
        offsets.on_message(id, kNow, kNow, 1ms, kAt + std::chrono::seconds(i));
    }
    EXPECT_EQ(offsets.size(), ClockOffsets::kPeersMax);
    base::EndpointId first = peer(9);
    first.bytes[0] = first.bytes[1] = 0;
    EXPECT_FALSE(offsets.estimate(first, kAt + 1h));
}

}  // namespace
}  // namespace grapevine::telemetry
