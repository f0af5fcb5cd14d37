#include "grapevine/node_main_json.hpp"

#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

namespace grapevine::cli {
namespace {

std::string quoted(std::string_view text) {
    return boost::json::serialize(boost::json::value(json_text(text)));
}

TEST(JsonText, EscapesWhatJsonMustNotHold) {
    EXPECT_EQ(quoted("a\"b\\c\n\r\t"), R"("a\"b\\c\n\r\t")");
    EXPECT_EQ(quoted(std::string_view("\0\x1f", 2)), R"("\u0000\u001f")");
    EXPECT_EQ(quoted(""), R"("")");
}

TEST(JsonText, KeepsUtf8AndReplacesTheRest) {
    EXPECT_EQ(quoted("gr\xc3\xbc\xc3\x9f"
                     "e \xe2\x82\xac \xf0\x9f\x8d\x87"),
              "\"gr\xc3\xbc\xc3\x9f"
              "e \xe2\x82\xac \xf0\x9f\x8d\x87\"");
    const std::string bad = "\"\xef\xbf\xbd\"";
    EXPECT_EQ(quoted("\xff"), bad);
    EXPECT_EQ(quoted("\xc3"), bad);
    EXPECT_EQ(quoted("\x80"), bad);
    EXPECT_EQ(quoted("\xc3(x\xe2\x82)"), "\"\xef\xbf\xbd(x\xef\xbf\xbd\xef\xbf\xbd)\"") << "what follows is kept";
}

TEST(JsonText, RefusesOverlongFormsAndSurrogates) {
    for (const char* text : {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x80\x80\xaf"}) {
        EXPECT_EQ(quoted(text).find(text), std::string::npos);
    }
}

TEST(JsonLine, IsOneObjectInTheOrderWritten) {
    boost::json::object object;
    object["b"] = json_texts({"x", "\n"});
    object["a"] = json_texts({});
    EXPECT_EQ(json_line(object), "{\"b\":[\"x\",\"\\n\"],\"a\":[]}\n");
}

}  // namespace
}  // namespace grapevine::cli
