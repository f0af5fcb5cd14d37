#include "io/files.hpp"

#include <cerrno>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "io/data_dir.hpp"
#include "io/fd.hpp"
#include "io/key_file.hpp"
#include "io/node_registry.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine::io {
namespace {

const std::string kSeedHex(64, 'a');

std::filesystem::path put(const TempDir& dir, const std::string& name, const std::string& content, mode_t mode) {
    const auto path = dir.path() / name;
    std::ofstream(path) << content;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
}

struct BadKey {
    const char* name;
    std::string content;
    mode_t mode;
    const char* rule;
};

class BadKeyFile : public testing::TestWithParam<BadKey> {};

TEST_P(BadKeyFile, IsRefusedWithFileAndRule) {
    const TempDir dir;
    const auto path = put(dir, "key", GetParam().content, GetParam().mode);
    const auto key = load_or_mint_key(path);
    ASSERT_FALSE(key);
    EXPECT_NE(key.error().message.find("key file '" + path.string() + "'"), std::string::npos) << key.error().message;
    EXPECT_NE(key.error().message.find(GetParam().rule), std::string::npos) << key.error().message;
    EXPECT_EQ(key.error().message.find(kSeedHex.substr(0, 16)), std::string::npos) << "a message shows key material";
    std::ifstream in(path);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), GetParam().content) << "the file was changed";
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadKeyFile,
    testing::Values(BadKey{"Empty", "", 0600, "has 0 bytes, must be exactly 64 hex characters and a newline"},
                    BadKey{"NoNewline", kSeedHex, 0600, "has 64 bytes"},
                    BadKey{"Truncated", kSeedHex.substr(0, 40) + "\n", 0600, "has 41 bytes"},
                    BadKey{"TooLong", kSeedHex + "\n\n", 0600, "has 66 bytes"},
                    BadKey{"Huge", std::string(100000, 'a'), 0600, "is too long"},
                    BadKey{"NotHex", kSeedHex.substr(0, 63) + "g\n", 0600, "must be 64 hex characters"},
                    BadKey{"CarriageReturn", kSeedHex.substr(0, 63) + "\r\n", 0600, "must be 64 hex characters"},
                    BadKey{"SpaceForNewline", kSeedHex + " ", 0600, "must end with a newline"},
                    BadKey{"GroupReadable", kSeedHex + "\n", 0640, "is open to others, its mode must be 0600"},
                    BadKey{"WorldReadable", kSeedHex + "\n", 0604, "is open to others, its mode must be 0600"}),
    [](const auto& test) { return test.param.name; });

TEST(KeyFile, MintsOnceAndReadsBack) {
    const TempDir dir;
    const auto path = dir.path() / "key";
    const auto minted = load_or_mint_key(path);
    ASSERT_TRUE(minted);
    struct stat info{};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600U);
    EXPECT_EQ(static_cast<std::size_t>(info.st_size), kKeyFileBytes);
    const auto read = load_or_mint_key(path);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->id(), minted->id());
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(dir.path())) {
        ++files;
    }
    EXPECT_EQ(files, 1U) << "no temporary file stays";
}

TEST(KeyFile, DirectoriesLinksAndPipesAreRefused) {
    const TempDir dir;
    EXPECT_NE(read_key_file(dir.path()).error().message.find("is a directory"), std::string::npos);
    const auto real = put(dir, "real", kSeedHex + "\n", 0600);
    std::filesystem::create_symlink(real, dir.path() / "link");
    EXPECT_NE(read_key_file(dir.path() / "link").error().message.find("is a symbolic link"), std::string::npos);
    ASSERT_EQ(::mkfifo((dir.path() / "pipe").c_str(), 0600), 0);
    EXPECT_NE(read_key_file(dir.path() / "pipe").error().message.find("must be a regular file"), std::string::npos);
    EXPECT_EQ(read_key_file(dir.path() / "none").error().code, base::ErrorCode::not_found);
}

TEST(KeyFile, AFileOfAnotherUserIsRefused) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can make one";
    }
    const TempDir dir;
    const auto path = put(dir, "key", kSeedHex + "\n", 0600);
    ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
    const auto key = read_key_file(path);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, base::ErrorCode::denied);
    EXPECT_NE(key.error().message.find("belongs to another user"), std::string::npos);
}

// Of no length that the kernel knows, and longer than a first guess.
TEST(Files, AFileThatIsMadeUpAsItIsReadIsReadWhole) {
    const auto whole = read_file("limits", "/proc/self/limits", 1U << 16U, Privacy::anyone);
    ASSERT_TRUE(whole) << whole.error().message;
    EXPECT_TRUE(whole->starts_with("Limit"));
    EXPECT_TRUE(whole->ends_with("\n"));
    EXPECT_LT(whole->capacity(), 1U << 14U) << "it keeps no more than it is long";
    EXPECT_FALSE(read_file("limits", "/proc/self/limits", 100, Privacy::anyone));
    EXPECT_FALSE(read_file("limits", "/proc/self/limits", whole->size() - 1, Privacy::anyone));
    EXPECT_TRUE(read_file("limits", "/proc/self/limits", whole->size(), Privacy::anyone));
}

TEST(Files, WhatTheDiskRefusesIsReported) {
    const auto status = write_file_atomically("state file", "/dev/full/none", "x", 0600, Durability::synced);
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().message.find("state file '/dev/full/none': cannot be created"), std::string::npos);
    const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(write_fully(full.get(), "x"), ENOSPC);
    EXPECT_EQ(system_error("state file 'a'", "cannot be written", ENOSPC).message,
              "state file 'a': cannot be written: No space left on device");
}

TEST(DataDir, IsPrivateAndLockedByOne) {
    const TempDir dir;
    const auto path = dir.path() / "a" / "node";
    auto first = DataDir::open(path);
    ASSERT_TRUE(first) << first.error().message;
    struct stat info{};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0700U);
    EXPECT_EQ(data_dir_holder(path), ::getpid());
    const auto second = DataDir::open(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, base::ErrorCode::busy);
    EXPECT_EQ(second.error().message,
              "data directory '" + path.string() + "': in use by another node, process " + std::to_string(::getpid()));
    {
        const DataDir gone = std::move(*first);
    }
    EXPECT_FALSE(data_dir_holder(path));
    EXPECT_TRUE(DataDir::open(path));
}

TEST(DataDir, TheLockEndsWithAKilledProcess) {
    const TempDir dir;
    const pid_t child = ::fork();
    if (child == 0) {
        auto held = DataDir::open(dir.path());
        ::raise(SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_FALSE(data_dir_holder(dir.path()));
    EXPECT_TRUE(DataDir::open(dir.path()));
}

TEST(DataDir, BadDirectoriesAreRefusedByName) {
    const TempDir dir;
    const auto file = put(dir, "file", "", 0600);
    EXPECT_NE(DataDir::open(file).error().message.find("is not a directory"), std::string::npos);
    EXPECT_FALSE(DataDir::open(file / "below"));
    const auto open_to_all = dir.path() / "open";
    std::filesystem::create_directory(open_to_all);
    ASSERT_EQ(::chmod(open_to_all.c_str(), 0777), 0);
    EXPECT_NE(DataDir::open(open_to_all).error().message.find("can be written by others"), std::string::npos);
    EXPECT_FALSE(DataDir::open("/proc/grapevine"));
}

NodeRecord record_in(const std::filesystem::path& data_dir, const std::string& name, char digit) {
    NodeRecord record;
    record.name = name;
    record.id = std::string(64, digit);
    record.mesh = name.substr(0, name.find('.'));
    record.type = name.substr(name.find('.') + 1, name.rfind('.') - name.find('.') - 1);
    record.ticket = "endpointabc";
    record.addresses = {"127.0.0.1:1"};
    record.pid = ::getpid();
    record.started_unix_ms = 17;
    record.data_dir = data_dir.string();
    return record;
}

TEST(NodeRegistry, RecordsSurviveTheirEncoding) {
    const NodeRecord record = record_in("/a", "mesh1.broker.aaaaaa", 'a');
    const auto decoded = decode_node_record(encode(record));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, record);
    EXPECT_FALSE(decode_node_record("{}"));
    EXPECT_FALSE(decode_node_record("[]"));
    EXPECT_FALSE(decode_node_record(std::string(kRecordBytesMax + 1, ' ')));
}

TEST(NodeRegistry, FindsTheLivingAndCleansUpTheDead) {
    const TempDir dir;
    const NodeRegistry registry(dir.path());
    const auto one = DataDir::open(dir.path() / "one");
    const auto two = DataDir::open(dir.path() / "two");
    ASSERT_TRUE(registry.add(record_in(one->path(), "mesh1.broker.aaaaaa", 'a')));
    ASSERT_TRUE(registry.add(record_in(two->path(), "mesh1.compute.bbbbbb", 'b')));
    ASSERT_TRUE(registry.add(record_in(dir.path() / "gone", "mesh2.broker.cccccc", 'c')));
    EXPECT_EQ(registry.list().size(), 2U);
    EXPECT_FALSE(std::filesystem::exists(dir.path() / (std::string(64, 'c') + ".json")));
    EXPECT_EQ(registry.find("mesh1.broker.aaaaaa")->data_dir, one->path().string());
    EXPECT_EQ(registry.find(std::string(64, 'b'))->name, "mesh1.compute.bbbbbb");
    EXPECT_EQ(registry.find("mesh1.compute")->name, "mesh1.compute.bbbbbb");
    EXPECT_EQ(registry.find("mesh1").error().message,
              "'mesh1' fits several running nodes: mesh1.broker.aaaaaa, mesh1.compute.bbbbbb");
    EXPECT_EQ(registry.find("mesh2.broker.cccccc").error().code, base::ErrorCode::not_found);
    registry.remove(std::string(64, 'a'));
    EXPECT_EQ(registry.find("")->name, "mesh1.compute.bbbbbb");
}

}  // namespace
}  // namespace grapevine::io
