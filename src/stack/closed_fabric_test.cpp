// A closed mesh among others: what crosses to it, by whose tickets.

#include <set>

#include <gtest/gtest.h>

#include "stack/admission_testing.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using delivery::Ending;

// mesh1 is open: 0 a gateway and 1 a compute with tickets to visit mesh2, 2 a compute without. mesh2 is closed: 3 a
// gateway, 4 a broker, which answers.
class ClosedFabric : public ::testing::Test {
protected:
    void SetUp() override {
        const auto guest = [](Config& config, const base::EndpointId& id) {
            wire::AdmissionTicket ticket = ticket_for(id, 100);
            ticket.mesh = "mesh2";
            ticket.use = wire::AdmissionUse::visitor;
            config.mesh->admission.visits["mesh2"] = signed_by(authority(), ticket);
            config.mesh->admission.wall = wall_of;
        };
        cluster_.add("mesh1", "gateway", {}, guest);
        cluster_.add("mesh1", "compute", {0}, guest);
        cluster_.add("mesh1", "compute", {0});
        const auto member = [&](Config& config, const base::EndpointId& id) {
            wire::AdmissionTicket ticket = ticket_for(id, cluster_.size());
            ticket.mesh = "mesh2";
            close_mesh(config, signed_by(authority(), ticket));
            config.mesh->fabric_seeds = {cluster_.stack(0).addr()};
        };
        cluster_.add("mesh2", "gateway", {}, member);
        cluster_.add("mesh2", "broker", {3}, member);
        ASSERT_EQ(cluster_.stack(4).serve("", delivery::Service{}, cluster_.now()), base::Admitted::yes);
        ASSERT_TRUE(cluster_.run_until(
            [&] { return cluster_.converged({0, 1, 2}) && cluster_.converged({3, 4}) && knows_mesh2(); }, 10s));
    }

    bool knows_mesh2() {
        const auto rows = cluster_.stack(0).meshes(cluster_.now());
        return std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.mesh == "mesh2"; });
    }

    // How a message to the name ends; the broker answers whatever it gets.
    Ending send(std::size_t from, const std::string& name) {
        auto& caller = cluster_.member(from);
        caller.events.clear();
        const auto id = caller.stack->submit({{name}, delivery::MessageKind::request, base::to_bytes("hello"), {}, {}},
                                             cluster_.now());
        EXPECT_TRUE(id);
        cluster_.settle(from);
        std::optional<Ending> ending;
        const auto ended = [&] {
            for (const auto& event : std::exchange(cluster_.member(4).events, {}))
                if (const auto* handle = report_in<delivery::Handle>(event)) {
                    handled_.insert(handle->from);
                    cluster_.stack(4).answer(handle->handle, {}, cluster_.now());
                    cluster_.settle(4);
                }
            for (const auto& event : caller.events)
                if (const auto* e = report_in<delivery::Finished>(event); e && e->message == id->sequence)
                    ending = e->ending;
            return ending.has_value();
        };
        EXPECT_TRUE(cluster_.run_until(ended, 11s)) << name;
        return ending.value_or(Ending::cancelled);
    }

    ClosedCluster cluster_{11};
    std::set<base::EndpointId> handled_;
};

TEST_F(ClosedFabric, AVisitorWithATicketAsksAndDelivers) {
    EXPECT_EQ(send(1, "mesh2.broker"), Ending::acknowledged);
    EXPECT_TRUE(handled_.contains(cluster_.stack(1).id()));
    EXPECT_GT(cluster_.figure(4, "mesh.visitors_greeted"), 0U);
    EXPECT_EQ(cluster_.stack(1).directory(cluster_.now()).size(), 3U) << "it is in no other directory";
}

TEST_F(ClosedFabric, WithoutATicketNothingIsDelivered) {
    const Ending ending = send(2, "mesh2.broker");
    EXPECT_NE(ending, Ending::acknowledged);
    EXPECT_TRUE(handled_.empty());
    EXPECT_GT(cluster_.figure(4, "admission.denied.no_ticket") + cluster_.figure(3, "admission.denied.no_ticket"), 0U);
}

TEST_F(ClosedFabric, ItsMembersReachAnOpenMeshAndEachOther) {
    EXPECT_EQ(send(3, "mesh2.broker"), Ending::acknowledged);
    const auto rows = cluster_.stack(3).meshes(cluster_.now());
    EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.mesh == "mesh1"; }));
}

TEST_F(ClosedFabric, ARevokedVisitorIsPutOut) {
    ASSERT_EQ(send(1, "mesh2.broker"), Ending::acknowledged);
    const base::Bytes list =
        wire::sign_revocations(authority(), {wire::kAdmissionVersion, "mesh2", 1, {{100, kWallStartS + 86'400}}})
            .envelope;
    cluster_.stack(3).take_revocations(list, cluster_.now());
    cluster_.settle(3);
    cluster_.run_for(1s);
    handled_.clear();
    EXPECT_NE(send(1, "mesh2.broker"), Ending::acknowledged);
    EXPECT_TRUE(handled_.empty());
    EXPECT_GT(cluster_.figure(4, "admission.denied.revoked"), 0U);
}

}  // namespace
}  // namespace grapevine::stack
