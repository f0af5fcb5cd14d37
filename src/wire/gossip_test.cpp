#include "wire/gossip.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/blake3.hpp"
#include "wire/addr.hpp"
#include "wire/generators_testing.hpp"
#include "wire/vectors_testing.hpp"

namespace grapevine::wire {
namespace {

using base::EndpointId;
using base::MessageId;
using testing::concat;
using testing::filled;
using testing::hex;
using testing::id_of;
using testing::kHiId;
using testing::kId1;
using testing::kId2a;
using testing::kRelayHex;

struct Vector {
    std::string name;
    TopicMessage message;
    std::string frame;
};

TopicMessage membership(MembershipMessage message) {
    return message;
}
TopicMessage broadcast(BroadcastMessage message) {
    return message;
}

std::vector<Vector> membership_vectors() {
    const auto a = id_of<EndpointId>(kId1);
    const auto b = id_of<EndpointId>(kId2a);
    const AddrInfo info{{*RelayUrl::parse("http://127.0.0.1:3340/")}, {base::SocketAddr::v4(127, 0, 0, 1, 45002)}};
    return {
        {"Join(None)", membership(Join{}), "00000003 000000"},
        {"Join(Some(empty))", membership(Join{PeerData{}}), "00000004 00000100"},
        {"Join(Some)", membership(Join{encode(info)}),
         concat({"00000025 00000121 0116", kRelayHex, "01 00 7f000001 cadf02"})},
        {"ForwardJoin", membership(ForwardJoin{{a, std::nullopt}, Ttl{6}}), concat({"00000024 0001", kId1, "00 06"})},
        {"Shuffle", membership(Shuffle{a, {{b, std::nullopt}}, Ttl{6}}),
         concat({"00000045 0002", kId1, "01", kId2a, "00 06"})},
        {"ShuffleReply", membership(ShuffleReply{}), "00000003 000300"},
        {"Neighbor(High)", membership(Neighbor{Priority::high, std::nullopt}), "00000004 00040000"},
        {"Neighbor(Low)", membership(Neighbor{Priority::low, PeerData{}}), "00000005 0004010100"},
        {"Disconnect(alive)", membership(Disconnect{true, false}), "00000004 00050100"},
        {"Disconnect(quit)", membership(Disconnect{false, false}), "00000004 00050000"},
    };
}

Gossip hi(Scope scope) {
    return {id_of<MessageId>(kHiId), base::to_bytes("hi"), scope};
}

std::vector<Vector> broadcast_vectors() {
    const auto m = id_of<MessageId>(kHiId);
    return {
        {"Gossip swarm 0", broadcast(hi({ScopeKind::swarm, Round{0}})),
         concat({"00000027 0100", kHiId, "02 6869 00 00"})},
        {"Gossip swarm 300", broadcast(hi({ScopeKind::swarm, Round{300}})),
         concat({"00000028 0100", kHiId, "02 6869 00 ac02"})},
        {"Gossip neighbours", broadcast(hi({ScopeKind::neighbors, {}})),
         concat({"00000026 0100", kHiId, "02 6869 01"})},
        {"Prune", broadcast(Prune{}), "00000002 0101"},
        {"Graft(Some)", broadcast(Graft{m, Round{2}}), concat({"00000024 010201", kHiId, "02"})},
        {"Graft(None)", broadcast(Graft{std::nullopt, Round{2}}), "00000004 01020002"},
        {"IHave", broadcast(IHave{{{m, Round{2}}}}), concat({"00000024 010301", kHiId, "02"})},
    };
}

std::vector<Vector> all_vectors() {
    auto vectors = membership_vectors();
    for (auto& vector : broadcast_vectors())
        vectors.push_back(vector);
    return vectors;
}

TEST(Gossip, GoldenFrames) {
    for (const auto& vector : all_vectors()) {
        const base::Bytes frame = hex(vector.frame);
        EXPECT_EQ(encode_frame(encode(vector.message)), frame) << vector.name;
        EXPECT_EQ(decode_topic_message(base::ByteView(frame).subspan(4)), vector.message) << vector.name;
    }
}

TEST(Gossip, StreamHeader) {
    EXPECT_EQ(encode_stream_header(filled<base::TopicId>(0x17)),
              hex("00000020 1717171717171717171717171717171717171717171717171717171717171717"));
}

TEST(Gossip, TheVectorsMessageIdIsTheHashOfItsContent) {
    EXPECT_EQ(id_of<MessageId>(kHiId).bytes, base::blake3(base::as_bytes("hi")));
}

// Invariant 1: truncation at every cut is an error.
TEST(Gossip, EveryCutIsAnError) {
    for (const auto& vector : all_vectors()) {
        const base::Bytes body = encode(vector.message);
        for (std::size_t size = 0; size < body.size(); ++size)
            EXPECT_FALSE(decode_topic_message(base::ByteView(body).first(size))) << vector.name << " cut at " << size;
    }
}

TEST(Gossip, BytesAfterTheLastFieldAreIgnored) {
    for (const auto& vector : all_vectors()) {
        base::Bytes body = encode(vector.message);
        body.push_back(0x55);
        EXPECT_EQ(decode_topic_message(body), vector.message) << vector.name;
    }
}

TEST(Gossip, UnknownDiscriminantsAreRefused) {
    EXPECT_EQ(decode_topic_message(hex("02")).error().message, "gossip message: layer: unknown variant 2");
    EXPECT_EQ(decode_topic_message(hex("0006")).error().message,
              "gossip message: membership message: unknown variant 6");
    EXPECT_EQ(decode_topic_message(hex("0104")).error().message,
              "gossip message: broadcast message: unknown variant 4");
    EXPECT_EQ(decode_topic_message(hex("000402")).error().message, "gossip message: priority: unknown variant 2");
    EXPECT_EQ(decode_topic_message(hex("00050200")).error().message, "gossip message: alive: must be 0 or 1, is 2");
    EXPECT_EQ(decode_topic_message(hex(concat({"0100", kHiId, "00 02"}))).error().message,
              "gossip message: scope: unknown variant 2");
    EXPECT_EQ(decode_topic_message(hex("")).error().message, "gossip message: layer: truncated at byte 0");
}

TEST(Gossip, ListsStopAtTheirLimits) {
    ShuffleReply peers;
    peers.nodes.resize(kPeerListMax);
    EXPECT_TRUE(decode_topic_message(encode(membership(peers))));
    peers.nodes.emplace_back();
    EXPECT_EQ(decode_topic_message(encode(membership(peers))).error().message,
              "gossip message: peers: 65 items where 64 are allowed");
    EXPECT_EQ(decode_topic_message(hex("0103 8101")).error().message,
              "gossip message: announcements: 129 items where 128 are allowed");
}

// Limits of the reference, section 10.5.
TEST(Gossip, LargestContentFitsTheSendersLimit) {
    Gossip gossip = hi({ScopeKind::swarm, Round{0}});
    gossip.content.assign(kGossipContentMax, 0x61);
    EXPECT_EQ(encode(broadcast(gossip)).size(), kGossipMessageMax - 1) << "a sender stays below the limit";
    gossip.content.push_back(0x61);
    const base::Bytes largest = encode(broadcast(gossip));
    EXPECT_EQ(largest.size(), kGossipMessageMax);
    EXPECT_EQ(decode_topic_message(largest), broadcast(gossip)) << "a receiver takes the limit itself";
    gossip.content.push_back(0x61);
    EXPECT_EQ(decode_topic_message(encode(broadcast(gossip))).error().message,
              "gossip message: 4097 bytes where 4096 are allowed");
}

TEST(Gossip, HowManyAnnouncementsFitAFrame) {
    IHave ihave;
    ihave.messages.resize(116, {id_of<MessageId>(kHiId), Round{300}});
    EXPECT_LT(encode(broadcast(ihave)).size(), kGossipMessageMax);
    ihave.messages.resize(125, {id_of<MessageId>(kHiId), Round{300}});
    EXPECT_GT(encode(broadcast(ihave)).size(), kGossipMessageMax);
}

TEST(Gossip, RoundTrips) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        base::Rng rng(seed);
        const TopicMessage message = testing::any_topic_message(rng);
        RC_ASSERT(decode_topic_message(encode(message)) == message);
    }));
}

std::vector<base::Bytes> drain(FrameReader& reader) {
    std::vector<base::Bytes> bodies;
    while (true) {
        auto body = reader.next();
        EXPECT_TRUE(body);
        if (!body || !*body) return bodies;
        bodies.push_back(**std::move(body));
    }
}

TEST(FrameReader, AnyCutOfAStreamGivesTheSameFrames) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        base::Rng rng(seed);
        const auto bodies =
            testing::any_list<base::Bytes>(rng, 20, [](base::Rng& r) { return testing::any_bytes(r, 200); });
        base::Bytes stream;
        for (const auto& body : bodies) {
            const base::Bytes frame = encode_frame(body);
            stream.insert(stream.end(), frame.begin(), frame.end());
        }
        FrameReader reader;
        std::vector<base::Bytes> got;
        for (base::ByteView rest = stream; !rest.empty();) {
            const std::size_t size = std::min<std::size_t>(rest.size(), 1 + rng.below(40));
            reader.feed(rest.first(size));
            rest = rest.subspan(size);
            for (auto& body : drain(reader))
                got.push_back(std::move(body));
        }
        RC_ASSERT(got == bodies);
        RC_ASSERT(reader.at_boundary());
    }));
}

TEST(FrameReader, RefusesALengthOverTheLimitBeforeTheBodyComes) {
    FrameReader reader;
    reader.feed(hex("00001000"));
    EXPECT_EQ(reader.next(), std::optional<base::Bytes>());
    EXPECT_FALSE(reader.at_boundary());
    FrameReader other;
    other.feed(hex("00001001"));
    EXPECT_EQ(other.next().error().message, "gossip stream: frame of 4097 bytes where 4096 are allowed");
    other.feed(hex("00000000"));
    EXPECT_FALSE(other.next()) << "a dead stream stays dead";
    EXPECT_FALSE(other.at_boundary());
}

TEST(FrameReader, TheEndOfAStreamIsCleanBetweenFramesOnly) {
    FrameReader reader;
    EXPECT_TRUE(reader.at_boundary());
    reader.feed(hex("000000"));
    EXPECT_EQ(reader.next(), std::optional<base::Bytes>());
    EXPECT_FALSE(reader.at_boundary());
    reader.feed(hex("02 aa"));
    EXPECT_EQ(drain(reader).size(), 0U);
    EXPECT_FALSE(reader.at_boundary());
    reader.feed(hex("bb"));
    EXPECT_EQ(drain(reader), (std::vector<base::Bytes>{hex("aabb")}));
    EXPECT_TRUE(reader.at_boundary());
}

}  // namespace
}  // namespace grapevine::wire
