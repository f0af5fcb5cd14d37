// Publications in a mesh of many: announcements that come late and more than once, chunks that are lost, nodes that
// lie, nodes that never give, and one author after another. Each honest node hears of each publication exactly once.

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "delivery/fuzz_testing.hpp"
#include "delivery/publications.hpp"

namespace grapevine::delivery {
namespace {

using namespace std::chrono_literals;
using testing::peer_of;

constexpr std::size_t kNodes = 12;
constexpr std::size_t kPublications = 6;
constexpr base::Duration kNoAnswer = 500ms;  // How a lost question, or its answer, shows.

struct Scenario {
    std::uint64_t seed = 1;
    double loss = 0.2;
    std::size_t liars = 0;   // They give wrong content, also of what they never saw.
    std::size_t misers = 0;  // They give nothing.
};

class World {
public:
    explicit World(const Scenario& scenario) : scenario_(scenario), rng_(scenario.seed) {
        for (std::size_t i = 0; i < kNodes; ++i)
            nodes_.push_back(std::make_unique<Publications>(PublicationsConfig{}, peer_of(i), rng_));
        for (std::size_t i = 0; i < kNodes; ++i)
            for (const std::size_t step : {1U, 2U, 5U}) {
                neighbours_[i].insert((i + step) % kNodes);
                neighbours_[(i + step) % kNodes].insert(i);
            }
    }

    void run() {
        for (std::size_t i = 0; i < kPublications; ++i)
            after(rng_.between(0ms, 2s), [this] { publish(kNodes - 1 - rng_.index(kNodes - bad())); });
        const auto end = now_ + 40s;
        while (now_ < end)
            step();
    }

    // Of honest nodes; an author needs nothing.
    void judge() {
        for (const auto& [what, content] : published_)
            for (std::size_t i = bad(); i < kNodes; ++i) {
                const std::string who = "seed " + std::to_string(scenario_.seed) + " node " + std::to_string(i);
                const auto expected = what.author == peer_of(i) ? 0 : 1;
                EXPECT_EQ((heard_[{i, what}]), expected) << who;
            }
        for (const auto& node : nodes_) {
            EXPECT_EQ(node->wanted(), 0U);
            EXPECT_EQ(node->under_way(), 0U);
        }
    }

    [[nodiscard]] std::uint64_t lies() const {
        std::uint64_t sum = 0;
        for (const auto& node : nodes_)
            sum += node->counters().lies;
        return sum;
    }

    std::uint64_t missed = 0, wrong = 0, asked_of_authors = 0, asked = 0;

private:
    [[nodiscard]] std::size_t bad() const { return scenario_.liars + scenario_.misers; }
    void after(base::Duration delay, std::function<void()> what) {
        agenda_.emplace(std::pair(now_ + delay, ++events_), std::move(what));
    }
    base::Duration delay() { return rng_.between(1ms, 60ms); }

    void step() {
        auto next = now_ + 1s;
        if (!agenda_.empty()) next = std::min(next, agenda_.begin()->first.first);
        for (const auto& node : nodes_)
            next = std::min(next, node->next_deadline().value_or(next));
        now_ = std::max(now_, next);
        for (std::size_t i = 0; i < kNodes; ++i)
            if (nodes_[i]->next_deadline().value_or(base::TimePoint::max()) <= now_)
                tell(i, [&](Publications& p, PublicationEffects& out) { p.on_deadline(now_, out); });
        while (!agenda_.empty() && agenda_.begin()->first.first <= now_) {
            const auto what = std::move(agenda_.begin()->second);
            agenda_.erase(agenda_.begin());
            what();
        }
    }

    template <typename Input>
    void tell(std::size_t node, Input input) {
        PublicationEffects out;
        input(*nodes_[node], out);
        for (auto& effect : out) {
            if (const auto* e = std::get_if<Announce>(&effect)) spread(node, e->what);
            if (const auto* e = std::get_if<AskChunk>(&effect)) ask(node, *e);
            if (auto* e = std::get_if<Published>(&effect)) hear(node, *e);
            if (const auto* e = std::get_if<Missed>(&effect)) {
                ++missed;
                ++heard_[{node, e->what}];
            }
        }
    }

    void publish(std::size_t author) {
        base::Bytes content(1 + rng_.index(rng_.chance(0.3) ? 8 * kChunkMax : 5000));
        const std::uint64_t salt = rng_.next();
        for (std::size_t i = 0; i < content.size(); ++i)
            content[i] = static_cast<std::uint8_t>((salt >> (i % 8)) + i / 251);
        tell(author, [&](Publications& p, PublicationEffects& out) {
            const auto what = p.publish(content, now_, out);
            ASSERT_TRUE(what);
            published_[*what] = content;
        });
    }

    // Gossip gets everywhere, from hop to hop, and more than once.
    void spread(std::size_t from, const Announcement& what) {
        for (const std::size_t to : neighbours_[from])
            after(delay(), [this, from, to, what] {
                const bool fresh = gossiped_.insert({to, what}).second;
                tell(to, [&](Publications& p, PublicationEffects& out) {
                    p.on_announcement(peer_of(from), what, now_, out);
                });
                if (fresh) spread(to, what);
            });
    }

    void ask(std::size_t node, const AskChunk& e) {
        const std::size_t giver = e.peer.bytes[0] - 1U;
        ++asked;
        for (const auto& [what, content] : published_)
            asked_of_authors += what.hash == e.hash && what.author == e.peer ? 1U : 0U;
        const bool lost = rng_.chance(scenario_.loss);
        const bool miser = giver >= scenario_.liars && giver < bad();
        if (lost || miser) return after(kNoAnswer, [this, node, e] { deny(node, e.fetch); });
        after(delay(), [this, node, giver, e] {
            auto chunk = nodes_[giver]->ask(peer_of(node), e.hash, e.offset, e.size);
            base::Bytes bytes = chunk ? base::Bytes(chunk->begin(), chunk->end()) : base::Bytes();
            if (giver < scenario_.liars) bytes.assign(rng_.chance(0.5) ? e.size : e.size / 2, 'l');
            after(delay(), [this, node, e, bytes = std::move(bytes)] {
                if (bytes.empty()) return deny(node, e.fetch);
                tell(node, [&](Publications& p, PublicationEffects& out) { p.on_chunk(e.fetch, bytes, now_, out); });
            });
        });
    }
    void deny(std::size_t node, FetchId fetch) {
        tell(node, [&](Publications& p, PublicationEffects& out) { p.on_no_chunk(fetch, now_, out); });
    }

    void hear(std::size_t node, const Published& heard) {
        ++heard_[{node, heard.what}];
        if (heard.content != published_[heard.what]) ++wrong;
    }

    Scenario scenario_;
    base::Rng rng_;
    base::TimePoint now_{1h};
    std::uint64_t events_ = 0;
    std::map<std::pair<base::TimePoint, std::uint64_t>, std::function<void()>> agenda_;
    std::vector<std::unique_ptr<Publications>> nodes_;
    std::map<std::size_t, std::set<std::size_t>> neighbours_;
    std::map<Announcement, base::Bytes> published_;
    std::map<std::pair<std::size_t, Announcement>, int> heard_;
    std::set<std::pair<std::size_t, Announcement>> gossiped_;
};

TEST(PublicationsWorld, EverybodyHearsOfEverythingOnceThoughChunksAreLost) {
    std::uint64_t of_authors = 0, asked = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        World world({seed, static_cast<double>(seed % 3) * 0.15, 0, 0});
        world.run();
        world.judge();
        EXPECT_EQ(world.wrong, 0U);
        EXPECT_EQ(world.missed, 0U) << seed;
        of_authors += world.asked_of_authors;
        asked += world.asked;
        if (::testing::Test::HasFailure()) return;
    }
    // Neighbours of an author are half of the others here; they ask it, and the rest ask them.
    EXPECT_LT(of_authors * 4, asked * 3) << "others give it on";
}

TEST(PublicationsWorld, LiarsAndMisersCostTimeAndNothingElse) {
    std::uint64_t lies = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        World world({seed, 0.1, 2, 2});
        world.run();
        world.judge();
        EXPECT_EQ(world.wrong, 0U);
        EXPECT_EQ(world.missed, 0U) << seed;
        if (::testing::Test::HasFailure()) return;
        lies += world.lies();
    }
    EXPECT_GT(lies, 100U);
}

// A detector is also run where there is something to detect: when nothing gets through, each node is told so.
TEST(PublicationsWorld, WhatNobodyCouldGetIsTold) {
    World world({1, 1.0, 0, 0});
    world.run();
    world.judge();
    EXPECT_EQ(world.missed, kPublications * (kNodes - 1));
}

}  // namespace
}  // namespace grapevine::delivery
