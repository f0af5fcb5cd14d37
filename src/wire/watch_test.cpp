#include "wire/watch.hpp"

#include <gtest/gtest.h>

#include "wire/digest.hpp"
#include "wire/publication.hpp"
#include "wire/vectors_testing.hpp"

namespace grapevine::wire {
namespace {

using base::EndpointId;
using testing::concat;
using testing::filled;
using testing::hex;

struct Vector {
    std::string name;
    WatchFrame frame;
    std::string bytes;  // Tag, length, payload.
};

std::vector<Vector> vectors() {
    const std::string id(64, '7');
    return {
        {"begin", WatchBegin{1, "mesh2", 30000}, "50 0a 01 05 6d65736832 b0ea01"},
        {"told", WatchTold{300, hex("aabbcc")}, "51 06 ac02 03 aabbcc"},
        {"whole", WatchWhole{}, "52 00"},
        {"gone", WatchGone{filled<EndpointId>(0x77), WatchGoneCause::died}, "53 21 " + id + " 01"},
        {"beat", WatchBeat{}, "54 00"},
        {"mesh", WatchMesh{"mesh3", WatchMeshChange::gone}, "55 07 05 6d65736833 01"},
    };
}

TEST(Watch, FramesHaveTheirGoldenBytes) {
    for (const auto& v : vectors()) {
        EXPECT_EQ(encode(v.frame), hex(v.bytes)) << v.name;
        WatchFrameReader reader;
        reader.feed(hex(v.bytes));
        const auto read = reader.next();
        ASSERT_TRUE(read && *read) << v.name;
        EXPECT_TRUE(**read == v.frame) << v.name;
        EXPECT_TRUE(reader.at_boundary());
    }
}

TEST(Watch, EveryTruncationOfAPayloadIsAnError) {
    for (const auto& v : vectors()) {
        const base::Bytes whole = encode(v.frame);
        const base::ByteView payload = base::ByteView(whole).subspan(2);
        for (std::size_t size = 0; size < payload.size(); ++size) {
            const auto read = decode_watch_frame(whole.front(), payload.first(size));
            ASSERT_FALSE(read) << v.name << " " << size;
            EXPECT_FALSE(read.error().message.empty());
        }
    }
}

TEST(Watch, FieldsOfLaterVersionsAreIgnored) {
    for (const auto& v : vectors()) {
        base::Bytes whole = encode(v.frame);
        whole.push_back(0x55);
        const auto read = decode_watch_frame(whole.front(), base::ByteView(whole).subspan(2));
        ASSERT_TRUE(read) << v.name;
        EXPECT_TRUE(*read == v.frame) << v.name;
    }
}

std::string error_of(std::string_view frame) {
    const base::Bytes bytes = hex(frame);
    const auto read = decode_watch_frame(bytes.front(), base::ByteView(bytes).subspan(1));
    return read ? "" : read.error().message;
}

TEST(Watch, WhatBreaksARuleIsNamed) {
    EXPECT_EQ(error_of("4f"), "watch frame: unknown tag 79");
    EXPECT_NE(error_of("50 02 05 6d65736832 00").find("version: is 2 where 1 is known"), std::string::npos);
    EXPECT_NE(error_of("50 01 05 4d65736832 00").find("mesh: is no name of a mesh"), std::string::npos);
    EXPECT_NE(error_of("53 " + std::string(64, '7') + " 05").find("cause"), std::string::npos);
    EXPECT_NE(error_of("55 05 6d65736833 02").find("change"), std::string::npos);
}

TEST(Watch, AFrameOverItsLimitIsRefusedBeforeItsBodyComes) {
    WatchFrameReader told;
    told.feed(hex("51 8112"));  // 2305
    ASSERT_FALSE(told.next());
    WatchFrameReader largest;
    largest.feed(encode(WatchTold{4'294'967'295, base::Bytes(kStatementMax, 1)}));
    EXPECT_TRUE(largest.next());
    WatchFrameReader beat;
    beat.feed(hex("54 8102"));
    EXPECT_FALSE(beat.next());
}

TEST(Watch, NamesAreTheLibrarysOwn) {
    const WatchTarget target{filled<EndpointId>(0xab), WatchSubject::meshes};
    const std::string name = watch_target(target);
    EXPECT_EQ(name, target.gateway.hex() + "#meshes");
    EXPECT_EQ(parse_watch_target(name), target);
    EXPECT_EQ(parse_watch_target(target.gateway.hex() + "#directory"),
              (WatchTarget{target.gateway, WatchSubject::directory}));
    EXPECT_FALSE(parse_watch_target("mesh2.gateway#directory")) << "reserved all the same";
    EXPECT_TRUE(is_reserved_name("mesh2.gateway#directory") && is_reserved_name(name));
    EXPECT_FALSE(is_watch_name("mesh2.gateway"));
    EXPECT_FALSE(parse_chunk_target(name));
}

}  // namespace
}  // namespace grapevine::wire
