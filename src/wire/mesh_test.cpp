#include "wire/mesh.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "wire/generators_testing.hpp"
#include "wire/postcard.hpp"
#include "wire/vectors_testing.hpp"

namespace grapevine::wire {
namespace {

using base::EndpointId;
using testing::concat;
using testing::filled;
using testing::hex;
using testing::id_of;
using testing::kId1;
using testing::kId2a;

struct Vector {
    std::string name;
    MeshFrame frame;
    std::string bytes;
};

SyncTurn typical_turn() {
    SyncTurn turn;
    turn.ranges.push_back({EndpointId{}, Fingerprint{{1, 2, 3}}});
    turn.ranges.push_back(
        {id_of<EndpointId>(kId2a), std::vector<KnownEntry>{{id_of<EndpointId>(kId2a), Sequence{300}}}});
    turn.ranges.push_back({filled<EndpointId>(0xff), std::monostate{}});
    turn.wanted = {id_of<EndpointId>(kId1)};
    turn.statements = {hex("aabbcc")};
    return turn;
}

std::vector<Vector> all_vectors() {
    const std::string zeros(64, '0');
    const std::string ones(64, 'f');
    return {
        {"hello", Hello{1, "mesh1", "broker"}, "01 10 01 05 6d65736831 06 62726f6b6572 00 00"},
        {"hello with a ticket", Hello{1, "mesh1", "broker", 300, hex("aabb")},
         "01 13 01 05 6d65736831 06 62726f6b6572 ac02 02 aabb"},
        {"refused", Refused{RefusalCode::busy, "full"}, "02 06 02 04 66756c6c"},
        {"ping", Ping{300}, "10 02 ac02"},
        {"pong", Pong{0}, "11 01 00"},
        {"echo", Echo{hex("010203")}, "12 04 03 010203"},
        {"empty echo", Echo{}, "12 01 00"},
        {"sync", typical_turn(),
         concat({"20 bd01 03", zeros, "01 01020300000000000000000000000000", kId2a, "02 01", kId2a, "ac02", ones, "00",
                 "01", kId1, "01 03 aabbcc"})},
        {"last sync", SyncTurn{}, "20 03 00 00 00"},
        {"resolve", Resolve{"mesh2.broker", 2}, "21 0e 0c 6d657368322e62726f6b6572 02"},
        {"resolved", Resolved{ResolveCode::found, {{300, hex("aabbcc")}}, "one"},
         "22 0c 00 01 ac02 03 aabbcc 03 6f6e65"},
        {"revocations", Revocations{hex("aabb")}, "03 03 02 aabb"},
    };
}

// The same frames in a sampled trace.
std::vector<Vector> traced_vectors() {
    using testing::kContextHex;
    const base::TraceContext context = testing::sampled_context();
    const AnswerTimes times{1, 0x0102030405060708};
    const std::string answer = "01 0000000000000001 0102030405060708";
    SyncTurn turn;
    turn.context = context;
    return {
        {"hello", Hello{1, "mesh1", "broker", 0, {}, context},
         concat({"01 32 01 05 6d65736831 06 62726f6b6572 00 00", kContextHex})},
        {"hello back", Hello{1, "mesh1", "broker", 0, {}, context, times},
         concat({"01 43 01 05 6d65736831 06 62726f6b6572 00 00", kContextHex, answer})},
        {"ping", Ping{300, context}, concat({"10 24 ac02", kContextHex})},
        {"pong", Pong{300, context, times}, concat({"11 35 ac02", kContextHex, answer})},
        {"pong of nobody's span", Pong{300, {}, times}, concat({"11 14 ac02 00", answer})},
        {"sync", turn, concat({"20 25 00 00 00", kContextHex})},
        {"resolve", Resolve{"a", 1, context}, concat({"21 25 01 61 01", kContextHex})},
        {"resolved", Resolved{ResolveCode::busy, {}, "", context, times},
         concat({"22 36 05 00 00", kContextHex, answer})},
    };
}

std::vector<MeshFrame> drain(MeshFrameReader& reader) {
    std::vector<MeshFrame> frames;
    while (true) {
        auto frame = reader.next();
        EXPECT_TRUE(frame) << frame.error().message;
        if (!frame || !*frame) return frames;
        frames.push_back(**std::move(frame));
    }
}

std::string error_of(std::string_view stream) {
    MeshFrameReader reader;
    reader.feed(hex(stream));
    const auto frame = reader.next();
    EXPECT_FALSE(frame) << stream;
    return frame ? std::string() : frame.error().message;
}

TEST(Mesh, BytesOfEveryFrameArePinned) {
    for (const auto& vector : all_vectors()) {
        EXPECT_EQ(base::hex_encode(encode(vector.frame)), base::hex_encode(hex(vector.bytes))) << vector.name;
        MeshFrameReader reader;
        reader.feed(hex(vector.bytes));
        EXPECT_EQ(drain(reader), std::vector<MeshFrame>{vector.frame}) << vector.name;
        EXPECT_TRUE(reader.at_boundary());
    }
}

TEST(Mesh, TheLongestListFitsAndALongerOneIsRefused) {
    MeshFrameReader reader;
    const Revocations longest{base::Bytes(kRevocationListMax, 7)};
    reader.feed(encode(longest));
    EXPECT_EQ(drain(reader), std::vector<MeshFrame>{longest});
    reader.feed(encode(Revocations{base::Bytes(kRevocationListMax + 1, 7)}));
    EXPECT_FALSE(reader.next());
}

TEST(Mesh, BytesOfTracedFramesArePinned) {
    for (const auto& vector : traced_vectors()) {
        EXPECT_EQ(base::hex_encode(encode(vector.frame)), base::hex_encode(hex(vector.bytes))) << vector.name;
        MeshFrameReader reader;
        reader.feed(hex(vector.bytes));
        EXPECT_EQ(drain(reader), std::vector<MeshFrame>{vector.frame}) << vector.name;
    }
}

TEST(Mesh, ADecisionNotToSampleIsCarriedAndAnInvalidContextIsNone) {
    base::TraceContext context = testing::sampled_context();
    context.sampled = false;
    const std::string unsampled = "10 24 ac02 01 0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 00 17979cfe362a0000";
    EXPECT_EQ(encode(Ping{300, context}), hex(unsampled));
    MeshFrameReader reader;
    reader.feed(hex(unsampled));
    reader.feed(hex("10 24 ac02 01 00000000000000000000000000000000 b7ad6b7169203331 01 17979cfe362a0000"));
    EXPECT_EQ(drain(reader), (std::vector<MeshFrame>{Ping{300, context}, Ping{300}}));
    context.span = {};
    EXPECT_EQ(encode(Ping{300, context}), encode(Ping{300})) << "who knows no tracing sees the frame as it was";
    EXPECT_EQ(encode(Hello{1, "mesh1", "broker", 0, {}, context}), encode(Hello{1, "mesh1", "broker"}));
}

TEST(Mesh, ACutContextIsAnError) {
    const base::Bytes payload = hex(concat({"ac02", testing::kContextHex}));
    for (std::size_t size = 3; size < payload.size(); ++size) {
        const auto frame = decode_mesh_frame(0x10, base::ByteView(payload).first(size));
        ASSERT_FALSE(frame) << size;
        EXPECT_NE(frame.error().message.find("truncated"), std::string::npos) << frame.error().message;
    }
    EXPECT_EQ(*decode_mesh_frame(0x10, base::ByteView(payload).first(2)), MeshFrame(Ping{300})) << "none at all";
}

TEST(Mesh, PayloadSizeIsWhatEncodingWrites) {
    SyncTurn traced = typical_turn();
    traced.context = testing::sampled_context();
    for (const SyncTurn& turn : {SyncTurn{}, typical_turn(), traced}) {
        const std::size_t size = payload_size(turn);
        EXPECT_EQ(encode(turn).size(), 1 + varint_size(size) + size);
    }
}

// Invariant 1: truncation at every cut is an error.
TEST(Mesh, EveryCutOfAPayloadIsAnError) {
    for (const auto& vector : all_vectors()) {
        const base::Bytes bytes = hex(vector.bytes);
        Reader head("test", bytes);
        const std::uint8_t tag = head.u8("tag");
        const std::uint32_t length = head.u32("length");
        for (std::size_t size = 0; size < length; ++size)
            EXPECT_FALSE(decode_mesh_frame(tag, base::ByteView(bytes).subspan(head.offset(), size))) << vector.name;
    }
}

TEST(Mesh, EveryCutOfAStreamWaits) {
    for (const auto& vector : all_vectors()) {
        const base::Bytes bytes = hex(vector.bytes);
        for (std::size_t size = 1; size < bytes.size(); ++size) {
            MeshFrameReader reader;
            reader.feed(base::ByteView(bytes).first(size));
            EXPECT_TRUE(drain(reader).empty());
            EXPECT_FALSE(reader.at_boundary());
            reader.feed(base::ByteView(bytes).subspan(size));
            EXPECT_EQ(drain(reader), std::vector<MeshFrame>{vector.frame});
        }
    }
}

TEST(Mesh, FieldsThatCameLaterAreIgnored) {
    MeshFrameReader reader;
    reader.feed(hex("10 03 ac02 99  11 01 07"));
    EXPECT_EQ(drain(reader), (std::vector<MeshFrame>{Ping{300}, Pong{7}}));
}

TEST(Mesh, UnknownTagsAndLengthsAreRefusedBeforeThePayloadComes) {
    EXPECT_EQ(error_of("04"), "mesh frame: unknown tag 4");
    EXPECT_EQ(error_of("00"), "mesh frame: unknown tag 0");
    EXPECT_EQ(error_of("10 8108"), "ping: 1025 bytes where 1024 are allowed");
    EXPECT_EQ(error_of("21 8108"), "resolve: 1025 bytes where 1024 are allowed");
    EXPECT_EQ(error_of("20 818004"), "sync turn: 65537 bytes where 65536 are allowed");
    EXPECT_EQ(error_of("20 ffffffff10"), "sync turn: length: integer does not fit its type");
    EXPECT_EQ(error_of("20 808080808000"), "sync turn: length: integer does not fit its type");
    EXPECT_FALSE(decode_mesh_frame(0x10, base::Bytes(kMeshSmallFrameMax + 1)));
    EXPECT_FALSE(decode_mesh_frame(0x30, base::Bytes{0})) << "a delivery frame";
}

TEST(Mesh, ErrorsNameTheThingAndTheRule) {
    EXPECT_EQ(error_of("01 0a 01 02 4d31 05 61626364 65"),
              "hello: mesh: mesh 'M1': must match [a-z0-9][a-z0-9-]{0,62}");
    EXPECT_EQ(error_of("02 02 05 00"), "refused: code: unknown variant 5");
    EXPECT_EQ(error_of("02 03 00 01 0a"), "refused: text: must be printable ASCII");
    EXPECT_EQ(error_of("02 03 00 8102"), "refused: text: 257 bytes where 256 are allowed");
    EXPECT_EQ(error_of("12 03 818002"), "echo: payload: 32769 bytes where 32768 are allowed");
    EXPECT_EQ(error_of("10 00"), "ping: nonce: truncated at byte 0");
}

// Invariant 2: every list has its limit.
TEST(Mesh, ListsStopAtTheirLimits) {
    EXPECT_EQ(error_of("20 02 8102"), "sync turn: ranges: 257 items where 256 are allowed");
    EXPECT_EQ(error_of("20 03 00 8104"), "sync turn: wanted: 513 items where 512 are allowed");
    EXPECT_EQ(error_of("20 03 00 00 41"), "sync turn: statements: 65 items where 64 are allowed");
    EXPECT_EQ(error_of("20 05 00 00 01 8110"), "sync turn: statement: 2049 bytes where 2048 are allowed");
}

std::vector<KnownEntry> entries_of(std::size_t count, std::uint8_t first_byte) {
    std::vector<KnownEntry> entries(count);
    for (std::size_t i = 0; i < count; ++i) {
        entries[i].id.bytes[0] = first_byte;
        entries[i].id.bytes[1] = static_cast<std::uint8_t>(i / 256);
        entries[i].id.bytes[2] = static_cast<std::uint8_t>(i % 256);
    }
    return entries;
}

base::Result<MeshFrame> through_the_wire(const MeshFrame& frame) {
    MeshFrameReader reader;
    reader.feed(encode(frame));
    auto read = reader.next();
    if (!read) return tl::unexpected(read.error());
    return **std::move(read);
}

TEST(Mesh, TheLimitOfEntriesIsForAllRangesTogether) {
    EndpointId second;
    second.bytes[0] = 1;
    SyncTurn turn;
    turn.ranges.push_back({EndpointId{}, entries_of(500, 0)});
    turn.ranges.push_back({second, entries_of(12, 1)});
    EXPECT_EQ(through_the_wire(turn), MeshFrame(turn));
    turn.ranges[1].content = entries_of(13, 1);
    EXPECT_EQ(through_the_wire(turn).error().message, "sync turn: entries: 13 items where 12 are allowed");
}

TEST(Mesh, RangesAndEntriesAscend) {
    const auto low = filled<EndpointId>(0x11);
    const auto middle = filled<EndpointId>(0x22);
    const auto high = filled<EndpointId>(0x33);
    const auto with = [](SyncRange a, SyncRange b) {
        SyncTurn turn;
        turn.ranges = {std::move(a), std::move(b)};
        return through_the_wire(turn);
    };
    using Entries = std::vector<KnownEntry>;
    EXPECT_TRUE(with({low, Entries{{low, {}}}}, {middle, Entries{{middle, {}}, {high, {}}}}));
    EXPECT_FALSE(with({middle, Fingerprint{}}, {low, Fingerprint{}})) << "descending";
    EXPECT_FALSE(with({low, Fingerprint{}}, {low, Fingerprint{}})) << "twice";
    EXPECT_FALSE(with({low, Entries{{high, {}}}}, {middle, Fingerprint{}})) << "beyond its range";
    EXPECT_FALSE(with({low, Entries{}}, {middle, Entries{{low, {}}}})) << "before its range";
    EXPECT_FALSE(with({low, Entries{}}, {middle, Entries{{high, {}}, {high, {}}}})) << "an entry twice";
}

TEST(MeshFrameReader, AnyCutOfAStreamGivesTheSameFrames) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        base::Rng rng(seed);
        const auto frames = testing::any_list<MeshFrame>(rng, 8, testing::any_mesh_frame);
        base::Bytes stream;
        for (const auto& frame : frames) {
            const base::Bytes bytes = encode(frame);
            stream.insert(stream.end(), bytes.begin(), bytes.end());
        }
        MeshFrameReader reader;
        std::vector<MeshFrame> got;
        for (base::ByteView rest = stream; !rest.empty();) {
            const std::size_t size = std::min<std::size_t>(rest.size(), 1 + rng.below(1200));
            reader.feed(rest.first(size));
            rest = rest.subspan(size);
            for (auto& frame : drain(reader))
                got.push_back(std::move(frame));
        }
        RC_ASSERT(got == frames);
        RC_ASSERT(reader.at_boundary());
    }));
}

TEST(MeshFrameReader, ADeadStreamStaysDead) {
    MeshFrameReader reader;
    reader.feed(hex("7f"));
    EXPECT_FALSE(reader.next());
    reader.feed(hex("10 01 00"));
    EXPECT_EQ(reader.next().error().message, "mesh stream: dead after an error");
    EXPECT_FALSE(reader.at_boundary());
}

TEST(StreamBuffer, ManyFramesAtOnceAndByteByByteAreTheSame) {
    StreamBuffer buffer;
    base::Bytes all;
    for (std::uint8_t i = 0; i < 100; ++i) {
        all.push_back(i);
        buffer.append(base::ByteView(&i, 1));
    }
    for (std::size_t consumed = 0; consumed < all.size(); consumed += 10) {
        const base::ByteView view = buffer.view();
        EXPECT_TRUE(
            std::equal(view.begin(), view.end(), all.begin() + static_cast<std::ptrdiff_t>(consumed), all.end()));
        buffer.consume(10);
    }
    EXPECT_TRUE(buffer.empty());
    EXPECT_DEATH(buffer.consume(1), "more than there is");
}

}  // namespace
}  // namespace grapevine::wire
