#include "telemetry/filter.hpp"

#include <gtest/gtest.h>

namespace grapevine::telemetry {
namespace {

TEST(Filter, OneLevelIsForAll) {
    const auto filter = Filter::parse("debug");
    ASSERT_TRUE(filter);
    EXPECT_TRUE(filter->wants(Target::gossip, Level::debug));
    EXPECT_FALSE(filter->wants(Target::gossip, Level::trace));
}

TEST(Filter, ExceptionsComeInAnyOrder) {
    for (const char* text : {"info,gossip=trace,sync=off", "gossip=trace,info,sync=off", "sync=off,gossip=trace"}) {
        const auto filter = Filter::parse(text);
        ASSERT_TRUE(filter) << text;
        EXPECT_TRUE(filter->wants(Target::gossip, Level::trace));
        EXPECT_FALSE(filter->wants(Target::sync, Level::error));
        EXPECT_TRUE(filter->wants(Target::peer, Level::info));
        EXPECT_FALSE(filter->wants(Target::peer, Level::debug));
        EXPECT_EQ(*Filter::parse(filter->text()), *filter);
        EXPECT_EQ(filter->text(), "info,gossip=trace,sync=off");
    }
}

TEST(Filter, ErrorsNameTheWord) {
    const auto message = [](std::string_view text) { return Filter::parse(text).error().message; };
    EXPECT_EQ(message("loud"), "'loud': no level; there are off, error, warn, info, debug, trace");
    EXPECT_EQ(message("gossip=loud"), "'loud': no level; there are off, error, warn, info, debug, trace");
    EXPECT_TRUE(message("info,talk=debug").starts_with("'talk': no target; there are node, peer, gossip"));
    EXPECT_EQ(message("info,debug"), "'debug': a second default level");
    EXPECT_EQ(message("gossip=debug,gossip=trace"), "'gossip': comes twice");
    EXPECT_FALSE(Filter::parse(""));
    EXPECT_FALSE(Filter::parse("info,"));
    EXPECT_FALSE(Filter::parse(std::string(Filter::kTextMax + 1, 'a')));
}

TEST(Filter, EveryTargetHasItsOwnName) {
    for (std::size_t i = 0; i < kTargets; ++i) {
        const auto target = static_cast<Target>(i);
        const auto filter = Filter::parse("off," + std::string(name(target)) + "=info");
        ASSERT_TRUE(filter) << name(target);
        for (std::size_t j = 0; j < kTargets; ++j)
            EXPECT_EQ(filter->wants(static_cast<Target>(j), Level::info), i == j);
    }
}

}  // namespace
}  // namespace grapevine::telemetry
