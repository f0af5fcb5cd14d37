#include "io/authority_file.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine::io {
namespace {

std::string good_text() {
    return std::string(kAuthorityHeading) + "mesh mesh1\nsecret " + std::string(64, '7') + "\n";
}

void write_text(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(AuthorityFile, ComesBackAsItWasMadeAndIsClosedToOthers) {
    const TempDir dir;
    const Authority made{"mesh1", base::SecretKey::generate()};
    ASSERT_TRUE(create_authority_file(dir.path() / "a", made));
    const auto read = read_authority_file(dir.path() / "a");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->mesh, "mesh1");
    EXPECT_EQ(read->key.id(), made.key.id());
    EXPECT_EQ(std::filesystem::status(dir.path() / "a").permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(AuthorityFile, IsNeverOverwritten) {
    const TempDir dir;
    write_text(dir.path() / "a", "mine");
    const auto made = create_authority_file(dir.path() / "a", {"mesh1", base::SecretKey::generate()});
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().message.find("exists; an authority is never overwritten"), std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(dir.path() / "a"), 4U);
}

TEST(AuthorityFile, OpenToOthersIsDenied) {
    const TempDir dir;
    write_text(dir.path() / "a", good_text());
    std::filesystem::permissions(dir.path() / "a", std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    const auto read = read_authority_file(dir.path() / "a");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, base::ErrorCode::denied);
    EXPECT_EQ(read_authority_file(dir.path() / "b").error().code, base::ErrorCode::not_found);
}

TEST(AuthorityFile, EveryTruncationIsRefused) {
    const std::string good = good_text();
    ASSERT_TRUE(decode_authority("f", good));
    for (std::size_t length = 0; length < good.size(); ++length) {
        const auto read = decode_authority("f", good.substr(0, length));
        ASSERT_FALSE(read) << length;
        EXPECT_EQ(read.error().code, base::ErrorCode::invalid);
    }
}

TEST(AuthorityFile, HasOneFormAndErrorsDoNotQuoteIt) {
    const std::string good = good_text();
    for (const std::string& text : {good + "\n", " " + good, good.substr(0, 22) + "mesh Mesh1" + good.substr(32),
                                    good.substr(0, 22) + "mash mesh1" + good.substr(32),
                                    good.substr(0, good.size() - 2) + "A\n", good.substr(0, good.size() - 2) + "g\n"}) {
        const auto read = decode_authority("f", text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().message.find("7777"), std::string::npos);
    }
}

}  // namespace
}  // namespace grapevine::io
