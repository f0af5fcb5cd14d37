#include "apps/grapevine/top/model.hpp"

#include <gtest/gtest.h>

#include "console/world_testing.hpp"

namespace grapevine::apps {
namespace {

using console::MeshEvent;
using console::ProcessState;
using console::SourceState;
using console::testing::id_of;
using console::testing::row_of;
using Kind = TopKey::Kind;

class TopModelTest : public ::testing::Test {
protected:
    console::Moment at_ = console::testing::start();
    console::World world_{1, at_};
    TopModel model_{"default"};

    // A viewer 1 that holds so many nodes.
    void begin(std::uint32_t count) {
        std::vector<console::DirectoryRow> rows;
        for (std::uint32_t number = 1; number <= count; ++number) {
            rows.push_back(row_of(number));
        }
        world_.on_viewer(id_of(1), "m", at_);
        world_.on_directory(id_of(1), rows, at_);
        observe();
    }
    void event(MeshEvent::Kind kind, std::uint32_t number) {
        world_.on_event(id_of(1), {kind, id_of(number), "m.t." + std::to_string(number), {id_of(1)}, "silent"}, at_);
        observe();
    }
    void say(const console::DirectoryRow& row) {
        world_.on_row(id_of(1), row, at_);
        observe();
    }
    void observe() { model_.observe(world_, at_); }
    void pass(base::Duration time) {
        at_.now += time;
        at_.wall.unix_ms += static_cast<std::uint64_t>(time / std::chrono::milliseconds(1));
    }
    TopWish press(const TopKey& key) { return model_.on_key(key, at_); }
    TopWish press(char c) { return press({Kind::text, std::string(1, c)}); }
    void type(std::string_view text) {
        for (const char c : text) {
            press(c);
        }
    }
    [[nodiscard]] std::string order() const {
        std::string out;
        for (const TopNode* node : model_.rows()) {
            out += node->row.digest.name.substr(4) + " ";
        }
        return out;
    }
};

TEST_F(TopModelTest, TheWorstComeFirst) {
    begin(7);
    event(MeshEvent::Kind::suspected, 6);
    event(MeshEvent::Kind::died, 7);
    world_.on_process({"m.t.5", "m", id_of(5).hex(), ProcessState::wedged, "wedged"}, at_);
    console::DirectoryRow greedy = row_of(4, 2);
    greedy.digest.load = {600, 500, 10, 0};
    say(greedy);
    EXPECT_EQ(order(), "7 6 5 4 1 2 3 ");
    press('r');
    EXPECT_EQ(order(), "3 2 1 4 5 6 7 ");
}

TEST_F(TopModelTest, SortsNumbersLargestFirst) {
    begin(3);
    console::DirectoryRow busy = row_of(2, 2);
    busy.digest.load.cpu_millicores = 100;
    say(busy);
    while (model_.sort() != TopSort::cpu) {
        press('s');
    }
    EXPECT_EQ(order(), "2 1 3 ");
    press('S');
    EXPECT_EQ(model_.sort(), TopSort::process);
}

TEST_F(TopModelTest, TheChosenStaysChosenWhileTheOrderChanges) {
    begin(5);
    press({Kind::down});
    press({Kind::down});
    ASSERT_EQ(model_.chosen()->id, id_of(3));
    event(MeshEvent::Kind::suspected, 5);
    EXPECT_EQ(order(), "5 1 2 3 4 ");
    EXPECT_EQ(model_.chosen()->id, id_of(3));
    EXPECT_EQ(model_.chosen_index(), 3U);
}

TEST_F(TopModelTest, WhoeverIsFirstIsChosenUntilSomebodyChooses) {
    begin(3);
    event(MeshEvent::Kind::suspected, 3);
    EXPECT_EQ(model_.chosen()->id, id_of(3));
}

TEST_F(TopModelTest, TheSuccessorIsChosenWhenTheChosenGoes) {
    begin(4);
    press({Kind::down});
    type("/1");
    EXPECT_EQ(order(), "1 ");
    EXPECT_EQ(model_.chosen()->id, id_of(1));
}

TEST_F(TopModelTest, ScrollsSoThatTheChosenIsSeen) {
    begin(9);
    model_.fit(3, 0);
    press({Kind::end});
    EXPECT_EQ(model_.chosen_index(), 8U);
    EXPECT_EQ(model_.first(), 6U);
    press({Kind::up});
    EXPECT_EQ(model_.first(), 6U);
    press({Kind::page_up});
    EXPECT_EQ(model_.first(), 5U);
    press({Kind::home});
    EXPECT_EQ(model_.first(), 0U);
    model_.fit(20, 0);
    EXPECT_EQ(model_.first(), 0U);
    press({Kind::up});
    EXPECT_EQ(model_.chosen_index(), 0U);
}

TEST_F(TopModelTest, FiltersAsItIsTyped) {
    begin(3);
    event(MeshEvent::Kind::suspected, 2);
    type("/state:s");
    EXPECT_EQ(order(), "2 ");
    type("x");
    EXPECT_EQ(order(), "2 ") << "what is no filter changes nothing";
    EXPECT_NE(model_.trouble_of_filter(), "");
    press({Kind::backspace});
    type("uspected");
    EXPECT_EQ(order(), "2 ");
    EXPECT_EQ(model_.trouble_of_filter(), "");
    EXPECT_EQ(press('q'), TopWish::none) << "a letter of the filter";
    press({Kind::escape});
    EXPECT_EQ(order(), "2 1 3 ") << "as it was before";
    type("/mesh:m type:t M.T.3");
    press({Kind::enter});
    EXPECT_EQ(order(), "3 ");
    press({Kind::escape});
    EXPECT_EQ(order(), "2 1 3 ");
}

TEST_F(TopModelTest, EraseRemovesCharactersNotBytes) {
    begin(1);
    press('/');
    press({Kind::text, "ä"});
    press({Kind::text, "b"});
    press({Kind::backspace});
    EXPECT_EQ(model_.typed(), "ä");
    press({Kind::backspace});
    EXPECT_EQ(model_.typed(), "");
    press({Kind::backspace});
    EXPECT_EQ(model_.typed(), std::nullopt);
}

TEST_F(TopModelTest, StandsStillWhilePaused) {
    begin(2);
    press('p');
    event(MeshEvent::Kind::died, 2);
    EXPECT_EQ(order(), "1 2 ");
    EXPECT_EQ(model_.rows()[1]->trouble, Trouble::well);
    EXPECT_TRUE(model_.is_stale());
    press('p');
    observe();
    EXPECT_EQ(order(), "2 1 ");
    EXPECT_EQ(model_.rows()[0]->trouble, Trouble::dead);
    EXPECT_FALSE(model_.is_stale());
}

TEST_F(TopModelTest, ShowsOneMeshAfterAnother) {
    begin(2);
    console::DirectoryRow other = row_of(9);
    other.digest.mesh = "n";
    world_.on_viewer(id_of(9), "n", at_);
    world_.on_directory(id_of(9), std::vector{other}, at_);
    observe();
    EXPECT_EQ(order(), "1 2 9 ");
    press('m');
    EXPECT_EQ(order(), "1 2 ");
    press('m');
    EXPECT_EQ(order(), "9 ");
    press('m');
    EXPECT_EQ(order(), "1 2 9 ");
}

TEST_F(TopModelTest, RatesAreThoseBetweenTwoDigests) {
    begin(1);
    EXPECT_EQ(model_.rows()[0]->sent_per_s, std::nullopt);
    pass(std::chrono::seconds(10));
    console::DirectoryRow later = row_of(1, 2);
    later.digest.heard = at_.now;
    later.digest.messages_sent = 50;
    later.digest.messages_received = 5;
    say(later);
    EXPECT_EQ(model_.rows()[0]->sent_per_s, 5.0);
    EXPECT_EQ(model_.rows()[0]->received_per_s, 0.5);
    later.digest.sequence = 3;
    later.digest.started_unix_ms = 7;  // Another life counts anew.
    later.digest.messages_sent = 60;
    pass(std::chrono::seconds(1));
    later.digest.heard = at_.now;
    say(later);
    EXPECT_EQ(model_.rows()[0]->sent_per_s, std::nullopt);
}

TEST_F(TopModelTest, IsNeverWellWhileSomethingIsNotKnown) {
    observe();
    EXPECT_EQ(model_.picture().verdict(), Verdict::unknown) << "nothing is known at all";
    begin(2);
    EXPECT_EQ(model_.picture().verdict(), Verdict::well);
    world_.on_source("supervisor", SourceState::down, "gone", at_);
    observe();
    EXPECT_EQ(model_.picture().verdict(), Verdict::unknown);
    world_.on_source("supervisor", SourceState::up, "there", at_);
    observe();
    EXPECT_EQ(model_.picture().verdict(), Verdict::well);
    event(MeshEvent::Kind::suspected, 2);
    EXPECT_EQ(model_.picture().verdict(), Verdict::warning);
    event(MeshEvent::Kind::died, 2);
    EXPECT_EQ(model_.picture().verdict(), Verdict::critical);
    world_.on_viewer_lost(id_of(1), console::WorldInput::Loss::silent, at_);
    observe();
    EXPECT_NE(model_.picture().verdict(), Verdict::well);
    EXPECT_EQ(model_.rows()[1]->trouble, Trouble::unknown);
}

// What follows the world by its changes is what is told of it anew.
TEST_F(TopModelTest, APictureThatFollowedIsAsOneThatIsNew) {
    console::testing::SimulatedFabric fabric(60, 2);
    fabric.begin(world_, at_);
    TopPicture followed("default");
    for (int step = 0; step < 2000; ++step) {
        pass(std::chrono::milliseconds(100));
        fabric.step(world_, at_);
        world_.on_deadline(at_);
        if (step % 7 == 0) {
            followed.observe(world_, at_);
        }
    }
    followed.observe(world_, at_);
    TopPicture anew("default");
    anew.observe(world_, at_);
    ASSERT_EQ(followed.nodes().size(), anew.nodes().size());
    for (const auto& [id, node] : anew.nodes()) {
        EXPECT_EQ(followed.nodes().at(id).row, node.row);
        EXPECT_EQ(followed.nodes().at(id).trouble, node.trouble);
        EXPECT_EQ(followed.links_of(id).size(), anew.links_of(id).size());
    }
    EXPECT_EQ(followed.meshes(), anew.meshes());
    EXPECT_EQ(followed.sources(), anew.sources());
    EXPECT_EQ(followed.events(), anew.events());
    EXPECT_EQ(followed.verdict(), anew.verdict());
    EXPECT_FALSE(anew.events().empty());
}

TEST_F(TopModelTest, EachPageLeadsBack) {
    begin(2);
    press({Kind::enter});
    EXPECT_EQ(model_.page(), TopPage::details);
    EXPECT_EQ(model_.shown()->id, id_of(1));
    press('?');
    EXPECT_EQ(model_.page(), TopPage::help);
    press({Kind::escape});
    EXPECT_EQ(model_.page(), TopPage::details);
    EXPECT_EQ(press('q'), TopWish::none);
    EXPECT_EQ(model_.page(), TopPage::nodes);
    press('t');
    EXPECT_EQ(model_.page(), TopPage::timeline);
    EXPECT_EQ(press('Q'), TopWish::quit);
    press('t');
    EXPECT_EQ(press('q'), TopWish::quit);
}

}  // namespace
}  // namespace grapevine::apps
