#include "console/http_target.hpp"

#include <gtest/gtest.h>

namespace grapevine::console {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

TEST(HttpTarget, SplitsPathAndParameters) {
    const auto target = HttpTarget::parse("/api/boot/a%2Fb+c?name=x+y%26z&flag&=v&&e=");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path, "/api/boot/a/b+c");
    EXPECT_EQ(target->parameters, (Parameters{{"name", "x y&z"}, {"flag", ""}, {"", "v"}, {"e", ""}}));
}

TEST(HttpTarget, RefusesWhatBreaksARule) {
    EXPECT_FALSE(HttpTarget::parse(""));
    EXPECT_FALSE(HttpTarget::parse("*"));
    EXPECT_FALSE(HttpTarget::parse("http://other/"));
    EXPECT_FALSE(HttpTarget::parse("/%4"));
    EXPECT_FALSE(HttpTarget::parse("/%zz"));
    EXPECT_FALSE(HttpTarget::parse("/%00"));
    EXPECT_FALSE(HttpTarget::parse("/?a=%"));
    EXPECT_FALSE(HttpTarget::parse("/" + std::string(HttpTarget::kBytesMax, 'a')));
    std::string many = "/?";
    for (std::size_t i = 0; i <= HttpTarget::kParametersMax; ++i) {
        many += "a&";
    }
    EXPECT_FALSE(HttpTarget::parse(many));
}

}  // namespace
}  // namespace grapevine::console
