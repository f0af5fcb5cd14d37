// A peer that speaks QUIC correctly and everything above it wrongly. Each fault costs it at most its connection, is
// counted by cause, and the node goes on serving others.

#include <gtest/gtest.h>

#include "base/blake3.hpp"
#include "node/node.hpp"
#include "quic/endpoint.hpp"
#include "stack/byte_streams.hpp"
#include "stack/gossip_links.hpp"
#include "stack/mesh_sessions.hpp"
#include "stack/stack.hpp"
#include "wire/delivery.hpp"
#include "wire/gossip.hpp"
#include "wire/mesh.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kMesh = "mesh1";

base::SecretKey key_of(std::uint8_t fill) {
    return *base::SecretKey::from_seed(base::Bytes(32, fill));
}

// One node and one hostile endpoint, a millisecond apart.
class Hostile : public ::testing::Test {
protected:
    Hostile()
        : victim_(config(), victim_key_, rng_, ledger_),
          attacker_(attacker_config(), attacker_key_, attacker_rng_, attacker_ledger_) {
        victim_.start({kVictimAddr}, now_);
        exchange();
    }

    static Config config() {
        Config config;
        config.mesh.emplace();
        config.mesh->mesh = kMesh;
        config.mesh->type = "broker";
        config.mesh->started_unix_ms = 1000;
        return config;
    }
    static quic::Config attacker_config() {
        quic::Config config;
        config.alpns = {std::string(wire::kGossipAlpn), std::string(wire::kMeshAlpn)};
        config.limits.connections_per_peer_max = 100;
        return config;
    }

    // Lets both run until nothing is in flight.
    void exchange() {
        for (bool moved = true; moved;) {
            std::vector<base::Bytes> to_attacker;
            std::vector<base::Bytes> to_victim;
            const auto split = [](const quic::Transmit& t, std::vector<base::Bytes>& out) {
                const std::size_t step = t.segment_bytes == 0 ? t.payload.size() : t.segment_bytes;
                for (std::size_t at = 0; at < t.payload.size(); at += step) {
                    const auto piece = t.payload.subspan(at, std::min(step, t.payload.size() - at));
                    out.emplace_back(piece.begin(), piece.end());
                }
            };
            victim_.flush(now_, [&](const quic::Transmit& t) {
                if (t.remote == kAttackerAddr) split(t, to_attacker);
            });
            attacker_.flush(now_, [&](const quic::Transmit& t) { split(t, to_victim); });
            now_ += 1ms;
            for (const auto& bytes : to_attacker)
                attacker_.on_datagram({kAttackerAddr, kVictimAddr, quic::Ecn::not_ect, bytes, 0}, now_);
            for (const auto& bytes : to_victim)
                victim_.on_datagram({kVictimAddr, kAttackerAddr, quic::Ecn::not_ect, bytes, 0}, now_);
            while (auto event = attacker_.poll_event())
                seen_.push_back(std::move(*event));
            while (auto event = victim_.poll_event())
                heard_.push_back(std::move(*event));
            tick();
            moved = !to_attacker.empty() || !to_victim.empty();
        }
    }

    void tick() {
        if (victim_.next_deadline().value_or(base::TimePoint::max()) <= now_) victim_.on_deadline(now_);
        if (attacker_.next_deadline().value_or(base::TimePoint::max()) <= now_) attacker_.on_deadline(now_);
    }

    void run_for(base::Duration duration) {
        const auto end = now_ + duration;
        while (true) {
            const auto next = base::earliest(victim_.next_deadline(), attacker_.next_deadline());
            if (!next || *next > end) break;
            now_ = std::max(now_, *next);
            tick();
            exchange();
        }
        now_ = end;
    }

    quic::ConnectionRef connect(std::string_view alpn) {
        const auto connection = attacker_.connect(victim_.id(), {kVictimAddr}, alpn, now_);
        EXPECT_TRUE(connection);
        exchange();
        return *connection;
    }

    quic::StreamRef send(quic::ConnectionRef connection, quic::Direction direction, base::ByteView bytes, bool fin) {
        const auto stream = attacker_.open_stream(connection, direction);
        EXPECT_TRUE(stream);
        EXPECT_TRUE(attacker_.write(connection, *stream, bytes, fin));
        exchange();
        return *stream;
    }

    bool closed(quic::ConnectionRef connection) const {
        for (const auto& event : seen_)
            if (const auto* e = std::get_if<quic::Closed>(&event); e != nullptr && e->connection == connection)
                return true;
        return false;
    }

    std::uint64_t figure(std::string_view name) const {
        for (const auto& f : victim_.figures())
            if (f.name == name) return f.value;
        ADD_FAILURE() << "no figure " << name;
        return 0;
    }

    // The node still answers a decent peer.
    void expect_still_serving() {
        const auto connection = connect(wire::kMeshAlpn);
        send(connection, quic::Direction::bidirectional, wire::encode(wire::Hello{1, std::string(kMesh), "gateway"}),
             true);
        const auto before = figure("mesh.pings_answered");
        send(connection, quic::Direction::bidirectional, wire::encode(wire::Ping{7}), true);
        EXPECT_EQ(figure("mesh.pings_answered"), before + 1);
    }

    // A gossip stream of the mesh's topic with these frames behind its header.
    base::Bytes stream_of(std::initializer_list<base::Bytes> frames) const {
        base::Bytes bytes = wire::encode_stream_header(node::Node::topic_of_mesh(kMesh));
        for (const auto& frame : frames)
            bytes.insert(bytes.end(), frame.begin(), frame.end());
        return bytes;
    }
    static base::Bytes frame_of(const wire::TopicMessage& message) { return wire::encode_frame(wire::encode(message)); }
    static base::Bytes gossip_of(const base::Bytes& content) {
        return frame_of(wire::BroadcastMessage{
            wire::Gossip{base::MessageId{base::blake3(content)}, content, {wire::ScopeKind::swarm, {}}}});
    }

    static constexpr auto kUni = quic::Direction::unidirectional;
    static constexpr auto kBidi = quic::Direction::bidirectional;
    const base::SocketAddr kVictimAddr = base::SocketAddr::v4(10, 0, 0, 1, 1);
    const base::SocketAddr kAttackerAddr = base::SocketAddr::v4(10, 0, 0, 2, 2);
    base::TimePoint now_{1000s};
    base::SecretKey victim_key_ = key_of(1);
    base::SecretKey attacker_key_ = key_of(2);
    base::Rng rng_{1}, attacker_rng_{2};
    telemetry::Ledger ledger_, attacker_ledger_;
    Stack victim_;
    quic::Endpoint attacker_;
    std::vector<quic::Event> seen_;  // By the attacker.
    std::vector<Event> heard_;       // By the victim's application.
};

TEST_F(Hostile, AGossipHeaderOfTheWrongLengthEndsTheConnection) {
    const auto connection = connect(wire::kGossipAlpn);
    send(connection, kUni, wire::encode_frame(base::Bytes(31)), false);
    EXPECT_EQ(figure("links.bad_headers"), 1U);
    EXPECT_TRUE(closed(connection));
    expect_still_serving();
}

TEST_F(Hostile, AFrameLengthOverTheLimitEndsTheStreamOnly) {
    const auto connection = connect(wire::kGossipAlpn);
    send(connection, kUni, stream_of({{0x00, 0x00, 0x10, 0x01}}), false);
    EXPECT_EQ(figure("links.bad_frames"), 1U);
    EXPECT_FALSE(closed(connection));
    expect_still_serving();
}

TEST_F(Hostile, GarbageInAFrameEndsTheStreamOnly) {
    const auto connection = connect(wire::kGossipAlpn);
    send(connection, kUni, stream_of({wire::encode_frame(base::Bytes{0x07, 0x55})}), false);
    EXPECT_EQ(figure("links.bad_frames"), 1U);
    EXPECT_FALSE(closed(connection));
}

TEST_F(Hostile, ABidirectionalGossipStreamIsRefused) {
    const auto connection = connect(wire::kGossipAlpn);
    send(connection, kBidi, base::Bytes(40), false);
    EXPECT_EQ(figure("links.bad_headers"), 1U);
    expect_still_serving();
}

TEST_F(Hostile, MoreTopicStreamsThanAllowedAreRefused) {
    const auto connection = connect(wire::kGossipAlpn);
    for (std::size_t i = 0; i < kTopicStreamsMax + 5; ++i)
        send(connection, kUni, base::Bytes{0}, false);
    EXPECT_EQ(figure("links.bad_headers"), 5U);
}

TEST_F(Hostile, AForgedIdOfAMessageIsCountedAndNotDelivered) {
    const auto connection = connect(wire::kGossipAlpn);
    const wire::Gossip forged{base::MessageId{}, base::to_bytes("content"), {wire::ScopeKind::swarm, {}}};
    send(connection, kUni,
         stream_of({frame_of(wire::MembershipMessage{wire::Join{}}), frame_of(wire::BroadcastMessage{forged})}), false);
    EXPECT_EQ(figure("gossip.spoofed"), 1U);
    EXPECT_EQ(figure("gossip.deliveries"), 0U);
}

TEST_F(Hostile, UnsignedMissignedForeignAndReplayedStatementsAreCountedByCause) {
    const auto connection = connect(wire::kGossipAlpn);
    wire::Digest digest;
    digest.mesh = kMesh;
    digest.type = "broker";
    digest.sequence = wire::Sequence{10};
    const auto good = wire::sign(attacker_key_, digest).envelope;
    auto missigned = good;
    missigned.back() ^= 1U;
    digest.mesh = "mesh2";
    const auto foreign = wire::sign(attacker_key_, digest).envelope;
    digest.mesh = kMesh;
    digest.sequence = wire::Sequence{9};
    const auto older = wire::sign(attacker_key_, digest).envelope;
    send(connection, kUni,
         stream_of({frame_of(wire::MembershipMessage{wire::Join{}}), gossip_of(base::to_bytes("no statement at all")),
                    gossip_of(missigned), gossip_of(foreign), gossip_of(good), gossip_of(older)}),
         false);
    EXPECT_EQ(figure("directory.refused.bad_signature"), 1U);
    EXPECT_EQ(figure("directory.refused.other_mesh"), 1U);
    EXPECT_EQ(figure("directory.refused.not_newer"), 1U);
    EXPECT_GE(figure("directory.refused.malformed") + figure("directory.refused.unknown_kind"), 1U);
    EXPECT_EQ(victim_.directory(now_).size(), 2U);
    EXPECT_FALSE(closed(connection));
}

TEST_F(Hostile, AFrameBeforeTheHelloEndsTheConnection) {
    const auto connection = connect(wire::kMeshAlpn);
    send(connection, kBidi, wire::encode(wire::Ping{1}), true);
    EXPECT_TRUE(closed(connection));
    EXPECT_EQ(figure("mesh.bad_frames"), 1U);
    EXPECT_EQ(figure("mesh.pings_answered"), 0U);
    expect_still_serving();
}

TEST_F(Hostile, ASecondHelloEndsTheConnection) {
    const auto connection = connect(wire::kMeshAlpn);
    const auto hello = wire::encode(wire::Hello{1, std::string(kMesh), "gateway"});
    send(connection, kBidi, hello, true);
    send(connection, kBidi, hello, true);
    EXPECT_TRUE(closed(connection));
    EXPECT_EQ(figure("mesh.bad_frames"), 1U);
}

TEST_F(Hostile, AVisitorIsAnsweredButLearnsNothingOfTheDirectory) {
    const auto connection = connect(wire::kMeshAlpn);
    send(connection, kBidi, wire::encode(wire::Hello{1, "mesh2", "gateway"}), true);
    EXPECT_EQ(figure("mesh.visitors_greeted"), 1U);
    for (int i = 0; i < 3; ++i)
        send(connection, kBidi, wire::encode(wire::SyncTurn{}), false);
    EXPECT_EQ(figure("mesh.refused_visitor"), 3U);
    EXPECT_EQ(figure("mesh.syncs_served"), 0U);
    send(connection, kBidi, wire::encode(wire::Ping{7}), true);
    EXPECT_EQ(figure("mesh.pings_answered"), 1U);
}

TEST_F(Hostile, AStreamThatNeverEndsIsReset) {
    const auto connection = connect(wire::kMeshAlpn);
    send(connection, kBidi, wire::encode(wire::Hello{1, std::string(kMesh), "gateway"}), true);
    send(connection, kBidi, base::Bytes{0x12}, false);  // The tag of an echo, then nothing.
    run_for(kMeshStreamMax + 1s);
    EXPECT_EQ(figure("mesh.stream_timeouts"), 1U);
    expect_still_serving();
}

TEST_F(Hostile, AConnectionWithoutHelloIsClosedWhenIdle) {
    const auto connection = connect(wire::kMeshAlpn);
    run_for(kMeshIdle + 1s);
    EXPECT_TRUE(closed(connection));
}

TEST_F(Hostile, ALyingSyncEndsAndIsCounted) {
    const auto connection = connect(wire::kMeshAlpn);
    send(connection, kBidi, wire::encode(wire::Hello{1, std::string(kMesh), "gateway"}), true);
    wire::SyncTurn turn;
    turn.statements.push_back(base::to_bytes("not a statement"));
    send(connection, kBidi, wire::encode(turn), false);
    EXPECT_EQ(figure("sync.failed"), 1U);
    EXPECT_EQ(figure("sync.open"), 0U);
    expect_still_serving();
}

TEST_F(Hostile, ConnectionsBeyondTheLimitPerPeerAreRefused) {
    for (int i = 0; i < 40; ++i)
        connect(wire::kMeshAlpn);
    EXPECT_LE(ledger_[telemetry::Kind::connection].alive(), quic::Limits{}.connections_per_peer_max);
    EXPECT_GT(figure("quic.dropped_peer_limit"), 0U);
}

wire::Deliver deliver(std::uint64_t sequence, std::size_t bytes) {
    wire::Deliver frame;
    frame.sequence = wire::MessageSequence{sequence};
    frame.kind = wire::MessageKind::request;
    frame.time_left_ms = 60'000;
    frame.name = "mesh1.broker";
    frame.payload = base::Bytes(bytes, 'x');
    return frame;
}

TEST_F(Hostile, AFrameOfDeliveryThatHasNoPlaceThereEndsTheConnection) {
    for (const wire::DeliveryFrame& frame :
         {wire::DeliveryFrame(wire::Outcome{}), wire::DeliveryFrame(wire::Window{})}) {
        const auto connection = connect(wire::kMeshAlpn);
        send(connection, kBidi, wire::encode(wire::Hello{1, std::string(kMesh), "gateway"}), true);
        send(connection, kBidi, wire::encode(frame), false);
        EXPECT_TRUE(closed(connection));
    }
    EXPECT_EQ(figure("delivery.violations"), 2U);
    expect_still_serving();
}

// One message, its reply asked for again and again, and nothing read.
TEST_F(Hostile, WhoDoesNotReadOutcomesLosesItsSession) {
    ASSERT_EQ(victim_.serve("", delivery::Service{}, now_), base::Admitted::yes);
    const auto connection = connect(wire::kMeshAlpn);
    send(connection, kBidi, wire::encode(wire::Hello{1, std::string(kMesh), "gateway", 7}), true);
    const auto stream = send(connection, kBidi, wire::encode(deliver(1, 10)), false);
    bool answered = false;
    for (const auto& event : heard_) {
        const auto* handle = report_in<delivery::Handle>(event);
        if (handle == nullptr) continue;
        answered = true;
        delivery::Answer reply;
        reply.payload = base::Bytes(wire::kDeliverPayloadMax, 'r');
        victim_.answer(handle->handle, std::move(reply), now_);
    }
    ASSERT_TRUE(answered);
    for (int i = 0; i < 200 && !closed(connection); ++i) {
        (void)attacker_.write(connection, stream, wire::encode(deliver(1, 10)), false);
        exchange();
    }
    EXPECT_TRUE(closed(connection));
    EXPECT_EQ(figure("delivery.violations"), 1U);
    EXPECT_EQ(figure("delivery.handed_over"), 1U);
    expect_still_serving();
}

TEST_F(Hostile, AFloodOfMessagesIsBoundedAndRefused) {
    ASSERT_EQ(victim_.serve("", delivery::Service{}, now_), base::Admitted::yes);
    const auto connection = connect(wire::kMeshAlpn);
    send(connection, kBidi, wire::encode(wire::Hello{1, std::string(kMesh), "gateway", 7}), true);
    const auto stream = send(connection, kBidi, wire::encode(deliver(1, 10)), false);
    for (std::uint64_t i = 2; i < 9000; ++i) {
        (void)attacker_.write(connection, stream, wire::encode(deliver(i, 10)), false);
        if (i % 100 == 0) exchange();
    }
    EXPECT_LE(figure("delivery.open"), delivery::InboxConfig{}.sender_messages_max);
    EXPECT_GT(figure("delivery.busy.replies"), 0U);  // The room of their replies is reserved.
    EXPECT_EQ(figure("delivery.accepted") + figure("delivery.busy.replies"), figure("delivery.frames_received"));
    expect_still_serving();
}

wire::OpenStream open_stream(std::uint64_t sequence, std::string name = "mesh1.broker") {
    return {wire::MessageSequence{sequence}, 60'000, std::move(name), {}};
}

// A session that was greeted, from which streams are opened.
struct HostileStreams : public Hostile {
    quic::ConnectionRef greet() {
        const auto connection = connect(wire::kMeshAlpn);
        send(connection, kBidi, wire::encode(wire::Hello{1, std::string(kMesh), "gateway", 7}), true);
        return connection;
    }
    void serve() { ASSERT_EQ(victim_.serve("", delivery::Service{}, now_), base::Admitted::yes); }
    // Takes every stream that was asked for; how many these were.
    std::size_t take_all() {
        std::size_t taken = 0;
        for (const auto& event : std::exchange(heard_, {})) {
            const auto* handle = report_in<delivery::Handle>(event);
            if (handle == nullptr) continue;
            victim_.answer(handle->handle, {}, now_);
            ++taken;
        }
        exchange();
        return taken;
    }
    // What the attacker was answered on a stream.
    std::optional<wire::Outcome> outcome(quic::StreamRef stream) const {
        wire::DeliveryFrameReader reader;
        for (const auto& event : seen_)
            if (const auto* data = std::get_if<quic::StreamData>(&event); data != nullptr && data->stream == stream)
                reader.feed(data->data);
        const auto frame = reader.next();
        const auto* said = frame && *frame ? std::get_if<wire::Outcome>(&**frame) : nullptr;
        return said == nullptr ? std::nullopt : std::optional(*said);
    }
};

TEST_F(HostileStreams, AStreamForANameThatNobodyServesIsRefused) {
    const auto connection = greet();
    const auto stream = send(connection, kBidi, wire::encode(open_stream(1, "no.such.service")), false);
    ASSERT_TRUE(outcome(stream));
    EXPECT_EQ(outcome(stream)->code, wire::OutcomeCode::refused);
    EXPECT_EQ(figure("delivery.no_handler"), 1U);
    EXPECT_EQ(figure("streams.live"), 0U);
    EXPECT_FALSE(closed(connection));
}

TEST_F(HostileStreams, OpenStreamWhereItHasNoPlaceEndsTheConnection) {
    serve();
    const auto connection = greet();
    const auto stream = send(connection, kBidi, wire::encode(deliver(1, 10)), false);
    (void)attacker_.write(connection, stream, wire::encode(open_stream(2)), false);
    exchange();
    EXPECT_TRUE(closed(connection));
    EXPECT_EQ(figure("delivery.violations"), 1U);
    expect_still_serving();
}

TEST_F(HostileStreams, WhoGoesOnBeforeItIsTakenLosesItsSession) {
    serve();
    for (const bool later : {false, true}) {
        const auto connection = greet();
        base::Bytes bytes = wire::encode(open_stream(1));
        if (!later) bytes.push_back('x');
        const auto stream = send(connection, kBidi, bytes, false);
        if (later) (void)attacker_.write(connection, stream, base::to_bytes("x"), false);
        exchange();
        EXPECT_TRUE(closed(connection)) << later;
    }
    EXPECT_EQ(figure("streams.violations"), 2U);
    EXPECT_EQ(figure("streams.live"), 0U);
    expect_still_serving();
}

TEST_F(HostileStreams, AStreamThatDoesNotSayWhomItIsForIsReset) {
    const auto connection = greet();
    const base::Bytes whole = wire::encode(open_stream(1));
    send(connection, kBidi, base::ByteView(whole).first(whole.size() - 1), false);
    run_for(kStreamHeadMax + 1s);
    EXPECT_EQ(figure("streams.timeouts"), 1U);
    EXPECT_EQ(ledger_[telemetry::Kind::byte_stream].alive(), 0U);
    EXPECT_FALSE(closed(connection));
}

TEST_F(HostileStreams, ALengthOverTheLimitEndsTheConnection) {
    const auto connection = greet();
    send(connection, kBidi, base::Bytes{0x33, 0xff, 0xff, 0x7f}, false);
    EXPECT_TRUE(closed(connection));
    EXPECT_EQ(figure("streams.violations"), 1U);
}

TEST_F(HostileStreams, AFloodOfThemIsBoundedAndToldSo) {
    serve();
    const auto connection = greet();
    std::vector<quic::StreamRef> streams;
    for (std::uint64_t i = 1; i <= 60; ++i)
        streams.push_back(send(connection, kBidi, wire::encode(open_stream(i)), false));
    EXPECT_EQ(figure("streams.live"), kByteStreamsOfPeer);
    EXPECT_EQ(figure("streams.busy_peer"), 60 - kByteStreamsOfPeer);
    EXPECT_EQ(take_all(), kByteStreamsOfPeer);
    ASSERT_TRUE(outcome(streams.front()) && outcome(streams.back()));
    EXPECT_EQ(outcome(streams.front())->code, wire::OutcomeCode::acknowledged);
    EXPECT_EQ(outcome(streams.back())->code, wire::OutcomeCode::busy);
    EXPECT_FALSE(closed(connection));
    expect_still_serving();
}

TEST_F(HostileStreams, WhoNeverReadsCostsOneBufferAStream) {
    serve();
    const auto connection = greet();
    send(connection, kBidi, wire::encode(open_stream(1)), false);
    std::optional<ByteStreamRef> stream;
    for (const auto& event : heard_)
        if (const auto* handle = report_in<delivery::Handle>(event)) stream = ByteStreams::ref_of(handle->handle);
    ASSERT_TRUE(stream);
    take_all();
    const base::Bytes piece(64U * 1024U, 'x');
    std::size_t taken = 0;
    for (int i = 0; i < 100; ++i) {
        taken += victim_.write(*stream, piece, node::Last::no, now_).value_or(0);
        exchange();
    }
    const quic::Limits limits;
    EXPECT_GE(taken, limits.send_buffer_bytes);
    EXPECT_LE(taken, limits.send_buffer_bytes + limits.stream_window_bytes);
    expect_still_serving();
}

TEST_F(HostileStreams, AskedForTwiceOrWithoutAnEndNothingIsLeft) {
    serve();
    const auto connection = greet();
    send(connection, kBidi, wire::encode(open_stream(1)), false);
    run_for(kStreamAnswerMax + 1s);  // Nobody answers.
    EXPECT_EQ(figure("streams.live"), 0U);
    send(connection, kBidi, wire::encode(open_stream(2)), false);
    send(connection, kBidi, wire::encode(open_stream(2)), false);
    EXPECT_TRUE(closed(connection));
    EXPECT_EQ(ledger_[telemetry::Kind::byte_stream].alive(), 0U);
    expect_still_serving();
}

wire::DeliverLarge large(std::uint64_t sequence, std::uint32_t size) {
    wire::DeliverLarge frame{deliver(sequence, 0), size};
    return frame;
}

base::Bytes followed(const wire::DeliverLarge& frame, std::size_t bytes) {
    base::Bytes all = wire::encode(frame);
    all.resize(all.size() + bytes, 'p');
    return all;
}

TEST_F(HostileStreams, APayloadThatIsNotWhatWasAnnouncedEndsTheConnection) {
    serve();
    const auto shorter = greet();
    send(shorter, kBidi, followed(large(1, 1000), 999), true);
    EXPECT_TRUE(closed(shorter));
    const auto longer = greet();
    send(longer, kBidi, followed(large(2, 1000), 1001), false);
    EXPECT_TRUE(closed(longer));
    const auto later = greet();
    const auto stream = send(later, kBidi, followed(large(3, 1000), 1000), false);
    (void)attacker_.write(later, stream, base::to_bytes("x"), false);
    exchange();
    EXPECT_TRUE(closed(later));
    const auto twice = greet();
    send(twice, kBidi, followed(large(4, 1000), 10), false);
    send(twice, kBidi, followed(large(4, 1000), 10), false);
    EXPECT_TRUE(closed(twice));
    EXPECT_EQ(figure("payloads.violations"), 4U);
    expect_still_serving();
}

TEST_F(HostileStreams, PayloadsThatNeverComeAreBoundedAndForgotten) {
    serve();
    const auto connection = greet();
    std::vector<quic::StreamRef> streams;
    constexpr auto kLargest = static_cast<std::uint32_t>(wire::kLargePayloadMax);
    for (std::uint64_t i = 1; i <= 20; ++i)
        streams.push_back(send(connection, kBidi, followed(large(i, kLargest), 100), false));
    EXPECT_LE(figure("delivery.large_bytes"), delivery::InboxConfig{}.sender_large_bytes_max);
    EXPECT_EQ(figure("delivery.busy.payloads"), 18U);
    ASSERT_TRUE(outcome(streams.back()));
    EXPECT_EQ(outcome(streams.back())->code, wire::OutcomeCode::busy);
    EXPECT_FALSE(outcome(streams.front()));
    run_for(delivery::kDeadlineMax + 1s);
    EXPECT_EQ(figure("delivery.large_bytes"), 0U);
    EXPECT_EQ(figure("delivery.handed_over"), 0U);
    EXPECT_EQ(ledger_[telemetry::Kind::byte_stream].alive(), 0U);
    expect_still_serving();
}

TEST_F(Hostile, NothingIsLeftAfterTheAttackerIsGone) {
    for (int i = 0; i < 5; ++i) {
        const auto connection = connect(wire::kGossipAlpn);
        send(connection, kUni, stream_of({frame_of(wire::MembershipMessage{wire::Join{}})}), false);
    }
    attacker_.shutdown(0, "", now_);
    exchange();
    run_for(60s);
    EXPECT_EQ(ledger_[telemetry::Kind::connection].alive(), 0U);
    EXPECT_EQ(ledger_[telemetry::Kind::stream].alive(), 0U);
    EXPECT_EQ(ledger_[telemetry::Kind::send_queue].alive(), 0U);
    EXPECT_EQ(ledger_[telemetry::Kind::active_peer].alive(), 0U);
}

}  // namespace
}  // namespace grapevine::stack
