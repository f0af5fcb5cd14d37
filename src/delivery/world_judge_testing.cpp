// What the judge looks at after each event, and in the end.

#include <cstdint>
#include <string>

#include "delivery/world_testing.hpp"

namespace grapevine::delivery::testing {

namespace {

// The counters of a type are all of one size.
template <typename Counters>
void add_all(Counters& sum, const Counters& counters) {
    static_assert(sizeof(Counters) % sizeof(std::uint64_t) == 0);
    auto* to = reinterpret_cast<std::uint64_t*>(&sum);
    const auto* from = reinterpret_cast<const std::uint64_t*>(&counters);
    for (std::size_t i = 0; i < sizeof(Counters) / sizeof(std::uint64_t); ++i)
        to[i] += from[i];
}

}  // namespace

void World::complain(const std::string& what) {
    verdicts_.violations.push_back("seed " + std::to_string(scenario_.seed) + ": " + what);
}

void World::check_bounds() {
    for (const auto& sender : senders_) {
        if (sender.outbox->size() > outbox_config_.messages_max || sender.outbox->bytes() > outbox_config_.bytes_max)
            complain("an outbox holds too much");
        for (std::size_t i = 0; i < receivers_.size(); ++i) {
            if (sender.outbox->size_at(receiver_id(i)) > outbox_config_.peer_messages_max)
                complain("a peer's queue holds too much");
        }
    }
    for (const auto& receiver : receivers_) {
        if (!receiver.inbox) continue;
        const Inbox& inbox = *receiver.inbox;
        if (inbox.open_messages() > inbox_config_.open_messages_max ||
            inbox.open_bytes() > inbox_config_.open_bytes_max || inbox.ids() > inbox_config_.ids_max ||
            inbox.reply_bytes() > inbox_config_.reply_bytes_max ||
            inbox.large_bytes() > inbox_config_.large_bytes_max || inbox.senders() > inbox_config_.senders_max)
            complain("an inbox holds too much");
        std::size_t messages = 0;
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < senders_.size(); ++i) {
            messages += inbox.granted(sender_id(i)).messages;
            bytes += inbox.granted(sender_id(i)).bytes;
        }
        if (messages > inbox_config_.open_messages_max || bytes > inbox_config_.open_bytes_max)
            complain("an inbox grants more than it takes");
    }
}

void World::judge() {
    for (std::size_t i = 0; i < messages_.size(); ++i) {
        const Message& message = messages_[i];
        if (!message.finished && message.sender_life == senders_[message.sender].life)
            complain("message " + std::to_string(i) + " to " + message.name + " never ended");
    }
    for (const auto& sender : senders_) {
        add(sender.outbox->counters());
        if (sender.outbox->size() != 0 || sender.outbox->bytes() != 0) complain("an outbox keeps something");
    }
    for (const auto& receiver : receivers_) {
        if (!receiver.inbox) continue;
        add(receiver.inbox->counters());
        if (receiver.inbox->open_messages() != 0 || receiver.inbox->ids() != 0 || receiver.inbox->reply_bytes() != 0 ||
            receiver.inbox->handles() != 0 || receiver.inbox->large_bytes() != 0)
            complain("an inbox keeps something");
    }
}

void World::add(const OutboxCounters& counters) {
    add_all(verdicts_.outbox, counters);
}
void World::add(const InboxCounters& counters) {
    add_all(verdicts_.inbox, counters);
}

}  // namespace grapevine::delivery::testing
