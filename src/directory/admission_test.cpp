// Rule 14 of directory.hpp: whose digests count in a closed mesh.

#include <set>

#include <gtest/gtest.h>

#include "directory/directory.hpp"
#include "directory/directory_testing.hpp"

namespace grapevine::directory {
namespace {

using namespace testing;

// Admits by a list, if the ticket is the one that is good.
class List final : public Admission {
public:
    bool admits(const EndpointId& author, const wire::Digest& digest, TimePoint) override {
        ++asked;
        return members.contains(author) && digest.ticket == good;
    }
    std::set<EndpointId> members;
    Bytes good{1, 2, 3};
    int asked = 0;
};

struct Closed {
    Closed() : node(0, make()) { node.start(); }
    Config make() {
        Config made = config();
        made.admission = &list;
        return made;
    }
    Bytes said(std::uint32_t n, std::uint64_t sequence, wire::Presence presence = wire::Presence::present) {
        wire::Digest d = digest(sequence);
        d.ticket = ticket;
        d.presence = presence;
        return wire::sign(key(n), d).envelope;
    }
    List list;
    Bytes ticket{1, 2, 3};
    Node node;
};

TEST(Admission, OnlyTheAdmittedGetAnEntry) {
    Closed mesh;
    mesh.list.members = {id(1)};
    mesh.node.hear(mesh.said(1, 10), at(1s));
    EXPECT_EQ(mesh.node.out, (Effects{EntryAdded{id(1), Source::gossip}}));
    mesh.node.hear(mesh.said(2, 10), at(1s));
    EXPECT_EQ(mesh.node.out, (Effects{Refused{id(99), Refusal::not_admitted}}));
    mesh.ticket = {9};
    mesh.node.hear(mesh.said(1, 11), at(2s));
    EXPECT_EQ(mesh.node.out, (Effects{Refused{id(99), Refusal::not_admitted}}));
    EXPECT_EQ(mesh.node.directory.find(id(1))->digest.sequence, wire::Sequence{10});
    EXPECT_EQ(mesh.node.refused(Refusal::not_admitted), 2U);
}

TEST(Admission, AnOutsidersGoodbyeLeavesNothingBehind) {
    Closed mesh;
    mesh.node.hear(mesh.said(2, 10, wire::Presence::leaving), at(1s));
    EXPECT_EQ(mesh.node.refused(Refusal::not_admitted), 1U);
    mesh.list.members = {id(2)};
    mesh.node.hear(mesh.said(2, 9), at(2s));
    EXPECT_NE(mesh.node.directory.find(id(2)), nullptr) << "no tombstone stands in the way";
}

TEST(Admission, AnOutsiderCannotAccuse) {
    Closed mesh;
    mesh.list.members = {id(1)};
    mesh.node.hear(mesh.said(1, 10), at(1s));
    mesh.node.hear(mesh.said(2, 10), at(1s));
    mesh.node.hear(signed_accusation(2, id(1), 10), at(1s));
    EXPECT_EQ(mesh.node.refused(Refusal::unknown_accuser), 1U);
    EXPECT_FALSE(mesh.node.directory.is_suspected(id(1)));
}

TEST(Admission, IsAskedOnlyAboutWhatIsSigned) {
    Closed mesh;
    Bytes forged = mesh.said(1, 10);
    forged.back() ^= 1U;
    mesh.node.hear(forged, at(1s));
    EXPECT_EQ(mesh.node.refused(Refusal::bad_signature), 1U);
    EXPECT_EQ(mesh.list.asked, 0);
}

TEST(Admission, ExpellingEndsAnEntryAndOldWordsDoNotBringItBack) {
    Closed mesh;
    mesh.list.members = {id(1)};
    mesh.node.hear(mesh.said(1, 10), at(1s));
    Effects out;
    mesh.node.directory.expel(id(1), at(2s), out);
    mesh.node.directory.expel(id(0), at(2s), out);
    mesh.node.directory.expel(id(7), at(2s), out);
    ASSERT_EQ(out.size(), 1U) << "neither oneself nor strangers";
    EXPECT_EQ(std::get<EntryRemoved>(out.front()).cause, RemovalCause::expelled);
    mesh.node.hear(mesh.said(1, 10), at(3s));
    EXPECT_EQ(mesh.node.refused(Refusal::after_removal), 1U);
    mesh.node.hear(mesh.said(1, 11), at(3s));
    EXPECT_NE(mesh.node.directory.find(id(1)), nullptr) << "admitted anew";
    EXPECT_EQ(mesh.node.directory.counters().expelled, 1U);
}

TEST(Admission, AnOwnTicketIsSaidAtOnceAndOnce) {
    Closed mesh;
    Effects out;
    mesh.node.directory.set_ticket({1, 2, 3}, at(10s), out);
    const auto said = pick<BroadcastStatement>(out);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_EQ(std::get<wire::Digest>(wire::open_statement(said[0].envelope)->claim).ticket, (Bytes{1, 2, 3}));
    out.clear();
    mesh.node.directory.set_ticket({1, 2, 3}, at(11s), out);
    EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace grapevine::directory
