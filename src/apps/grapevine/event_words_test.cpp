#include "apps/grapevine/event_words.hpp"

#include <string>

#include <gtest/gtest.h>

#include "io/json.hpp"

namespace grapevine::apps {
namespace {

std::string supervisor(const std::string& line) {
    return supervisor_event_words(*io::parse_json_object("test", line));
}

std::string node(const std::string& line) {
    return node_event_words(*io::parse_json_object("test", line), [](const std::string& id) { return "<" + id + ">"; });
}

TEST(EventWords, OfTheSupervisor) {
    EXPECT_EQ(supervisor(R"({"event":"spawn","name":"m.b-1","pid":7})"), "m.b-1 is started, process 7");
    EXPECT_EQ(supervisor(R"({"event":"restart","name":"m.b","pid":8})"), "m.b is started again, process 8");
    EXPECT_EQ(supervisor(R"({"event":"ready","name":"m.b","pid":8})"), "m.b is ready, process 8");
    EXPECT_EQ(supervisor(R"({"event":"stopping","name":"m.b","asked":"kill"})"), "m.b is killed");
    EXPECT_EQ(supervisor(R"({"event":"stopping","name":"m.b","asked":"restart"})"), "m.b is restarted");
    EXPECT_EQ(supervisor(R"({"event":"wedged","name":"m.b"})"), "m.b is wedged");
    EXPECT_EQ(supervisor(R"({"event":"resumed","name":"m.b"})"), "m.b goes on");
    EXPECT_EQ(supervisor(R"({"event":"ended","name":"m.b","how":"exit code 0"})"), "m.b ended, exit code 0");
}

TEST(EventWords, OfANode) {
    EXPECT_EQ(node(R"({"event":"joined","name":"m.b","accusers":[]})"), "m.b joined");
    EXPECT_EQ(node(R"({"event":"died","name":"m.b","accusers":["x","y"]})"), "m.b died, accused by <x>, <y>");
    EXPECT_EQ(node(R"({"event":"suspected","name":"m.b","accuser":"x","reason":"connection_lost"})"),
              "m.b is suspected by <x>: connection lost");
    EXPECT_EQ(node(R"({"event":"refuted","name":"m.b","accuser":"x"})"), "m.b refuted what <x> said of it");
    EXPECT_EQ(node(R"({"event":"mesh_appeared","mesh":"m2"})"), "mesh m2 appeared");
    EXPECT_EQ(node(R"({"event":"law_broken","kind":"stream","law":"owned"})"), "law broken: kind stream: owned");
    EXPECT_EQ(node(R"({"event":"own_ticket","id":"x","text":"expires"})"), "own ticket: <x>: expires");
    EXPECT_EQ(node(R"({"event":"leaving"})"), "leaving");
    EXPECT_EQ(node(R"({"event":"updated","name":"m.b"})"), "");
    EXPECT_EQ(node(R"({"event":"neighbor_up","id":"x"})"), "");
}

TEST(EventWords, NothingHostileReachesATerminal) {
    EXPECT_EQ(node(R"({"event":"joined","name":"m\u001b[2J"})").find('\x1b'), std::string::npos);
    EXPECT_EQ(supervisor(R"({"event":"\u001b","name":"\u001b","how":"\u001b"})").find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace grapevine::apps
