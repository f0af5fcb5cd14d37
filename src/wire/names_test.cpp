#include "wire/names.hpp"

#include <string>

#include <gtest/gtest.h>

#include "wire/vectors_testing.hpp"

namespace grapevine::wire {
namespace {

TEST(Names, SplitsGoodNamesAndRefusesBadOnes) {
    const auto parts = split_name("mesh2.broker.239dc9");
    ASSERT_TRUE(parts.has_value());
    EXPECT_EQ(parts->mesh, "mesh2");
    EXPECT_EQ(parts->type, "broker");
    EXPECT_EQ(parts->digits, "239dc9");
    EXPECT_EQ(split_name("mesh2.broker")->digits, "");
    EXPECT_EQ(split_name("m.b." + std::string(64, 'a'))->digits, std::string(64, 'a'));
    for (const char* bad : {"", ".", "mesh2", "mesh2.", ".broker", "m.b.", "m.b.12345", "m.b.12345g", "m.b.ABCDEF",
                            "m.b.123456.7", "M.b.123456", "-m.b.123456", "m.b.\xff\xff\xff\xff\xff\xff"}) {
        EXPECT_FALSE(split_name(bad).has_value()) << bad;
    }
    EXPECT_FALSE(split_name("m.b." + std::string(65, 'a')).has_value());
    EXPECT_FALSE(split_name(testing::kId1).has_value()) << "an id in full is no name";
}

TEST(Names, AnIdBeginsWithItsOwnDigitsOnly) {
    const auto id = testing::id_of<base::EndpointId>(testing::kId1);
    EXPECT_TRUE(begins_with(id, "8a88e3"));
    EXPECT_TRUE(begins_with(id, testing::kId1));
    EXPECT_TRUE(begins_with(id, ""));
    EXPECT_FALSE(begins_with(id, "8a88e4"));
    EXPECT_FALSE(begins_with(id, "8A88E3"));
}

}  // namespace
}  // namespace grapevine::wire
