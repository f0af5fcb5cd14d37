#include "node/mesh_admission.hpp"

#include <gtest/gtest.h>

#include "base/ed25519.hpp"

namespace grapevine::node {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kStartS = 1'800'000'000;

base::SecretKey key(std::uint32_t n) {
    base::Bytes seed(32, 9);
    for (unsigned i = 0; i < 4; ++i)
        seed[i] = static_cast<std::uint8_t>(n >> (8U * i));
    return *base::SecretKey::from_seed(seed);
}
base::EndpointId id(std::uint32_t n) {
    base::EndpointId made;
    for (unsigned i = 0; i < 4; ++i)
        made.bytes[i] = static_cast<std::uint8_t>(n >> (8U * (3U - i)));
    return made;
}
base::TimePoint at(base::Duration since_start) {
    return base::TimePoint{} + 1h + since_start;
}
base::Bytes ticket(const base::EndpointId& node, wire::AdmissionUse use = wire::AdmissionUse::member,
                   const std::string& mesh = "mesh1") {
    return wire::sign_ticket(key(200), {1, mesh, node, use, {}, kStartS + 3600, 1}).envelope;
}

MeshConfig closed_config() {
    MeshConfig config;
    config.mesh = "mesh1";
    config.type = "broker";
    config.started_unix_ms = kStartS * 1000;
    config.admission.authority = key(200).id();
    config.admission.ticket = ticket(key(1).id());
    return config;
}
MeshConfig open_config() {
    MeshConfig config = closed_config();
    config.admission = {};
    return config;
}
wire::Hello hello(const std::string& mesh, base::Bytes shown = {}) {
    return {1, mesh, "broker", 7, std::move(shown)};
}
wire::TopicMessage message() {
    return wire::BroadcastMessage{wire::Prune{}};
}

TEST(MeshAdmission, AnOpenMeshAsksNobody) {
    MeshAdmission mesh(key(1).id(), open_config());
    EXPECT_EQ(mesh.greet(id(2), hello("mesh1"), Caller::them, at(0s)).standing, Standing::member);
    EXPECT_EQ(mesh.greet(id(2), hello("mesh2"), Caller::them, at(0s)).standing, Standing::visitor);
    EXPECT_EQ(mesh.greet(id(2), hello("mesh2"), Caller::us, at(0s)).standing, Standing::visitor);
    EXPECT_TRUE(mesh.admits(id(2), {}, at(0s)));
    EXPECT_EQ(mesh.gatekeeper().holders().size(), 0U);
}

TEST(MeshAdmission, APeerIsWhatItsTicketMakesIt) {
    MeshAdmission mesh(key(1).id(), closed_config());
    const base::Bytes member = ticket(id(2));
    const base::Bytes visitor = ticket(id(3), wire::AdmissionUse::visitor);
    EXPECT_EQ(mesh.greet(id(2), hello("mesh1", member), Caller::them, at(0s)).standing, Standing::member);
    EXPECT_EQ(mesh.greet(id(2), hello("mesh1", member), Caller::us, at(0s)).standing, Standing::member);
    EXPECT_EQ(mesh.greet(id(2), hello("mesh2", member), Caller::them, at(0s)).standing, Standing::visitor);
    EXPECT_EQ(mesh.greet(id(3), hello("mesh2", visitor), Caller::them, at(0s)).standing, Standing::visitor);
    EXPECT_EQ(mesh.greet(id(3), hello("mesh1", visitor), Caller::them, at(0s)).standing, Standing::outsider);
    EXPECT_EQ(mesh.greet(id(4), hello("mesh2"), Caller::us, at(0s)).standing, Standing::host);
    const auto denied = mesh.greet(id(4), hello("mesh2"), Caller::them, at(0s));
    EXPECT_EQ(denied.standing, Standing::outsider);
    EXPECT_NE(denied.why.find("no ticket"), std::string::npos);
}

TEST(MeshAdmission, MessagesWaitForAnIntroductionWithinBounds) {
    MeshAdmission mesh(key(1).id(), closed_config());
    EXPECT_EQ(mesh.hold(id(2), message()), MeshAdmission::Hold::begins);
    for (std::size_t i = 1; i < kHeldMessagesMax; ++i)
        EXPECT_EQ(mesh.hold(id(2), message()), MeshAdmission::Hold::waits);
    EXPECT_EQ(mesh.hold(id(2), message()), MeshAdmission::Hold::full);
    for (std::uint32_t n = 1; n < kIntroductionsMax; ++n)
        EXPECT_EQ(mesh.hold(id(100 + n), message()), MeshAdmission::Hold::begins);
    EXPECT_EQ(mesh.hold(id(999), message()), MeshAdmission::Hold::full);
    EXPECT_EQ(mesh.counters().held_dropped, 2U);
    EXPECT_FALSE(mesh.is_acquainted(id(2)));
    EXPECT_EQ(mesh.acquaint(id(2)).size(), kHeldMessagesMax);
    EXPECT_TRUE(mesh.is_acquainted(id(2)));
    EXPECT_TRUE(mesh.acquaint(id(2)).empty()) << "once";
    EXPECT_EQ(mesh.hold(id(999), message()), MeshAdmission::Hold::begins);
}

TEST(MeshAdmission, AcquaintancesAreBoundedAndTheOldestGoesFirst) {
    MeshAdmission mesh(key(1).id(), closed_config());
    for (std::uint32_t n = 0; n < kAcquaintancesMax; ++n)
        (void)mesh.acquaint(id(n + 10));
    (void)mesh.acquaint(id(5));
    EXPECT_FALSE(mesh.is_acquainted(id(10)));
    EXPECT_TRUE(mesh.is_acquainted(id(11)));
    EXPECT_EQ(mesh.acquaintances().size(), kAcquaintancesMax);
    mesh.forget(id(11));
    mesh.forget(id(11));
    EXPECT_EQ(mesh.acquaintances().size(), kAcquaintancesMax - 1);
}

TEST(MeshAdmission, AGrantLastsWhileSomethingStandsOnIt) {
    using Entry = MeshAdmission::Entry;
    MeshAdmission mesh(key(1).id(), closed_config());
    const auto greeted = mesh.greet(id(2), hello("mesh1", ticket(id(2))), Caller::them, at(0s));
    mesh.session_began(id(2), greeted.standing);
    mesh.release_unused(id(2), Entry::absent);
    EXPECT_TRUE(mesh.is_member(id(2))) << "a session";
    (void)mesh.acquaint(id(2));
    mesh.session_ended(id(2), Standing::member);
    mesh.session_ended(id(2), Standing::member);
    mesh.release_unused(id(2), Entry::absent);
    EXPECT_TRUE(mesh.is_member(id(2))) << "an acquaintance";
    mesh.forget(id(2));
    mesh.release_unused(id(2), Entry::present);
    EXPECT_TRUE(mesh.is_member(id(2))) << "an entry";
    mesh.release_unused(id(2), Entry::absent);
    EXPECT_FALSE(mesh.is_member(id(2)));
}

TEST(MeshAdmission, AnUnusableTicketIsAnErrorBeforeAndNeverAnOpenDoor) {
    MeshConfig config = closed_config();
    EXPECT_TRUE(check_admission(key(1).id(), config));
    config.admission.ticket = ticket(id(2));
    const auto checked = check_admission(key(1).id(), config);
    ASSERT_FALSE(checked);
    EXPECT_TRUE(checked.error().message.starts_with("own ticket: "));
    MeshAdmission mesh(key(1).id(), config);
    EXPECT_TRUE(mesh.closed());
    EXPECT_EQ(mesh.greet(id(4), hello("mesh1"), Caller::them, at(0s)).standing, Standing::outsider);
    EXPECT_EQ(mesh.greet(id(2), hello("mesh1", ticket(id(2))), Caller::them, at(0s)).standing, Standing::member);
}

TEST(MeshAdmission, TheWallClockIsAskedOrDerived) {
    MeshAdmission derived(key(1).id(), closed_config());
    admission::Effects out;
    derived.start(at(0s), out);
    EXPECT_EQ(derived.wall(at(5s)).unix_ms, kStartS * 1000 + 5000);
    MeshConfig config = closed_config();
    config.admission.wall = [](base::TimePoint) { return base::WallTime{(kStartS + 3600) * 1000}; };
    MeshAdmission late(key(1).id(), config);
    EXPECT_EQ(late.greet(id(2), hello("mesh1", ticket(id(2))), Caller::them, at(0s)).standing, Standing::outsider);
    EXPECT_EQ(late.gatekeeper().counters()[admission::Cause::expired], 1U);
}

TEST(MeshAdmission, AListThatIsKnownAtTheStartCountsAndIsTold) {
    MeshConfig config = closed_config();
    config.admission.revocations = {wire::sign_revocations(key(200), {1, "mesh1", 2, {{1, kStartS + 3600}}}).envelope,
                                    wire::sign_revocations(key(200), {1, "mesh1", 1, {}}).envelope};
    MeshAdmission mesh(key(1).id(), config);
    EXPECT_EQ(mesh.revocations()->value.list_version, 2U);
    admission::Effects out;
    mesh.start(at(0s), out);
    const auto lost = std::find_if(out.begin(), out.end(), [](const admission::Effect& effect) {
        return std::holds_alternative<admission::OwnTicketLost>(effect);
    });
    EXPECT_NE(lost, out.end()) << "its own serial is in it";
}

TEST(MeshAdmission, ATicketIsShownWhereItIsGood) {
    using Entry = MeshAdmission::Entry;
    MeshConfig config = closed_config();
    const base::Bytes visit = ticket(key(1).id(), wire::AdmissionUse::visitor, "mesh2");
    config.admission.visits = {{"mesh2", visit}};
    MeshAdmission mesh(key(1).id(), config);
    EXPECT_EQ(mesh.ticket_for(id(2), Entry::present), config.admission.ticket);
    EXPECT_EQ(mesh.ticket_for(id(3), Entry::absent), config.admission.ticket);
    mesh.learn_mesh(id(3), "mesh2");
    mesh.learn_mesh(id(4), "mesh3");
    EXPECT_EQ(mesh.ticket_for(id(3), Entry::absent), visit);
    EXPECT_EQ(mesh.ticket_for(id(4), Entry::absent), config.admission.ticket);
    MeshConfig open = open_config();
    open.admission.visits = {{"mesh2", visit}};
    MeshAdmission guest(key(1).id(), open);
    EXPECT_EQ(guest.ticket_for(id(9), Entry::absent), visit);
    EXPECT_TRUE(guest.ticket_for(id(9), Entry::present).empty());
}

}  // namespace
}  // namespace grapevine::node
