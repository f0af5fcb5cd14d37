#pragma once

// What has happened between this node and each other one: kept for whoever asks why (`grapevine why`). Nothing depends
// on it.
//
// Rules
//  1. A story has a subject: a peer by its id, or a name to which something was sent in vain and that stood for nobody.
//  2. The same again, directly after itself, is one entry with a number and two times: a retry every two seconds does
//     not push out what it began with.
//  3. Bounds: subjects_max of each kind, beyond which the one whose last entry is the oldest goes; events_max entries
//     of one story, beyond which the oldest goes; addresses_max of one peer. All are counted.
//  4. A dial is one entry, when it has ended. It tries all addresses at once (quic/dial.hpp): of one that succeeded it
//     is known which answered, of one that failed that none did.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/socket_addr.hpp"
#include "base/time.hpp"
#include "quic/types.hpp"
#include "stack/types.hpp"

namespace grapevine::stack {

struct StoriesConfig {
    std::size_t subjects_max = 512;
    std::size_t events_max = 32;
    std::size_t addresses_max = 16;
    std::size_t dials_max = 1024;  // Under way, and connections whose end is awaited.
};

enum class StoryKind : std::uint8_t {
    joined,  // The directory learned of it; `who` told.
    left,
    died,  // `who` accused it.
    stale,
    expelled,
    suspected,  // By `who`.
    refuted,
    connected,
    dial_failed,
    closed,
    seed_retry,
    not_admitted,
    lied,         // A gateway, of another mesh's members.
    send_failed,  // A message to it, or one for which it was the last that was tried.
};
std::string_view name(StoryKind kind);

struct StoryEvent {
    base::TimePoint first, last;
    std::uint32_t times = 1;
    StoryKind kind = StoryKind::joined;
    std::string text;                   // In words, without its subject.
    std::vector<base::EndpointId> who;  // Others in it.
};

// What became of an address when it was dialled last. no_answer: of a dial that failed as a whole.
enum class AddressFate : std::uint8_t { trying, answered, passed_over, no_answer, nobody_listens, wrong_peer };
std::string_view name(AddressFate fate);
struct TriedAddress {
    base::SocketAddr addr;
    base::TimePoint at;
    AddressFate fate = AddressFate::trying;
};

// How a member came to be known; absent once it is none.
struct KnownSince {
    base::TimePoint at;
    std::string via;
    std::optional<base::EndpointId> told_by;
};

struct Story {
    std::string name;  // As the peer was called last; empty: never.
    std::optional<KnownSince> known;
    std::deque<StoryEvent> events;
    std::vector<TriedAddress> tried;  // Oldest first.
    std::uint64_t forgotten = 0;      // Entries that went.
};

// A connection with a peer.
struct StoryConnection {
    quic::ConnectionRef connection;
    base::EndpointId peer;
    std::string alpn;
    quic::Origin origin = quic::Origin::outgoing;
    base::TimePoint since;
    bool up = false;  // Otherwise it is being dialled.
};

struct StoryCounters {
    std::uint64_t events = 0, events_forgotten = 0, subjects_forgotten = 0, dials_unwatched = 0;
};

class Stories {
public:
    explicit Stories(const StoriesConfig& config = {}) : config_(config) {}

    // Events of the stack that are worth keeping; others are passed over.
    void on(const Event& event, base::TimePoint now);
    void on(const DirectoryChanged& changed, base::TimePoint now);
    void on(const SuspicionChanged& changed, base::TimePoint now);
    void on(const SeedRetry& retry, base::TimePoint now);
    void on(const AdmissionNews& news, base::TimePoint now);
    void on(const fabric::Lied& lied, base::TimePoint now);
    void on(const delivery::Finished& finished, base::TimePoint now);

    void dialled(quic::ConnectionRef connection, const base::EndpointId& peer, std::string_view alpn,
                 const std::vector<base::SocketAddr>& addrs, base::TimePoint now);
    // A session to it was wanted, and did not come to be, or was lost. Kept where no connection's end says it already.
    void no_session(const base::EndpointId& peer, delivery::SessionEnd end, std::string_view why, base::TimePoint now);
    void on_connected(const quic::Connected& event, base::TimePoint now);
    void on_closed(const quic::Closed& event, base::TimePoint now);
    // The kernel says that nobody listens there.
    void on_unreachable(const base::SocketAddr& remote);

    [[nodiscard]] const Story* of(const base::EndpointId& peer) const { return peers_.find(peer); }
    [[nodiscard]] const Story* of(const std::string& name) const { return names_.find(name); }
    // Peers that were called so; and those whose id begins with these hexadecimal digits.
    [[nodiscard]] std::vector<base::EndpointId> called(std::string_view name) const;
    [[nodiscard]] std::vector<base::EndpointId> beginning_with(std::string_view digits) const;
    [[nodiscard]] std::vector<StoryConnection> connections_with(const base::EndpointId& peer) const;
    [[nodiscard]] std::size_t size() const { return peers_.size() + names_.size(); }
    [[nodiscard]] const StoryCounters& counters() const { return counters_; }

private:
    // Stories by subject, of which the one that has been silent for longest goes first.
    template <typename Subject>
    class Shelf {
    public:
        // True if another one had to go.
        bool make_room(const Subject& subject, std::size_t subjects_max) {
            if (stories_.contains(subject) || stories_.size() < subjects_max) return false;
            const auto oldest = by_use_.begin();
            stories_.erase(oldest->second);
            by_use_.erase(oldest);
            return true;
        }
        Story& touch(const Subject& subject) {
            auto& [story, used] = stories_[subject];
            by_use_.erase({used, subject});
            used = ++clock_;
            by_use_.emplace(used, subject);
            return story;
        }
        [[nodiscard]] const Story* find(const Subject& subject) const {
            const auto it = stories_.find(subject);
            return it == stories_.end() ? nullptr : &it->second.first;
        }
        [[nodiscard]] std::size_t size() const { return stories_.size(); }
        [[nodiscard]] const auto& all() const { return stories_; }

    private:
        std::map<Subject, std::pair<Story, std::uint64_t>> stories_;
        std::set<std::pair<std::uint64_t, Subject>> by_use_;
        std::uint64_t clock_ = 0;
    };
    struct Watched {
        StoryConnection seen;
        std::vector<base::SocketAddr> addrs;
    };

    Story& story_of(const base::EndpointId& peer);
    Story& story_of(const std::string& name);
    void tell(Story& story, StoryKind kind, std::string text, std::vector<base::EndpointId> who, base::TimePoint now);
    TriedAddress& tried(Story& story, const base::SocketAddr& addr);
    void settle(const Watched& dial, AddressFate answered, AddressFate others, const base::SocketAddr* winner);

    StoriesConfig config_;
    Shelf<base::EndpointId> peers_;
    Shelf<std::string> names_;
    std::map<quic::ConnectionRef, Watched> watched_;
    StoryCounters counters_;
};

}  // namespace grapevine::stack
