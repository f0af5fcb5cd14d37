#pragma once

// One node at the level of messages: gossip topics, the directory of its mesh, seeds, addresses and the failure
// detector put together. Sans-IO: inputs take `now` and append effects; one deadline is pulled.
//
// Rules
//  1. A mesh node takes part in the topic BLAKE3(mesh name), whose content is signed statements (wire/digest.hpp).
//     Without a mesh it is a plain endpoint that only takes part in the application's topics.
//  2. When the mesh gains a neighbour, the one with the smaller id opens a directory exchange with it: newcomers and
//  healed
//     partitions synchronise by difference. A node that knows nobody yet opens one in any case: where it restarted
//     before its neighbour had missed it, the neighbour gains nobody.
//  3. A neighbour that the link monitor calls silent is accused in public; it is abandoned when the directory buries
//  it.
//     A neighbour that has no entry there (an iroh endpoint, say) is abandoned when kSilenceMax more has passed.
//  4. A link that ends without a goodbye is an accusation too (connection_lost).
//  5. Seeds are tried for ever; so are remembered peers; the topics of the application have seeds of their own (their
//     bootstrap).
//  6. A mesh neighbour that was lost, or fell silent, is replaced by a random member from the directory, if fewer than
//     kNeighborsWanted others are there. Passive views alone are thin where nodes restart often (they are filled once a
//     minute), and a small mesh would then fall into parts that know of each other but have no link.
//  7. A Join is always answered, also from a neighbour: it has restarted before it was missed, and knows nobody.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bounded.hpp"
#include "base/ed25519.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "fabric/types.hpp"
#include "node/types.hpp"
#include "paths/address_book.hpp"
#include "telemetry/clock_offset.hpp"
#include "telemetry/ledger.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/recorder.hpp"

namespace grapevine::node {

inline constexpr base::Duration kSilenceMax = std::chrono::seconds(3);
inline constexpr std::size_t kNeighborsWanted = 5;    // Rule 6: HyParView's active view of a mesh of a thousand.
inline constexpr std::size_t kSyncsMax = 64;          // Directory exchanges at a time, both ways; more are refused.
inline constexpr std::uint32_t kSyncAttemptsMax = 3;  // Of one exchange that fails while the peer is a neighbour.

struct Config {
    std::optional<MeshConfig> mesh;
    delivery::Incarnation incarnation;        // Of this life, as its hellos say it.
    telemetry::Recorder* recorder = nullptr;  // Outlives the node; null: nothing is recorded.
    // The round-trip time of the link to a peer, if there is one; may be empty. Asked to judge the clocks of peers.
    std::function<std::optional<base::Duration>(const base::EndpointId&)> rtt_of{};
    // The address at which messages reach the peer now, if there is a session; may be empty. Told of messages.
    std::function<std::optional<base::SocketAddr>(const base::EndpointId&)> address_of{};
};

// How a link ended, as far as it matters here.
enum class LinkEnd : std::uint8_t {
    closed,       // The peer closed it in order, or we did.
    lost,         // Reset, timed out, or violated the protocol.
    dial_failed,  // It never came to be.
};

class Node {
public:
    // `rng` and `ledger` outlive the node.
    Node(const Config& config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger);
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    void start(const std::vector<base::SocketAddr>& addrs, base::TimePoint now, Effects& out);
    void set_addrs(const std::vector<base::SocketAddr>& addrs, base::TimePoint now, Effects& out);
    void set_load(const wire::Load& load, base::TimePoint now, Effects& out);

    void on_gossip(const base::EndpointId& from, const base::TopicId& topic, wire::TopicMessage message,
                   base::TimePoint now, Effects& out);
    // `remote` worked: it is remembered as an address of the peer, if we dialled it.
    void on_link_up(const base::EndpointId& peer, std::optional<base::SocketAddr> remote, base::TimePoint now);
    void on_link_lost(const base::EndpointId& peer, LinkEnd end, std::string_view reason, base::TimePoint now,
                      Effects& out);
    // The kernel says that nobody listens there (a hint, it can be forged).
    void on_unreachable(const base::EndpointId& peer, base::TimePoint now, Effects& out);
    // When a packet of the peer last came: report for each of monitored() before on_deadline.
    void heard(const base::EndpointId& peer, base::TimePoint at, base::TimePoint now, Effects& out);
    [[nodiscard]] std::vector<base::EndpointId> monitored() const;

    void on_sync_opened(SyncRef sync, const base::EndpointId& peer, base::TimePoint now, Effects& out);
    void on_sync_received(SyncRef sync, const wire::SyncTurn& turn, base::TimePoint now, Effects& out);
    void on_sync_ended(SyncRef sync, std::string_view error, base::TimePoint now, Effects& out);

    // Where is "mesh.type" or "mesh.type.digits", of any mesh of the fabric, or an id of the own mesh? Ends with one
    // fabric::Done, by the deadline (fabric/resolver.hpp).
    fabric::QuestionId ask(std::string_view name, base::TimePoint deadline, base::TimePoint now, Effects& out);
    void on_question(const base::EndpointId& peer, fabric::AskRef ref, const wire::Resolve& question,
                     base::TimePoint now, Effects& out);
    void on_asker_gone(const base::EndpointId& peer, fabric::AskRef ref, base::TimePoint now, Effects& out);
    // The fate of a SendQuestion.
    void on_answer(fabric::TryId id, const wire::Resolved& answer, base::TimePoint now, Effects& out);
    void on_question_failed(fabric::TryId id, base::TimePoint now, Effects& out);
    // Other meshes, and what was found out of their members.
    [[nodiscard]] std::vector<fabric::MeshRow> meshes(base::TimePoint now) const;
    [[nodiscard]] std::vector<fabric::CacheRow> cache(base::TimePoint now) const;

    // Delivery (delivery/outbox.hpp, inbox.hpp). Names are those of any mesh of the fabric, any of a type
    // ("mesh1.broker"), and ids in full; the own one is delivered to without a session. Without a mesh everything is
    // refused.
    tl::expected<delivery::MessageId, delivery::SubmitRefusal> submit(delivery::Submission submission,
                                                                      base::TimePoint now, Effects& out);
    void cancel(delivery::MessageSequence message, base::TimePoint now, Effects& out);
    [[nodiscard]] base::Admitted serve(const std::string& name, const delivery::Service& service, base::TimePoint now,
                                       Effects& out);
    void stop_serving(const std::string& name, base::TimePoint now, Effects& out);
    delivery::Answered answer(delivery::HandleId handle, delivery::Answer answer, base::TimePoint now, Effects& out);
    // A session that we wanted; `window` holds until the peer says another.
    void on_session_up(const base::EndpointId& peer, delivery::Incarnation incarnation, const wire::Window& window,
                       base::TimePoint now, Effects& out);
    void on_session_down(const base::EndpointId& peer, delivery::SessionEnd end, base::TimePoint now, Effects& out);
    // A session on which the peer delivers to us.
    void on_sender_up(const base::EndpointId& peer, delivery::Incarnation incarnation, base::TimePoint now,
                      Effects& out);
    void on_sender_down(const base::EndpointId& peer, base::TimePoint now, Effects& out);
    void on_delivery(const base::EndpointId& peer, wire::DeliveryFrame frame, base::TimePoint now, Effects& out);
    // Of a message of ours that has no outcome yet, until the next input; and one that TakePayload asked for.
    [[nodiscard]] base::ByteView payload(delivery::MessageSequence message) const;
    void on_payload(const base::EndpointId& peer, delivery::MessageSequence message, base::Bytes payload,
                    base::TimePoint now, Effects& out);
    // All that was sent to the peer is on its way.
    void on_writable(const base::EndpointId& peer, base::TimePoint now, Effects& out);

    // Content for every node of the mesh, up to 1 MiB (delivery/publications.hpp, mesh_publications.hpp): each that
    // hears of it reports delivery::Published or delivery::Missed, once; this node itself does not.
    tl::expected<delivery::Announcement, delivery::PublishRefusal> publish(base::Bytes content, base::TimePoint now,
                                                                           Effects& out);

    // Before leave(): takes no more messages; what handlers work on, and what was written, may still end well. Then the
    // end of what did not. And how many there are of both.
    void leave_delivery(base::TimePoint now, Effects& out);
    void end_delivery(base::TimePoint now, Effects& out);
    [[nodiscard]] std::size_t deliveries_in_hand() const;

    // Admission (mesh_admission.hpp). What a peer is that says hello; the caller tells when its session began and
    // ended.
    [[nodiscard]] Judgement greet(const base::EndpointId& peer, const wire::Hello& hello, Caller caller,
                                  base::TimePoint now);
    // What our hello to the peer shows; empty: nothing.
    [[nodiscard]] base::Bytes ticket_for(const base::EndpointId& peer) const;
    void on_session_began(const base::EndpointId& peer, Standing standing, base::TimePoint now, Effects& out);
    void on_session_ended(const base::EndpointId& peer, Standing standing);
    void on_denied(const base::EndpointId& peer, std::string_view why, base::TimePoint now, Effects& out);
    // How Introduce ended.
    void on_introduced(const base::EndpointId& peer, Effects& out);
    void on_introduction_failed(const base::EndpointId& peer, std::string_view reason, base::TimePoint now,
                                Effects& out);
    // From a peer's session, or given here.
    void on_revocations(const std::optional<base::EndpointId>& from, base::ByteView envelope, base::TimePoint now,
                        Effects& out);
    [[nodiscard]] std::optional<base::EndpointId> authority() const;  // Absent: the mesh is open.
    // Of the list that counts here; 0: none.
    [[nodiscard]] std::uint64_t revocations_version() const;
    // Replaces authority and own ticket while the mesh runs; whom the new policy does not admit is put out. Errors: an
    // own ticket that is unusable, after which everything is as before.
    base::Status set_admission(const std::optional<base::EndpointId>& authority, base::Bytes ticket,
                               base::TimePoint now, Effects& out);

    // Watching another mesh through a gateway of it (mesh_watches.hpp): WatchedChanged and WatchSourceChanged follow.
    // Errors: no mesh's name, the own mesh, or as many as kWatchesMax already.
    base::Status watch(std::string_view mesh, base::TimePoint now, Effects& out);
    void unwatch(std::string_view mesh, base::TimePoint now, Effects& out);
    // The same of the list of meshes, of a gateway of the own mesh: MeshAppeared and MeshGone follow, as they do where
    // this node is on the backbone itself.
    base::Status watch_meshes(base::TimePoint now, Effects& out);
    void unwatch_meshes(base::TimePoint now, Effects& out);
    [[nodiscard]] std::vector<DirectoryRow> watched(std::string_view mesh, base::TimePoint now) const;
    [[nodiscard]] std::vector<WatchSource> watch_sources() const;
    // Other meshes of the fabric that are known here, by whichever way.
    [[nodiscard]] std::vector<std::string> known_meshes() const;
    [[nodiscard]] std::size_t watched_size() const;  // Members of all watched meshes.
    [[nodiscard]] std::size_t watches() const;

    // Streams of the node itself (watch_types.hpp). Of those that it says something on, on_stream_taken() gives the end
    // that there was no room for.
    void on_stream_bytes(const OwnStream& stream, base::ByteView data, Last last, base::TimePoint now, Effects& out);
    void on_stream_taken(const OwnStream& stream, base::Bytes untaken, base::TimePoint now, Effects& out);
    void on_stream_room(const OwnStream& stream, base::TimePoint now, Effects& out);
    void on_stream_over(const OwnStream& stream, std::string_view why, base::TimePoint now, Effects& out);
    // The peer opens such streams too often.
    void on_stream_too_often(const base::EndpointId& peer, const wire::OpenStream& asked, Effects& out);

    void on_deadline(base::TimePoint now, Effects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    // Says goodbye to the mesh and to every topic. Afterwards the node is silent.
    void leave(base::TimePoint now, Effects& out);

    base::Status join_topic(const base::TopicId& topic, const std::vector<wire::EndpointAddr>& bootstrap,
                            base::TimePoint now, Effects& out);
    void leave_topic(const base::TopicId& topic, base::TimePoint now, Effects& out);
    base::Status broadcast(const base::TopicId& topic, base::ByteView content, base::TimePoint now, Effects& out);

    // Where to dial a peer, best first.
    [[nodiscard]] std::vector<base::SocketAddr> candidates(const base::EndpointId& peer, base::TimePoint now) const;
    // The same with where each is known from.
    [[nodiscard]] std::vector<paths::Candidate> addresses(const base::EndpointId& peer, base::TimePoint now) const;
    // An address that an application gave with an id.
    void learn_address(const wire::EndpointAddr& addr, base::TimePoint now);

    [[nodiscard]] std::string own_name() const;
    [[nodiscard]] std::string name_of(const base::EndpointId& id) const;  // Short hex for strangers.
    [[nodiscard]] base::Result<base::EndpointId> resolve(std::string_view name) const;
    [[nodiscard]] std::vector<DirectoryRow> directory(base::TimePoint now) const;
    [[nodiscard]] std::size_t directory_size() const;
    [[nodiscard]] std::vector<base::EndpointId> mesh_neighbors() const;
    // True while any topic has a use for a connection to the peer.
    [[nodiscard]] bool wants(const base::EndpointId& peer) const;
    [[nodiscard]] bool is_eager(const base::EndpointId& peer) const;
    [[nodiscard]] std::vector<Figure> figures() const;
    [[nodiscard]] static base::TopicId topic_of_mesh(std::string_view mesh);

    // For whoever drives the node and records spans itself (narrator.hpp): the span within which the inputs that follow
    // are handled, null for none; the span of a join through this peer; peer_id, peer_name and peer_node_type on a
    // span.
    void within(const telemetry::OpenSpan* span);
    [[nodiscard]] const telemetry::OpenSpan* joining(const base::EndpointId& peer) const;
    void describe(telemetry::OpenSpan& span, const base::EndpointId& peer) const;
    [[nodiscard]] telemetry::ClockOffsets& clocks();
    // Hops of the deliveries on the mesh's topic (the papers' last delivery hop is their largest).
    [[nodiscard]] const telemetry::Histogram& delivery_hops() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine::node
