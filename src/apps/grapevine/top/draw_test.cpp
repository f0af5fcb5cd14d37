#include "apps/grapevine/top/draw.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <ctime>

#include "apps/grapevine/top/text.hpp"
#include "console/world_testing.hpp"

namespace grapevine::apps {
namespace {

using console::MeshEvent;
using console::ProcessState;
using console::testing::id_of;
using console::testing::row_of;

constexpr std::size_t kNodes = 8;

std::string text_of(const std::vector<TopLine>& lines) {
    std::string out = "\n";
    for (const TopLine& line : lines) {
        out += plain_text(line) + "\n";
    }
    return out;
}

// Two meshes of four: one node died, one is suspected, one wedged, one beyond its budget; the supervisor is gone.
class TopDrawTest : public ::testing::Test {
protected:
    void SetUp() override {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
        for (std::uint32_t number = 1; number <= kNodes; ++number) {
            rows_.push_back(node(number));
        }
        tell_all();
        pass(std::chrono::seconds(10));
        console::DirectoryRow busy = rows_[1];
        busy.digest.sequence = 2;
        busy.digest.heard = at_.now;
        busy.digest.messages_sent = 1234;
        busy.digest.messages_received = 7;
        world_.on_row(id_of(1), busy, at_);
        for (const auto kind : {MeshEvent::Kind::suspected, MeshEvent::Kind::died}) {
            world_.on_event(id_of(1), {kind, id_of(3), rows_[2].digest.name, {id_of(1)}, "silent for 2 s"}, at_);
        }
        pass(std::chrono::seconds(3));
        world_.on_event(id_of(5), {MeshEvent::Kind::suspected, id_of(7), rows_[6].digest.name, {id_of(5)}, "silent"},
                        at_);
        world_.on_process({rows_[7].digest.name, "mesh2", id_of(8).hex(), ProcessState::wedged, "wedged"}, at_);
        world_.on_source("supervisor", console::SourceState::down, "control socket '/run/up/up.sock': gone", at_);
        pass(std::chrono::seconds(125));
        observe();
    }

    console::DirectoryRow node(std::uint32_t number) const {
        static constexpr std::array<const char*, 4> kTypes{"gateway", "broker", "compute", "registry"};
        console::DirectoryRow row = row_of(number, 1, {number % 4 == 0 ? number - 1 : number + 1});
        row.digest.mesh = number <= kNodes / 2 ? "mesh1" : "mesh2";
        row.digest.type = kTypes.at((number - 1) % 4);
        row.digest.name = row.digest.mesh + "." + row.digest.type + "." + id_of(number * 0x1234567).hex().substr(0, 6);
        row.digest.load = {100 * number, number == 6 ? 500U : 1000U, 4096 * number, number == 2 ? 0 : 65536U};
        row.digest.started_unix_ms = at_.wall.unix_ms - 3'600'000;
        row.digest.addrs = {"127.0.0.1:" + std::to_string(4000 + number)};
        return row;
    }
    void tell_all() {
        for (const std::uint32_t viewer : {1U, 5U}) {
            world_.on_viewer(id_of(viewer), rows_[viewer - 1].digest.mesh, at_);
            world_.on_directory(id_of(viewer), rows_, at_);
        }
    }
    void observe() { model_.observe(world_, at_); }
    void pass(base::Duration time) {
        at_.now += time;
        at_.wall.unix_ms += static_cast<std::uint64_t>(time / std::chrono::milliseconds(1));
    }
    void press(char c) { model_.on_key({TopKey::Kind::text, std::string(1, c)}, at_); }
    std::string screen(std::size_t columns, std::size_t rows) { return text_of(screen_of(model_, {columns, rows})); }

    console::Moment at_ = console::testing::start();
    console::World world_{1, at_};
    TopModel model_{"default"};
    std::vector<console::DirectoryRow> rows_;
};

TEST_F(TopDrawTest, At80x24) {
    EXPECT_EQ(screen(80, 24), R"(
grapevine top  fabric default  22:15:38  CRITICAL  5 alerts
mesh  mesh2  whole  3 members  1 suspected  since 22:13:20  (2 min)
mesh  mesh1  whole  3 members  since 22:13:20  (2 min)
 ? source supervisor is down  control socket '/run/up/up.sock':~  since 22:13:33
!! critical  mesh1.compute.0369d0 died  since 22:13:30  (2 min)
 ! warning  mesh2.compute.07f6e5 is suspected by 1  since 22:13:33  (2 min)
 ! warning  mesh2.registry.091a2b is stopped (SIGSTOP)  since 22:13:33  (2 min)
 ! warning  mesh2.broker.06d3a0 uses 600 millicores of 500  since 22:13:20
8 nodes  worst first
  NAME                  STATE     PROCESS         CPU    MEMORY  IN/S OUT/S  AGE
> mesh1.compute.0369d0  dead      -         300/1000m    12/64M     -     -   2m
  mesh2.compute.07f6e5  suspected -         700/1000m    28/64M     -     -   2m
  mesh2.registry.091a2b member    wedged    800/1000m    32/64M     -     -   2m
  mesh2.broker.06d3a0   member    -         !600/500m    24/64M     -     -   2m
  mesh1.broker.02468a   member    -         200/1000m      8.0M     -     -   2m
  mesh1.gateway.012345  member    ready     100/1000m   4.0/64M     -     -   2m
  mesh1.registry.048d15 member    -         400/1000m    16/64M     -     -   2m
  mesh2.gateway.05b05b  member    ready     500/1000m    20/64M     -     -   2m

events  newest first
22:13:33  mesh2.registry.091a2b: wedged
22:13:33  mesh2.gateway.05b05b suspects mesh2.compute.07f6e5: silent
22:13:30  mesh1.compute.0369d0 died, accused by mesh1.gateway.012345
q quit  ? help  / filter  s sort  m mesh  Enter details  t timeline  p pause
)");
}

TEST_F(TopDrawTest, At120x40) {
    EXPECT_EQ(screen(120, 40), R"(
grapevine top  fabric default  22:15:38  CRITICAL  5 alerts
mesh  mesh2  whole  3 members  1 suspected  since 22:13:20  (2 min)
mesh  mesh1  whole  3 members  since 22:13:20  (2 min)
 ? source supervisor is down  control socket '/run/up/up.sock': gone  since 22:13:33  (2 min)
!! critical  mesh1.compute.0369d0 died  since 22:13:30  (2 min)
 ! warning  mesh2.compute.07f6e5 is suspected by 1  since 22:13:33  (2 min)
 ! warning  mesh2.registry.091a2b is stopped (SIGSTOP)  since 22:13:33  (2 min)
 ! warning  mesh2.broker.06d3a0 uses 600 millicores of 500  since 22:13:20  (2 min)
8 nodes  worst first
  NAME                  MESH  TYPE     STATE     PROCESS         CPU    MEMORY PEERS  IN/S OUT/S  AGE
> mesh1.compute.0369d0  mesh1 compute  dead      -         300/1000m    12/64M     1     -     -   2m
  mesh2.compute.07f6e5  mesh2 compute  suspected -         700/1000m    28/64M     1     -     -   2m
  mesh2.registry.091a2b mesh2 registry member    wedged    800/1000m    32/64M     1     -     -   2m
  mesh2.broker.06d3a0   mesh2 broker   member    -         !600/500m    24/64M     1     -     -   2m
  mesh1.broker.02468a   mesh1 broker   member    -         200/1000m      8.0M     1     -     -   2m
  mesh1.gateway.012345  mesh1 gateway  member    ready     100/1000m   4.0/64M     1     -     -   2m
  mesh1.registry.048d15 mesh1 registry member    -         400/1000m    16/64M     1     -     -   2m
  mesh2.gateway.05b05b  mesh2 gateway  member    ready     500/1000m    20/64M     1     -     -   2m














events  newest first
22:13:33  mesh2.registry.091a2b: wedged
22:13:33  mesh2.gateway.05b05b suspects mesh2.compute.07f6e5: silent
22:13:30  mesh1.compute.0369d0 died, accused by mesh1.gateway.012345
22:13:30  mesh1.gateway.012345 suspects mesh1.compute.0369d0: silent for 2 s


q quit  ? help  / filter  s sort  m mesh  Enter details  t timeline  a alerts  p pause
)");
}

TEST_F(TopDrawTest, At40x12) {
    EXPECT_EQ(screen(40, 12), R"(
22:15:38  CRITICAL  5 alerts
mesh2  whole  3 members  1 suspected
 ? source supervisor is down  control s~
!! critical  mesh1.compute.0369d0 died
8 nodes  worst first
  NAME                  STATE
> mesh1.compute.0369d0  dead
  mesh2.compute.07f6e5  suspected
  mesh2.registry.091a2b wedged
  mesh2.broker.06d3a0   over
22:13:33  mesh2.registry.091a2b: wedged
q quit  ? help  Enter details  p pause
)");
}

TEST_F(TopDrawTest, OneNode) {
    model_.on_key({TopKey::Kind::enter}, at_);
    EXPECT_EQ(screen(80, 24), R"(
grapevine top  fabric default  22:15:38  CRITICAL  5 alerts
mesh1.compute.0369d0  dead
id            0000000300000000000000000000000000000000000000000000000000000000
mesh          mesh1, type compute
state         dead since 22:13:30 (2 min)
process       not on this machine, or nobody says
digest        sequence 1, 2 min ago, by gossip, in the words of mesh1.gateway.0~
started       21:13:20 (62 min)
cpu           300/1000m
memory        12/64M
messages      in 0 (-/s), out 0 (-/s)
addresses     127.0.0.1:4003
neighbours    none is known
events        newest first
22:13:30  mesh1.compute.0369d0 died, accused by mesh1.gateway.012345
22:13:30  mesh1.gateway.012345 suspects mesh1.compute.0369d0: silent for 2 s







q back  arrows scroll  p pause  Q quit
)");
}

TEST_F(TopDrawTest, ThePauseIsLoud) {
    press('p');
    world_.on_source("supervisor", console::SourceState::up, "back", at_);
    observe();
    const std::vector<TopLine> lines = screen_of(model_, {80, 24});
    EXPECT_EQ(plain_text(lines[1]), " PAUSED at 22:15:38  p goes on  this is old: more happened since");
    ASSERT_EQ(lines[1].size(), 1U);
    EXPECT_EQ(lines[1][0].look, Look::loud);
    EXPECT_EQ(width_of(lines[1]), 80U) << "the whole line";
}

TEST_F(TopDrawTest, AReportLeavesNothingOut) {
    const std::string report = text_of(report_of(model_, 160));
    for (const console::DirectoryRow& row : rows_) {
        EXPECT_NE(report.find(row.digest.name), std::string::npos) << row.digest.name;
    }
    EXPECT_NE(report.find(" ? source supervisor is down"), std::string::npos);
    EXPECT_EQ(report.find("q quit"), std::string::npos);
}

TEST_F(TopDrawTest, NothingIsKnownAtFirst) {
    TopModel empty("default");
    const console::World world(1, at_);
    empty.observe(world, at_);
    const std::string shown = text_of(screen_of(empty, {80, 10}));
    EXPECT_NE(shown.find("NOTHING IS KNOWN"), std::string::npos) << shown;
    EXPECT_NE(shown.find("`grapevine up` starts some"), std::string::npos) << shown;
}

// Whatever nodes call themselves, at whatever size: no line is wider than the terminal, none moves its cursor.
TEST_F(TopDrawTest, NoNameBreaksALine) {
    const std::array<std::string, 6> names{"\x1b[2J\x1b]0;owned\x07",
                                           "\xC2\x9B"
                                           "5A\r\n\t\b",
                                           std::string(300, 'x'),
                                           "網格節點網格節點網格節點網格節點",
                                           "e\u0301\u0301\u0301\u0301",
                                           "\u202Egnp.exe\xFF\xFE\xC3"};
    for (std::size_t i = 0; i < names.size(); ++i) {
        console::DirectoryRow row = rows_[i];
        row.digest.sequence = 9;
        row.digest.name = names[i];
        row.digest.type = names[i];
        row.digest.addrs = {names[i]};
        row.digest.load.cpu_millicores = 4'000'000'000U;
        world_.on_row(id_of(i < kNodes / 2 ? 1 : 5), row, at_);
    }
    world_.on_note({0, 0, "action", "", names[0], names[1] + names[2], {}}, at_);
    world_.on_viewer(id_of(77), names[3], at_);
    world_.on_source(names[0], console::SourceState::down, names[2], at_);
    observe();
    for (const char page : {'x', '\r', 't', 'a', '?', 'p'}) {
        if (page == '\r') {
            model_.on_key({TopKey::Kind::enter}, at_);
        } else {
            press(page);
        }
        for (std::size_t columns = 1; columns < 140; columns += columns < 30 ? 1 : 7) {
            for (const std::size_t rows : {1U, 2U, 3U, 5U, 12U, 24U, 60U}) {
                const auto lines = screen_of(model_, {columns, rows});
                ASSERT_EQ(lines.size(), rows);
                for (const TopLine& line : lines) {
                    ASSERT_LE(width_of(line), columns) << page << ": " << plain_text(line);
                    ASSERT_EQ(harmless(plain_text(line)), plain_text(line));
                }
            }
        }
        model_.on_key({TopKey::Kind::escape}, at_);
    }
}

// What a colour says stands in a word or a mark too.
TEST_F(TopDrawTest, ColourIsNeverAlone) {
    const std::string shown = screen(160, 40);
    for (const char* word : {"!! critical", " ! warning", " ? source", "dead", "suspected", "wedged", "!600/500m",
                             "whole", "CRITICAL", "\n> "}) {
        EXPECT_NE(shown.find(word), std::string::npos) << word << shown;
    }
}

}  // namespace
}  // namespace grapevine::apps
