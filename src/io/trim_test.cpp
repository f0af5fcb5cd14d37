#include "io/trim.hpp"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>
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

// What a turn of the loop does where a stream runs at full speed: gathers data in buffers, and lets go of them all.
void gather_and_let_go() {
    constexpr std::size_t kBufferBytes = 65536;
    std::vector<std::vector<char>> buffers;
    buffers.reserve(kHeapKept / 2 / kBufferBytes);
    for (std::size_t i = 0; i < buffers.capacity(); ++i)
        buffers.emplace_back(kBufferBytes, 'x');
}

long faults_of(int turns) {
    rusage before{};
    rusage after{};
    ::getrusage(RUSAGE_SELF, &before);
    for (int turn = 0; turn < turns; ++turn)
        gather_and_let_go();
    ::getrusage(RUSAGE_SELF, &after);
    return after.ru_minflt - before.ru_minflt;
}

// In a process of its own: what other tests leave in the heap would take up the buffers.
[[noreturn]] void compare_faults() {
    ::setenv("MALLOC_TRIM_THRESHOLD_", "131072", 1);
    const bool overruled = keep_free_heap();  // The user's word stands.
    ::unsetenv("MALLOC_TRIM_THRESHOLD_");
    ::mallopt(M_TRIM_THRESHOLD, 128 * 1024);  // As a process begins.
    faults_of(1);
    const long given_back = faults_of(10);
    const bool changed = keep_free_heap();
    faults_of(1);
    const long kept = faults_of(10);
    std::fprintf(stderr, "given back %ld, kept %ld, overruled %d, changed %d\n", given_back, kept, overruled, changed);
    std::_Exit(!overruled && changed && given_back > 1000 && kept < 100 ? 0 : 1);
}

TEST(Trim, BuffersOfOneTurnServeTheNext) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "the sanitizer's allocator has rules of its own";
#endif
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(compare_faults(), testing::ExitedWithCode(0), "given back");
}

// What a busy hour leaves behind: free pages between pieces that stay. In a process of its own, too: in the holes of
// earlier tests the pieces that stay would not lie between the others.
[[noreturn]] void trim_between() {
    constexpr std::size_t kPieces = 200;
    constexpr std::size_t kBetween = 60'000;
    std::vector<std::vector<char>> stay;
    std::vector<std::vector<char>> go;
    for (std::size_t i = 0; i < kPieces; ++i) {
        go.emplace_back(kBetween, 'x');
        stay.emplace_back(1000, 'x');
    }
    go.clear();
    const long before = resident_pages();
    trim_heap();
    const long given = before - resident_pages();
    std::fprintf(stderr, "given back %ld pages\n", given);
    const bool kept = stay.back().back() == 'x';
    std::_Exit(kept && given > static_cast<long>(kPieces * kBetween / 4096 / 2) ? 0 : 1);
}

TEST(Trim, FreePagesBetweenPiecesThatStayGoBack) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "the sanitizer's allocator has rules of its own";
#endif
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(trim_between(), testing::ExitedWithCode(0), "given back");
}

TEST(Trim, LessIsResidentAndTheProcessGoesOn) {
    const long before = resident_pages();
    const std::size_t offered = trim_process();
    if (offered == 0) GTEST_SKIP() << "traced, or without /proc";
    EXPECT_LT(resident_pages(), before);
    EXPECT_GT(trim_process(), 0U);
}

}  // namespace
}  // namespace grapevine::io
