#include "console/action_request.hpp"

#include <gtest/gtest.h>

namespace grapevine::console {
namespace {

TEST(ActionRequest, ASpawn) {
    const auto wish =
        decode_spawn(R"({"mesh":"m-1","type":"broker","count":3,"cpu_millicores":500,"memory_kib":1024})");
    ASSERT_TRUE(wish);
    EXPECT_EQ(wish->mesh, "m-1");
    EXPECT_EQ(wish->type, "broker");
    EXPECT_EQ(wish->count, 3U);
    EXPECT_EQ(wish->cpu_millicores, 500U);
    EXPECT_EQ(wish->memory_kib, 1024U);
    EXPECT_EQ(decode_spawn(R"({"mesh":"m","type":"t"})")->count, 1U);
}

TEST(ActionRequest, WhatIsWrongNamesItsMember) {
    struct Case {
        const char* body;
        const char* field;
    };
    for (const Case& bad :
         {Case{"", ""}, Case{"[]", ""}, Case{"{", ""}, Case{R"({"type":"t"})", "mesh"}, Case{R"({"mesh":"m"})", "type"},
          Case{R"({"mesh":1,"type":"t"})", "mesh"}, Case{R"({"mesh":"../m","type":"t"})", "mesh"},
          Case{R"({"mesh":"-m","type":"t"})", "mesh"}, Case{R"({"mesh":"m","type":"--data-dir"})", "type"},
          Case{R"({"mesh":"","type":"t"})", "mesh"}, Case{R"({"mesh":"m","type":"t","count":257})", "count"},
          Case{R"({"mesh":"m","type":"t","count":1.5})", "count"},
          Case{R"({"mesh":"m","type":"t","count":"1"})", "count"},
          Case{R"({"mesh":"m","type":"t","memory_kib":-1})", "memory_kib"},
          Case{R"({"mesh":"m","type":"t","argv":[]})", "argv"}}) {
        const auto wish = decode_spawn(bad.body);
        ASSERT_FALSE(wish) << bad.body;
        EXPECT_EQ(wish.error().field, bad.field) << bad.body;
        EXPECT_FALSE(wish.error().message.empty());
    }
}

TEST(ActionRequest, ALayout) {
    const auto meshes = decode_bootstrap(R"({"meshes":[{"mesh":"a","per_mesh":{"broker":2,"gateway":1}},)"
                                         R"({"mesh":"b","per_mesh":{"broker":1}}]})");
    ASSERT_TRUE(meshes);
    ASSERT_EQ(meshes->size(), 2U);
    EXPECT_EQ((*meshes)[0].per_mesh[1].type, "gateway");
    for (const char* bad :
         {R"({})", R"({"meshes":[]})", R"({"meshes":{}})", R"({"meshes":[1]})", R"({"meshes":[{"mesh":"a"}]})",
          R"({"meshes":[{"mesh":"a","per_mesh":{}}]})", R"({"meshes":[{"mesh":"a","per_mesh":{"b":0}}]})",
          R"({"meshes":[{"mesh":"a","per_mesh":{"B":1}}]})", R"({"meshes":[{"mesh":"a","per_mesh":{"b":1},"x":1}]})",
          R"({"meshes":[{"mesh":"a","per_mesh":{"b":1}},{"mesh":"a","per_mesh":{"b":1}}]})"}) {
        EXPECT_FALSE(decode_bootstrap(bad)) << bad;
    }
}

TEST(ActionRequest, EveryTruncationIsAnError) {
    const std::string whole = R"({"mesh":"m","type":"t","count":3})";
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decode_spawn(whole.substr(0, size))) << size;
    }
}

TEST(ActionRequest, NothingIsNothing) {
    EXPECT_TRUE(decode_nothing(""));
    EXPECT_TRUE(decode_nothing("{}"));
    EXPECT_FALSE(decode_nothing("null"));
    EXPECT_EQ(decode_nothing(R"({"signal":9})").error().field, "signal");
}

}  // namespace
}  // namespace grapevine::console
