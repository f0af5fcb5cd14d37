#pragma once

// A world of outboxes and inboxes on a virtual network, and a judge of what it did.
//
// Sessions keep the order of their frames; what is on its way when one breaks is lost, and both ends learn of the break
// at times of their own. Peers are cut off, receivers and senders die or leave and come back in another life, handlers
// are quick, slow, silent, failing or unwilling. One seed, one course of events.
//
// What the judge holds against a run:
//  1. No life of a receiver handles a message twice.
//  2. A message that is not idempotent is handled at most once by all of them.
//  3. Each message ends exactly once, by its deadline (unless its sender's life ended), and nothing follows.
//  4. `acknowledged` was handled; `Handled::no` was not, nor will be.
//  5. No bound is exceeded, and the windows granted by an inbox are never more than it takes.
//  6. One life of a receiver handles the ordered messages of one life of a sender to one name in order.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "delivery/inbox.hpp"
#include "delivery/outbox.hpp"

namespace grapevine::delivery::testing {

using namespace std::chrono_literals;

EndpointId id_of(std::uint8_t number);
EndpointId sender_id(std::size_t sender);
EndpointId receiver_id(std::size_t receiver);

// What a run breaks on purpose, to see that the judge notices.
enum class Sabotage : std::uint8_t {
    none,
    forgetful_inbox,  // The inbox loses its memory with a session, but calls itself the same life.
    reckless_sender,  // Everything is submitted as idempotent.
    loose_lanes,      // Ordered messages are submitted without order.
};

struct Scenario {
    std::uint64_t seed = 1;
    std::size_t senders = 2;
    std::size_t receivers = 3;
    std::size_t messages = 60;  // Of each sender.
    double faults = 1.0;        // How many, in relation to the usual.
    Sabotage sabotage = Sabotage::none;
};

struct Verdicts {
    std::vector<std::string> violations;
    OutboxCounters outbox;  // Sums of all lives.
    InboxCounters inbox;
    std::uint64_t handled = 0;
};

class World {
public:
    explicit World(const Scenario& scenario);
    Verdicts run();

private:
    using TimePoint = base::TimePoint;
    // One direction of a session: order is kept.
    struct Link {
        std::uint64_t session = 0;  // 0: none.
        TimePoint last_arrival_there;
        TimePoint last_arrival_back;
        bool dialling = false;
        bool cut = false;
    };
    struct Sender {
        std::uint64_t life = 0;
        std::unique_ptr<Outbox> outbox;
        std::size_t submitted = 0;
    };
    struct Receiver {
        std::uint64_t life = 0;
        std::unique_ptr<Inbox> inbox;  // Null while it is dead.
    };
    struct Message {
        std::size_t sender = 0;
        std::uint64_t sender_life = 0;
        std::string name;
        Options options;
        TimePoint deadline;
        std::optional<Finished> finished;
        std::map<std::pair<std::size_t, std::uint64_t>, int> handled;  // By receiver and its life.
    };
    using Lane = std::tuple<std::size_t, std::uint64_t, std::string, std::size_t, std::uint64_t>;

    void at(TimePoint when, std::function<void()> what);
    void after(base::Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
    void step();
    [[nodiscard]] base::Duration delay() { return rng_.between(1ms, 40ms); }
    Link& link(std::size_t sender, std::size_t receiver) { return links_[{sender, receiver}]; }

    void start_sender(std::size_t sender);
    void start_receiver(std::size_t receiver);
    void submit_later(std::size_t sender);
    void submit(std::size_t sender);
    void fault_later();
    void fault();
    void crash_receiver(std::size_t receiver);
    void crash_sender(std::size_t sender);
    void leave_receiver(std::size_t receiver);
    void leave_sender(std::size_t sender);
    void stop_a_service(std::size_t receiver);
    void break_session(std::size_t sender, std::size_t receiver);
    void dial(std::size_t sender, std::size_t receiver);
    void connect(std::size_t sender, std::size_t receiver);
    void tell_down(std::size_t sender, std::size_t receiver, SessionEnd reason);

    void carry(std::size_t sender, OutboxEffects effects);
    void carry(std::size_t receiver, InboxEffects effects);
    void transmit(std::size_t sender, std::size_t receiver, wire::Deliver frame);
    void announce(std::size_t sender, std::size_t receiver, const wire::DeliverLarge& frame);
    void send_payload(std::size_t receiver, const TakePayload& wanted);
    void open(std::size_t sender, std::size_t receiver, const wire::OpenStream& frame);
    void resolve(std::size_t sender, const Resolve& question);
    void handle(std::size_t receiver, const Handle& message);
    void answer(std::size_t receiver, HandleId handle, const std::string& manner);
    void finish(std::size_t sender, const Finished& finished);
    template <typename Input>
    void tell_sender(std::size_t sender, std::uint64_t life, Input input);
    template <typename Input>
    void tell_receiver(std::size_t receiver, std::uint64_t life, Input input);

    void complain(const std::string& what);
    void check_bounds();
    void judge();
    void add(const OutboxCounters& counters);
    void add(const InboxCounters& counters);

    Scenario scenario_;
    base::Rng rng_;
    base::Rng outbox_rng_;
    TimePoint now_{1h};
    TimePoint quiet_at_;  // No faults afterwards.
    std::uint64_t lives_ = 0;
    std::uint64_t sessions_ = 0;
    std::uint64_t events_ = 0;
    std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> agenda_;
    std::vector<Sender> senders_;
    std::vector<Receiver> receivers_;
    std::map<std::pair<std::size_t, std::size_t>, Link> links_;
    std::vector<Message> messages_;
    std::map<std::pair<std::uint64_t, MessageSequence>, std::size_t> by_id_;  // Sender's life and sequence.
    std::map<Lane, std::size_t> lanes_;                                       // The latest that was handled.
    OutboxConfig outbox_config_;
    InboxConfig inbox_config_;
    Verdicts verdicts_;
};

}  // namespace grapevine::delivery::testing
