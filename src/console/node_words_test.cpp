#include "console/node_words.hpp"

#include <gtest/gtest.h>

#include "console/supervisor_socket.hpp"
#include "console/world_testing.hpp"
#include "io/json.hpp"

namespace grapevine::console {
namespace {

using namespace testing;

std::string row(const std::string& more = "") {
    return R"({"id":")" + id_of(7).hex() + R"(","name":"m.t.7","mesh":"m","type":"t")" + more + "}";
}

std::string directory(const std::string& rows) {
    return R"({"ok":true,"name":"m.t.1","nodes":[)" + rows + "]}";
}

std::optional<MeshEvent> event(const std::string& text) {
    return decode_event(*io::parse_json_object("event", text));
}

TEST(NodeWords, ARowOfADirectory) {
    const std::string other = id_of(8).hex();
    const auto rows = decode_directory(
        directory(row(R"(,"addrs":["127.0.0.1:5"],"neighbors":[")" + other +
                      R"("],"cpu_millicores":1,"memory_kib":2,"cpu_budget_millicores":3,"memory_budget_kib":4,)"
                      R"("sequence":5,"started_unix_ms":6,"messages_sent":7,"messages_received":8,"age_ms":900,)"
                      R"("known_via":"sync","suspected_by":[")" +
                      other + R"("],"later":true)")),
        start().now);
    ASSERT_TRUE(rows) << rows.error().message;
    ASSERT_EQ(rows->size(), 1U);
    const DirectoryRow& found = rows->front();
    EXPECT_EQ(found.id, id_of(7));
    EXPECT_EQ(found.digest.neighbors, std::vector{id_of(8)});
    EXPECT_EQ(found.digest.load, (Load{1, 3, 2, 4}));
    EXPECT_EQ(found.digest.sequence, 5U);
    EXPECT_EQ(found.digest.heard, start().now - std::chrono::milliseconds(900));
    EXPECT_EQ(found.digest.via, KnownVia::sync);
    EXPECT_EQ(found.suspected_by, std::vector{id_of(8)});
}

TEST(NodeWords, WhatIsNoDirectoryIsAnError) {
    for (const std::string& bad :
         {std::string(), std::string("[]"), std::string(R"({"ok":true})"), std::string(R"({"nodes":{}})"),
          directory("1"), directory("{}"), directory(R"({"id":"x","name":"n","mesh":"m"})"),
          directory(R"({"id":")" + id_of(7).hex() + R"(","mesh":"m"})")}) {
        EXPECT_FALSE(decode_directory(bad, start().now)) << bad;
    }
    const std::string whole = directory(row());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decode_directory(whole.substr(0, size), start().now)) << size;
    }
}

TEST(NodeWords, Neighbors) {
    const auto found = decode_neighbors(R"({"ok":true,"neighbors":[{"id":")" + id_of(1).hex() +
                                        R"(","eager":true},{"id":")" + id_of(2).hex() + R"("}]})");
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 2U);
    EXPECT_TRUE((*found)[0].eager);
    EXPECT_FALSE((*found)[1].eager);
    EXPECT_FALSE(decode_neighbors(R"({"ok":true})"));
    EXPECT_FALSE(decode_neighbors(R"({"neighbors":[1]})"));
}

TEST(NodeWords, Events) {
    const std::string id = id_of(7).hex(), by = id_of(8).hex();
    const auto died = event(R"({"event":"died","id":")" + id + R"(","name":"m.t.7","accusers":[")" + by + R"("]})");
    ASSERT_TRUE(died);
    EXPECT_EQ(died->kind, MeshEvent::Kind::died);
    EXPECT_EQ(died->who, std::vector{id_of(8)});
    const auto suspected =
        event(R"({"event":"suspected","id":")" + id + R"(","accuser":")" + by + R"(","reason":"silent"})");
    ASSERT_TRUE(suspected);
    EXPECT_EQ(suspected->who, std::vector{id_of(8)});
    EXPECT_EQ(suspected->detail, "silent");
    EXPECT_EQ(event(R"({"event":"mesh_gone","mesh":"n"})")->detail, "n");
    const auto law = event(R"({"event":"law_broken","kind":"timer","law":"64 a node","alive":65,"limit":64})");
    ASSERT_TRUE(law);
    EXPECT_EQ(law->name, "timer");
    EXPECT_EQ(law->detail, "65 'timer', allowed 64: 64 a node");
    EXPECT_FALSE(event(R"({"event":"updated","id":")" + id + R"("})"));
    EXPECT_FALSE(event(R"({"event":"died","id":"x"})"));
    EXPECT_FALSE(event("{}"));
}

TEST(NodeWords, ProcessesOfTheSupervisor) {
    const auto row_of_list = decode_process(*io::parse_json_object(
        "row", R"({"name":"m.broker-2","mesh":"m","type":"broker","id":null,"pid":1,"state":"starting","how":null})"));
    ASSERT_TRUE(row_of_list);
    EXPECT_EQ(row_of_list->state, ProcessState::starting);
    EXPECT_EQ(row_of_list->id, "");
    EXPECT_EQ(row_of_list->event, "");
    const auto ended = decode_process(*io::parse_json_object(
        "event", R"({"event":"ended","name":"m.broker.ab","mesh":"m","id":"ab","how":"signal 9"})"));
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->state, ProcessState::ended);
    EXPECT_EQ(ended->text, "signal 9");
    EXPECT_FALSE(decode_process(*io::parse_json_object("event", R"({"event":"line","name":"m"})")));
}

TEST(NodeWords, AnswersOfTheSupervisor) {
    EXPECT_TRUE(decode_supervisor_answer(R"({"ok":true,"nodes":[]})")->contains("nodes"));
    const auto refused =
        decode_supervisor_answer(R"({"ok":false,"error":{"code":"exhausted","message":"256 run"},"nodes":[]})");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), (base::Error{base::ErrorCode::exhausted, "256 run"}));
    for (const char* bad : {"", "{}", R"({"ok":1})", "[]"}) {
        EXPECT_FALSE(decode_supervisor_answer(bad)) << bad;
    }
}

}  // namespace
}  // namespace grapevine::console
