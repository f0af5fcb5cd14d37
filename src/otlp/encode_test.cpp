#include "otlp/encode.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/utf8.hpp"
#include "otlp/decode.hpp"
#include "otlp/encode_common.hpp"
#include "otlp/samples_testing.hpp"

namespace grapevine::otlp {
namespace {

std::string hex(std::string_view bytes) {
    return base::hex_encode(base::as_bytes(bytes));
}

// Written by hand from the definitions: tag, length, value.
TEST(Encode, SmallSpanIsTheseBytes) {
    static constexpr telemetry::SpanSpec kSpec{"s", telemetry::Target::node, telemetry::Level::info};
    telemetry::Span span;
    span.spec = &kSpec;
    span.trace = testing::trace_id(1);
    span.id = testing::span_id(0x11);
    span.parent = testing::span_id(0x21);
    span.remote_parent = true;
    span.start_unix_ns = 1;
    span.end_unix_ns = 0x0102030405060708U;
    span.attributes = {{"n", std::int64_t{-1}}};
    span.status = telemetry::SpanStatus::error;
    span.status_text = "no";
    const auto items = testing::items_of(encode_traces({}, {&span, 1}));
    ASSERT_EQ(items.size(), 1U);
    EXPECT_EQ(hex(items[0]),
              "0a10"
              "0102030405060708090a0b0c0d0e0f10"
              "1208"
              "1112131415161718"
              "2208"
              "2122232425262728"
              "2a0173"
              "3001"
              "390100000000000000"
              "410807060504030201"
              "4a10"
              "0a016e"
              "120b18ffffffffffffffffff01"
              "4a15"
              "0a0b6d6573682e746172676574"
              "12060a046e6f6465"
              "7a06"
              "12026e6f"
              "1802"
              "850101030000");
}

TEST(Encode, FlagsSayWhetherTheParentIsRemote) {
    const auto spans = testing::spans();
    const auto items = testing::items_of(encode_traces(testing::resource(), spans));
    ASSERT_EQ(items.size(), spans.size());
    EXPECT_TRUE(hex(items[0]).ends_with("850101010000"));  // A root.
    EXPECT_TRUE(hex(items[1]).ends_with("850101030000"));
    EXPECT_TRUE(hex(items[2]).ends_with("850101010000"));
}

TEST(Encode, NothingToSayIsNoBytes) {
    EXPECT_EQ(encode_traces(testing::resource(), {}), "");
    EXPECT_EQ(encode_logs(testing::resource(), {}), "");
    EXPECT_EQ(encode_metrics(testing::resource(), {}, 1, 2), "");
    const telemetry::Metric without_points = testing::metrics().back();
    EXPECT_EQ(encode_metrics(testing::resource(), {&without_points, 1}, 1, 2), "");
    EXPECT_EQ(encode_response({}), "");
}

TEST(Encode, ResponsesRoundTrip) {
    const PartialSuccess partial{3, "span 'x': ends before it starts"};
    EXPECT_EQ(decode_response(encode_response(partial)), partial);
    EXPECT_EQ(decode_response(encode_response({7, ""})), (PartialSuccess{7, ""}));
    EXPECT_EQ(decode_response(encode_response({0, "a warning"})), (PartialSuccess{0, "a warning"}));
    EXPECT_EQ(decode_response(""), PartialSuccess{});
    EXPECT_EQ(hex(encode_response({3, "no"})),
              "0a0608031202"
              "6e6f");
}

TEST(Encode, ResponsesAreCheckedWhenRead) {
    const std::string good = encode_response({3, "why"});
    for (std::size_t length = 1; length < good.size(); ++length) {
        EXPECT_FALSE(decode_response(good.substr(0, length))) << length;
    }
    const auto negative = decode_response(std::string("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13));
    ASSERT_FALSE(negative);
    EXPECT_EQ(negative.error().message, "OTLP partial_success.rejected: negative");
    const auto text = decode_response(std::string("\x0a\x03\x12\x01\xff", 5));
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().message, "OTLP partial_success.error_message: not UTF-8");
    const auto type = decode_response(std::string("\x08\x03", 2));
    ASSERT_FALSE(type);
    EXPECT_EQ(type.error().message, "OTLP response.partial_success: wrong wire type 0");
}

TEST(Utf8, FollowsRfc3629) {
    for (const std::string_view valid : {"", "abc", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                                         "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
        EXPECT_TRUE(base::is_utf8(valid)) << hex(valid);
        EXPECT_EQ(base::repaired_utf8(valid), valid);
        EXPECT_FALSE(base::is_utf8(std::string(9, 'a') + std::string(valid) + "\x80")) << hex(valid);
    }
    // A lone continuation, overlong forms, surrogates, beyond U+10FFFF, cut short.
    for (const std::string_view invalid :
         {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
          "\xF5\x80\x80\x80", "\xFF", "\xC2", "\xE2\x82", "\xF0\x90\x80", "\xC2\x41", "\xE1\x80\x41",
          "\xF1\x80\x80\x41"}) {
        EXPECT_FALSE(base::is_utf8(invalid)) << hex(invalid);
        EXPECT_TRUE(base::is_utf8(base::repaired_utf8(invalid))) << hex(invalid);
    }
    EXPECT_EQ(base::repaired_utf8("a\xFFz"), "a\xEF\xBF\xBDz");
}

TEST(Utf8, CutsBetweenCodePoints) {
    const std::string_view text = "a\xC3\xBC\xF0\x9F\x8D\x87z";  // 1, 2, 4 and 1 bytes.
    const std::size_t expected[] = {0, 1, 1, 3, 3, 3, 3, 7, 8, 8};
    for (std::size_t limit = 0; limit < std::size(expected); ++limit) {
        EXPECT_EQ(base::cut_utf8(text, limit), text.substr(0, expected[limit])) << limit;
    }
}

}  // namespace
}  // namespace grapevine::otlp
