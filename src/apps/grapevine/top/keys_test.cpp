#include "apps/grapevine/top/keys.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace grapevine::apps {
namespace {

using Kind = TopKey::Kind;

std::vector<TopKey> keys_of(std::initializer_list<std::string_view> pieces) {
    TopKeys keys;
    std::vector<TopKey> out;
    for (const std::string_view piece : pieces) {
        keys.feed(piece, out);
    }
    return out;
}

TEST(TopKeys, KnowsTheKeysOfATerminal) {
    EXPECT_EQ(keys_of({"\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[H\x1b[4~\r\x7f"}), (std::vector<TopKey>{{Kind::up},
                                                                                               {Kind::down},
                                                                                               {Kind::page_up},
                                                                                               {Kind::page_down},
                                                                                               {Kind::home},
                                                                                               {Kind::end},
                                                                                               {Kind::enter},
                                                                                               {Kind::backspace}}));
    EXPECT_EQ(keys_of({"qä/"}), (std::vector<TopKey>{{Kind::text, "q"}, {Kind::text, "ä"}, {Kind::text, "/"}}));
    EXPECT_EQ(keys_of({"\x1b"}), (std::vector<TopKey>{{Kind::escape}}));
    EXPECT_EQ(keys_of({"\x1b", "q"}), (std::vector<TopKey>{{Kind::escape}, {Kind::text, "q"}}));
}

TEST(TopKeys, GoesOnWithASequenceThatWasCut) {
    EXPECT_EQ(keys_of({"\x1b[", "A"}), (std::vector<TopKey>{{Kind::up}}));
    EXPECT_EQ(keys_of({"\x1b[5", "~j"}), (std::vector<TopKey>{{Kind::page_up}, {Kind::text, "j"}}));
    EXPECT_EQ(keys_of({"\xC3", "\xA4"}), (std::vector<TopKey>{{Kind::text, "ä"}}));
}

TEST(TopKeys, IgnoresWhatItDoesNotKnow) {
    EXPECT_EQ(keys_of({"\x1b[1;5Cj"}), (std::vector<TopKey>{{Kind::text, "j"}}));  // Not "5Cj" as text.
    EXPECT_EQ(keys_of({"\x1b[<0;3;4Mj"}), (std::vector<TopKey>{{Kind::text, "j"}}));
    EXPECT_EQ(keys_of({"\xFF\x01j"}), (std::vector<TopKey>{{Kind::text, "j"}}));
    EXPECT_EQ(keys_of({"\x1b[" + std::string(100, '1'), "\x1b[A"}), (std::vector<TopKey>{{Kind::up}}));
}

TEST(TopKeys, GivesOnlyCharactersWhateverComes) {
    base::Rng rng(7);
    TopKeys keys;
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes(1 + rng.index(6), '\0');
        for (char& byte : bytes) {
            byte = static_cast<char>(rng.index(3) == 0 ? 0x1B : rng.below(256));
        }
        std::vector<TopKey> out;
        keys.feed(bytes, out);
        for (const TopKey& key : out) {
            ASSERT_EQ(key.kind == Kind::text, !key.text.empty());
            ASSERT_TRUE(key.text.empty() || static_cast<unsigned char>(key.text[0]) >= 0x20);
        }
    }
}

}  // namespace
}  // namespace grapevine::apps
