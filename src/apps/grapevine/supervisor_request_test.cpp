#include "apps/grapevine/supervisor_request.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace grapevine::apps {
namespace {

template <typename Request>
Request decoded(std::string_view line) {
    const auto request = decode_supervisor_request(line);
    EXPECT_TRUE(request.has_value()) << (request ? "" : request.error().message);
    return request ? std::get<Request>(*request) : Request{};
}

base::Error refused(std::string_view line) {
    const auto request = decode_supervisor_request(line);
    EXPECT_FALSE(request.has_value()) << line;
    return request ? base::Error{} : request.error();
}

TEST(SupervisorRequest, DecodesEachOperation) {
    decoded<ListRequest>(R"({"op":"list"})");
    decoded<EventsRequest>(R"( {"op":"watch"} )");
    const auto spawn = decoded<SpawnRequest>(
        R"({"op":"spawn","mesh":"mesh3","type":"broker","count":2,"cpu_millicores":250,"memory_kib":65536})");
    EXPECT_EQ(spawn.mesh, "mesh3");
    EXPECT_EQ(spawn.type, "broker");
    EXPECT_EQ(spawn.count, 2U);
    EXPECT_EQ(spawn.budgets, (Budgets{250, 65536}));
    const auto plain = decoded<SpawnRequest>(R"({"op":"spawn","mesh":"m","type":"t"})");
    EXPECT_EQ(plain.count, 1U);
    EXPECT_EQ(plain.budgets, Budgets{});
    for (const Action action : {Action::stop, Action::kill, Action::restart, Action::wedge, Action::resume}) {
        const auto wanted =
            decoded<ActionRequest>(R"({"op":")" + std::string(name(action)) + R"(","node":"mesh1.broker"})");
        EXPECT_EQ(wanted.action, action);
        EXPECT_EQ(wanted.node, "mesh1.broker");
    }
    const auto logs = decoded<LogsRequest>(R"({"op":"logs","node":"x","lines":0,"follow":true})");
    EXPECT_EQ(logs.lines, 0U);
    EXPECT_EQ(logs.follow, Follow::yes);
    EXPECT_EQ(decoded<LogsRequest>(R"({"op":"logs","node":"x"})").lines, kLogLinesDefault);
}

TEST(SupervisorRequest, ALayoutKeepsItsOrder) {
    const auto layout = decoded<BootstrapRequest>(R"({"op":"bootstrap","meshes":[)"
                                                  R"({"mesh":"b","per_mesh":{"registry":1,"broker":2}},)"
                                                  R"({"mesh":"a","per_mesh":{"x":3}}]})");
    ASSERT_EQ(layout.meshes.size(), 2U);
    EXPECT_EQ(layout.meshes[0].mesh, "b");
    EXPECT_EQ(layout.meshes[0].per_mesh, (std::vector<TypeCount>{{"registry", 1}, {"broker", 2}}));
    EXPECT_EQ(layout.meshes[1].per_mesh, (std::vector<TypeCount>{{"x", 3}}));
}

TEST(SupervisorRequest, NamesAreNoPathsNorOptions) {
    for (const char* bad : {"", ".", "..", "../mesh1", "/etc", "a/b", "mesh1.x", "-x", "--exec", "Mesh", "a b",
                            "a\\u0000b", "a\\nb", "$HOME", "m\\u00e9sh", "%s"}) {
        const std::string name(bad);
        const auto mesh = refused(R"({"op":"spawn","type":"broker","mesh":")" + name + "\"}");
        EXPECT_EQ(mesh.code, base::ErrorCode::invalid);
        EXPECT_NE(mesh.message.find("mesh"), std::string::npos) << mesh.message;
        const auto type = refused(R"({"op":"spawn","mesh":"mesh1","type":")" + name + "\"}");
        EXPECT_NE(type.message.find("type"), std::string::npos) << type.message;
        refused(R"({"op":"bootstrap","meshes":[{"mesh":")" + name + R"(","per_mesh":{"broker":1}}]})");
        refused(R"({"op":"bootstrap","meshes":[{"mesh":"mesh1","per_mesh":{")" + name + R"(":1}}]})");
    }
    refused(R"({"op":"spawn","type":"broker","mesh":")" + std::string(64, 'a') + "\"}");
}

TEST(SupervisorRequest, WhatIsWrongIsNamed) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "not JSON"},
        {"[]", "object"},
        {R"({"op":1})", "'op'"},
        {R"({"op":"reboot"})", "'reboot'"},
        {R"({"op":"list","x":1})", "'x'"},
        {R"({"op":"spawn","mesh":"m"})", "'type'"},
        {R"({"op":"spawn","mesh":"m","type":"t","data_dir":"/tmp"})", "'data_dir'"},
        {R"({"op":"spawn","mesh":"m","type":"t","args":["--x"]})", "'args'"},
        {R"({"op":"spawn","mesh":"m","type":"t","count":0})", "'count'"},
        {R"({"op":"spawn","mesh":"m","type":"t","count":257})", "'count'"},
        {R"({"op":"spawn","mesh":"m","type":"t","count":-1})", "'count'"},
        {R"({"op":"spawn","mesh":"m","type":"t","cpu_millicores":1024001})", "'cpu_millicores'"},
        {R"({"op":"spawn","mesh":"m","type":"t","memory_kib":"64M"})", "'memory_kib'"},
        {R"({"op":"stop"})", "'node'"},
        {R"({"op":"stop","node":""})", "'node'"},
        {R"({"op":"kill","node":"m","signal":9})", "'signal'"},
        {R"({"op":"bootstrap"})", "'meshes'"},
        {R"({"op":"bootstrap","meshes":[]})", "'meshes'"},
        {R"({"op":"bootstrap","meshes":[1]})", "'meshes'"},
        {R"({"op":"bootstrap","meshes":[{"mesh":"m"}]})", "'per_mesh'"},
        {R"({"op":"bootstrap","meshes":[{"mesh":"m","per_mesh":{}}]})", "'per_mesh'"},
        {R"({"op":"bootstrap","meshes":[{"mesh":"m","per_mesh":{"t":0}}]})", "'t'"},
        {R"({"op":"bootstrap","meshes":[{"mesh":"m","per_mesh":{"t":1},"op":"x"}]})", "'op'"},
        {R"({"op":"bootstrap","meshes":[{"mesh":"m","per_mesh":{"t":1}},{"mesh":"m","per_mesh":{"t":1}}]})", "'m'"},
        {R"({"op":"logs","node":"x","lines":10001})", "'lines'"},
        {R"({"op":"logs","node":"x","follow":1})", "'follow'"}};
    for (const auto& [line, offender] : cases) {
        const auto error = refused(line);
        EXPECT_NE(error.message.find(offender), std::string::npos) << line << ": " << error.message;
    }
    EXPECT_EQ(refused(R"({"op":"stop","node":")" + std::string(kNodeNameMax + 1, 'x') + "\"}").code,
              base::ErrorCode::invalid);
    EXPECT_EQ(refused(R"({"op":"bootstrap","meshes":[{"mesh":"m","per_mesh":{"s":200,"t":57}}]})").code,
              base::ErrorCode::exhausted);
}

TEST(SupervisorRequest, EveryTruncationIsAnError) {
    const std::string line = R"({"op":"bootstrap","meshes":[{"mesh":"mesh1","per_mesh":{"broker":3,"gateway":2}}]})";
    ASSERT_TRUE(decode_supervisor_request(line).has_value());
    for (std::size_t size = 0; size < line.size(); ++size) {
        refused(line.substr(0, size));
    }
}

TEST(SupervisorRequest, WhatIsEncodedIsDecoded) {
    const auto spawn = decoded<SpawnRequest>(encode(SpawnRequest{"mesh1", "broker", 3, {1, 2}}));
    EXPECT_EQ(spawn.count, 3U);
    EXPECT_EQ(spawn.budgets, (Budgets{1, 2}));
    EXPECT_EQ(decoded<ActionRequest>(encode(ActionRequest{Action::wedge, "a\"b"})).node, "a\"b");
    EXPECT_EQ(decoded<LogsRequest>(encode(LogsRequest{"x", 7, Follow::yes})).follow, Follow::yes);
}

}  // namespace
}  // namespace grapevine::apps
