// Rule 15 of directory.hpp: a directory that is kept up by the words of another one; and what a witness hears.

#include <gtest/gtest.h>

#include "directory/directory.hpp"
#include "directory/directory_testing.hpp"

namespace grapevine::directory {
namespace {

using namespace testing;

class Ear final : public Witness {
public:
    struct Heard {
        EndpointId about;
        Bytes envelope;
    };
    void accepted(const EndpointId& about, base::ByteView envelope, TimePoint) override {
        heard.push_back({about, Bytes(envelope.begin(), envelope.end())});
    }
    std::vector<Heard> heard;
};

Config heard_by(Ear& ear) {
    Config made = config();
    made.witness = &ear;
    return made;
}

TEST(Witness, HearsWhatIsAcceptedAndNothingElse) {
    Ear ear;
    Node node(0, heard_by(ear));
    node.start();
    ASSERT_EQ(ear.heard.size(), 1U) << "the own digest";
    EXPECT_EQ(ear.heard[0].about, id(0));
    const Bytes first = signed_digest(1, 10);
    node.hear(first, at(1s));
    node.hear(first, at(1s));
    node.hear(signed_digest(1, 9), at(1s));
    Bytes forged = signed_digest(2, 10);
    forged.back() ^= 1U;
    node.hear(forged, at(1s));
    ASSERT_EQ(ear.heard.size(), 2U);
    EXPECT_EQ(ear.heard[1].envelope, first);
    node.hear(signed_digest(3, 10), at(1s));
    const Bytes accusation = signed_accusation(3, id(1), 10);
    node.hear(accusation, at(2s));
    const Bytes goodbye = signed_leaving(3, 11);
    node.hear(goodbye, at(2s));
    ASSERT_EQ(ear.heard.size(), 5U);
    EXPECT_EQ(ear.heard[3].about, id(1));
    EXPECT_EQ(ear.heard[3].envelope, accusation);
    EXPECT_EQ(ear.heard[4].about, id(3));
    EXPECT_EQ(ear.heard[4].envelope, goodbye);
}

TEST(Witness, HearsOwnAccusationsAndConfirmations) {
    Ear ear;
    Node node(0, heard_by(ear));
    node.start();
    node.hear(signed_digest(1, 10), at(1s));
    node.run([&] { node.directory.set_neighbors({id(1)}, at(1s), node.out); });
    const std::size_t before = ear.heard.size();
    node.run([&] { node.directory.on_neighbor_silent(id(1), wire::AccusationReason::silent, at(2s)); });
    node.run_until(at(6s));
    ASSERT_EQ(node.directory.find(id(1)), nullptr) << "it died";
    std::vector<wire::AccusationPhase> phases;
    for (std::size_t i = before; i < ear.heard.size(); ++i) {
        const auto statement = wire::open_statement(ear.heard[i].envelope);
        if (const auto* said = std::get_if<wire::Accusation>(&statement->claim)) phases.push_back(said->phase);
    }
    EXPECT_EQ(phases, (std::vector{wire::AccusationPhase::suspected, wire::AccusationPhase::confirmed}));
}

// Never started: it has no voice.
TEST(WatchedDirectory, SaysNothingAndDoesNotKnowItself) {
    Node node;
    node.hear(signed_digest(1, 10), at(1s));
    node.hear(signed_digest(2, 10), at(1s));
    node.hear(signed_accusation(1, id(0), 10), at(1s));
    EXPECT_TRUE(pick<BroadcastStatement>(node.out).empty());
    node.run_until(at(200s));
    EXPECT_TRUE(pick<BroadcastStatement>(node.out).empty());
    EXPECT_EQ(pick<EntryRemoved>(node.out).size(), 2U) << "they went stale, and it was never there";
    EXPECT_EQ(node.directory.next_deadline(), std::nullopt);
}

TEST(WatchedDirectory, AnEntryThatWasHeardOfEarlierIsOlderAndStaleSooner) {
    Node node;
    node.hear(signed_digest(1, 10), at(10s));
    node.directory.backdate(id(1), at(10s) - 12s);
    EXPECT_EQ(node.directory.snapshot(at(11s))[0].age, 13s);
    EXPECT_EQ(node.directory.next_deadline(), at(10s) - 12s + 30s);
    node.hear(signed_digest(1, 11), at(12s));
    EXPECT_EQ(node.directory.snapshot(at(12s))[0].age, 0s);
}

TEST(WatchedDirectory, WhoIsUnlistedLeavesNoTombstone) {
    Node node;
    const Bytes said = signed_digest(1, 10);
    node.hear(said, at(1s));
    node.run([&] { node.directory.unlist(id(1), at(2s), node.out); });
    ASSERT_EQ(pick<EntryRemoved>(node.out).size(), 1U);
    EXPECT_EQ(pick<EntryRemoved>(node.out)[0].cause, RemovalCause::unlisted);
    EXPECT_EQ(node.directory.counters().unlisted, 1U);
    node.hear(said, at(3s));
    EXPECT_EQ(pick<EntryAdded>(node.out).size(), 1U) << "the same words are good again";
}

TEST(WatchedDirectory, WithdrawnSuspicionsKillNobody) {
    Node node;
    node.hear(signed_digest(1, 10), at(1s));
    node.hear(signed_digest(2, 10), at(1s));
    node.hear(signed_accusation(1, id(2), 10), at(1s));
    ASSERT_TRUE(node.directory.is_suspected(id(2)));
    node.run([&] { node.directory.withdraw_suspicions(node.out); });
    EXPECT_EQ(pick<Refuted>(node.out), (std::vector{Refuted{id(2), Refutation::withdrawn}}));
    node.run_until(at(20s));
    EXPECT_NE(node.directory.find(id(2)), nullptr);
}

}  // namespace
}  // namespace grapevine::directory
