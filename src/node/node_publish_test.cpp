// Rules of mesh_publications.hpp, judged by messages alone: one node, and a test that plays its peers.

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "node/mesh_publications.hpp"
#include "node/node.hpp"
#include "wire/admission.hpp"
#include "wire/publication.hpp"

namespace grapevine::node {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kWallMs = 1'800'000'000'000;

base::SecretKey key(std::uint8_t n) {
    return *base::SecretKey::from_seed(base::Bytes(32, n));
}

base::Bytes ticket_of(const base::EndpointId& node, std::uint64_t serial) {
    wire::AdmissionTicket ticket;
    ticket.mesh = "mesh1";
    ticket.node = node;
    ticket.expires_unix_s = kWallMs / 1000 + 3600;
    ticket.serial = serial;
    return wire::sign_ticket(key(200), ticket).envelope;
}

enum class Mesh : std::uint8_t { open, closed };

// A node, with the effects of its inputs since the last look at them.
class Subject {
public:
    explicit Subject(Mesh mesh = Mesh::open) : secret_(key(1)), node_(config(mesh), secret_, rng_, ledger_) {
        node_.start({}, now_, out);
        out.clear();
    }
    static Config config(Mesh mesh) {
        Config config;
        config.mesh = MeshConfig{};
        config.mesh->mesh = "mesh1";
        config.mesh->type = "broker";
        config.mesh->started_unix_ms = kWallMs;
        if (mesh == Mesh::open) return config;
        config.mesh->admission.authority = key(200).id();
        config.mesh->admission.ticket = ticket_of(key(1).id(), 1);
        return config;
    }
    Node& operator*() { return node_; }
    [[nodiscard]] base::TimePoint now() const { return now_; }

    void gossip(const base::EndpointId& from, const base::Bytes& content) {
        const wire::Gossip message{base::MessageId{base::blake3(content)}, content,
                                   wire::Scope{wire::ScopeKind::swarm, wire::Round{0}}};
        node_.on_gossip(from, Node::topic_of_mesh("mesh1"), wire::BroadcastMessage{message}, now_, out);
    }
    void session_up(const base::EndpointId& peer) {
        node_.on_session_up(peer, delivery::Incarnation{7}, wire::Window{64, 1U << 20U}, now_, out);
    }
    void advance(base::Duration by) {
        const base::TimePoint end = now_ + by;
        while (node_.next_deadline() && *node_.next_deadline() <= end) {
            now_ = std::max(now_, *node_.next_deadline());
            node_.on_deadline(now_, out);
        }
        now_ = end;
    }
    // The next of these effects, and all before it, are taken.
    template <typename T>
    std::optional<T> take() {
        for (auto it = out.begin(); it != out.end(); ++it)
            if (auto* found = std::get_if<T>(&*it)) {
                T effect = std::move(*found);
                out.erase(out.begin(), std::next(it));
                return effect;
            }
        return std::nullopt;
    }
    template <typename T>
    [[nodiscard]] std::size_t count() const {
        return static_cast<std::size_t>(std::count_if(
            out.begin(), out.end(), [](const Effect& effect) { return std::holds_alternative<T>(effect); }));
    }
    [[nodiscard]] std::uint64_t figure(std::string_view name) const {
        for (const auto& figure : node_.figures())
            if (figure.name == name) return figure.value;
        return ~std::uint64_t{0};
    }

    Effects out;

private:
    base::TimePoint now_ = base::TimePoint{} + 1000s;
    base::Rng rng_{3};
    telemetry::Ledger ledger_;
    base::SecretKey secret_;
    Node node_;
};

base::Bytes content_of(std::size_t size) {
    base::Bytes content(size);
    for (std::size_t i = 0; i < size; ++i)
        content[i] = static_cast<std::uint8_t>((i * 2654435761U) >> 24U);
    return content;
}

wire::Notice notice_of(const base::Bytes& content) {
    wire::Notice notice;
    notice.mesh = "mesh1";
    notice.type = "broker";
    notice.number = 5;
    notice.hash = base::blake3(content);
    notice.size = static_cast<std::uint32_t>(content.size());
    return notice;
}

// Answers the question that the subject has written to `peer` with a part of `content`.
void give(Subject& subject, const base::EndpointId& peer, const base::Bytes& content) {
    const auto sent = subject.take<delivery::SendDeliver>();
    ASSERT_TRUE(sent);
    ASSERT_EQ(sent->peer, peer);
    ASSERT_EQ(sent->frame.name, wire::chunk_target(peer));
    const auto question = wire::decode_chunk_question(sent->frame.payload);
    ASSERT_TRUE(question);
    wire::Outcome outcome;
    outcome.sequence = sent->frame.sequence;
    if (question->offset < content.size()) {
        const auto part = base::ByteView(content).subspan(
            question->offset, std::min<std::size_t>(question->size, content.size() - question->offset));
        outcome.payload.assign(part.begin(), part.end());
    }
    (*subject).on_delivery(peer, outcome, subject.now(), subject.out);
}

// A peer that asks the subject for the beginning of `content`.
wire::Deliver question_for(const base::Bytes& content, const std::string& name) {
    wire::Deliver frame;
    frame.kind = wire::MessageKind::request;
    frame.time_left_ms = 1000;
    frame.name = name;
    frame.payload = wire::encode(wire::ChunkQuestion{base::blake3(content), 0, 16});
    return frame;
}

TEST(NodePublish, WhatIsAnnouncedIsFetchedFromWhoToldItPieceByPiece) {
    Subject subject;
    const base::Bytes content = content_of(100'000);
    const auto author = key(2);
    const auto teller = key(3).id();
    subject.gossip(teller, wire::sign(author, notice_of(content)).envelope);
    ASSERT_EQ(subject.take<delivery::WantSession>()->peer, teller);
    subject.session_up(teller);
    give(subject, teller, content);
    EXPECT_EQ(subject.count<delivery::Published>(), 0U);
    give(subject, teller, content);
    const auto published = subject.take<delivery::Published>();
    ASSERT_TRUE(published);
    EXPECT_EQ(published->content, content);
    EXPECT_EQ(published->what.author, author.id());
    EXPECT_EQ(published->what.number, 5U);
    EXPECT_EQ(subject.count<delivery::Finished>(), 0U) << "its own messages are not the application's";
    subject.advance(31s);
    EXPECT_EQ(subject.count<delivery::Published>() + subject.count<delivery::Missed>(), 0U);
}

TEST(NodePublish, ALiarIsPassedOver) {
    Subject subject;
    const base::Bytes content = content_of(1000);
    const auto author = key(2);
    const auto liar = key(3).id();
    subject.gossip(liar, wire::sign(author, notice_of(content)).envelope);
    subject.session_up(liar);
    give(subject, liar, base::Bytes(1000, 0));
    EXPECT_EQ(subject.count<delivery::Published>(), 0U);
    subject.session_up(author.id());
    give(subject, author.id(), content);
    const auto published = subject.take<delivery::Published>();
    ASSERT_TRUE(published);
    EXPECT_EQ(published->content, content);
    EXPECT_EQ(subject.figure("publications.lies"), 1U);
}

TEST(NodePublish, WhereAllLieItIsMissed) {
    Subject subject;
    const base::Bytes content = content_of(1000);
    const auto author = key(2);
    const auto liar = key(3).id();
    subject.gossip(liar, wire::sign(author, notice_of(content)).envelope);
    subject.session_up(liar);
    give(subject, liar, base::Bytes(1000, 0));
    subject.session_up(author.id());
    give(subject, author.id(), base::Bytes(999, 1));
    const auto missed = subject.take<delivery::Missed>();
    ASSERT_TRUE(missed);
    EXPECT_EQ(missed->cause, delivery::MissCause::lied);
    subject.advance(31s);
    EXPECT_EQ(subject.count<delivery::Published>() + subject.count<delivery::Missed>(), 0U);
}

TEST(NodePublish, WhatNobodyGivesIsMissedInTime) {
    Subject subject;
    subject.gossip(key(3).id(), wire::sign(key(2), notice_of(content_of(1000))).envelope);
    subject.advance(29s);
    EXPECT_EQ(subject.count<delivery::Missed>(), 0U);
    subject.advance(2s);
    const auto missed = subject.take<delivery::Missed>();
    ASSERT_TRUE(missed);
    EXPECT_EQ(missed->cause, delivery::MissCause::late);
    EXPECT_EQ(subject.count<delivery::Finished>(), 0U);
}

TEST(NodePublish, WhatDoesNotCountIsRefusedByCause) {
    Subject subject;
    wire::Notice other = notice_of(content_of(9));
    other.mesh = "mesh2";
    base::Bytes forged = wire::sign(key(2), notice_of(content_of(9))).envelope;
    forged.back() ^= 1U;
    subject.gossip(key(3).id(), wire::sign(key(2), other).envelope);
    subject.gossip(key(3).id(), forged);
    subject.gossip(key(3).id(), {wire::kNoticeKind, 1, 2});
    EXPECT_EQ(subject.count<delivery::WantSession>(), 0U);
    EXPECT_EQ(subject.figure("publications.refused.wrong_mesh"), 1U);
    EXPECT_EQ(subject.figure("publications.refused.bad_signature"), 1U);
    EXPECT_EQ(subject.figure("publications.refused.malformed"), 1U);
    EXPECT_EQ(subject.figure("publications.announced"), 0U);
    EXPECT_EQ(subject.figure("directory.refused.unknown_kind"), 0U) << "the directory does not see it";
}

TEST(NodePublish, AClosedMeshTakesItFromMembersOnly) {
    Subject subject(Mesh::closed);
    const auto teller = key(3);
    wire::Hello hello;
    hello.mesh = "mesh1";
    hello.type = "broker";
    hello.ticket = ticket_of(teller.id(), 3);
    ASSERT_EQ((*subject).greet(teller.id(), hello, Caller::them, subject.now()).standing, Standing::member);
    (*subject).on_session_began(teller.id(), Standing::member, subject.now(), subject.out);

    const base::Bytes content = content_of(10);
    subject.gossip(teller.id(), wire::sign(key(2), notice_of(content)).envelope);
    EXPECT_EQ(subject.figure("publications.refused.not_admitted"), 1U) << "without a ticket";
    wire::Notice borrowed = notice_of(content);
    borrowed.ticket = hello.ticket;
    subject.gossip(teller.id(), wire::sign(key(2), borrowed).envelope);
    EXPECT_EQ(subject.figure("publications.refused.not_admitted"), 2U) << "with another one's";
    EXPECT_EQ(subject.figure("publications.announced"), 0U);

    wire::Notice admitted = notice_of(content);
    admitted.ticket = ticket_of(key(2).id(), 2);
    subject.gossip(teller.id(), wire::sign(key(2), admitted).envelope);
    EXPECT_EQ(subject.figure("publications.announced"), 1U) << "a member that was not met yet";
    EXPECT_EQ(subject.figure("admission.members"), 1U) << "and that no grant is kept for";
    EXPECT_EQ(subject.take<delivery::WantSession>()->peer, teller.id());
}

TEST(NodePublish, WhatIsPublishedIsAnnouncedAndGiven) {
    Subject subject;
    const base::Bytes content = content_of(100);
    const auto what = (*subject).publish(content, subject.now(), subject.out);
    ASSERT_TRUE(what);
    EXPECT_EQ(what->number, kWallMs + 1);
    const auto peer = key(3).id();
    (*subject).on_delivery(peer, question_for(content, wire::chunk_target(key(1).id())), subject.now(), subject.out);
    EXPECT_EQ(subject.take<delivery::SendOutcome>()->frame.payload, base::Bytes(content.begin(), content.begin() + 16));
    (*subject).on_delivery(peer, question_for(content_of(9), wire::chunk_target(key(1).id())), subject.now(),
                           subject.out);
    const auto none = subject.take<delivery::SendOutcome>();
    EXPECT_EQ(none->frame.code, wire::OutcomeCode::acknowledged);
    EXPECT_TRUE(none->frame.payload.empty());
    (*subject).on_delivery(peer, question_for(content, wire::chunk_target(peer)), subject.now(), subject.out);
    EXPECT_TRUE(subject.take<delivery::SendOutcome>()->frame.payload.empty()) << "meant for another node";
    EXPECT_EQ(subject.figure("publications.bad_questions"), 1U);
}

// A node that has asked for `content` and has no answer yet.
void begin_fetch(Subject& subject, const base::Bytes& content) {
    subject.gossip(key(3).id(), wire::sign(key(2), notice_of(content)).envelope);
    subject.session_up(key(3).id());
}

void ask(Subject& subject, const base::EndpointId& peer, const base::Bytes& content, std::uint64_t sequence) {
    wire::Deliver frame = question_for(content, wire::chunk_target(key(1).id()));
    frame.sequence.value = sequence;
    (*subject).on_delivery(peer, frame, subject.now(), subject.out);
}

TEST(NodePublish, WhoAsksForWhatIsBeingFetchedIsAnsweredWhenItIsHere) {
    Subject subject;
    const base::Bytes content = content_of(100);
    begin_fetch(subject, content);
    ask(subject, key(4).id(), content, 6);
    ask(subject, key(5).id(), content, 7);
    EXPECT_EQ(subject.count<delivery::SendOutcome>(), 0U);
    give(subject, key(3).id(), content);
    std::map<base::EndpointId, std::uint64_t> answered;
    while (const auto answer = subject.take<delivery::SendOutcome>()) {
        EXPECT_EQ(answer->frame.payload, base::Bytes(content.begin(), content.begin() + 16));
        answered[answer->peer] = answer->frame.sequence.value;
    }
    EXPECT_EQ(answered, (std::map<base::EndpointId, std::uint64_t>{{key(4).id(), 6}, {key(5).id(), 7}}));
}

TEST(NodePublish, WhoWaitsForWhatIsMissedOrHasGivenUpIsToldThatItIsNotHere) {
    Subject subject;
    const base::Bytes content = content_of(100);
    begin_fetch(subject, content);
    ask(subject, key(4).id(), content, 6);
    subject.advance(2s);
    EXPECT_EQ(subject.count<delivery::SendOutcome>(), 0U);
    give(subject, key(3).id(), content);
    EXPECT_TRUE(subject.take<delivery::SendOutcome>()->frame.payload.empty()) << "its time was a second";

    const base::Bytes other = content_of(101);
    begin_fetch(subject, other);
    ask(subject, key(4).id(), other, 7);
    subject.advance(31s);
    EXPECT_EQ(subject.figure("publications.missed.late"), 1U);
    const auto answer = subject.take<delivery::SendOutcome>();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->frame.payload.empty());
    EXPECT_EQ(answer->frame.sequence.value, 7U);
}

TEST(NodePublish, WhoWaitsIsForgottenWithItsSession) {
    Subject subject;
    const base::Bytes content = content_of(100);
    begin_fetch(subject, content);
    ask(subject, key(4).id(), content, 6);
    ask(subject, key(5).id(), content, 7);
    (*subject).on_sender_up(key(4).id(), delivery::Incarnation{9}, subject.now(), subject.out);
    (*subject).on_sender_down(key(5).id(), subject.now(), subject.out);
    give(subject, key(3).id(), content);
    EXPECT_EQ(subject.count<delivery::Published>(), 1U);
    EXPECT_EQ(subject.count<delivery::SendOutcome>(), 0U);
}

TEST(NodePublish, FewQuestionsOfOnePeerWait) {
    Subject subject;
    const base::Bytes content = content_of(100);
    begin_fetch(subject, content);
    for (std::uint64_t i = 1; i <= kHeldOfPeerMax; ++i)
        ask(subject, key(4).id(), content, i);
    EXPECT_EQ(subject.count<delivery::SendOutcome>(), 0U);
    ask(subject, key(4).id(), content, 100);
    EXPECT_TRUE(subject.take<delivery::SendOutcome>()->frame.payload.empty());
    EXPECT_EQ(subject.figure("publications.held_full"), 1U);
    (*subject).leave_delivery(subject.now(), subject.out);
    EXPECT_EQ(subject.count<delivery::SendOutcome>(), kHeldOfPeerMax) << "who leaves lets nobody wait";
}

TEST(NodePublish, InAClosedMeshOnlyMembersAreGivenAnything) {
    Subject subject(Mesh::closed);
    const base::Bytes content = content_of(100);
    ASSERT_TRUE((*subject).publish(content, subject.now(), subject.out));
    (*subject).on_delivery(key(9).id(), question_for(content, wire::chunk_target(key(1).id())), subject.now(),
                           subject.out);
    EXPECT_TRUE(subject.take<delivery::SendOutcome>()->frame.payload.empty());
    EXPECT_EQ(subject.figure("publications.strangers"), 1U);
}

TEST(NodePublish, WhatCannotBePublishedSaysWhy) {
    Subject subject;
    const auto publish = [&](std::size_t size) {
        const auto what = (*subject).publish(base::Bytes(size, 7), subject.now(), subject.out);
        return what ? std::optional<delivery::PublishRefusal>() : std::optional(what.error());
    };
    EXPECT_EQ(publish(0), delivery::PublishRefusal::empty);
    EXPECT_EQ(publish(wire::kPublicationMax + 1), delivery::PublishRefusal::too_large);
    EXPECT_EQ(publish(1), std::nullopt);
    (*subject).leave_delivery(subject.now(), subject.out);
    EXPECT_EQ(publish(1), delivery::PublishRefusal::no_mesh) << "it is leaving";
}

TEST(NodePublish, NoServiceMayTakeAReservedName) {
    Subject subject;
    EXPECT_EQ((*subject).serve(wire::chunk_target(key(1).id()), {}, subject.now(), subject.out), base::Admitted::no);
    EXPECT_EQ((*subject).serve("mesh1.broker", {}, subject.now(), subject.out), base::Admitted::yes);
}

TEST(NodePublish, ANodeThatLeavesDoesNotWaitForPieces) {
    Subject subject;
    subject.gossip(key(3).id(), wire::sign(key(2), notice_of(content_of(1000))).envelope);
    subject.session_up(key(3).id());
    EXPECT_EQ((*subject).deliveries_in_hand(), 1U);
    (*subject).leave_delivery(subject.now(), subject.out);
    EXPECT_EQ((*subject).deliveries_in_hand(), 0U);
    EXPECT_EQ(subject.count<delivery::Finished>(), 0U);
}

}  // namespace
}  // namespace grapevine::node
