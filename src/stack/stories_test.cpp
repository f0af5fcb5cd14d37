// Stories by themselves: what is kept, how repeats are told, and every bound.

#include <string>

#include <gtest/gtest.h>

#include "stack/stories.hpp"
#include "wire/gossip.hpp"
#include "wire/mesh.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;

base::EndpointId peer(std::uint8_t number) {
    base::EndpointId id;
    id.bytes.fill(number);
    return id;
}

base::SocketAddr addr(std::uint16_t port) {
    return *base::SocketAddr::parse("127.0.0.1:" + std::to_string(port));
}

base::TimePoint at(base::Duration since) {
    return base::TimePoint{1h} + since;
}

quic::Connected connected(std::uint64_t connection, std::uint16_t port, quic::Origin origin = quic::Origin::outgoing) {
    return {{connection}, peer(1), std::string(wire::kGossipAlpn), origin, addr(port), {}};
}

quic::Closed closed(std::uint64_t connection, quic::CloseCause cause, std::string text = {}) {
    return {{connection}, {cause, 0, std::move(text)}};
}

DirectoryChanged changed(EntryChange change, std::vector<base::EndpointId> accusers = {}) {
    return {change, peer(1), "mesh1.broker.010101", std::move(accusers), "gossip", peer(9)};
}

delivery::Finished failure(std::optional<base::EndpointId> to, std::string name) {
    return {{7}, delivery::Ending::deadline, delivery::Handled::maybe, to, 1, {}, std::move(name)};
}

TEST(Stories, AMemberIsKnownSinceItJoinedUntilItIsGone) {
    Stories stories;
    stories.on(changed(EntryChange::joined), at(0s));
    stories.on(changed(EntryChange::updated), at(1s));
    const Story* story = stories.of(peer(1));
    ASSERT_NE(story, nullptr);
    ASSERT_TRUE(story->known);
    EXPECT_EQ(story->known->at, at(0s));
    EXPECT_EQ(story->known->via, "gossip");
    EXPECT_EQ(story->known->told_by, peer(9));
    EXPECT_EQ(story->events.size(), 1U) << "what changes all the time is no story";

    stories.on(SuspicionChanged{SuspicionStep::suspected, peer(1), "mesh1.broker.010101", peer(2),
                                wire::AccusationReason::connection_lost},
               at(2s));
    stories.on(changed(EntryChange::died, {peer(2)}), at(5s));
    EXPECT_FALSE(story->known);
    ASSERT_EQ(story->events.size(), 3U);
    EXPECT_EQ(story->events[1].kind, StoryKind::suspected);
    EXPECT_EQ(story->events[1].text, "connection lost");
    EXPECT_EQ(story->events[1].who, std::vector<base::EndpointId>{peer(2)});
    EXPECT_EQ(story->events[2].kind, StoryKind::died);
    EXPECT_EQ(story->events[2].who, std::vector<base::EndpointId>{peer(2)});
    EXPECT_EQ(stories.called("mesh1.broker.010101"), std::vector<base::EndpointId>{peer(1)});
    EXPECT_EQ(stories.beginning_with("0101"), std::vector<base::EndpointId>{peer(1)});
    EXPECT_TRUE(stories.beginning_with("02").empty());
}

TEST(Stories, OfADialThatSucceedsTheAddressThatAnsweredIsKnown) {
    Stories stories;
    stories.dialled({1}, peer(1), wire::kGossipAlpn, {addr(1), addr(2), addr(3)}, at(0s));
    ASSERT_EQ(stories.connections_with(peer(1)).size(), 1U);
    EXPECT_FALSE(stories.connections_with(peer(1)).front().up);
    stories.on_unreachable(addr(3));
    stories.on_connected(connected(1, 2), at(5ms));
    const Story& story = *stories.of(peer(1));
    ASSERT_EQ(story.tried.size(), 3U);
    EXPECT_EQ(story.tried[0].fate, AddressFate::passed_over);
    EXPECT_EQ(story.tried[1].fate, AddressFate::answered);
    EXPECT_EQ(story.tried[2].fate, AddressFate::nobody_listens);
    EXPECT_EQ(story.events.back().text, "gossip link: 127.0.0.1:2 answered after 5 ms");
    EXPECT_TRUE(stories.connections_with(peer(1)).front().up);

    stories.on_closed(closed(1, quic::CloseCause::idle_timeout), at(30s));
    EXPECT_EQ(story.events.back().kind, StoryKind::closed);
    EXPECT_EQ(story.events.back().text, "gossip link after 29 s: idle timeout");
    EXPECT_TRUE(stories.connections_with(peer(1)).empty());
}

TEST(Stories, OfADialThatFailsNoneDid) {
    Stories stories;
    stories.dialled({1}, peer(1), wire::kMeshAlpn, {addr(1), addr(2)}, at(0s));
    stories.on_closed(closed(1, quic::CloseCause::handshake_timeout), at(10s));
    const Story& story = *stories.of(peer(1));
    EXPECT_EQ(story.tried[0].fate, AddressFate::no_answer);
    EXPECT_EQ(story.tried[1].fate, AddressFate::no_answer);
    EXPECT_EQ(story.events.back().kind, StoryKind::dial_failed);
    EXPECT_EQ(story.events.back().text, "session: handshake timeout, tried 127.0.0.1:1, 127.0.0.1:2");
    stories.no_session(peer(1), delivery::SessionEnd::unreachable, "unreachable", at(10s));
    EXPECT_EQ(story.events.size(), 1U) << "the end of the dial said it";
    stories.no_session(peer(1), delivery::SessionEnd::unreachable, "no address is known", at(11s));
    EXPECT_EQ(story.events.back().text, "no session: no address is known");

    stories.dialled({2}, peer(1), wire::kMeshAlpn, {addr(1)}, at(20s));
    stories.on_closed(closed(2, quic::CloseCause::wrong_peer), at(21s));
    EXPECT_EQ(story.tried[0].fate, AddressFate::wrong_peer);
    EXPECT_EQ(story.tried[1].fate, AddressFate::no_answer) << "as it was";
}

TEST(Stories, APeerThatDialsIsWatchedUntilItGoes) {
    Stories stories;
    stories.on_connected(connected(5, 4000, quic::Origin::incoming), at(0s));
    EXPECT_EQ(stories.of(peer(1))->events.back().text, "gossip link: it dialled, from 127.0.0.1:4000");
    EXPECT_EQ(stories.connections_with(peer(1)).size(), 1U);
    stories.on_closed(closed(5, quic::CloseCause::application_remote, "bye\n"), at(1s));
    EXPECT_EQ(stories.of(peer(1))->events.back().text, "gossip link after 1000 ms: application remote: bye\\x0a");
    stories.on_closed(closed(6, quic::CloseCause::idle_timeout), at(2s));
    EXPECT_EQ(stories.of(peer(1))->events.size(), 2U) << "one that never was";
}

TEST(Stories, TheSameAgainIsOneEntry) {
    Stories stories;
    for (int i = 0; i < 5; ++i)
        stories.on(SeedRetry{peer(1), static_cast<std::uint32_t>(i), 1s, "unreachable"}, at(i * 2s));
    const Story& story = *stories.of(peer(1));
    ASSERT_EQ(story.events.size(), 1U);
    EXPECT_EQ(story.events[0].times, 5U);
    EXPECT_EQ(story.events[0].first, at(0s));
    EXPECT_EQ(story.events[0].last, at(8s));
}

TEST(Stories, AFailedMessageIsToldOfItsPeerAndOfTheName) {
    Stories stories;
    stories.on(changed(EntryChange::joined), at(0s));
    stories.on(failure(peer(1), "mesh1.broker.010101"), at(1s));
    EXPECT_EQ(stories.of(peer(1))->events.back().kind, StoryKind::send_failed);
    EXPECT_EQ(stories.of(std::string("mesh1.broker.010101")), nullptr) << "that is the peer itself";
    stories.on(failure(peer(1), "mesh1.broker"), at(2s));
    EXPECT_EQ(stories.of(peer(1))->events.back().text, "a message to 'mesh1.broker' ended: deadline, perhaps handled");
    ASSERT_NE(stories.of(std::string("mesh1.broker")), nullptr);
    EXPECT_EQ(stories.of(std::string("mesh1.broker"))->events.back().who, std::vector<base::EndpointId>{peer(1)});
    stories.on(failure(std::nullopt, "mesh7.broker"), at(3s));
    ASSERT_NE(stories.of(std::string("mesh7.broker")), nullptr);
    delivery::Finished well = failure(peer(1), "");
    well.ending = delivery::Ending::acknowledged;
    const std::uint64_t before = stories.counters().events;
    stories.on(well, at(4s));
    EXPECT_EQ(stories.counters().events, before);
}

TEST(Stories, NothingGrowsBeyondItsBound) {
    const StoriesConfig narrow{2, 3, 2, 2};
    Stories stories(narrow);
    for (std::uint16_t i = 0; i < 10; ++i)
        stories.on(SeedRetry{peer(1), 1, 1s, "reason " + std::to_string(i)}, at(i * 1s));
    EXPECT_EQ(stories.of(peer(1))->events.size(), 3U);
    EXPECT_EQ(stories.of(peer(1))->forgotten, 7U);
    EXPECT_EQ(stories.counters().events_forgotten, 7U);
    for (std::uint8_t i = 2; i < 6; ++i) {
        stories.on(SeedRetry{peer(i), 1, 1s, "late"}, at(20s));
        stories.on(failure(std::nullopt, "name" + std::to_string(i)), at(20s));
    }
    EXPECT_EQ(stories.size(), 4U) << "two peers and two names";
    EXPECT_EQ(stories.of(peer(1)), nullptr) << "silent for longest";
    EXPECT_NE(stories.of(peer(5)), nullptr);
    EXPECT_EQ(stories.counters().subjects_forgotten, 5U);
    for (std::uint64_t i = 1; i <= 3; ++i)
        stories.dialled({i}, peer(5), wire::kMeshAlpn, {addr(1), addr(2), addr(3)}, at(30s));
    EXPECT_EQ(stories.of(peer(5))->tried.size(), 2U);
    EXPECT_EQ(stories.connections_with(peer(5)).size(), 2U);
    EXPECT_EQ(stories.counters().dials_unwatched, 1U);
}

}  // namespace
}  // namespace grapevine::stack
