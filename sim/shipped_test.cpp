// Every scenario in scenarios/ with the seeds that it asks for, each a test of its own.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "sim/command.hpp"

namespace grapevine::sim {
namespace {

std::string folder() {
    const char* source = std::getenv("GRAPEVINE_SOURCE_DIR");  // style: allow environment, because ctest gives it
    return std::string(source == nullptr ? "." : source) + "/scenarios";
}

std::vector<std::string> shipped() {
    return list_scenarios(folder()).value_or(std::vector<std::string>{});
}

class Shipped : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Shipped);
INSTANTIATE_TEST_SUITE_P(Scenarios, Shipped, testing::ValuesIn(shipped()), [](const auto& name) {
    std::string text = name.param;
    std::replace(text.begin(), text.end(), '-', '_');
    return text;
});

TEST_P(Shipped, Passes) {
    CommandOptions options;
    options.folder = folder();
    options.scenario = GetParam();
    const auto scenario = load_scenario(options);
    ASSERT_TRUE(scenario) << scenario.error().message;
    options.seeds = {1, scenario->seeds};
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(run_command(options, out, err), 0) << out.str() << err.str();
}

TEST(ShippedScenarios, AreThere) {
    EXPECT_GE(shipped().size(), 17U);
}

}  // namespace
}  // namespace grapevine::sim
