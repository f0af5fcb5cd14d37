// Emission: rules 5 and 6 of directory.hpp and the pace of voice.hpp.

#include "directory/voice.hpp"

#include <gtest/gtest.h>

#include "directory/directory_testing.hpp"

namespace grapevine::directory {
namespace {

using namespace testing;

TEST(Voice, SpeaksAtOnceWithTheWallTimeAsFirstSequence) {
    Node node;
    EXPECT_EQ(node.directory.next_deadline(), std::nullopt);
    node.start(at(0s));
    ASSERT_EQ(node.said().size(), 1U);
    EXPECT_EQ(node.said()[0].sequence, wire::Sequence{5000});
    EXPECT_EQ(node.said()[0].mesh, "mesh1");
    EXPECT_EQ(node.directory.size(), 1U);
    EXPECT_EQ(node.directory.counters().emitted_first, 1U);
}

TEST(Voice, FirstNeighborIsSaidAtOnceAndFurtherOnesCoalesce) {
    Node node;
    node.start(at(0s));
    node.run([&] { node.directory.set_neighbors({id(1)}, at(50ms), node.out); });
    ASSERT_EQ(node.said().size(), 1U);
    EXPECT_EQ(node.said()[0].sequence, wire::Sequence{5001});
    node.run([&] { node.directory.set_neighbors({id(1), id(2)}, at(60ms), node.out); });
    node.run([&] { node.directory.set_neighbors({id(1), id(2), id(3)}, at(70ms), node.out); });
    EXPECT_TRUE(node.out.empty());
    EXPECT_EQ(node.directory.next_deadline(), at(2050ms));
    node.deadline(at(2050ms));
    ASSERT_EQ(node.said().size(), 1U);
    EXPECT_EQ(node.said()[0].neighbors.size(), 3U);
    EXPECT_EQ(node.said()[0].sequence, wire::Sequence{5002});
}

TEST(Voice, ChangeAfterQuietIsSaidAtOnceAndTheSameAddressesAreNoChange) {
    Node node;
    node.start(at(0s));
    node.run([&] { node.directory.set_addrs({base::SocketAddr::v4(10, 0, 0, 1, 5)}, at(3s), node.out); });
    EXPECT_EQ(node.said().size(), 1U);
    node.run([&] { node.directory.set_addrs({base::SocketAddr::v4(10, 0, 0, 1, 5)}, at(8s), node.out); });
    EXPECT_TRUE(node.out.empty());
}

TEST(Voice, ThreeRefreshesFitIntoTheStalenessWindow) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        Node node(0, config(), seed);
        node.start(at(0s));
        node.run_until(at(29s));
        EXPECT_EQ(node.said().size(), 3U) << "seed " << seed;
        node.run_until(at(600s));
        EXPECT_LE(node.said().size(), 67U);  // As rare as that allows: 571 s at no less than 8.57 s.
        EXPECT_GE(node.said().size(), 59U);
    }
}

TEST(Voice, SmallLoadChangesAndCountersRideAlong) {
    Node node;
    node.start(at(0s));
    node.run([&] { node.directory.set_load({100, 50'000, 1000, 100'000}, at(3s), node.out); });
    EXPECT_EQ(node.said().size(), 1U);  // The budgets are news.
    node.run([&] { node.directory.set_load({150, 55'000, 1000, 100'000}, at(6s), node.out); });
    EXPECT_TRUE(node.out.empty());  // Exactly 5 % is not over 5 %.
    node.directory.set_counters(7, 8);
    node.run([&] { node.directory.set_load({151, 50'000, 1000, 100'000}, at(7s), node.out); });
    ASSERT_EQ(node.said().size(), 1U);
    EXPECT_EQ(node.said()[0].messages_sent, 7U);
    EXPECT_EQ(node.said()[0].load.cpu_millicores, 151U);
}

TEST(Voice, WithoutBudgetOneCoreIsTheMeasure) {
    Node node;
    node.start(at(0s));
    node.run([&] { node.directory.set_load({50, 0, 0, 0}, at(3s), node.out); });
    EXPECT_TRUE(node.out.empty());
    node.run([&] { node.directory.set_load({51, 0, 0, 0}, at(4s), node.out); });
    EXPECT_EQ(node.said().size(), 1U);
}

TEST(Voice, JumpsAboveItsEarlierLife) {
    Node node;
    node.start(at(0s));
    node.hear(signed_digest(0, 9000), at(1s), Source::sync);
    ASSERT_EQ(node.said().size(), 1U);
    EXPECT_EQ(node.said()[0].sequence, wire::Sequence{9001});
    EXPECT_EQ(node.directory.sequence(), wire::Sequence{9001});
    EXPECT_EQ(node.directory.counters().sequence_jumps, 1U);
    node.hear(signed_digest(0, 8999), at(2s));
    EXPECT_EQ(pick<Refused>(node.out), (std::vector{Refused{id(99), Refusal::own_echo}}));
}

TEST(Voice, TwoHoldersOfOneKeyDoNotShout) {
    Node node;
    node.start(at(0s));
    std::size_t said = 0;
    for (int i = 0; i < 100; ++i) {
        const TimePoint now = at(1s + 10ms * i);
        node.hear(signed_digest(0, node.directory.sequence().value + 5), now);
        said += node.said().size();
        node.deadline(now);
        said += node.said().size();
    }
    EXPECT_EQ(said, 2U);  // At 1.0 s and, urgent_interval later, at 1.5 s.
}

TEST(Voice, AnImpossibleSequenceOfOursIsRefused) {
    Node node;
    node.start(at(0s));
    node.hear(signed_digest(0, ~std::uint64_t{0}), at(1s));
    EXPECT_TRUE(node.said().empty());
    EXPECT_EQ(node.refused(Refusal::implausible), 1U);
    EXPECT_EQ(node.directory.sequence(), wire::Sequence{5000});
}

TEST(Voice, LeavingIsTheLastWord) {
    Node node;
    node.start(at(0s));
    node.run([&] { node.directory.leave(at(1s), node.out); });
    ASSERT_EQ(node.said().size(), 1U);
    EXPECT_EQ(node.said()[0].presence, wire::Presence::leaving);
    EXPECT_EQ(node.said()[0].sequence, wire::Sequence{5001});
    EXPECT_LE(pick<BroadcastStatement>(node.out)[0].envelope.size(), kProofBytesMax);
    node.run([&] { node.directory.set_neighbors({id(1)}, at(5s), node.out); });
    node.hear(signed_accusation(1, id(0), 5001), at(6s));
    EXPECT_TRUE(node.said().empty());
    EXPECT_EQ(node.directory.next_deadline(), std::nullopt);
}

}  // namespace
}  // namespace grapevine::directory
