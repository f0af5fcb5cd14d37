#include <gtest/gtest.h>

#include "stack/storm_testing.hpp"

namespace grapevine::stack {
namespace {

using delivery::Ending;

constexpr std::uint64_t kSeeds = 12;  // bench/delivery_courses runs a thousand.

TEST(Storm, EachMessageHasOneTrueOutcomeAndTheMeshesHeal) {
    StormTally all;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const StormTally course = run_storm(seed);
        EXPECT_TRUE(course.violations.empty()) << "seed " << seed << ": " << course.violations.front();
        for (const auto& [ending, count] : course.endings)
            all.endings[ending] += count;
        all.submitted += course.submitted;
        all.crashes += course.crashes;
        all.cuts += course.cuts;
    }
    // What the courses are for did happen.
    EXPECT_GT(all.submitted, 200 * kSeeds);
    EXPECT_GT(all.endings[Ending::acknowledged], all.submitted / 2);
    EXPECT_GT(all.crashes, kSeeds);
    EXPECT_GT(all.cuts, kSeeds / 2);
}

}  // namespace
}  // namespace grapevine::stack
