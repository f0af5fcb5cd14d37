#include "grapevine/node_admission.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "io/admission_files.hpp"
#include "io/runtime.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine {
namespace {

base::SecretKey key(std::uint8_t n) {
    return *base::SecretKey::from_seed(base::Bytes(32, n));
}
wire::SignedTicket ticket(std::uint64_t expires, const base::SecretKey& by = key(200), const std::string& mesh = "m") {
    return wire::sign_ticket(by, {1, mesh, key(1).id(), wire::AdmissionUse::member, {}, expires, 1});
}
wire::SignedRevocations list(std::uint64_t version) {
    return wire::sign_revocations(key(200), {1, "m", version, {}});
}

struct Configured {
    Configured() {
        options.mesh = "m";
        options.type = "broker";
        options.authority = key(200).id().hex();
        options.tickets = {wire::admission_text(ticket(2'000'000'000))};
    }
    base::Result<node::AdmissionConfig> config() { return admission_config(options, &path, runtime); }
    std::string error() {
        const auto made = config();
        return made ? std::string("no error") : made.error().message;
    }
    io::TempDir dir;
    std::filesystem::path path = dir.path();
    io::Runtime runtime;
    NodeOptions options;
};

TEST(NodeAdmission, AnOpenMeshNeedsNothing) {
    Configured node;
    node.options.authority.clear();
    node.options.tickets.clear();
    EXPECT_FALSE(node.config()->authority.has_value());
}

TEST(NodeAdmission, OfTwoTicketsTheOneThatExpiresLaterCounts) {
    Configured node;
    EXPECT_EQ(node.config()->ticket, ticket(2'000'000'000).envelope);
    ASSERT_TRUE(io::write_ticket_file(node.path / "ticket", ticket(1'900'000'000)));
    EXPECT_EQ(node.config()->ticket, ticket(2'000'000'000).envelope);
    ASSERT_TRUE(io::write_ticket_file(node.path / "ticket", ticket(2'100'000'000)));
    EXPECT_EQ(node.config()->ticket, ticket(2'100'000'000).envelope);
    node.options.tickets.clear();
    EXPECT_EQ(node.config()->ticket, ticket(2'100'000'000).envelope);
    ASSERT_TRUE(io::write_ticket_file(node.path / "ticket", ticket(2'100'000'000, key(201))));
    EXPECT_TRUE(node.config()->ticket.empty()) << "of another authority";
}

TEST(NodeAdmission, WhatWasKeptAndIsBadIsIgnored) {
    Configured node;
    std::ofstream(node.path / "ticket") << "admitabc";
    std::ofstream(node.path / "revocations") << "";
    const auto config = node.config();
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->ticket, ticket(2'000'000'000).envelope);
    EXPECT_TRUE(config->revocations.empty());
}

TEST(NodeAdmission, BothListsAreHandedOn) {
    Configured node;
    node.options.revocations = wire::revocations_text(list(1));
    ASSERT_TRUE(io::write_revocations_file(node.path / "revocations", list(2)));
    EXPECT_EQ(node.config()->revocations, (std::vector<base::Bytes>{list(1).envelope, list(2).envelope}));
}

TEST(NodeAdmission, TicketsForOtherMeshesAreForVisits) {
    Configured node;
    node.options.tickets.push_back(wire::admission_text(ticket(2'000'000'000, key(7), "other")));
    EXPECT_EQ(node.config()->visits.at("other"), ticket(2'000'000'000, key(7), "other").envelope);
    node.options.tickets.push_back(node.options.tickets.back());
    EXPECT_EQ(node.error(), "--ticket: two tickets for mesh 'other'");
}

TEST(NodeAdmission, WhatIsConfiguredAndBadIsAnError) {
    Configured node;
    node.options.authority = "xyz";
    EXPECT_TRUE(node.error().starts_with("--authority: ")) << node.error();
    node.options.authority.clear();
    EXPECT_EQ(node.error(), "--ticket, --revocations: mesh 'm' is open; --authority says whose they are");
    node.options.authority = key(200).id().hex();
    node.options.revocations = "revoke";
    EXPECT_NE(node.error(), "no error");
    node.options.revocations.clear();
    node.options.tickets = {"admit"};
    EXPECT_NE(node.error(), "no error");
}

TEST(NodeAdmission, WhatCameWhileItRanIsKept) {
    Configured node;
    keep_admission(node.path, stack::TicketReplaced{ticket(2'100'000'000).envelope}, node.runtime.log());
    keep_admission(node.path, stack::RevocationsLearned{list(4).envelope}, node.runtime.log());
    EXPECT_EQ(io::read_ticket_file(node.path / "ticket")->envelope, ticket(2'100'000'000).envelope);
    EXPECT_EQ(io::read_revocations_file(node.path / "revocations")->envelope, list(4).envelope);
}

}  // namespace
}  // namespace grapevine
