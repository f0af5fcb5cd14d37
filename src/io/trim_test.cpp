#include "io/trim.hpp"

#include <cstdio>

#include <gtest/gtest.h>
#include <unistd.h>

namespace grapevine::io {
namespace {

long resident_pages() {
    long total = 0;
    long resident = 0;
    std::FILE* file = std::fopen("/proc/self/statm", "re");
    EXPECT_EQ(std::fscanf(file, "%ld %ld", &total, &resident), 2);
    std::fclose(file);
    return resident;
}

TEST(Trim, LessIsResidentAndTheProcessGoesOn) {
    const long before = resident_pages();
    const std::size_t offered = trim_after_start();
    if (offered == 0) GTEST_SKIP() << "traced, or without /proc";
    EXPECT_LT(resident_pages(), before);
    EXPECT_GT(trim_after_start(), 0U);
}

}  // namespace
}  // namespace grapevine::io
