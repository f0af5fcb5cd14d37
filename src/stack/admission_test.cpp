// A closed mesh of whole stacks: who is in it, who is not, and what becomes of those who no longer are.

#include <gtest/gtest.h>

#include "stack/admission_testing.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;
using testing::authority;
using testing::ClosedCluster;
using testing::foreign_authority;
using testing::kWallStartS;
using testing::list_of;
using testing::signed_by;
using testing::ticket_for;

constexpr base::Duration kLong = 20s;

TEST(ClosedMesh, ItsMembersFindEachOther) {
    ClosedCluster cluster(1);
    const auto all = cluster.add_members(9);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(all); }, kLong));
    cluster.run_for(30s);
    EXPECT_TRUE(cluster.converged(all)) << "and stay together";
    for (const std::size_t i : all) {
        EXPECT_EQ(cluster.figure(i, "admission.members"), all.size() - 1) << "each by its ticket";
        EXPECT_EQ(cluster.figure(i, "admission.strangers"), 0U);
        EXPECT_EQ(cluster.figure(i, "admission.held_dropped"), 0U);
        EXPECT_EQ(cluster.figure(i, "mesh.refused_outsider"), 0U);
    }
}

TEST(ClosedMesh, AMemberThatRestartsIsBackAtOnce) {
    ClosedCluster cluster(2);
    const auto all = cluster.add_members(6);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(all); }, kLong));
    cluster.run_for(15s);
    cluster.restart(3, {0});
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(all); }, kLong));
    cluster.restart(0, {1});
    EXPECT_TRUE(cluster.run_until([&] { return cluster.converged(all); }, kLong));
}

struct Bad {
    std::string name;
    std::string cause;
    std::function<base::Bytes(const base::EndpointId&)> ticket;
};

class Outsiders : public ::testing::TestWithParam<Bad> {};

TEST_P(Outsiders, LearnNothingAndAreCounted) {
    ClosedCluster cluster(3);
    const auto all = cluster.add_members(4);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(all); }, kLong));
    const auto before = cluster.figure(0, "admission.denied." + GetParam().cause);
    const std::size_t outsider = cluster.add(
        "mesh1", "compute", {0, 1},
        [&](Config& config, const base::EndpointId& id) { testing::close_mesh(config, GetParam().ticket(id)); });
    cluster.run_for(60s);
    EXPECT_EQ(cluster.stack(outsider).directory(cluster.now()).size(), 1U) << "it knows itself alone";
    EXPECT_TRUE(cluster.stack(outsider).neighbors(cluster.now()).empty());
    EXPECT_TRUE(cluster.converged(all)) << "nobody knows it";
    EXPECT_GT(cluster.figure(0, "admission.denied." + GetParam().cause), before);
    EXPECT_GT(cluster.figure(0, "mesh.refused_outsider"), 0U);
    bool told = false;
    for (const auto& event : cluster.member(0).events)
        if (const auto* news = std::get_if<AdmissionNews>(&event)) told = told || news->event == AdmissionEvent::denied;
    EXPECT_TRUE(told) << "whoever runs the mesh can read why";
}

base::Bytes altered(base::Bytes ticket) {
    ticket.back() ^= 1U;
    return ticket;
}

template <typename Change>
auto ticket_with(Change change) {
    return [change](const base::EndpointId& id) {
        wire::AdmissionTicket ticket = ticket_for(id, 77);
        change(ticket);
        return signed_by(authority(), std::move(ticket));
    };
}

INSTANTIATE_TEST_SUITE_P(
    Tickets, Outsiders,
    ::testing::Values(
        Bad{"none", "no_ticket", [](const base::EndpointId&) { return base::Bytes{}; }},
        Bad{"garbage", "unknown_kind", [](const base::EndpointId&) { return base::Bytes{1, 2, 3}; }},
        Bad{"foreign", "foreign_authority",
            [](const base::EndpointId& id) { return signed_by(foreign_authority(), ticket_for(id, 77)); }},
        Bad{"altered", "bad_signature",
            [](const base::EndpointId& id) { return altered(signed_by(authority(), ticket_for(id, 77))); }},
        Bad{"expired", "expired", ticket_with([](auto& ticket) { ticket.expires_unix_s = kWallStartS - 1; })},
        Bad{"of_another_node", "other_node", ticket_with([](auto& ticket) { ticket.node.bytes[0] ^= 1U; })},
        Bad{"of_another_mesh", "other_mesh", ticket_with([](auto& ticket) { ticket.mesh = "mesh2"; })},
        Bad{"of_another_type", "wrong_type", ticket_with([](auto& ticket) { ticket.types = {"broker"}; })},
        Bad{"of_a_visitor", "wrong_use", ticket_with([](auto& ticket) { ticket.use = wire::AdmissionUse::visitor; })}),
    [](const auto& bad) { return bad.param.name; });

TEST(ClosedMesh, RevocationPutsAMemberOutEverywhereAtOnce) {
    ClosedCluster cluster(4);
    const auto all = cluster.add_members(8);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(all); }, kLong));
    const base::EndpointId out = cluster.stack(5).id();
    cluster.stack(0).take_revocations(list_of(1, {{6, kWallStartS + 86'400}}), cluster.now());
    cluster.settle(0);
    const auto gone = [&] {
        for (const std::size_t i : all)
            if (i != 5 && cluster.knows(i, out)) return false;
        return true;
    };
    EXPECT_TRUE(cluster.run_until(gone, 1s));
    cluster.run_for(60s);
    EXPECT_TRUE(gone()) << "it does not come back";
    EXPECT_EQ(cluster.stack(5).neighbors(cluster.now()).size(), 0U);
    std::vector<std::size_t> rest = all;
    std::erase(rest, 5U);
    EXPECT_TRUE(cluster.converged(rest));
    for (const std::size_t i : rest) {
        EXPECT_EQ(cluster.figure(i, "admission.lists_accepted"), 1U);
        const auto& events = cluster.member(i).events;
        EXPECT_TRUE(std::any_of(events.begin(), events.end(), [](const Event& event) {
            return std::holds_alternative<RevocationsLearned>(event);
        })) << "to be kept";
    }
}

TEST(ClosedMesh, ANewcomerLearnsWhoIsRevokedWithItsFirstSession) {
    ClosedCluster cluster(5);
    const auto all = cluster.add_members(3);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(all); }, kLong));
    cluster.stack(0).take_revocations(list_of(3, {{99, kWallStartS + 86'400}}), cluster.now());
    cluster.settle(0);
    cluster.run_for(1s);
    const std::size_t late = cluster.add_member("broker", {2});
    EXPECT_TRUE(cluster.run_until([&] { return cluster.figure(late, "admission.lists_accepted") == 1; }, 5s));
}

TEST(ClosedMesh, ATicketThatExpiresEndsItsHoldersStay) {
    ClosedCluster cluster(6);
    const auto all = cluster.add_members(4);
    const std::size_t brief = cluster.add("mesh1", "broker", {0}, [&](Config& config, const base::EndpointId& id) {
        wire::AdmissionTicket ticket = ticket_for(id, 50);
        ticket.expires_unix_s = testing::wall_of(cluster.now()).unix_ms / 1000 + 60;
        testing::close_mesh(config, signed_by(authority(), ticket));
    });
    std::vector<std::size_t> everybody = all;
    everybody.push_back(brief);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(everybody); }, kLong));
    EXPECT_TRUE(cluster.run_until([&] { return cluster.converged(all); }, 125s));
    EXPECT_GT(cluster.figure(0, "admission.expired"), 0U);
    cluster.run_for(30s);
    EXPECT_TRUE(cluster.converged(all));
}

TEST(ClosedMesh, ANewTicketInTimeIsAsIfNothingHadBeen) {
    ClosedCluster cluster(7);
    std::vector<std::size_t> all = cluster.add_members(4);
    const std::size_t brief = cluster.add("mesh1", "broker", {0}, [&](Config& config, const base::EndpointId& id) {
        wire::AdmissionTicket ticket = ticket_for(id, 50);
        ticket.expires_unix_s = testing::wall_of(cluster.now()).unix_ms / 1000 + 60;
        testing::close_mesh(config, signed_by(authority(), ticket));
    });
    all.push_back(brief);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(all); }, kLong));
    cluster.run_for(20s);
    const base::Bytes fresh = signed_by(authority(), ticket_for(cluster.stack(brief).id(), 51));
    ASSERT_TRUE(cluster.stack(brief).set_admission(authority().id(), fresh, cluster.now()));
    cluster.settle(brief);
    cluster.run_for(150s);
    EXPECT_TRUE(cluster.converged(all));
    EXPECT_EQ(cluster.figure(0, "admission.put_out"), 0U);
    EXPECT_FALSE(cluster.stack(brief).set_admission(authority().id(), {1, 2}, cluster.now())) << "all or nothing";
}

TEST(ClosedMesh, ClosingAnOpenMeshKeepsThoseWithTickets) {
    ClosedCluster cluster(8);
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < 5; ++i)
        all.push_back(cluster.add("mesh1", "broker", i == 0 ? std::vector<std::size_t>{} : std::vector<std::size_t>{0},
                                  [](Config& config) { config.mesh->admission.wall = testing::wall_of; }));
    ASSERT_TRUE(cluster.run_until([&] { return cluster.converged(all); }, kLong));
    std::vector<std::size_t> members{0, 1, 2, 3};
    for (const std::size_t i : members) {
        const base::Bytes ticket = signed_by(authority(), ticket_for(cluster.stack(i).id(), i + 1));
        ASSERT_TRUE(cluster.stack(i).set_admission(authority().id(), ticket, cluster.now()));
        cluster.settle(i);
    }
    const auto closed = [&] { return cluster.converged(members); };
    EXPECT_TRUE(cluster.run_until(closed, 60s));
    cluster.run_for(60s);
    EXPECT_TRUE(closed());
    EXPECT_EQ(cluster.stack(4).directory(cluster.now()).size(), 1U) << "in time it forgets the others";
}

}  // namespace
}  // namespace grapevine::stack
