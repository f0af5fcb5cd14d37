#include "apps/grapevine/log_tail.hpp"

#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "io/temp_dir_testing.hpp"

namespace grapevine::apps {
namespace {

using Lines = std::vector<std::string>;

struct LogTailTest : ::testing::Test {
    void write(const std::string& text, const std::string& name = "node.log") {
        std::ofstream(dir.path() / name) << text;
    }
    [[nodiscard]] LogTail read(std::size_t lines) const { return read_log_tail(dir.path() / "node.log", lines); }

    io::TempDir dir;
};

TEST_F(LogTailTest, GivesTheLastLinesAndWhatIsBegun) {
    EXPECT_TRUE(read(10).lines.empty());
    write("one\ntwo\n\nthree\nfo");
    EXPECT_EQ(read(10).lines, (Lines{"one", "two", "", "three"}));
    EXPECT_EQ(read(2).lines, (Lines{"", "three"}));
    EXPECT_EQ(read(0).lines, Lines{});
    EXPECT_EQ(read(0).begun, "fo");
}

TEST_F(LogTailTest, GoesOnInTheOlderFile) {
    write("one\ntwo\n", "node.log.1");
    write("three\n");
    EXPECT_EQ(read(2).lines, (Lines{"two", "three"}));
    EXPECT_EQ(read(9).lines, (Lines{"one", "two", "three"}));
}

TEST_F(LogTailTest, IsBoundedAndBeginsWithAWholeLine) {
    std::string text;
    while (text.size() < 3 * kLogTailBytesMax) {
        text += "line " + std::to_string(text.size()) + "\n";
    }
    write(text);
    const LogTail tail = read(1'000'000);
    std::size_t bytes = 0;
    for (const std::string& line : tail.lines) {
        EXPECT_TRUE(line.starts_with("line ")) << line;
        bytes += line.size() + 1;
    }
    EXPECT_LE(bytes, kLogTailBytesMax);
    EXPECT_GT(bytes, kLogTailBytesMax - 100);
    write(std::string(2 * kLogTailBytesMax, 'x'));
    EXPECT_TRUE(read(10).lines.empty());
}

TEST_F(LogTailTest, ALinkIsNotFollowed) {
    write("secret\n", "other");
    std::filesystem::create_symlink(dir.path() / "other", dir.path() / "node.log");
    EXPECT_TRUE(read(10).lines.empty());
}

struct Followers {
    void on_log(ChildId child, std::string_view text) {
        followers.on_log(child, text, [this](io::ClientId client, const std::optional<std::string>& line) {
            told.emplace_back(client.value, line.value_or("(too long)"));
            if (leaves == client) {
                followers.remove(client);
            }
        });
    }
    LogFollowers followers;
    std::vector<std::pair<std::uint64_t, std::string>> told;
    std::optional<io::ClientId> leaves;
};

using Told = std::vector<std::pair<std::uint64_t, std::string>>;

TEST(LogFollowers, GetWholeLinesOfTheirOwnChild) {
    Followers f;
    f.followers.add({1}, {7}, "be");
    f.followers.add({2}, {8}, "");
    f.on_log({7}, "gun\nnext");
    f.on_log({8}, "\n");
    f.on_log({7}, "\n");
    EXPECT_EQ(f.told, (Told{{1, "begun"}, {2, ""}, {1, "next"}}));
    f.followers.add({2}, {7}, "");
    f.followers.remove({1});
    f.on_log({7}, "last\n");
    f.on_log({8}, "nobody\n");
    EXPECT_EQ(f.told.back(), (std::pair<std::uint64_t, std::string>{2, "last"}));
    EXPECT_EQ(f.told.size(), 4U);
}

TEST(LogFollowers, ALineThatIsTooLongIsSaidOnce) {
    Followers f;
    f.followers.add({1}, {7}, "");
    for (int i = 0; i < 3; ++i) {
        f.on_log({7}, std::string(LogFollowers::kLineMax, 'x'));
    }
    f.on_log({7}, "\nshort\n");
    EXPECT_EQ(f.told, (Told{{1, "(too long)"}, {1, "short"}}));
}

TEST(LogFollowers, OneMayLeaveWhileItIsTold) {
    Followers f;
    f.leaves = io::ClientId{1};
    f.followers.add({1}, {7}, "");
    f.on_log({7}, "a\n");
    f.on_log({7}, "b\n");
    EXPECT_EQ(f.told, (Told{{1, "a"}}));
}

}  // namespace
}  // namespace grapevine::apps
