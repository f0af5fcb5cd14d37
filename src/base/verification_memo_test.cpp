#include "base/verification_memo.hpp"

#include <gtest/gtest.h>

namespace grapevine::base {
namespace {

Blake3Hash hash_of(int number) {
    return blake3(as_bytes(std::to_string(number)));
}

TEST(VerificationMemo, KnowsWhatWasAddedAndForgetsTheOldestWhenFull) {
    VerificationMemo memo(3);
    for (int i = 0; i < 3; ++i)
        memo.add(hash_of(i));
    memo.add(hash_of(1));
    EXPECT_EQ(memo.size(), 3U);
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(memo.contains(hash_of(i)));
    memo.add(hash_of(3));
    EXPECT_FALSE(memo.contains(hash_of(0)));
    for (int i = 1; i < 4; ++i)
        EXPECT_TRUE(memo.contains(hash_of(i)));
    for (int i = 4; i < 100; ++i)
        memo.add(hash_of(i));
    EXPECT_EQ(memo.size(), 3U);
    EXPECT_TRUE(memo.contains(hash_of(99)) && memo.contains(hash_of(97)) && !memo.contains(hash_of(96)));
}

}  // namespace
}  // namespace grapevine::base
