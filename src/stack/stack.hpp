#pragma once

// One whole node, sans-IO: a mesh node (or a plain endpoint) on its QUIC endpoint. Datagrams, time and commands in;
// datagrams and events out. The simulator and the event loop drive this same class.
//
// Use: after every batch of inputs call flush() once, then poll_event() until empty, then arm one timer for
// next_deadline(). Not thread-safe; many stacks may live on one loop.

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bounded.hpp"
#include "base/ed25519.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "quic/types.hpp"
#include "stack/types.hpp"
#include "stack/why.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::stack {

class Stack {
public:
    // `rng` and `ledger` outlive the stack.
    Stack(const Config& config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger);
    ~Stack();
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;

    // Begins: `addrs` are the direct addresses at which this node can be reached (may change later by set_addrs).
    void start(const std::vector<base::SocketAddr>& addrs, base::TimePoint now);
    void set_addrs(const std::vector<base::SocketAddr>& addrs, base::TimePoint now);
    // The process's own load, sampled by the edge about once per gossip interval.
    void set_load(const wire::Load& load, base::TimePoint now);

    void on_datagram(const quic::ReceivedDatagram& datagram, base::TimePoint now);
    void on_unreachable(const base::SocketAddr& remote, base::TimePoint now);
    void on_deadline(base::TimePoint now);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;
    void flush(base::TimePoint now, const std::function<void(const quic::Transmit&)>& sink);
    // Only what carries data: messages travel on before acknowledgements are written. flush() must follow within a
    // millisecond or so.
    void flush_data(base::TimePoint now, const std::function<void(const quic::Transmit&)>& sink);
    [[nodiscard]] std::optional<Event> poll_event();

    // Graceful leave: says so to the mesh and to every topic, closes everything, then reports Left (within 1.5 s).
    void leave(base::TimePoint now);

    // Mesh. Ping measures a round trip of a frame to the peer's mesh service, not only to its transport; 5 s deadline.
    RequestId ping(const base::EndpointId& peer, base::TimePoint now);
    // A name (`mesh1.broker.239dc9`), or 64 hex characters. Errors: not_found, or invalid when it fits several nodes.
    [[nodiscard]] base::Result<base::EndpointId> resolve(std::string_view name) const;
    [[nodiscard]] std::string own_name() const;
    [[nodiscard]] std::string name_of(const base::EndpointId& id) const;  // Short hex for strangers.
    [[nodiscard]] std::vector<DirectoryRow> directory(base::TimePoint now) const;
    [[nodiscard]] std::vector<NeighborRow> neighbors(base::TimePoint now) const;

    // Names of any mesh of the fabric, or an id of the own one: where they are. Reported as fabric::Done, once, by the
    // deadline.
    fabric::QuestionId ask(std::string_view name, base::TimePoint deadline, base::TimePoint now);
    [[nodiscard]] std::vector<fabric::MeshRow> meshes(base::TimePoint now) const;
    [[nodiscard]] std::vector<fabric::CacheRow> cache(base::TimePoint now) const;

    // What this node can tell of a name, an id or the beginning of one (why.hpp).
    [[nodiscard]] Why why(std::string_view name, base::TimePoint now) const;

    // Delivery (docs/delivery.md). Each submitted message is reported as Finished, once; what comes for a served name,
    // or for the empty one, as Handle, which the application answers.
    tl::expected<delivery::MessageId, delivery::SubmitRefusal> submit(delivery::Submission submission,
                                                                      base::TimePoint now);
    void cancel(delivery::MessageSequence message, base::TimePoint now);
    [[nodiscard]] base::Admitted serve(const std::string& name, const delivery::Service& service, base::TimePoint now);
    void stop_serving(const std::string& name, base::TimePoint now);
    delivery::Answered answer(delivery::HandleId handle, delivery::Answer answer, base::TimePoint now);

    // Content for every node of the mesh, up to 1 MiB: each reports it once, or that it missed it (PublicationReport).
    tl::expected<delivery::Announcement, delivery::PublishRefusal> publish(base::Bytes content, base::TimePoint now);

    // Another mesh, watched through one gateway of it at a time (node/mesh_watches.hpp): reported by WatchReport. And
    // the list of meshes, as a gateway of the own mesh tells it: reported as MeshAppeared and MeshGone. Errors: as
    // Node's.
    base::Status watch(std::string_view mesh, base::TimePoint now);
    void unwatch(std::string_view mesh, base::TimePoint now);
    base::Status watch_meshes(base::TimePoint now);
    void unwatch_meshes(base::TimePoint now);
    [[nodiscard]] std::vector<DirectoryRow> watched(std::string_view mesh, base::TimePoint now) const;
    [[nodiscard]] std::vector<WatchSource> watch_sources() const;
    [[nodiscard]] std::vector<std::string> known_meshes() const;

    // Streams by name: one is asked for by submit() of kind stream, and open when that is Finished `acknowledged`; or
    // asked for by a Handle of kind stream, and open when it was answered `done` in time. Then StreamBytes come until
    // StreamOver does, once (byte_streams.hpp). write() takes what there is room for; StreamRoom follows if that was
    // less than given. reset() ends both directions.
    base::Result<std::size_t> write(const ByteStreamRef& stream, base::ByteView data, node::Last last,
                                    base::TimePoint now);
    void consume(const ByteStreamRef& stream, std::size_t bytes, base::TimePoint now);
    void reset(const ByteStreamRef& stream, std::uint32_t code, base::TimePoint now);

    // Admission to the mesh while it runs. A policy is an authority, absent for an open mesh, and the own ticket; whom
    // the new one does not admit is put out. A list of revocations counts if it is newer than the known one.
    base::Status set_admission(const std::optional<base::EndpointId>& authority, base::Bytes ticket,
                               base::TimePoint now);
    void take_revocations(base::ByteView envelope, base::TimePoint now);
    [[nodiscard]] std::optional<base::EndpointId> authority() const;
    // Of the list that counts here; 0: none.
    [[nodiscard]] std::uint64_t revocations_version() const;

    // Gossip topics of the application. Joining twice adds peers. Bootstrap peers are retried for ever, with backoff.
    base::Status join_topic(const base::TopicId& topic, const std::vector<wire::EndpointAddr>& bootstrap,
                            base::TimePoint now);
    void leave_topic(const base::TopicId& topic, base::TimePoint now);
    // Errors: unknown topic, content over 4057 bytes, the same content seen within 90 s.
    base::Status broadcast(const base::TopicId& topic, base::ByteView content, base::TimePoint now);

    // Application connections; semantics as quic::Endpoint's.
    base::Result<quic::ConnectionRef> connect(const wire::EndpointAddr& peer, std::string_view alpn,
                                              base::TimePoint now);
    base::Result<quic::StreamRef> open_stream(quic::ConnectionRef connection, quic::Direction direction);
    base::Result<std::size_t> write(quic::ConnectionRef connection, quic::StreamRef stream, base::ByteView data,
                                    bool fin);
    void consume(quic::ConnectionRef connection, quic::StreamRef stream, std::size_t bytes);
    void reset_stream(quic::ConnectionRef connection, quic::StreamRef stream, std::uint64_t code);
    void stop_sending(quic::ConnectionRef connection, quic::StreamRef stream, std::uint64_t code);
    base::Status send_datagram(quic::ConnectionRef connection, base::ByteView data);
    void close(quic::ConnectionRef connection, std::uint64_t code, std::string_view reason, base::TimePoint now);
    [[nodiscard]] std::optional<quic::ConnectionStats> connection_stats(quic::ConnectionRef connection) const;

    [[nodiscard]] const base::EndpointId& id() const;
    // Own id and current direct addresses: what a ticket holds.
    [[nodiscard]] wire::EndpointAddr addr() const;
    [[nodiscard]] std::vector<Figure> figures() const;
    // The figures as metrics, and with them what only a metric can show: round trips, hops, each neighbour.
    [[nodiscard]] std::vector<telemetry::Metric> metrics(base::TimePoint now) const;
    [[nodiscard]] const telemetry::Ledger& ledger() const;
    // What the laws allow at this moment to each kind that the stack makes; and how they were kept.
    [[nodiscard]] telemetry::Allowances allowances() const;
    [[nodiscard]] const telemetry::Laws& laws() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine::stack
