// Each limit of DecodeLimits, and that what is over it is counted.

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "otlp/decode.hpp"
#include "otlp/encode.hpp"
#include "otlp/encode_common.hpp"
#include "otlp/samples_testing.hpp"

namespace grapevine::otlp {
namespace {

using protozero::pbf_writer;
using testing::message;
using testing::nested_arrays;
using testing::pair_bytes;
using testing::request;
using testing::span_bytes;

// The body of a log with this AnyValue.
struct Value {
    std::string text;
    std::uint64_t cut = 0;
};
Value value_of(const std::string& any, const DecodeLimits& limits) {
    const auto decoded = decode_logs(request({message([&](pbf_writer& out) { out.add_message(5, any); })}), limits);
    if (!decoded || decoded->rows.size() != 1) return {"undecodable"};
    return {decoded->rows[0].body, decoded->cut};
}

std::string text_any(std::string_view text) {
    return message([&](pbf_writer& out) { out.add_string(1, text.data(), text.size()); });
}
std::string bytes_any(std::string_view bytes) {
    return message([&](pbf_writer& out) { out.add_bytes(7, bytes.data(), bytes.size()); });
}
std::string list_any(FieldNumber kind, const std::vector<std::string>& elements) {
    const std::string list = message([&](pbf_writer& out) {
        for (const std::string& element : elements) {
            out.add_message(1, element);
        }
    });
    return message([&](pbf_writer& out) { out.add_message(kind, list); });
}
std::string array_any(const std::vector<std::string>& elements) {
    return list_any(5, elements);
}
std::string map_any(const std::vector<std::string>& pairs) {
    return list_any(6, pairs);
}

TEST(DecodeLimits, BodyIsRefusedWhole) {
    const std::string body = encode_traces(testing::resource(), testing::spans());
    DecodeLimits limits;
    limits.body_bytes_max = body.size();
    EXPECT_TRUE(decode_traces(body, limits));
    --limits.body_bytes_max;
    const auto refused = decode_traces(body, limits);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, base::ErrorCode::exhausted);
}

TEST(DecodeLimits, ItemsBeyondAreRefused) {
    DecodeLimits limits;
    limits.items_max = 2;
    const auto decoded = decode_traces(encode_traces(testing::resource(), testing::spans()), limits);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->rows.size(), 2U);
    EXPECT_EQ(decoded->refused, 3U);
    EXPECT_EQ(decoded->reason, "request: more than 2 items");
    const auto points = decode_metrics(encode_metrics({}, testing::metrics(), 1, 2), limits);
    ASSERT_TRUE(points);
    EXPECT_EQ(points->rows.size(), 2U);
    EXPECT_EQ(points->refused, 6U);
    const auto logs = decode_logs(encode_logs({}, testing::logs()), limits);
    ASSERT_TRUE(logs);
    EXPECT_EQ(logs->rows.size(), 2U);
}

// A few bytes for each point, but each would carry the long description.
TEST(DecodeLimits, MemoryIsBoundedWhereRowsAreLargerThanTheirBytes) {
    const std::string point = message([](pbf_writer& out) { out.add_sfixed64(6, 1); });
    const std::string data = message([&](pbf_writer& out) {
        for (int i = 0; i < 1000; ++i) {
            out.add_message(1, point);
        }
    });
    const std::string metric = message([&](pbf_writer& out) {
        out.add_string(1, "m");
        out.add_string(2, std::string(4000, 'd'));
        out.add_message(5, data);
    });
    DecodeLimits limits;
    limits.decoded_bytes_max = 100'000;
    const auto decoded = decode_metrics(request({metric}), limits);
    ASSERT_TRUE(decoded);
    EXPECT_GT(decoded->rows.size(), 15U);
    EXPECT_LE(decoded->rows.size(), 25U);
    EXPECT_EQ(decoded->rows.size() + decoded->refused, 1000U);
    EXPECT_EQ(decoded->reason, "request: more than 100000 bytes when decoded");
}

TEST(DecodeLimits, ResourcesWithoutItemsAreForgotten) {
    std::string body = encode_traces(testing::resource(), testing::spans());
    for (int i = 0; i < 1000; ++i) {
        body.append("\x0a\x00", 2);
    }
    const auto decoded = decode_traces(body);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->resources.size(), 1U);
}

TEST(DecodeLimits, AttributesLinksAndEventsAreCut) {
    const std::string link = message([](pbf_writer& out) {
        out.add_bytes(1, std::string(16, 1));
        out.add_bytes(2, std::string(8, 1));
    });
    const std::string body = request({span_bytes([&](pbf_writer& span) {
        for (int i = 0; i < 5; ++i) {
            span.add_message(9, pair_bytes("k" + std::to_string(i), text_any("v")));
            span.add_message(13, link);
        }
        span.add_message(9, pair_bytes("", text_any("no key")));
        span.add_message(11, std::string());
        span.add_message(13, std::string());
    })});
    const auto whole = decode_traces(body);
    ASSERT_TRUE(whole && whole->rows.size() == 1);
    EXPECT_EQ(whole->rows[0].attributes.size(), 5U);
    EXPECT_EQ(whole->rows[0].links.size(), 5U);
    EXPECT_EQ(whole->cut, 3U);  // The attribute without a key, the event, the link without ids.
    DecodeLimits limits;
    limits.attributes_max = 3;
    limits.links_max = 2;
    const auto decoded = decode_traces(body, limits);
    ASSERT_TRUE(decoded && decoded->rows.size() == 1);
    EXPECT_EQ(decoded->rows[0].attributes.size(), 3U);
    EXPECT_EQ(decoded->rows[0].links.size(), 2U);
    EXPECT_EQ(decoded->cut, 3U + 1U + 3U + 1U);
}

TEST(DecodeLimits, TextIsCutBetweenCodePoints) {
    DecodeLimits limits;
    limits.text_bytes_max = 4;
    const Value cut = value_of(text_any("abc\xC3\xBC"
                                        "def"),
                               limits);
    EXPECT_EQ(cut.text, "abc");
    EXPECT_EQ(cut.cut, 5U);
    EXPECT_EQ(value_of(text_any("abcd"), limits).cut, 0U);
}

TEST(DecodeLimits, ValuesTooDeepAreNull) {
    DecodeLimits limits;
    limits.depth_max = 2;
    EXPECT_EQ(value_of(nested_arrays(2), limits).text, "[[7]]");
    EXPECT_EQ(value_of(nested_arrays(3), limits).text, "[[null]]");
    EXPECT_EQ(value_of(nested_arrays(3), limits).cut, 1U);
    const Value deep = value_of(nested_arrays(5000), {});
    EXPECT_EQ(deep.text, "[[[[[[[[null]]]]]]]]");
    EXPECT_EQ(deep.cut, 1U);
}

TEST(DecodeValues, AreJson) {
    const std::string number = message([](pbf_writer& out) { out.add_double(4, 1e300); });
    const std::string nan =
        message([](pbf_writer& out) { out.add_double(4, std::numeric_limits<double>::quiet_NaN()); });
    const std::string yes = message([](pbf_writer& out) { out.add_bool(2, true); });
    EXPECT_EQ(value_of("", {}).text, "null");
    EXPECT_EQ(value_of(nan, {}).text, "NaN");
    EXPECT_EQ(value_of(array_any({}), {}).text, "[]");
    EXPECT_EQ(value_of(map_any({}), {}).text, "{}");
    EXPECT_EQ(value_of(array_any({number, nan, yes, "", text_any("a\"\\\n\x01\xC3\xBC")}), {}).text,
              "[1e+300,\"NaN\",true,null,\"a\\\"\\\\\\n\\u0001\xC3\xBC\"]");
    EXPECT_EQ(value_of(map_any({pair_bytes("k", array_any({yes})), pair_bytes("", text_any(""))}), {}).text,
              "{\"k\":[true],\"\":\"\"}");
    // RFC 4648, section 10.
    EXPECT_EQ(value_of(bytes_any("f"), {}).text, "\"Zg==\"");
    EXPECT_EQ(value_of(bytes_any("fo"), {}).text, "\"Zm8=\"");
    EXPECT_EQ(value_of(bytes_any("foobar"), {}).text, "\"Zm9vYmFy\"");
    EXPECT_EQ(value_of(bytes_any("\xFF\xEF"), {}).text, "\"/+8=\"");
}

// Whatever the limit, brackets and quotes close, and the text is within it.
TEST(DecodeLimits, JsonStaysWholeWhenCut) {
    const std::string any = map_any({pair_bytes("list", array_any({text_any("one"), array_any({text_any("two")})})),
                                     pair_bytes("raw", bytes_any("foobar")), pair_bytes("last", text_any("\n\n"))});
    const std::string whole = R"({"list":["one",["two"]],"raw":"Zm9vYmFy","last":"\n\n"})";
    for (std::size_t limit = 4; limit <= whole.size() + 1; ++limit) {
        DecodeLimits limits;
        limits.text_bytes_max = limit;
        const Value value = value_of(any, limits);
        EXPECT_LE(value.text.size(), limit);
        EXPECT_EQ(value.text.front(), '{');
        EXPECT_EQ(value.text.back(), '}');
        for (const auto& pair : {std::string("[]"), std::string("{}")}) {
            EXPECT_EQ(std::count(value.text.begin(), value.text.end(), pair[0]),
                      std::count(value.text.begin(), value.text.end(), pair[1]))
                << value.text;
        }
        EXPECT_EQ(std::count(value.text.begin(), value.text.end(), '"') % 2, 0) << value.text;
        EXPECT_EQ(value.text.find(",}"), std::string::npos);
        EXPECT_EQ(value.text.find(":}"), std::string::npos);
        EXPECT_EQ(value.cut == 0, limit >= whole.size()) << limit << value.text;
        EXPECT_EQ(value.text == whole, limit >= whole.size()) << limit << value.text;
    }
}

}  // namespace
}  // namespace grapevine::otlp
