#include "io/supervisor_registry.hpp"

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "io/data_dir.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine::io {
namespace {

TEST(SupervisorRecord, SurvivesItsEncoding) {
    const SupervisorRecord record{"/run/x", 17, 99};
    EXPECT_EQ(*decode_supervisor_record(encode(record)), record);
    const std::string text = encode(record);
    for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_FALSE(decode_supervisor_record(text.substr(0, size))) << size;
    }
    for (const char* bad : {"{}", R"({"run_dir":1,"pid":1})", R"({"run_dir":"/x","pid":-1})", R"({"run_dir":"/x"})"}) {
        EXPECT_FALSE(decode_supervisor_record(bad)) << bad;
    }
    EXPECT_FALSE(decode_supervisor_record(std::string(kSupervisorRecordBytesMax + 1, ' ')));
}

TEST(SupervisorRegistry, OnlyWhoHoldsItsDirectoryCounts) {
    TempDir files;
    TempDir run;
    TempDir other;
    const SupervisorRegistry registry(files.path());
    EXPECT_EQ(registry.only().error().code, base::ErrorCode::not_found);
    ASSERT_TRUE(registry.add({run.path().string(), ::getpid(), 5}));
    EXPECT_TRUE(registry.list().empty()) << "nobody has locked it";
    const DataDir lock = *DataDir::open(run.path());
    ASSERT_TRUE(registry.add({run.path().string(), ::getpid(), 5}));
    EXPECT_EQ(registry.only()->run_dir, run.path().string());
    ASSERT_TRUE(registry.add({other.path().string(), ::getpid() + 1, 6}));
    EXPECT_EQ(registry.list().size(), 1U) << "the other one is gone, and its file with it";
    registry.remove(::getpid());
    EXPECT_TRUE(registry.list().empty());
}

}  // namespace
}  // namespace grapevine::io
