#include "console/live.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "console/world_testing.hpp"

namespace grapevine::console {
namespace {

using namespace testing;

constexpr HttpExchange kOne{1, 1};
constexpr HttpExchange kTwo{2, 1};

class LiveTest : public ::testing::Test {
protected:
    void grow(std::uint32_t to) {
        std::vector<DirectoryRow> rows;
        for (std::uint32_t node = 1; node <= to; ++node) {
            rows.push_back(row_of(node));
        }
        world_.on_viewer(id_of(1), "m", at_);
        world_.on_directory(id_of(1), rows, at_);
        live_.on_change(at_);
    }
    Live::Effects pass(base::Duration time) {
        Live::Effects out;
        at_.now += time;
        if (const auto due = live_.next_deadline(); due && *due <= at_.now) {
            live_.on_deadline(at_, out);
        }
        return out;
    }
    Live::Effects open(HttpExchange browser, std::optional<Version> after) {
        Live::Effects out;
        live_.on_open(browser, after, at_, out);
        return out;
    }
    // The data of the first event of a kind.
    static boost::json::value data(const std::string& text, const std::string& event) {
        const std::size_t at = text.find("event: " + event + "\n");
        if (at == std::string::npos) return nullptr;
        const std::size_t begin = text.find("data: ", at) + 6;
        return boost::json::parse(text.substr(begin, text.find('\n', begin) - begin));
    }

    Moment at_ = start();
    World world_{1000, at_};
    Live live_{world_, [] { return ConsoleFacts{}; }};
};

TEST_F(LiveTest, TellsWhatChangedSinceTheVersionOfTheBrowser) {
    grow(2);
    const Version version = world_.version();
    grow(3);
    const auto opened = open(kOne, version);
    ASSERT_EQ(opened.size(), 1U);
    const auto delta = data(opened[0].text, "delta");
    EXPECT_EQ(delta.at("nodes").as_array().size(), 1U);
    EXPECT_EQ(delta.at("nodes").as_array()[0].at("id").as_string(), id_of(3).hex());
    EXPECT_NE(opened[0].text.find("id: " + std::to_string(world_.version())), std::string::npos);
}

TEST_F(LiveTest, ResetsOneThatIsTooOldOrOfAnotherLife) {
    grow(2);
    for (const std::optional<Version> after :
         {std::optional<Version>(3), std::optional<Version>(), std::optional<Version>(world_.version() + 1)}) {
        EXPECT_EQ(data(open(kOne, after)[0].text, "reset").at("version").to_number<Version>(), world_.version());
    }
    EXPECT_EQ(live_.counters().resets, 3U);
}

TEST_F(LiveTest, GathersABurstAndTellsAllTheSame) {
    open(kOne, {});
    open(kTwo, {});
    grow(2);
    grow(3);
    EXPECT_TRUE(pass(Live::kEvery / 2).empty());
    const auto told = pass(Live::kEvery);
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0].text, told[1].text);
    EXPECT_EQ(data(told[0].text, "delta").at("nodes").as_array().size(), 3U);
    EXPECT_TRUE(pass(Live::kEvery * 2).empty()) << "nothing is new";
    live_.on_close(kTwo);
    grow(4);
    EXPECT_EQ(pass(Live::kEvery * 2).size(), 1U);
}

TEST_F(LiveTest, SaysNowAndThenThatItIsThere) {
    open(kOne, {});
    const auto told = pass(Live::kAlive);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(data(told[0].text, "beat").at("now_unix_ms").to_number<std::uint64_t>(), at_.wall.unix_ms);
    live_.on_close(kOne);
    EXPECT_FALSE(live_.next_deadline());
}

TEST_F(LiveTest, ADeltaThatIsTooLargeIsAReset) {
    open(kOne, {});
    grow(2000);
    const auto told = pass(Live::kEvery);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_TRUE(data(told[0].text, "delta").is_null());
    EXPECT_LT(told[0].text.size(), 500U);
}

TEST_F(LiveTest, EventsAndMessagesBeginWithTheConnection) {
    world_.on_note({0, 0, "note", "", "", "before", {}}, at_);
    open(kOne, {});
    world_.on_note({0, 0, "note", "", "", "two\nlines", {}}, at_);
    world_.on_message(message(1, 2), at_);
    live_.on_change(at_);
    const auto told = pass(Live::kEvery);
    ASSERT_EQ(told.size(), 1U);
    const auto events = data(told[0].text, "timeline").at("events").as_array();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].at("text").as_string(), "two\nlines");
    EXPECT_EQ(data(told[0].text, "messages").at("messages").as_array().size(), 1U);
}

}  // namespace
}  // namespace grapevine::console
