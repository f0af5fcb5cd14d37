// A node of a closed mesh against peers that speak QUIC correctly and break or bend every rule above it: what an
// outsider can learn (nothing), what a visitor may, and what a member that lies can do.

#include <gtest/gtest.h>

#include "stack/mesh_sessions.hpp"
#include "stack/siege_testing.hpp"
#include "wire/delivery.hpp"

namespace grapevine::stack {
namespace {

using namespace testing;

wire::Deliver deliver(std::uint64_t sequence) {
    wire::Deliver frame;
    frame.sequence = wire::MessageSequence{sequence};
    frame.kind = wire::MessageKind::request;
    frame.time_left_ms = 60'000;
    frame.name = "mesh1.broker";
    frame.payload = base::to_bytes("payload");
    return frame;
}

class Outsider : public Siege {
protected:
    Outsider() : insider_(add_peer(2)), outsider_(add_peer(3)) {
        EXPECT_EQ(victim_.serve("", delivery::Service{}, now_), base::Admitted::yes);
        insider_ticket_ = signed_by(authority(), ticket_for(insider_.key.id(), 2));
        const auto session = greet(insider_, insider_ticket_);
        wire::SyncTurn turn;
        turn.statements = {digest_of(insider_, 10, insider_ticket_)};
        send(insider_, session, kBidi, wire::encode(turn), true);
        EXPECT_EQ(victim_.directory(now_).size(), 2U) << "the insider is in";
        victim_.take_revocations(list_of(1, {{66, kWallStartS + 86'400}}), now_);
    }

    wire::AdmissionTicket own() const { return ticket_for(outsider_.key.id(), 3); }

    // One that is good but for one thing each, by cause.
    std::vector<std::pair<std::string, base::Bytes>> tickets() const {
        auto expired = own();
        expired.expires_unix_s = kWallStartS;
        auto typed = own();
        typed.types = {"registry"};
        auto visitor = own();
        visitor.use = wire::AdmissionUse::visitor;
        auto elsewhere = own();
        elsewhere.mesh = "mesh2";
        auto revoked = own();
        revoked.serial = 66;
        base::Bytes altered = signed_by(authority(), own());
        altered.back() ^= 1U;
        base::Bytes cut = signed_by(authority(), own());
        cut.resize(cut.size() / 2);
        return {{"no_ticket", {}},
                {"other_node", insider_ticket_},
                {"expired", signed_by(authority(), expired)},
                {"wrong_type", signed_by(authority(), typed)},
                {"wrong_use", signed_by(authority(), visitor)},
                {"other_mesh", signed_by(authority(), elsewhere)},
                {"revoked", signed_by(authority(), revoked)},
                {"foreign_authority", signed_by(foreign_authority(), own())},
                {"bad_signature", altered},
                {"malformed", cut}};
    }

    // Every frame that there is on a session.
    std::vector<base::Bytes> session_frames() const {
        wire::SyncTurn turn;
        turn.ranges.push_back({base::EndpointId{}, std::vector<wire::KnownEntry>{}});
        turn.statements = {digest_of(outsider_, 10, {}), digest_of(outsider_, 11, insider_ticket_)};
        wire::SyncTurn wants;
        wants.wanted = {insider_.key.id(), victim_key_.id()};
        return {wire::encode(wire::Ping{7}),
                wire::encode(wire::Echo{base::to_bytes("echo")}),
                wire::encode(turn),
                wire::encode(wants),
                wire::encode(wire::Revocations{list_of(9, {{2, kWallStartS + 86'400}})}),
                wire::encode(wire::DeliveryFrame(deliver(1))),
                wire::encode(wire::DeliveryFrame(wire::OpenStream{})),
                wire::encode(wire::DeliveryFrame(wire::Window{8, 8})),
                wire::encode(wire::Hello{1, "mesh1", "gateway", 7, {}})};
    }

    // Every message of a topic.
    std::vector<wire::TopicMessage> topic_messages() const {
        using M = wire::MembershipMessage;
        using B = wire::BroadcastMessage;
        const base::Bytes digest = digest_of(outsider_, 12, {});
        const wire::PeerInfo self{outsider_.key.id(), std::nullopt};
        const base::MessageId id{base::blake3(digest)};
        return {M{wire::Join{}},
                M{wire::Neighbor{wire::Priority::high, std::nullopt}},
                M{wire::Shuffle{outsider_.key.id(), {self}, wire::Ttl{0}}},
                M{wire::ShuffleReply{{self}}},
                M{wire::ForwardJoin{self, wire::Ttl{0}}},
                B{gossip_of(digest)},
                B{wire::Graft{id, wire::Round{}}},
                B{wire::Prune{}},
                M{wire::Disconnect{true, false}}};
    }

    void expect_nothing_learnt() {
        EXPECT_FALSE(outsider_.heard_of(insider_.key.id().view())) << "an id";
        for (const std::string_view word : {"broker", "gateway", "mesh1"})
            EXPECT_FALSE(outsider_.heard_of(base::as_bytes(word))) << word;
        EXPECT_EQ(outsider_.streams_opened, 0U) << "nobody speaks to it";
        EXPECT_EQ(handled(), 0U) << "nothing is delivered";
        EXPECT_EQ(victim_.directory(now_).size(), 2U);
        EXPECT_EQ(figure("gossip.deliveries"), 0U);
    }

    RawPeer& insider_;
    RawPeer& outsider_;
    base::Bytes insider_ticket_;
};

TEST_F(Outsider, HearsTheSameWhateverIsWrongWithItsTicket) {
    base::Bytes first;
    for (const auto& [cause, ticket] : tickets()) {
        outsider_.heard.clear();
        const auto before = figure("admission.denied." + cause);
        const auto connection = greet(outsider_, ticket);
        EXPECT_EQ(figure("admission.denied." + cause), before + 1) << cause;
        if (first.empty()) first = outsider_.heard;
        EXPECT_EQ(outsider_.heard, first) << cause;
        close(outsider_, connection);
        run_for(1s);
    }
    EXPECT_EQ(first, wire::encode(wire::Refused{wire::RefusalCode::not_admitted, "not admitted"}));
    // As of another mesh, or of another version: no more than that.
    for (const auto& hello : {wire::Hello{1, "mesh2", "gateway", 7, {}}, wire::Hello{9, "mesh1", "gateway", 7, {}}}) {
        outsider_.heard.clear();
        const auto connection = connect(outsider_, wire::kMeshAlpn);
        send(outsider_, connection, kBidi, wire::encode(hello), true);
        EXPECT_EQ(outsider_.heard, first);
        close(outsider_, connection);
    }
    expect_nothing_learnt();
}

TEST_F(Outsider, LearnsNothingInThousandsOfTries) {
    base::Rng rng(7);
    const auto shown = tickets();
    const auto frames = session_frames();
    const auto messages = topic_messages();
    std::size_t sent = 0;
    for (int round = 0; round < 400; ++round) {
        const bool gossip = rng.chance(0.4);
        const auto connection = connect(outsider_, gossip ? wire::kGossipAlpn : wire::kMeshAlpn);
        if (gossip) {
            std::vector<wire::TopicMessage> chosen;
            for (std::size_t i = 0; i < 4; ++i)
                chosen.push_back(messages[rng.index(messages.size())]);
            send(outsider_, connection, kUni, topic_stream(chosen), false);
            sent += chosen.size();
        } else {
            if (rng.chance(0.8)) {
                const auto& ticket = shown[rng.index(shown.size())].second;
                send(outsider_, connection, kBidi, wire::encode(wire::Hello{1, "mesh1", "gateway", 7, ticket}), true);
                ++sent;
            }
            for (std::size_t i = 0; i < 8; ++i) {
                send(outsider_, connection, kBidi, frames[rng.index(frames.size())], rng.chance(0.5));
                ++sent;
            }
        }
        close(outsider_, connection);
        now_ += 400ms;
        due();
    }
    EXPECT_GT(sent, 2000U);
    expect_nothing_learnt();
    EXPECT_GT(figure("admission.strangers"), 50U);
    EXPECT_GT(figure("mesh.refused_outsider"), 50U);
    EXPECT_EQ(figure("mesh.pings_answered") + figure("mesh.echoes_answered"), 0U);
    EXPECT_EQ(figure("mesh.members_greeted"), 1U) << "the insider's";
    EXPECT_EQ(figure("admission.lists_accepted"), 1U) << "a list is taken from the admitted only";
    // And the mesh goes on: the insider is served as before.
    const auto session = greet(insider_, insider_ticket_);
    send(insider_, session, kBidi, wire::encode(wire::Ping{7}), true);
    EXPECT_EQ(figure("mesh.pings_answered"), 1U);
}

TEST_F(Outsider, IsCutOffOnTheTopicBeforeAnythingIsSaid) {
    const auto connection = connect(outsider_, wire::kGossipAlpn);
    send(outsider_, connection, kUni, topic_stream({wire::MembershipMessage{wire::Join{}}}), false);
    EXPECT_EQ(figure("admission.strangers"), 1U);
    EXPECT_EQ(outsider_.closed, 1U);
    EXPECT_TRUE(outsider_.heard.empty());
    EXPECT_EQ(figure("gossip.active_view"), 0U);
}

TEST_F(Outsider, AVisitorMayAskAndDeliverAndNothingElse) {
    auto ticket = own();
    ticket.use = wire::AdmissionUse::visitor;
    const base::Bytes shown = signed_by(authority(), ticket);
    const auto session = greet(outsider_, shown, "mesh2");
    EXPECT_EQ(figure("mesh.visitors_greeted"), 1U);
    EXPECT_EQ(figure("admission.visitors"), 1U);
    send(outsider_, session, kBidi, wire::encode(wire::Ping{7}), true);
    EXPECT_EQ(figure("mesh.pings_answered"), 1U);
    send(outsider_, session, kBidi, wire::encode(wire::DeliveryFrame(deliver(1))), false);
    EXPECT_EQ(handled(), 1U);
    send(outsider_, session, kBidi, wire::encode(wire::SyncTurn{}), false);
    EXPECT_EQ(figure("mesh.refused_visitor"), 1U);
    EXPECT_FALSE(outsider_.heard_of(insider_.key.id().view()));
    const auto link = connect(outsider_, wire::kGossipAlpn);
    send(outsider_, link, kUni, topic_stream({wire::MembershipMessage{wire::Join{}}}), false);
    EXPECT_EQ(figure("admission.strangers"), 1U) << "a visitor has no place in the topic";
    // It is put out like a member.
    victim_.take_revocations(list_of(2, {{3, kWallStartS + 86'400}}), now_);
    settle();
    EXPECT_EQ(figure("admission.visitors"), 0U);
    send(outsider_, session, kBidi, wire::encode(wire::Ping{8}), true);
    EXPECT_EQ(figure("mesh.pings_answered"), 1U);
}

TEST_F(Outsider, WhoOnlyConnectsDoesNotTakeTheMembersPlaces) {
    for (std::uint8_t number = 10; number < 10 + 20; ++number) {
        RawPeer& stranger = add_peer(number);
        for (int i = 0; i < 10; ++i)
            connect(stranger, wire::kMeshAlpn);
    }
    EXPECT_GT(figure("mesh.connections_refused"), 0U);
    EXPECT_LE(ledger_[telemetry::Kind::mesh_session].alive(), kUngreetedMax + 1);
    run_for(kMeshIdle + 1s);
    const auto session = greet(insider_, insider_ticket_);
    send(insider_, session, kBidi, wire::encode(wire::Ping{7}), true);
    EXPECT_EQ(figure("mesh.pings_answered"), 1U);
}

TEST_F(Outsider, AMemberThatLiesAboutOthersIsRefusedAndCounted) {
    const auto link = connect(insider_, wire::kGossipAlpn);
    base::Bytes forged = digest_of(outsider_, 50, signed_by(authority(), own()));
    forged.back() ^= 1U;
    const std::vector<wire::TopicMessage> lies{
        wire::MembershipMessage{wire::Join{}},
        gossip_of(forged),                                                // Missigned.
        gossip_of(digest_of(outsider_, 51, {})),                          // Of somebody without a ticket,
        gossip_of(digest_of(outsider_, 52, insider_ticket_)),             // with the liar's own,
        gossip_of(digest_of(insider_, 10, insider_ticket_, "registry")),  // an old sequence,
        gossip_of(list_of(1, {{1, kWallStartS + 86'400}})),               // another list of the same version,
        gossip_of(wire::sign_revocations(foreign_authority(), {1, "mesh1", 7, {{1, kWallStartS + 86'400}}}).envelope)};
    send(insider_, link, kUni, topic_stream(lies), false);
    EXPECT_EQ(figure("directory.refused.bad_signature"), 1U);
    EXPECT_EQ(figure("directory.refused.not_admitted"), 2U);
    EXPECT_EQ(figure("admission.denied.no_ticket"), 1U);
    EXPECT_EQ(figure("admission.denied.other_node"), 1U);
    EXPECT_EQ(figure("directory.refused.not_newer"), 1U);
    EXPECT_EQ(figure("admission.list_refused.conflicting"), 1U);
    EXPECT_EQ(figure("admission.list_refused.foreign_authority"), 1U);
    EXPECT_EQ(victim_.directory(now_).size(), 2U);
}

TEST_F(Outsider, AMemberThatFloodsIsHeldToItsLimits) {
    const auto session = greet(insider_, insider_ticket_);
    for (int i = 0; i < 200; ++i)
        send(insider_, session, kBidi, wire::encode(wire::Ping{7}), true);
    EXPECT_GT(figure("rates.refused.probe"), 50U);
    EXPECT_EQ(figure("mesh.pings_answered") + figure("rates.refused.probe"), 200U);
    const auto link = connect(insider_, wire::kGossipAlpn);
    const std::vector<wire::TopicMessage> flood(2000, wire::BroadcastMessage{wire::Prune{}});
    for (int i = 0; i < 4; ++i)
        send(insider_, link, kUni, topic_stream(flood), false);
    EXPECT_GT(figure("rates.refused.statement"), 1000U);
    const auto hellos = figure("rates.refused.hello");
    for (int i = 0; i < 40; ++i)
        close(insider_, greet(insider_, insider_ticket_));
    EXPECT_GT(figure("rates.refused.hello"), hellos);
    EXPECT_EQ(figure("rates.refused.hello"), figure("mesh.refused_rate") - figure("rates.refused.probe"));
}

}  // namespace
}  // namespace grapevine::stack
