#include "delivery/types.hpp"

#include <set>
#include <string_view>

#include <gtest/gtest.h>

namespace grapevine::delivery {
namespace {

template <typename Enum>
void expect_names(std::size_t count) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < count; ++i)
        names.insert(name(static_cast<Enum>(i)));
    EXPECT_EQ(names.size(), count);
    EXPECT_FALSE(names.contains("unknown"));
    EXPECT_EQ(name(static_cast<Enum>(count)), "unknown");
}

TEST(DeliveryTypes, EveryWordIsItsOwn) {
    expect_names<Ending>(kEndings);
    expect_names<BusyCause>(kBusyCauses);
    expect_names<SubmitRefusal>(7);
    EXPECT_EQ(name(Ending::in_doubt), "in_doubt");
}

}  // namespace
}  // namespace grapevine::delivery
