#pragma once

/// A mesh node: an Endpoint that belongs to exactly one mesh, finds the others, and keeps a signed directory of them.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grapevine/endpoint.hpp"
#include "grapevine/stream.hpp"

namespace grapevine {

struct NodeOptions {
    std::string mesh{};                ///< Mandatory. [a-z0-9][a-z0-9-]{0,62}
    std::string type{};                ///< Mandatory. The same rule.
    std::vector<std::string> seeds{};  ///< Tickets, or "<64 hex>@<ip:port>". Tried for ever.
    /// The meshes of one fabric know each other through their gateways (nodes of type "gateway").
    /// [a-z0-9][a-z0-9-]{0,62}
    std::string fabric{"default"};
    std::vector<std::string>
        fabric_seeds{};                ///< Gateways of any mesh of the fabric, as `seeds`; only gateways use them.
    std::vector<std::string> bind{};   ///< As EndpointOptions::bind.
    std::filesystem::path data_dir{};  ///< Identity, control socket and lock; made 0700. Empty: nothing is kept.
    std::vector<std::string> alpns{};  ///< Own protocols served besides the mesh's.
    /// Closes the mesh: the public id of its authority (64 hex characters). Everybody in it needs a ticket.
    std::string authority{};
    /// As `grapevine mesh admit` prints them: this node's own, which a closed mesh requires, and those for other meshes
    /// that it visits.
    std::vector<std::string> tickets{};
    std::string revocations{};  ///< The mesh's list of revocations, as `grapevine mesh revoke` writes it; may be empty.
    std::chrono::milliseconds gossip_interval{2000};  ///< Least time between change-driven digests.
    std::chrono::milliseconds staleness{30000};       ///< A node not heard of for this long is dropped.
    std::uint32_t cpu_budget_millicores = 0;          ///< Stated in the digest; 0 states none.
    std::uint32_t memory_budget_kib = 0;
    /// For tests: this node's wall clock, as its telemetry and its digests show it, is so far ahead. Of what a node
    /// does, the expiry of tickets alone depends on it.
    std::chrono::milliseconds clock_offset{0};
};

/// One row of the directory: a node as this node knows it.
struct DirectoryEntry {
    std::string name;  ///< "<mesh>.<type>.<6 hex or more>"
    std::string id;
    std::string mesh;
    std::string type;
    std::vector<std::string> addresses;
    std::vector<std::string> neighbors;  ///< Ids of its overlay neighbours.
    std::uint32_t cpu_millicores = 0;
    std::uint32_t memory_kib = 0;
    std::uint64_t sequence = 0;
    std::uint64_t started_unix_ms = 0;      ///< By its own clock; for display.
    std::chrono::milliseconds age{0};       ///< Since its newest digest came in, on this node's monotonic clock.
    std::string known_via;                  ///< "self", "gossip" or "sync"; "watch" of another mesh.
    std::vector<std::string> suspected_by;  ///< Names or ids of its accusers, while it is under suspicion.
    std::uint32_t cpu_budget_millicores = 0;
    std::uint32_t memory_budget_kib = 0;
    std::uint64_t messages_sent = 0;  ///< On its mesh's topic.
    std::uint64_t messages_received = 0;
};

struct NodeEvent {
    enum class Kind {
        joined,
        updated,
        left,
        died,
        stale,
        suspected,
        refuted,
        neighbor_up,
        neighbor_down,
        seed_retry,
        expelled  ///< From a closed mesh: its ticket is revoked, has expired, or is not good any more.
    };
    Kind kind = Kind::joined;
    std::string id;
    std::string name;
    std::string detail;  ///< Accusers, reason, delay: one line for people.
};

/// Who tells this node of a mesh that it watches: one gateway of that mesh at a time. What was told stays known while
/// nobody tells, and its age grows.
struct MeshSource {
    enum class State {
        seeking,  ///< A gateway is looked for.
        up,       ///< A gateway has told all that it knows, and tells what changes.
        down      ///< No gateway that was found does; it is tried again, at most every 30 s.
    };
    std::string mesh;
    State state = State::seeking;
    std::string gateway_id;              ///< Who tells, or told last; may be empty.
    std::string text;                    ///< Why it is not up, for people.
    std::chrono::milliseconds since{0};  ///< How long it has been in this state.
};

/// What is heard of other meshes: of members of those that are watched, of who tells, and of which meshes there are.
struct WatchEvent {
    enum class Kind {
        joined,
        updated,
        left,
        died,      ///< By the signed accusations of other members.
        stale,     ///< Not heard of for too long.
        unlisted,  ///< Its gateway does not list it any more, and no signature says why.
        suspected,
        refuted,
        withdrawn,      ///< Not suspected any more, since its answer would not be heard: who told is gone.
        source,         ///< The state of the watch is another one.
        gateway_lied,   ///< A gateway (id) broke a rule (detail), and is not listened to for 10 min.
        mesh_appeared,  ///< In the fabric.
        mesh_gone
    };
    Kind kind = Kind::joined;
    std::string mesh;
    std::string id;
    std::string name;
    std::vector<std::string> accusers;  ///< Ids, of the dead and the suspected.
    std::string detail;                 ///< One line for people.
};

/// How a message is to be delivered.
struct DeliveryOptions {
    std::chrono::milliseconds deadline{10000};  ///< 1 ms to 60 s; it has ended by then, one way or the other.
    enum class Repetition {
        unsafe,     ///< Never handled twice: where that cannot be known, it ends in doubt.
        idempotent  ///< May be handled again, and is tried at other instances until one answers.
    };
    Repetition repetition = Repetition::unsafe;
    enum class Ordering {
        none,
        lane  ///< In order with the other ordered messages of this node to the same name.
    };
    Ordering ordering = Ordering::none;
};

/// With its sender's id, it names a message for ever.
struct MessageId {
    std::uint64_t incarnation = 0;  ///< One life of the sender's process, drawn at random when it starts.
    std::uint64_t sequence = 0;     ///< Counts from 1 in each life.
    friend auto operator<=>(const MessageId&, const MessageId&) = default;
};

/// How a message ended; docs/delivery.md says what each ending promises.
struct Delivery {
    enum class Ending {
        acknowledged,
        unknown_mesh,
        no_such_node,
        ambiguous,
        unreachable,
        refused,
        handler_failed,
        too_large,
        peer_busy,
        deadline,
        in_doubt,
        cancelled
    };
    /// Whether a handler saw it: what to reckon with before sending it again.
    enum class Handled { no, maybe, yes };
    Ending ending = Ending::acknowledged;
    Handled handled = Handled::no;
    std::string peer_id{};                ///< To whom it was written last; empty: to nobody.
    std::uint32_t attempts = 0;           ///< How often it was written.
    std::vector<std::uint8_t> payload{};  ///< The reply to a request, or the receiver's text.
    MessageId message{};
};
/// The name of an ending, as docs/delivery.md has it: "acknowledged", "unknown_mesh", ...
[[nodiscard]] std::string_view to_text(Delivery::Ending ending);

/// A message for this node.
struct Incoming {
    std::string from_id;
    std::string name;  ///< As its sender addressed it.
    bool is_request = false;
    std::vector<std::uint8_t> payload;
    std::chrono::nanoseconds time_left{0};
    MessageId message{};  ///< As its sender's Delivery names it.
};
/// What a handler says of a message; `done` carries the reply to a request, the others a text for the sender.
struct Answer {
    enum class Verdict { done, failed, refused };
    Verdict verdict = Verdict::done;
    std::vector<std::uint8_t> payload{};
};
/// Answers an Incoming: once, at once or later, on the loop's thread, while the node lives. What comes after the
/// message's time is dropped. Copies are as good as the original.
using Answerer = std::function<void(Answer)>;
using Handler = std::function<void(const Incoming&, Answerer)>;
/// What a node takes for one name. What comes beyond it is answered as busy, and tried at other instances; a payload
/// over its limit ends `too_large` before it is sent.
struct ServiceOptions {
    std::size_t payload_max = std::size_t{16} << 20U;
    std::uint32_t concurrency = 64;  ///< Messages that the handler has not answered yet; at least 1.
    std::uint32_t queue_max = 1024;  ///< Those that wait for it.
};
/// Answers a request with its own payload and acknowledges everything else: for trying things.
Handler echo_handler();

/// Content that another node of the mesh published.
struct Publication {
    std::string author_id;
    std::uint64_t number = 0;  ///< Of its author's publications; grows, also over restarts.
    std::string hash;          ///< BLAKE3 of the content: 64 hex characters.
    std::vector<std::uint8_t> content;
};
/// Content that this node heard of and did not get.
struct MissedPublication {
    enum class Cause {
        late,  ///< Nobody gave it within 30 s.
        lied,  ///< All who might have it gave something else.
        busy   ///< Too much was wanted already: 256 publications, or 64 of this author.
    };
    std::string author_id;
    std::uint64_t number = 0;
    std::string hash;
    std::size_t size = 0;
    Cause cause = Cause::late;
};
/// "late", "lied", "busy".
[[nodiscard]] std::string_view to_text(MissedPublication::Cause cause);
/// What this node published: as its receivers name it.
struct Published {
    std::uint64_t number = 0;
    std::string hash;
};

class NodeStart;

class Node : public Endpoint {
public:
    /// Locks the data directory, loads or mints the identity, binds, and starts looking for the mesh.
    static Result<std::unique_ptr<Node>> start(Loop& loop, const NodeOptions& options);
    ~Node() override;

    [[nodiscard]] std::string name() const;
    [[nodiscard]] std::vector<DirectoryEntry> directory() const;
    /// A name of this mesh or 64 hex characters, to an id.
    [[nodiscard]] Result<std::string> resolve(std::string_view name) const;
    void on_event(std::function<void(const NodeEvent&)> listener);
    /// Watches the directory of another mesh of the fabric through one gateway of it (docs/delivery.md): it tells what
    /// it knows, each member's words as they were signed, so that it can withhold but not forge. Another gateway
    /// follows when one ends, falls silent or breaks a rule. Of a closed mesh a ticket to visit it is needed. Errors:
    /// invalid (no name of a mesh, or the own one) and exhausted (16 watched already). Watching twice is watching.
    Status watch_mesh(std::string_view mesh);
    void unwatch_mesh(std::string_view mesh);
    /// Members of a watched mesh, by name; their age is what the gateway said, and the time since.
    [[nodiscard]] std::vector<DirectoryEntry> watched(std::string_view mesh) const;
    /// Asks a gateway of the own mesh which meshes the fabric has, and goes on asking: only gateways hear it
    /// themselves. Errors: exhausted.
    Status watch_meshes();
    void unwatch_meshes();
    /// Other meshes that are known.
    [[nodiscard]] std::vector<std::string> meshes() const;
    /// Of each watched mesh; the own mesh stands for the list of meshes.
    [[nodiscard]] std::vector<MeshSource> mesh_sources() const;
    void on_watch(std::function<void(const WatchEvent&)> listener);
    /// Gives this node another ticket while it runs, and with it, if given, another authority: whom that does not admit
    /// is put out. An open mesh is closed so. Errors leave everything as it was.
    Status admit(std::string_view ticket, std::string_view authority = {});
    /// A newer list of revocations: it is told to the mesh, and whom it names is put out at once.
    Status revoke(std::string_view list);
    /// Called when somebody asks the node to stop through its control socket. Without a handler the process gets
    /// SIGTERM.
    void on_stop_request(std::function<void()> handler);
    /// One round trip to the mesh service of a node; `done` gets the time or the error, once.
    void ping(std::string_view name, std::function<void(Result<std::chrono::nanoseconds>)> done);

    /// Delivers up to 16 MiB (over 60 KiB on a stream of its own) to a node ("mesh1.broker.239dc9"), to any of a type
    /// ("mesh1.broker"), or to an id. `done` is called exactly once, with how it ended. Errors, of which nothing else
    /// comes: exhausted (too much waits; try again when something has ended) and invalid (name, size, deadline).
    Status send(std::string_view name, std::span<const std::uint8_t> payload, const DeliveryOptions& options,
                std::function<void(const Delivery&)> done);
    /// The same with a reply of up to 60 KiB.
    Status request(std::string_view name, std::span<const std::uint8_t> payload, const DeliveryOptions& options,
                   std::function<void(const Delivery&)> done);
    /// Handles what is addressed by this very name; with the empty name, everything else. Without any handler messages
    /// are refused. A handler that throws has failed the message.
    Status serve(const std::string& name, Handler handler, const ServiceOptions& options = {});
    /// Publishes up to 1 MiB to every node of the mesh: each that is connected now gets it once, or is told that it
    /// missed it (docs/delivery.md). This node keeps it for the others for 60 s. Errors, of which nothing else comes:
    /// invalid (nothing, or more than 1 MiB), exhausted (more than 16 MiB in 60 s) and failed (the node is leaving).
    Result<Published> publish(std::span<const std::uint8_t> content);
    /// What others publish; each publication is told to one of the two, once.
    void on_publication(std::function<void(const Publication&)> listener);
    void on_missed_publication(std::function<void(const MissedPublication&)> listener);

    /// The loop on which it was started.
    [[nodiscard]] Loop& loop() const { return loop_; }

    /// Opens a stream of bytes to whoever the name means. `done` is called exactly once: with `acknowledged`, and then
    /// the listener hears of the stream until it ends, or with how it failed, and then the listener is gone. The
    /// deadline is that of opening; a stream lives as long as the connection that carries it. Options that repeat or
    /// order have no meaning for streams. At most 8 streams of one node, and 256 of all, are open at a node.
    Status open_stream(std::string_view name, std::chrono::milliseconds deadline,
                       std::unique_ptr<StreamListener> listener, std::function<void(const Delivery&)> done);
    /// Takes streams that are addressed by this very name; with the empty name, all others.
    Status serve_streams(const std::string& name, StreamHandler handler);

private:
    friend class NodeStart;
    Node(Loop& loop, std::unique_ptr<Impl> impl);
    Loop& loop_;
};

/// The main function of a node type: flags, environment (MESH_*) and file as in `--help`, signals, the `ready` line on
/// stdout, graceful leave on SIGTERM. Returns the exit code.
struct NodePreset {
    std::string type;
    std::uint32_t cpu_budget_millicores = 0;
    std::uint32_t memory_budget_kib = 0;
    /// Called once, when the node has started: the place to serve(). An error ends the program.
    std::function<Status(Node&)> on_start{};
};
int node_main(const NodePreset& preset, int argc, char** argv);

}  // namespace grapevine
