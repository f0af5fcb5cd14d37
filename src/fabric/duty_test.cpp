#include "fabric/duty.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "fabric/fabric_testing.hpp"

namespace grapevine::fabric {
namespace {

using namespace testing;

std::vector<EndpointId> ids(std::uint32_t count) {
    std::vector<EndpointId> result;
    result.reserve(count);
    for (std::uint32_t n = 1; n <= count; ++n)
        result.push_back(id(n));
    return result;
}

TEST(Duty, TheTopicIsPinned) {
    EXPECT_EQ(backbone_topic("default").hex(), "25796a72fb96b6aac63f79aa445d98ffc305cfb474a546bf8599e12e472a805e");
    EXPECT_NE(backbone_topic("default"), backbone_topic("other"));
}

TEST(Duty, FewGatewaysAreAllOnDuty) {
    EXPECT_TRUE(on_duty("default", {}).empty());
    EXPECT_EQ(on_duty("default", {id(1)}), std::vector{id(1)});
    EXPECT_EQ(on_duty("default", ids(3)).size(), 3U);
}

TEST(Duty, DependsOnNothingButFabricAndIds) {
    std::vector<EndpointId> some = ids(10);
    const auto duty = on_duty("default", some);
    ASSERT_EQ(duty.size(), kGatewaysOnDuty);
    EXPECT_EQ(duty[0].short_hex(6), "dea0a0");
    EXPECT_EQ(duty[1].short_hex(6), "fb555e");
    EXPECT_EQ(duty[2].short_hex(6), "062147");
    std::reverse(some.begin(), some.end());
    some.push_back(some.front());
    EXPECT_EQ(on_duty("default", some), duty) << "in any order, and named twice";
    EXPECT_NE(on_duty("other", some), duty);
}

TEST(Duty, OneThatGoesIsFollowedByTheNext) {
    std::vector<EndpointId> some = ids(10);
    const auto before = on_duty("default", some);
    std::erase(some, before.front());
    const auto after = on_duty("default", some);
    EXPECT_EQ(after[0], before[1]);
    EXPECT_EQ(after[1], before[2]);
    EXPECT_EQ(std::count(before.begin(), before.end(), after[2]), 0);
}

}  // namespace
}  // namespace grapevine::fabric
