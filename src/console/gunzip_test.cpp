#include "console/gunzip.hpp"

#include <gtest/gtest.h>

namespace grapevine::console {
namespace {

TEST(Gunzip, GivesBackWhatWasPacked) {
    for (const std::string& plain : {std::string(), std::string("mesh.node.ready"), std::string(100'000, 'x')}) {
        EXPECT_EQ(gunzip(gzip(plain), 100'000), plain);
    }
}

TEST(Gunzip, StopsAtItsLimit) {
    const std::string bomb = gzip(std::string(64U << 20U, '\0'));
    EXPECT_LT(bomb.size(), 80'000U);
    const auto inflated = gunzip(bomb, 1U << 20U);
    ASSERT_FALSE(inflated);
    EXPECT_EQ(inflated.error().code, base::ErrorCode::exhausted);
    EXPECT_FALSE(gunzip(gzip("12345"), 4));
    EXPECT_TRUE(gunzip(gzip("12345"), 5));
}

TEST(Gunzip, RefusesWhatIsNotWhole) {
    const std::string packed = gzip("some words that are packed");
    for (std::size_t size = 0; size < packed.size(); ++size) {
        EXPECT_FALSE(gunzip(packed.substr(0, size), 1000)) << size;
    }
    EXPECT_FALSE(gunzip(packed + "x", 1000));
    EXPECT_FALSE(gunzip("plain text", 1000));
}

}  // namespace
}  // namespace grapevine::console
