#include "grapevine/node_main_json.hpp"

#include <gtest/gtest.h>

namespace grapevine::cli {
namespace {

TEST(JsonText, EscapesWhatJsonMustNotHold) {
    EXPECT_EQ(json_text("a\"b\\c\n\r\t"), R"("a\"b\\c\n\r\t")");
    EXPECT_EQ(json_text(std::string_view("\0\x1f", 2)), R"("\u0000\u001f")");
    EXPECT_EQ(json_text(""), R"("")");
}

TEST(JsonText, KeepsUtf8AndReplacesTheRest) {
    EXPECT_EQ(json_text("gr\xc3\xbc\xc3\x9f"
                        "e \xe2\x82\xac \xf0\x9f\x8d\x87"),
              "\"gr\xc3\xbc\xc3\x9f"
              "e \xe2\x82\xac \xf0\x9f\x8d\x87\"");
    const std::string bad = "\"\xef\xbf\xbd\"";
    EXPECT_EQ(json_text("\xff"), bad);
    EXPECT_EQ(json_text("\xc3"), bad);
    EXPECT_EQ(json_text("\x80"), bad);
}

TEST(JsonText, RefusesOverlongFormsAndSurrogates) {
    for (const char* text : {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x80\x80\xaf"}) {
        EXPECT_EQ(json_text(text).find(text), std::string::npos);
    }
}

TEST(JsonTexts, IsAnArray) {
    EXPECT_EQ(json_texts({}), "[]");
    EXPECT_EQ(json_texts({"a", "b"}), R"(["a","b"])");
}

}  // namespace
}  // namespace grapevine::cli
