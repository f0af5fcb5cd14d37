#include "delivery/publications.hpp"

#include <string>

#include <gtest/gtest.h>

#include "delivery/fuzz_testing.hpp"

namespace grapevine::delivery {
namespace {

using namespace std::chrono_literals;
using testing::peer_of;

const base::EndpointId kSelf = peer_of(0);
const base::EndpointId kAuthor = peer_of(1);
const base::EndpointId kTeller = peer_of(2);
const base::EndpointId kOther = peer_of(3);

base::TimePoint at(base::Duration since_start) {
    return base::TimePoint{} + 1h + since_start;
}
base::Bytes content(std::size_t size, std::uint8_t salt = 0) {
    base::Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 254 + salt);
    return bytes;
}
Announcement of(const base::Bytes& bytes, std::uint64_t number = 1, const base::EndpointId& author = kAuthor) {
    return {author, number, base::blake3(bytes), static_cast<std::uint32_t>(bytes.size())};
}

struct PublicationsTest : public ::testing::Test {
    explicit PublicationsTest(const PublicationsConfig& config = {}) : box(config, kSelf, rng) {}

    void announce(const Announcement& what, const base::EndpointId& teller = kTeller, base::Duration when = 0s) {
        out.clear();
        box.on_announcement(teller, what, at(when), out);
    }
    void give(const AskChunk& asked, const base::Bytes& from, base::Duration when = 0s) {
        out.clear();
        box.on_chunk(asked.fetch, base::ByteView(from).subspan(asked.offset, asked.size), at(when), out);
    }
    void deny(const AskChunk& asked, base::Duration when = 0s) {
        out.clear();
        box.on_no_chunk(asked.fetch, at(when), out);
    }
    void pass(base::Duration until) {
        out.clear();
        while (box.next_deadline() && *box.next_deadline() <= at(until)) {
            const auto due = *box.next_deadline();
            box.on_deadline(due, out);
            ASSERT_GT(box.next_deadline().value_or(base::TimePoint::max()), due);
        }
    }
    template <typename T>
    std::vector<T> pick() const {
        std::vector<T> result;
        for (const auto& effect : out)
            if (const auto* value = std::get_if<T>(&effect)) result.push_back(*value);
        return result;
    }
    AskChunk only_ask() const {
        EXPECT_EQ(pick<AskChunk>().size(), 1U);
        return pick<AskChunk>().empty() ? AskChunk{} : pick<AskChunk>().front();
    }

    base::Rng rng{1};
    Publications box;
    PublicationEffects out;
};

TEST_F(PublicationsTest, ContentIsPulledChunkByChunkFromWhoToldOfIt) {
    const base::Bytes bytes = content(kChunkMax + 10);
    announce(of(bytes));
    EXPECT_EQ(out, (PublicationEffects{AskChunk{FetchId{1}, kTeller, base::blake3(bytes), 0, kChunkMax}}));
    give(only_ask(), bytes);
    EXPECT_EQ(out, (PublicationEffects{AskChunk{FetchId{2}, kTeller, base::blake3(bytes), kChunkMax, 10}}));
    give(only_ask(), bytes);
    EXPECT_EQ(out, (PublicationEffects{Published{of(bytes), bytes}}));
    EXPECT_EQ(box.wanted(), 0U);
    announce(of(bytes), kOther, 30s);
    EXPECT_TRUE(out.empty()) << "it was told";
    ASSERT_TRUE(box.ask(kOther, base::blake3(bytes), kChunkMax, 100)) << "others may have it from here";
    pass(121s);
    EXPECT_FALSE(box.next_deadline());
    EXPECT_EQ(box.stored_bytes() + box.remembered(), 0U);
}

TEST_F(PublicationsTest, WhatIsPublishedIsAnnouncedAndKept) {
    const base::Bytes bytes = content(1000);
    const auto what = box.publish(bytes, at(0s), out);
    ASSERT_TRUE(what);
    EXPECT_EQ(*what, of(bytes, 1, kSelf));
    EXPECT_EQ(out, (PublicationEffects{Announce{*what}}));
    const auto chunk = box.ask(kOther, what->hash, 0, 500);
    ASSERT_TRUE(chunk);
    EXPECT_EQ(base::Bytes(chunk->begin(), chunk->end()), base::Bytes(bytes.begin(), bytes.begin() + 500));
    EXPECT_EQ(box.fetched_by(what->hash), 0U);
    EXPECT_EQ(box.ask(kOther, what->hash, 500, kChunkMax)->size(), 500U);
    EXPECT_EQ(box.fetched_by(what->hash), 1U);
    EXPECT_FALSE(box.ask(kOther, what->hash, 1000, 1)) << "behind its end";
    EXPECT_FALSE(box.ask(kOther, base::blake3(content(3)), 0, 1));
    announce(*what);
    EXPECT_TRUE(out.empty()) << "its own";
    EXPECT_EQ(box.publish({}, at(0s), out).error(), PublishRefusal::empty);
    EXPECT_EQ(box.publish(base::Bytes(kPublicationMax + 1), at(0s), out).error(), PublishRefusal::too_large);
    EXPECT_EQ(box.publish(bytes, at(1s), out)->number, 2U) << "the same again";
}

TEST_F(PublicationsTest, WhoDoesNotHaveItIsPassedOverAndAskedAgainAfterAPause) {
    const base::Bytes bytes = content(100);
    announce(of(bytes));
    announce(of(bytes), kOther);
    EXPECT_TRUE(out.empty());
    box.on_no_chunk(FetchId{1}, at(0s), out);
    EXPECT_EQ(only_ask().peer, kOther);
    deny(only_ask());
    EXPECT_EQ(only_ask().peer, kAuthor);
    deny(only_ask());
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(box.under_way(), 0U) << "a pause holds no place";
    pass(100ms);
    EXPECT_EQ(only_ask().peer, kTeller);
    give(only_ask(), bytes, 100ms);
    EXPECT_EQ(pick<Published>().size(), 1U);
}

TEST_F(PublicationsTest, WhoLiesIsNotAskedAgain) {
    const base::Bytes bytes = content(100);
    announce(of(bytes));
    give(only_ask(), content(100, 9));
    EXPECT_EQ(only_ask().peer, kAuthor);
    out.clear();
    box.on_chunk(FetchId{2}, content(99), at(0s), out);
    EXPECT_EQ(out, (PublicationEffects{Missed{of(bytes), MissCause::lied}}));
    EXPECT_EQ(box.counters().lies, 2U);
    announce(of(bytes), kOther);
    EXPECT_TRUE(out.empty()) << "an end comes once";
}

// What several gave together is a lie of nobody in particular: it is fetched again from one at a time.
TEST_F(PublicationsTest, ALieAmongSeveralGiversIsFound) {
    const base::Bytes bytes = content(2 * kChunkMax);
    announce(of(bytes));
    give(only_ask(), content(2 * kChunkMax, 9));  // The teller lies, then falls silent.
    deny(only_ask());
    EXPECT_EQ(only_ask().peer, kAuthor);
    EXPECT_EQ(only_ask().offset, kChunkMax) << "it goes on where it was";
    give(only_ask(), bytes);
    EXPECT_EQ(box.under_way(), 0U) << "both were asked";
    pass(100ms);
    EXPECT_EQ(only_ask().peer, kTeller);
    EXPECT_EQ(only_ask().offset, 0U);
    give(only_ask(), bytes, 100ms);
    for (std::uint32_t i = 1; i < kStrictTries; ++i) {
        deny(only_ask(), 100ms);
        EXPECT_EQ(only_ask().peer, kTeller);
        EXPECT_EQ(only_ask().offset, kChunkMax);
    }
    deny(only_ask(), 100ms);
    EXPECT_EQ(only_ask().peer, kAuthor);
    EXPECT_EQ(only_ask().offset, 0U) << "nothing of the former";
    give(only_ask(), bytes, 100ms);
    give(only_ask(), bytes, 100ms);
    EXPECT_EQ(pick<Published>().size(), 1U);
}

TEST_F(PublicationsTest, WhatNobodyGivesIsMissedInTime) {
    announce(of(content(100)));
    pass(31s);
    EXPECT_EQ(pick<Missed>(), (std::vector<Missed>{{of(content(100)), MissCause::late}}));
    out.clear();
    box.on_chunk(FetchId{1}, content(100), at(31s), out);
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(box.counters().late_answers, 1U);
}

TEST_F(PublicationsTest, AnnouncementsOfNothingAndOfTooMuchAreRefused) {
    announce({kAuthor, 1, {}, 0});
    announce({kAuthor, 1, {}, kPublicationMax + 1});
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(box.counters().refused_announcements, 2U);
    EXPECT_EQ(box.remembered(), 0U);
}

struct NarrowPublications : public PublicationsTest {
    static PublicationsConfig narrow() {
        PublicationsConfig config;
        config.fetches_at_once = 2;
        config.wanted_max = 5;
        config.author_max = 3;
        config.store_bytes_max = 1000;
        config.own_bytes_max = 500;
        config.memory_max = 8;
        return config;
    }
    NarrowPublications() : PublicationsTest(narrow()) {}
};

TEST_F(NarrowPublications, AFloodIsBoundedAndEachEndIsTold) {
    for (std::uint8_t i = 0; i < 10; ++i) {
        announce(of(content(100, i), i));
        if (i >= 3) {
            EXPECT_EQ(pick<Missed>().size(), 1U);
            EXPECT_EQ(pick<Missed>().front().cause, MissCause::busy);
        }
    }
    EXPECT_EQ(box.wanted(), 3U) << "of one author";
    EXPECT_EQ(box.under_way(), 2U);
    for (std::uint8_t i = 0; i < 10; ++i)
        announce(of(content(100, i), i, kOther));
    EXPECT_EQ(box.wanted(), 5U);
    EXPECT_LE(box.remembered(), 8U);
}

TEST_F(NarrowPublications, OthersContentMakesRoomForNewerAndOwnContentDoesNot) {
    const base::Bytes own = content(400, 1);
    ASSERT_TRUE(box.publish(own, at(0s), out));
    EXPECT_EQ(box.publish(content(200, 2), at(0s), out).error(), PublishRefusal::full);
    for (std::uint8_t i = 0; i < 3; ++i) {
        const base::Bytes bytes = content(300, static_cast<std::uint8_t>(10 + i));
        announce(of(bytes, i));
        give(only_ask(), bytes);
        EXPECT_EQ(pick<Published>().size(), 1U);
        EXPECT_LE(box.stored_bytes(), 1000U);
    }
    EXPECT_TRUE(box.ask(kOther, base::blake3(own), 0, 1));
    EXPECT_FALSE(box.ask(kOther, base::blake3(content(300, 10)), 0, 1));
    EXPECT_TRUE(box.ask(kOther, base::blake3(content(300, 12)), 0, 1));
    EXPECT_EQ(box.counters().evicted, 1U);
}

TEST(PublicationWords, EachIsItsOwn) {
    EXPECT_EQ(name(MissCause::lied), "lied");
    EXPECT_EQ(name(MissCause::count_), "unknown");
    EXPECT_EQ(name(PublishRefusal::too_large), "too_large");
}

}  // namespace
}  // namespace grapevine::delivery
