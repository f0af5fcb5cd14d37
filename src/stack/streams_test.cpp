// Streams by name between whole stacks: bytes both ways, back-pressure, ends, bounds.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "quic/types.hpp"
#include "stack/byte_streams.hpp"
#include "stack/cluster_testing.hpp"
#include "stack/local_streams.hpp"
#include "stack/mesh_sessions.hpp"
#include "stack/stack.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;
using delivery::Ending;
using delivery::MessageKind;
using delivery::Verdict;
using node::Last;

base::Bytes pattern(std::size_t size) {
    base::Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 257);
    return bytes;
}

// What an application of one member has seen and wants.
struct App {
    enum class Taking : std::uint8_t { takes, refuses, silent };
    enum class Reading : std::uint8_t { reads, echoes, never };
    Taking taking = Taking::takes;
    Reading reading = Reading::reads;
    std::map<delivery::MessageSequence, delivery::Finished> ends;
    std::vector<ByteStreamRef> taken;
    std::map<ByteStreamRef, base::Bytes> received;
    std::map<ByteStreamRef, base::Bytes> owed;  // Echoes that had no room.
    std::map<ByteStreamRef, bool> finished;
    std::map<ByteStreamRef, StreamOver> over;
    int rooms = 0;
};

class Streams : public testing::Test {
protected:
    void SetUp() override {
        cluster_.add("mesh1", "gateway", {});
        for (int i = 0; i < 2; ++i)
            cluster_.add("mesh1", "broker", {0});
        for (std::size_t i = 0; i < cluster_.size(); ++i)
            ASSERT_EQ(cluster_.stack(i).serve("", delivery::Service{}, cluster_.now()), base::Admitted::yes);
        apps_.resize(cluster_.size());
        ASSERT_TRUE(cluster_.run_until([&] { return cluster_.converged({0, 1, 2}); }, 1s));
    }

    std::string name(std::size_t index) { return cluster_.stack(index).own_name(); }

    delivery::MessageSequence submit(const std::string& to, MessageKind kind = MessageKind::stream,
                                     base::Duration deadline = 5s, std::size_t from = 0) {
        delivery::Submission wanted{{to}, kind, {}, {}, {}};
        wanted.options.deadline = deadline;
        const auto id = cluster_.stack(from).submit(std::move(wanted), cluster_.now());
        EXPECT_TRUE(id);
        cluster_.settle(from);
        return id ? id->sequence : delivery::MessageSequence{};
    }

    void hear(std::size_t index, const Event& event) {
        App& app = apps_[index];
        if (const auto* end = report_in<delivery::Finished>(event)) app.ends[end->message] = *end;
        if (const auto* handle = report_in<delivery::Handle>(event)) take(index, *handle);
        const auto* stream = std::get_if<ByteStreamEvent>(&event);
        if (stream == nullptr) return;
        if (const auto* bytes = std::get_if<StreamBytes>(stream)) read(index, *bytes);
        if (const auto* room = std::get_if<StreamRoom>(stream)) {
            ++app.rooms;
            push(index, room->stream);
        }
        if (const auto* over = std::get_if<StreamOver>(stream)) {
            EXPECT_TRUE(app.over.emplace(over->stream, *over).second) << "an end comes once";
        }
    }

    void take(std::size_t index, const delivery::Handle& handle) {
        App& app = apps_[index];
        if (handle.kind == MessageKind::stream && app.taking == App::Taking::silent) return;
        const bool takes = handle.kind != MessageKind::stream || app.taking == App::Taking::takes;
        cluster_.stack(index).answer(handle.handle, {takes ? Verdict::done : Verdict::refused, {}, {}, {}},
                                     cluster_.now());
        if (handle.kind == MessageKind::stream && takes) app.taken.push_back(ByteStreams::ref_of(handle.handle));
    }

    void read(std::size_t index, const StreamBytes& bytes) {
        App& app = apps_[index];
        auto& all = app.received[bytes.stream];
        all.insert(all.end(), bytes.data.begin(), bytes.data.end());
        app.finished[bytes.stream] = app.finished[bytes.stream] || bytes.fin;
        if (app.reading == App::Reading::never) return;
        cluster_.stack(index).consume(bytes.stream, bytes.data.size(), cluster_.now());
        if (app.reading != App::Reading::echoes) return;
        auto& owed = app.owed[bytes.stream];
        owed.insert(owed.end(), bytes.data.begin(), bytes.data.end());
        push(index, bytes.stream);
    }

    // Writes what is owed, and finishes after the peer has.
    void push(std::size_t index, const ByteStreamRef& stream) {
        auto& owed = apps_[index].owed[stream];
        const auto last = apps_[index].finished[stream] ? Last::yes : Last::no;
        const auto taken = cluster_.stack(index).write(stream, owed, last, cluster_.now());
        if (taken) owed.erase(owed.begin(), owed.begin() + static_cast<std::ptrdiff_t>(*taken));
    }

    void hear_all() {
        for (bool any = true; any;) {
            any = false;
            for (std::size_t i = 0; i < cluster_.size(); ++i) {
                auto events = std::exchange(cluster_.member(i).events, {});
                for (const auto& event : events)
                    hear(i, event);
                if (events.empty()) continue;
                any = true;
                cluster_.settle(i);
            }
        }
    }

    bool run_until(const std::function<bool()>& condition, base::Duration limit = 30s) {
        return cluster_.run_until(
            [&] {
                hear_all();
                return condition();
            },
            limit);
    }
    void run_for(base::Duration time) {
        const auto end = cluster_.now() + time;
        run_until([&] { return cluster_.now() >= end; }, time);
    }

    // Opens a stream to a member, and waits until both have it.
    ByteStreamRef open(std::size_t to = 1, std::size_t from = 0) {
        const std::size_t before = apps_[to].taken.size();
        const auto message = submit(name(to), MessageKind::stream, 5s, from);
        EXPECT_TRUE(run_until([&] { return apps_[from].ends.contains(message); }));
        EXPECT_EQ(apps_[from].ends[message].ending, Ending::acknowledged);
        EXPECT_EQ(apps_[to].taken.size(), before + 1);
        return ByteStreams::ref_of(message);
    }

    // Writes until nothing more is taken for a while; how much that was.
    std::size_t fill(std::size_t index, const ByteStreamRef& stream) {
        const base::Bytes piece(64 * 1024, 'x');
        std::size_t all = 0;
        for (int quiet = 0; quiet < 20;) {
            const auto taken = cluster_.stack(index).write(stream, piece, Last::no, cluster_.now());
            EXPECT_TRUE(taken);
            quiet = taken && *taken > 0 ? 0 : quiet + 1;
            all += taken.value_or(0);
            cluster_.settle(index);
            run_for(10ms);
        }
        return all;
    }

    std::uint64_t figure(std::size_t index, std::string_view wanted) {
        for (const auto& f : cluster_.stack(index).figures())
            if (f.name == wanted) return f.value;
        ADD_FAILURE() << "no figure " << wanted;
        return 0;
    }
    std::uint64_t alive(std::size_t index, telemetry::Kind kind) {
        return cluster_.stack(index).ledger()[kind].alive();
    }

    void expect_nothing_left() {
        for (std::size_t i = 0; i < cluster_.size(); ++i)
            EXPECT_EQ(alive(i, telemetry::Kind::byte_stream), 0U) << i;
    }

    // Sends `size` bytes through an echo, and checks what comes back and how it ends.
    void expect_echo(std::size_t to, std::size_t size, base::Duration limit) {
        apps_[to].reading = App::Reading::echoes;
        const ByteStreamRef stream = open(to);
        const base::Bytes sent = pattern(size);
        apps_[0].owed[stream] = sent;
        apps_[0].finished[stream] = true;  // Finishes when all is written.
        push(0, stream);
        cluster_.settle(0);
        EXPECT_TRUE(run_until([&] { return apps_[0].over.contains(stream) && apps_[to].over.size() == 1; }, limit));
        EXPECT_EQ(apps_[0].received[stream], sent);
        EXPECT_EQ(apps_[0].over[stream].ending, StreamEnding::finished);
        EXPECT_EQ(apps_[to].over.begin()->second.ending, StreamEnding::finished);
    }

    TestCluster cluster_{33};
    std::vector<App> apps_;
};

TEST_F(Streams, CarryBytesBothWaysUntilBothHaveFinished) {
    expect_echo(1, 5'000'000, 60s);
    EXPECT_GT(apps_[0].rooms, 0) << "more than a buffer was written";
    run_for(1s);
    expect_nothing_left();
    EXPECT_EQ(figure(0, "streams.opened"), 1U);
    EXPECT_EQ(figure(1, "streams.accepted"), 1U);
    EXPECT_EQ(figure(1, "streams.finished"), 1U);
}

TEST_F(Streams, ArriveWholeOverALossyNetwork) {
    cluster_.loss = 0.05;
    expect_echo(1, 300'000, 600s);
}

TEST_F(Streams, OfANodeToItselfAreTheSame) {
    apps_[0].reading = App::Reading::echoes;
    const auto message = submit(name(0));
    ASSERT_TRUE(run_until([&] { return apps_[0].ends.contains(message); }));
    ASSERT_EQ(apps_[0].ends[message].ending, Ending::acknowledged);
    const ByteStreamRef ours = ByteStreams::ref_of(message);
    const ByteStreamRef theirs = apps_[0].taken.at(0);
    apps_[0].reading = App::Reading::reads;
    const base::Bytes sent = pattern(1'000'000);
    const auto first = cluster_.stack(0).write(ours, sent, Last::yes, cluster_.now());
    ASSERT_TRUE(first);
    EXPECT_EQ(*first, kLocalWindow);
    std::size_t at = *first;
    ASSERT_TRUE(run_until([&] {
        const auto taken = cluster_.stack(0).write(ours, base::ByteView(sent).subspan(at), Last::yes, cluster_.now());
        at += taken.value_or(0);
        return apps_[0].finished[theirs];
    }));
    EXPECT_EQ(apps_[0].received[theirs], sent);
    EXPECT_FALSE(cluster_.stack(0).write(ours, sent, Last::no, cluster_.now())) << "it was finished";
    ASSERT_TRUE(cluster_.stack(0).write(theirs, {}, Last::yes, cluster_.now()));
    cluster_.settle(0);
    hear_all();
    EXPECT_EQ(apps_[0].over.size(), 2U);
    EXPECT_EQ(apps_[0].over[ours].ending, StreamEnding::finished);
    expect_nothing_left();
}

TEST_F(Streams, OfANodeToItselfAreResetAtBothEnds) {
    const auto message = submit(name(0));
    ASSERT_TRUE(run_until([&] { return apps_[0].ends.contains(message); }));
    const ByteStreamRef theirs = apps_[0].taken.at(0);
    cluster_.stack(0).reset(theirs, 9, cluster_.now());
    cluster_.settle(0);
    hear_all();
    EXPECT_EQ(apps_[0].over[theirs].ending, StreamEnding::reset_here);
    EXPECT_EQ(apps_[0].over[ByteStreams::ref_of(message)].ending, StreamEnding::reset);
    EXPECT_EQ(apps_[0].over[ByteStreams::ref_of(message)].code, 9U);
    expect_nothing_left();
}

TEST_F(Streams, ThatNobodyTakesSayWhy) {
    apps_[1].taking = apps_[2].taking = App::Taking::refuses;
    const auto refused = submit("mesh1.broker");
    const auto nobody = submit("mesh1.registry");
    cluster_.stack(2).stop_serving("", cluster_.now());
    const auto unserved = submit(name(2));
    ASSERT_TRUE(run_until([&] { return apps_[0].ends.size() == 3; }));
    EXPECT_EQ(apps_[0].ends[refused].ending, Ending::refused);
    EXPECT_EQ(apps_[0].ends[nobody].ending, Ending::no_such_node);
    EXPECT_EQ(apps_[0].ends[unserved].ending, Ending::refused);
    run_for(1s);
    expect_nothing_left();
}

TEST_F(Streams, ThatAreNotAnsweredEndAtTheirDeadline) {
    apps_[1].taking = App::Taking::silent;
    const auto message = submit(name(1), MessageKind::stream, 2s);
    ASSERT_TRUE(run_until([&] { return apps_[0].ends.contains(message); }));
    EXPECT_EQ(apps_[0].ends[message].ending, Ending::deadline);
    run_for(1s);
    expect_nothing_left();
}

TEST_F(Streams, KeepTheirSessionForAsLongAsTheyAreOpen) {
    apps_[1].reading = App::Reading::echoes;
    const ByteStreamRef stream = open();
    run_for(3 * kMeshIdle);
    apps_[0].owed[stream] = base::to_bytes("still here");
    push(0, stream);
    cluster_.settle(0);
    EXPECT_TRUE(run_until([&] { return base::to_text(apps_[0].received[stream]) == "still here"; }, 1s));
    cluster_.stack(0).reset(stream, 0, cluster_.now());
    cluster_.settle(0);
    run_for(2 * kMeshIdle);
    EXPECT_EQ(alive(0, telemetry::Kind::mesh_session), 0U);
    EXPECT_EQ(alive(1, telemetry::Kind::mesh_session), 0U);
}

TEST_F(Streams, WaitForAReaderAndGoOnWithIt) {
    apps_[1].reading = App::Reading::never;
    const ByteStreamRef stream = open();
    const std::size_t taken = fill(0, stream);
    const quic::Limits limits;
    EXPECT_LE(taken, limits.stream_window_bytes + limits.send_buffer_bytes);
    EXPECT_GE(taken, limits.send_buffer_bytes);
    const ByteStreamRef theirs = apps_[1].taken.at(0);
    EXPECT_LE(apps_[1].received[theirs].size(), limits.stream_window_bytes);
    apps_[1].reading = App::Reading::reads;
    const int rooms = apps_[0].rooms;
    cluster_.stack(1).consume(theirs, apps_[1].received[theirs].size(), cluster_.now());
    cluster_.settle(1);
    EXPECT_TRUE(run_until([&] { return apps_[1].received[theirs].size() == taken; }));
    EXPECT_GT(apps_[0].rooms, rooms);
}

TEST_F(Streams, ThatNobodyReadsLeaveMessagesTheirWay) {
    apps_[1].reading = App::Reading::never;
    std::vector<ByteStreamRef> streams;
    for (std::size_t i = 0; i < kByteStreamsOfPeer; ++i)
        streams.push_back(open());
    for (const auto& stream : streams)
        fill(0, stream);
    const auto began = cluster_.now();
    const auto message = submit(name(1), MessageKind::request);
    ASSERT_TRUE(run_until([&] { return apps_[0].ends.contains(message); }));
    EXPECT_EQ(apps_[0].ends[message].ending, Ending::acknowledged);
    EXPECT_LE(cluster_.now() - began, 3 * cluster_.latency);
}

TEST_F(Streams, BeyondTheirBoundAreBusyUntilOneEnds) {
    std::vector<ByteStreamRef> streams;
    for (std::size_t i = 0; i < kByteStreamsOfPeer; ++i)
        streams.push_back(open());
    const auto busy = submit(name(1), MessageKind::stream, 1s);
    ASSERT_TRUE(run_until([&] { return apps_[0].ends.contains(busy); }));
    EXPECT_EQ(apps_[0].ends[busy].ending, Ending::peer_busy);
    EXPECT_GT(figure(1, "streams.busy_peer"), 0U);
    cluster_.stack(0).reset(streams[3], 1, cluster_.now());
    cluster_.settle(0);
    open();
    EXPECT_EQ(figure(1, "streams.live"), kByteStreamsOfPeer);
}

TEST_F(Streams, AreResetByEitherSideWithACode) {
    for (const std::size_t by : {0U, 1U}) {
        const ByteStreamRef ours = open();
        const ByteStreamRef theirs = apps_[1].taken.back();
        const ByteStreamRef here = by == 0 ? ours : theirs;
        const ByteStreamRef there = by == 0 ? theirs : ours;
        const std::size_t other = 1 - by;
        ASSERT_TRUE(cluster_.stack(by).write(here, base::to_bytes("lost or not"), Last::no, cluster_.now()));
        cluster_.stack(by).reset(here, 7 + static_cast<std::uint32_t>(by), cluster_.now());
        cluster_.settle(by);
        ASSERT_TRUE(run_until([&] { return apps_[other].over.contains(there); }));
        EXPECT_EQ(apps_[other].over[there].ending, StreamEnding::reset);
        EXPECT_EQ(apps_[other].over[there].code, 7 + by);
        EXPECT_EQ(apps_[by].over[here].ending, StreamEnding::reset_here);
        EXPECT_FALSE(cluster_.stack(other).write(there, base::to_bytes("x"), Last::no, cluster_.now()));
    }
    run_for(1s);
    expect_nothing_left();
}

TEST_F(Streams, EndWithTheirSession) {
    const ByteStreamRef stream = open();
    const auto asked_too = [&] {
        apps_[1].taking = App::Taking::silent;
        return submit(name(1), MessageKind::stream, 60s);
    }();
    run_for(10ms);
    cluster_.silence(1);
    ASSERT_TRUE(run_until([&] { return apps_[0].over.contains(stream) && apps_[0].ends.contains(asked_too); }, 60s));
    EXPECT_EQ(apps_[0].over[stream].ending, StreamEnding::lost);
    EXPECT_EQ(apps_[0].ends[asked_too].ending, Ending::in_doubt);
    EXPECT_EQ(alive(0, telemetry::Kind::byte_stream), 0U);
}

TEST_F(Streams, OfWhoLeavesEndSayingSo) {
    const ByteStreamRef ours = open();
    const ByteStreamRef theirs = apps_[1].taken.at(0);
    const auto itself = submit(name(1), MessageKind::stream, 5s, 1);
    ASSERT_TRUE(run_until([&] { return apps_[1].ends.contains(itself); }));
    cluster_.stack(1).leave(cluster_.now());
    cluster_.settle(1);
    ASSERT_TRUE(run_until([&] { return apps_[0].over.contains(ours) && apps_[1].over.size() == 3; }));
    EXPECT_EQ(apps_[0].over[ours].ending, StreamEnding::leaving);
    EXPECT_EQ(apps_[1].over[theirs].ending, StreamEnding::leaving);
    EXPECT_EQ(apps_[1].over[ByteStreams::ref_of(itself)].ending, StreamEnding::leaving);
}

// The answer comes when the one who asked has given up: the stream never was.
TEST_F(Streams, TakenTooLateAreLost) {
    apps_[1].taking = App::Taking::silent;
    const auto message = submit(name(1), MessageKind::stream, 5s);
    cluster_.run_for(50ms);
    std::optional<delivery::HandleId> handle;
    for (const auto& event : std::exchange(cluster_.member(1).events, {}))
        if (const auto* asked = report_in<delivery::Handle>(event)) handle = asked->handle;
    ASSERT_TRUE(handle);
    cluster_.stack(0).cancel(message, cluster_.now());
    cluster_.settle(0);
    run_for(50ms);
    EXPECT_EQ(cluster_.stack(1).answer(*handle, {}, cluster_.now()), delivery::Answered::taken);
    cluster_.settle(1);
    hear_all();
    ASSERT_TRUE(apps_[1].over.contains(ByteStreams::ref_of(*handle)));
    EXPECT_EQ(apps_[1].over[ByteStreams::ref_of(*handle)].ending, StreamEnding::lost);
    run_for(1s);
    expect_nothing_left();
}

}  // namespace
}  // namespace grapevine::stack
