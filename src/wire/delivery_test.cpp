#include "wire/delivery.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "wire/generators_testing.hpp"
#include "wire/mesh.hpp"
#include "wire/postcard.hpp"
#include "wire/vectors_testing.hpp"

namespace grapevine::wire {
namespace {

using testing::concat;
using testing::hex;
using testing::kContextHex;

struct Vector {
    std::string name;
    DeliveryFrame frame;
    std::string bytes;
};

Deliver typical() {
    return {MessageSequence{300}, MessageKind::request, MessageCopy::again,
            MessageSequence{299}, MessageSequence{5},   10'000,
            "mesh2.broker",       hex("aabbcc")};
}

// The largest there is, with the payload to follow.
DeliverLarge announced(Deliver message) {
    message.payload.clear();
    return {std::move(message), 16'777'216};
}

std::vector<Vector> all_vectors() {
    Deliver traced = typical();
    traced.context = testing::sampled_context();
    const AnswerTimes times{1, 0x0102030405060708};
    const std::string answer = "01 0000000000000001 0102030405060708";
    return {
        {"deliver", typical(), "30 1a ac02 01 01 ab02 05 904e 0c 6d657368322e62726f6b6572 03 aabbcc"},
        {"least deliver", Deliver{MessageSequence{1}, {}, {}, {}, {}, 0, "a", {}}, "30 09 01 00 00 00 00 00 01 61 00"},
        {"deliver in a trace", traced,
         concat({"30 3c ac02 01 01 ab02 05 904e 0c 6d657368322e62726f6b6572 03 aabbcc", kContextHex})},
        {"reply", Outcome{MessageSequence{300}, OutcomeCode::acknowledged, hex("0102")}, "31 06 ac02 00 02 0102"},
        {"busy", Outcome{MessageSequence{1}, OutcomeCode::busy, base::to_bytes("full")}, "31 07 01 04 04 66756c6c"},
        {"in doubt", Outcome{MessageSequence{1}, OutcomeCode::in_doubt, {}}, "31 03 01 06 00"},
        {"outcome in a trace",
         Outcome{MessageSequence{300}, OutcomeCode::acknowledged, {}, testing::sampled_context(), times},
         concat({"31 37 ac02 00 00", kContextHex, answer})},
        {"window", Window{64, 1'048'576}, "32 04 40 808040"},
        {"no window", Window{}, "32 02 00 00"},
        {"open stream", OpenStream{MessageSequence{7}, 500, "mesh1.compute.239dc9"},
         "33 18 07 f403 14 6d657368312e636f6d707574652e323339646339"},
        {"open stream in a trace", OpenStream{MessageSequence{7}, 500, "a", testing::sampled_context()},
         concat({"33 27 07 f403 01 61", kContextHex})},
        {"deliver large", announced(typical()), "34 1a ac02 01 01 ab02 05 904e 0c 6d657368322e62726f6b6572 80808008"},
        {"deliver large in a trace", announced(traced),
         concat({"34 3c ac02 01 01 ab02 05 904e 0c 6d657368322e62726f6b6572 80808008", kContextHex})},
    };
}

std::vector<DeliveryFrame> drain(DeliveryFrameReader& reader) {
    std::vector<DeliveryFrame> frames;
    while (true) {
        auto frame = reader.next();
        EXPECT_TRUE(frame) << frame.error().message;
        if (!frame || !*frame) return frames;
        frames.push_back(**std::move(frame));
    }
}

std::string error_of(std::string_view stream) {
    DeliveryFrameReader reader;
    reader.feed(hex(stream));
    const auto frame = reader.next();
    EXPECT_FALSE(frame) << stream;
    return frame ? std::string() : frame.error().message;
}

TEST(Delivery, BytesOfEveryFrameArePinned) {
    for (const auto& vector : all_vectors()) {
        EXPECT_EQ(base::hex_encode(encode(vector.frame)), base::hex_encode(hex(vector.bytes))) << vector.name;
        DeliveryFrameReader reader;
        reader.feed(hex(vector.bytes));
        EXPECT_EQ(drain(reader), std::vector<DeliveryFrame>{vector.frame}) << vector.name;
        EXPECT_TRUE(reader.at_boundary());
    }
}

// Invariant 1: truncation at every cut is an error, but where a context may begin: a frame without one is whole.
TEST(Delivery, EveryCutOfAPayloadIsAnError) {
    for (const auto& vector : all_vectors()) {
        const base::Bytes bytes = hex(vector.bytes);
        Reader head("test", bytes);
        const std::uint8_t tag = head.u8("tag");
        const std::uint32_t length = head.u32("length");
        std::size_t whole = 0;
        for (std::size_t size = 0; size < length; ++size)
            whole += decode_delivery_frame(tag, base::ByteView(bytes).subspan(head.offset(), size)) ? 1U : 0U;
        const bool traced = vector.name.ends_with("in a trace");
        EXPECT_EQ(whole, traced ? (vector.name.starts_with("outcome") ? 2U : 1U) : 0U) << vector.name;
    }
}

TEST(Delivery, EveryCutOfAStreamWaits) {
    for (const auto& vector : all_vectors()) {
        const base::Bytes bytes = hex(vector.bytes);
        for (std::size_t size = 1; size < bytes.size(); ++size) {
            DeliveryFrameReader reader;
            reader.feed(base::ByteView(bytes).first(size));
            EXPECT_TRUE(drain(reader).empty());
            EXPECT_FALSE(reader.at_boundary());
            reader.feed(base::ByteView(bytes).subspan(size));
            EXPECT_EQ(drain(reader), std::vector<DeliveryFrame>{vector.frame});
        }
    }
}

TEST(Delivery, FieldsThatCameLaterAreIgnored) {
    DeliveryFrameReader reader;
    reader.feed(hex("32 03 01 02 99  31 04 01 06 00 99"));
    EXPECT_EQ(drain(reader),
              (std::vector<DeliveryFrame>{Window{1, 2}, Outcome{MessageSequence{1}, OutcomeCode::in_doubt, {}}}));
}

TEST(Delivery, UnknownTagsAndLengthsAreRefusedBeforeThePayloadComes) {
    EXPECT_EQ(error_of("10"), "delivery frame: unknown tag 16");
    EXPECT_EQ(error_of("35"), "delivery frame: unknown tag 53");
    EXPECT_EQ(error_of("30 818004"), "deliver: 65537 bytes where 65536 are allowed");
    EXPECT_EQ(error_of("31 818004"), "outcome: 65537 bytes where 65536 are allowed");
    EXPECT_EQ(error_of("32 8108"), "window: 1025 bytes where 1024 are allowed");
    EXPECT_EQ(error_of("33 8108"), "open stream: 1025 bytes where 1024 are allowed");
    EXPECT_EQ(error_of("34 8108"), "deliver large: 1025 bytes where 1024 are allowed");
    EXPECT_EQ(error_of("30 ffffffff10"), "deliver: length: integer does not fit its type");
    EXPECT_FALSE(decode_delivery_frame(0x32, base::Bytes(kMeshSmallFrameMax + 1)));
}

TEST(Delivery, ErrorsNameTheThingAndTheRule) {
    EXPECT_EQ(error_of("30 09 00 00 00 00 00 00 01 61 00"), "deliver: sequence: begins at 1");
    EXPECT_EQ(error_of("30 09 01 02 00 00 00 00 01 61 00"), "deliver: kind: unknown variant 2");
    EXPECT_EQ(error_of("30 09 01 00 02 00 00 00 01 61 00"), "deliver: copy: unknown variant 2");
    EXPECT_EQ(error_of("30 09 01 00 00 02 00 00 01 61 00"), "deliver: after: must not be above the sequence");
    EXPECT_EQ(error_of("30 09 01 00 00 00 01 00 01 61 00"), "deliver: settled: must be below the sequence");
    EXPECT_EQ(error_of("30 08 01 00 00 00 00 00 00 00"), "deliver: name: must be printable ASCII without spaces");
    EXPECT_EQ(error_of("30 09 01 00 00 00 00 00 01 20 00"), "deliver: name: must be printable ASCII without spaces");
    EXPECT_EQ(error_of("30 08 01 00 00 00 00 00 c901"), "deliver: name: 201 bytes where 200 are allowed");
    EXPECT_EQ(error_of("30 0b 01 00 00 00 00 00 01 61 81e003"),
              "deliver: payload: 61441 bytes where 61440 are allowed");
    EXPECT_EQ(error_of("31 03 00 00 00"), "outcome: sequence: begins at 1");
    EXPECT_EQ(error_of("31 03 01 07 00"), "outcome: code: unknown variant 7");
    EXPECT_EQ(error_of("31 04 01 01 8102"), "outcome: payload: 257 bytes where 256 are allowed");
    EXPECT_EQ(error_of("31 04 01 01 01 0a"), "outcome: payload: must be printable ASCII where it is no reply");
    EXPECT_EQ(error_of("34 09 01 00 00 00 00 00 01 61 00"), "deliver large: size: must be 1 to 16 MiB");
    EXPECT_EQ(error_of("34 0c 01 00 00 00 00 00 01 61 81808008"), "deliver large: size: must be 1 to 16 MiB");
    EXPECT_EQ(error_of("33 04 01 00 01 7f"), "open stream: name: must be printable ASCII without spaces");
}

TEST(Delivery, TheLargestMessageAndReplyFit) {
    Deliver deliver = typical();
    deliver.sequence.value = deliver.after.value = ~std::uint64_t{0};
    deliver.settled.value = deliver.sequence.value - 1;
    deliver.time_left_ms = ~std::uint32_t{0};
    deliver.name = std::string(kTargetNameMax, 'n');
    deliver.payload.assign(kDeliverPayloadMax, 7);
    deliver.context = testing::sampled_context();
    const Outcome reply{deliver.sequence, OutcomeCode::acknowledged, deliver.payload, deliver.context,
                        AnswerTimes{1, 2}};
    DeliveryFrameReader reader;
    reader.feed(encode(deliver));
    reader.feed(encode(reply));
    EXPECT_EQ(drain(reader), (std::vector<DeliveryFrame>{deliver, reply}));
}

TEST(Delivery, TheCostOfAMessageCountsItsNameAndAnOverhead) {
    EXPECT_EQ(window_cost(1, 0), 65U);
    EXPECT_EQ(window_cost(12, 200), 276U);
    EXPECT_EQ(window_cost(1, kLargePayloadMax), window_cost(1, kDeliverPayloadMax));
}

TEST(Delivery, EveryCodeHasAName) {
    EXPECT_EQ(name(OutcomeCode::in_doubt), "in_doubt");
    for (std::size_t i = 0; i < kOutcomeCodes; ++i)
        EXPECT_NE(name(static_cast<OutcomeCode>(i)), "unknown");
    EXPECT_EQ(name(static_cast<OutcomeCode>(kOutcomeCodes)), "unknown");
}

TEST(DeliveryFrameReader, AnyCutOfAStreamGivesTheSameFrames) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        base::Rng rng(seed);
        const auto frames = testing::any_list<DeliveryFrame>(rng, 8, testing::any_delivery_frame);
        base::Bytes stream;
        for (const auto& frame : frames) {
            const base::Bytes bytes = encode(frame);
            stream.insert(stream.end(), bytes.begin(), bytes.end());
        }
        DeliveryFrameReader reader;
        std::vector<DeliveryFrame> got;
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

TEST(DeliveryFrameReader, RawBytesFollowAFrame) {
    DeliveryFrameReader reader;
    reader.feed(hex("33 04 01 00 01 61 30 00 ff"));
    ASSERT_TRUE(*reader.next());
    EXPECT_EQ(reader.take_rest(), hex("30 00 ff"));
    EXPECT_TRUE(reader.at_boundary());
}

TEST(DeliveryFrameReader, ADeadStreamStaysDead) {
    DeliveryFrameReader reader;
    reader.feed(hex("01"));
    EXPECT_FALSE(reader.next());
    reader.feed(hex("32 02 00 00"));
    EXPECT_EQ(reader.next().error().message, "delivery stream: dead after an error");
    EXPECT_FALSE(reader.at_boundary());
}

}  // namespace
}  // namespace grapevine::wire
