#pragma once

// Nodes at the level of messages: node::Node without QUIC and TLS. Links behave as the stack's do, in the small:
// - A first message to a peer dials it at its candidate addresses; meanwhile messages wait, at most kWaitingMax. A dial
//   takes one round trip, is repeated with backoff, and fails after kDialTimeout, or at once where nobody listens.
// - Messages of a direction arrive in order. What the network loses is sent again with doubling waits, until the link
// ends.
// - A link whose peer was not heard for kIdleTimeout is lost. A keep-alive every 5 s is taken for granted where the
//   network lets it through. A process that does not know the link answers with a reset.
// - Where both dial at once, the dial of the smaller id is the one that both keep.
// - A directory exchange has a connection of its own: its first turn takes a handshake longer, and it fails after
//   kExchangeTimeout.

#include <deque>
#include <map>
#include <memory>
#include <set>

#include "node/node.hpp"
#include "sim/world.hpp"

namespace grapevine::sim {

inline constexpr base::Duration kDialTimeout = std::chrono::seconds(10);
inline constexpr base::Duration kIdleTimeout = std::chrono::seconds(30);
inline constexpr base::Duration kExchangeTimeout = std::chrono::seconds(10);
inline constexpr std::size_t kWaitingMax = 256;

class MessageWorld final : public World {
public:
    MessageWorld(const NetworkConfig& network, std::uint64_t seed) : World(network, seed) {}
    ~MessageWorld() override = default;

    base::Status broadcast(std::size_t node, const base::TopicId& topic, base::ByteView content) override;
    [[nodiscard]] std::vector<node::DirectoryRow> directory(std::size_t node) const override;
    [[nodiscard]] std::vector<node::Figure> figures(std::size_t node) const override;

protected:
    void boot(std::size_t node) override;
    void destroy(std::size_t node) override;
    void say_goodbye(std::size_t node) override;
    void tell_address(std::size_t node) override;
    void take(std::size_t node, Packet& packet) override;
    void take_deadline(std::size_t node) override;
    [[nodiscard]] std::optional<base::TimePoint> deadline(std::size_t node) const override;
    void nobody_there(const Packet& packet) override;
    void take_own(OwnEvent& event) override;

private:
    enum class LinkState : std::uint8_t { dialling, up };
    // One side's view of its link to a peer.
    struct Link {
        LinkId id = 0;
        LinkState state = LinkState::dialling;
        base::TimePoint made;
        base::TimePoint heard;
        std::deque<GossipMessage> waiting;
        std::uint64_t next_out = 0;  // Sequence numbers of this direction.
        std::uint64_t next_in = 0;
        std::map<std::uint64_t, GossipMessage> early;  // Came before their turn.
        std::optional<std::uint64_t> closes_at;        // The peer closes after this message.
    };
    struct Exchange {
        std::size_t peer = 0;
        node::SyncRef ref;
        std::uint32_t next_in = 0;
        std::uint32_t next_out = 0;
    };
    struct Process {
        std::unique_ptr<node::Node> node;
        std::map<std::size_t, Link> links;  // By peer.
        std::map<ExchangeId, Exchange> exchanges;
        std::map<node::SyncRef, ExchangeId> by_ref;
        std::set<LinkId> closed;      // Links that this side closed.
        std::set<ExchangeId> served;  // Exchanges that peers opened here, so that a copy opens none.
        std::uint64_t next_incoming_sync = 1;
    };

    // Runs `input(node, effects)` on the node and carries out what it asks for.
    template <typename Input>
    void drive(std::size_t index, Input input) {
        node::Effects effects;
        input(*processes_[index].node, effects);
        for (auto& effect : effects)
            execute(index, effect);
    }
    void execute(std::size_t index, node::Effect& effect);

    // message_links.cpp
    void send_gossip(std::size_t from, node::SendMessage& send);
    Link& dial(std::size_t from, std::size_t to);
    void send_dial(std::size_t from, std::size_t to, LinkId link, std::uint32_t attempt);
    void send_now(std::size_t from, std::size_t to, Link& link, GossipMessage message);
    void post(std::size_t from, std::size_t to, MessageBody body, std::size_t bytes);
    void post_reliably(std::size_t from, std::size_t to, MessageBody body, base::TimePoint first_sent,
                       std::uint32_t attempt, base::Duration extra);
    void close(std::size_t from, const base::EndpointId& peer);
    void close_link(std::size_t from, std::size_t to);
    void probe(std::size_t from, const base::EndpointId& peer);
    void send_probe(std::size_t from, std::size_t to, LinkId link, base::TimePoint sent, std::uint32_t attempt);
    void on_dial(std::size_t node, std::size_t peer, LinkId link);
    void on_accepted(std::size_t node, std::size_t peer, LinkId link);
    void on_gossip(std::size_t node, std::size_t peer, LinkId link, GossipMessage& message);
    void on_probe(std::size_t node, std::size_t peer, LinkId link);
    void on_close(std::size_t node, std::size_t peer, LinkId link, std::uint64_t sequence);
    void deliver_in_order(std::size_t node, std::size_t peer, LinkId link);
    void answer_stranger(std::size_t node, std::size_t peer, LinkId link);
    enum class Role : std::uint8_t { dialler, listener };
    void link_up(std::size_t node, std::size_t peer, Role role);
    void lose(std::size_t node, std::size_t peer, LinkId link, node::LinkEnd end, std::string_view reason);
    void check_idle(std::size_t node, std::size_t peer, LinkId link);
    // A link of that id, or the only one to the peer.
    Link* find_link(std::size_t node, std::size_t peer);
    Link* find_link(std::size_t node, std::size_t peer, LinkId link);
    [[nodiscard]] base::Duration retransmission(std::size_t a, std::size_t b, std::uint32_t attempt) const;
    void on_retry(std::size_t node, std::size_t peer, MessageRetry& retry);
    void on_dial_retry(std::size_t node, std::size_t peer, const DialRetry& retry);
    void on_probe_retry(std::size_t node, std::size_t peer, const ProbeRetry& retry);
    void on_nobody_there(std::size_t node, std::size_t peer, const NobodyThere& answer);
    void report_heard(std::size_t node);

    // message_exchanges.cpp
    void open_exchange(std::size_t from, node::OpenSync& open);
    void continue_exchange(std::size_t from, node::SendSync& send);
    void abort_exchange(std::size_t from, node::SyncRef ref);
    void on_turn(std::size_t node, std::size_t peer, ExchangeTurn& turn);
    void end_exchange(std::size_t node, ExchangeId exchange, std::string_view error);

    std::vector<Process> processes_;
    LinkId next_link_ = 1;
    ExchangeId next_exchange_ = 1;
};

}  // namespace grapevine::sim
