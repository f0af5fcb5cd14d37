#include "console/static_files.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "io/temp_dir_testing.hpp"

namespace grapevine::console {
namespace {

class StaticFilesTest : public ::testing::Test {
protected:
    StaticFilesTest() {
        std::filesystem::create_directories(root_ / "assets");
        write(root_ / "index.html", "<html>");
        write(root_ / "assets" / "index-3f2a.js", "1;");
        write(root_ / ".hidden", "no");
        write(dir_.path() / "secret.txt", "no");
        std::filesystem::create_symlink(dir_.path() / "secret.txt", root_ / "link.txt");
        std::filesystem::create_directory_symlink(dir_.path(), root_ / "up");
    }
    static void write(const std::filesystem::path& path, std::string_view text) { std::ofstream(path) << text; }

    io::TempDir dir_;
    std::filesystem::path root_ = dir_.path() / "www";
};

TEST_F(StaticFilesTest, ServesWhatWasThereAtTheStart) {
    const auto files = StaticFiles::load(root_);
    ASSERT_TRUE(files) << files.error().message;
    EXPECT_EQ(files->size(), 2U);
    write(root_ / "later.js", "no");
    const HttpResponse script = files->answer("/assets/index-3f2a.js");
    EXPECT_EQ(script.status, 200U);
    EXPECT_EQ(script.body, "1;");
    EXPECT_EQ(script.content_type, "text/javascript; charset=utf-8");
    EXPECT_EQ(script.headers.front().second, "public, max-age=31536000, immutable");
    for (const char* page : {"/", "/topology", "/traces/abcdef", "/nodes/abc/log", "/boot/mesh1.broker.239dc9"}) {
        EXPECT_EQ(files->answer(page).body, "<html>") << page;
        EXPECT_EQ(files->answer(page).headers.front().second, "no-cache") << page;
    }
}

TEST_F(StaticFilesTest, NothingElseIsReached) {
    const auto files = StaticFiles::load(root_);
    ASSERT_TRUE(files);
    for (const char* path :
         {"/../secret.txt", "/assets/../../secret.txt", "/up/secret.txt", "/link.txt", "/.hidden", "/later.js",
          "/assets/", "/assets/none", "//etc/passwd.txt", "/index.html/../.hidden.txt", "/assets", "/api/none"}) {
        const HttpResponse answer = files->answer(path);
        EXPECT_TRUE(answer.status == 404 || answer.body == "<html>") << path;
        EXPECT_EQ(answer.body.find("no\n"), std::string::npos) << path;
    }
    EXPECT_EQ(files->answer("/link.txt").status, 404U);
    EXPECT_EQ(files->answer("/up/secret.txt").status, 404U);
    EXPECT_EQ(files->answer("/assets/none").status, 404U);
    EXPECT_EQ(files->answer("/api/none").status, 404U);
}

TEST_F(StaticFilesTest, SaysWhyThereAreNone) {
    const auto nowhere = StaticFiles::load(root_ / "none");
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, base::ErrorCode::not_found);
    EXPECT_FALSE(StaticFiles::load(root_ / "assets"));
    const StaticFiles none = StaticFiles::absent("not built");
    EXPECT_EQ(none.answer("/").status, 404U);
    EXPECT_NE(none.answer("/").body.find("not built"), std::string::npos);
}

}  // namespace
}  // namespace grapevine::console
