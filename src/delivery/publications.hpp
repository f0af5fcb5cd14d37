#pragma once

// Content for everybody of a mesh that does not fit a gossip message: it is announced by gossip and pulled.
//
// Gossip carries an announcement (author, number, hash, size) of a hundred bytes; each receiver fetches the content
// once, chunk by chunk, from whoever told it or from the author, and then has it for others. Chosen over chunks as
// gossip messages, of which each travels more than once to every node, pushes others out of the store from which lost
// ones are repaired, and is worth nothing when one of them is lost.
//
// Rules, with their reasons:
//  1. Never silently lost: each announcement that is new here ends once, as Published or as Missed with a cause. What
//     was told before is not told again, for `memory`, longer than gossip repeats a message.
//  2. Content is what its hash says. A chunk of another length than was asked for is a lie: who gave it is not asked
//     again for this one. Content of another hash is a lie of whoever gave it; of several, who lied cannot be known, so
//     it is fetched once more, and then from one giver at a time, who is tried kStrictTries times before it begins anew
//     with the next.
//  3. Providers are asked in the order in which they told of it, the author last: so its cost is that of its
//  neighbours,
//     not of all nodes. Who does not have it yet, or cannot be reached, is passed over, and the next goes on where it
//     was; after all of them comes a jittered, growing pause, in which the fetch leaves its place to others and keeps
//     what it has, while paused_bytes_max allows.
//  4. Content is kept to be given to others for `kept`: own content for sure, fetched content while there is room.
//  5. At most fetches_at_once are under way, and wanted_max wait, of one author author_max; what is more is Missed.
//     An announcement costs nobody more than its size, which is bounded, and what an author says of others is the
//     business of whoever checks the announcement's signature.
//  6. An author sees how many fetched from itself: less than all, since others give it on.
//
// Whoever asks for chunks, and answers (`ask`), does so in messages with outcomes of their own; an answer that comes
// for a fetch that has gone on is dropped. Gossip is faster than a fetch: who answers had better let a question wait
// while is_fetching() its content, or most will turn to the author.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/blake3.hpp"
#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "delivery/publication_types.hpp"

namespace grapevine::delivery {

class Publications {
public:
    // The Rng outlives this.
    Publications(const PublicationsConfig& config, const base::EndpointId& self, base::Rng& rng);
    Publications(const Publications&) = delete;
    Publications& operator=(const Publications&) = delete;

    tl::expected<Announcement, PublishRefusal> publish(base::Bytes content, base::TimePoint now,
                                                       PublicationEffects& out);
    // It decoded, and its author has signed it.
    void on_announcement(const base::EndpointId& teller, const Announcement& what, base::TimePoint now,
                         PublicationEffects& out);
    void on_chunk(FetchId fetch, base::ByteView chunk, base::TimePoint now, PublicationEffects& out);
    // The peer does not have it, or could not be reached.
    void on_no_chunk(FetchId fetch, base::TimePoint now, PublicationEffects& out);
    // What a peer asks for; nothing if it is not here. Valid until the next input.
    [[nodiscard]] std::optional<base::ByteView> ask(const base::EndpointId& peer, const base::Blake3Hash& hash,
                                                    std::uint32_t offset, std::uint32_t size);

    void on_deadline(base::TimePoint now, PublicationEffects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    // Whether somebody was asked for a piece of this content and has not answered yet.
    [[nodiscard]] bool is_fetching(const base::Blake3Hash& hash) const;
    // How many peers took the end of this content from here.
    [[nodiscard]] std::size_t fetched_by(const base::Blake3Hash& hash) const;
    [[nodiscard]] std::size_t wanted() const { return wanted_.size(); }
    [[nodiscard]] std::size_t under_way() const { return under_way_; }
    [[nodiscard]] std::size_t idle_bytes() const { return idle_bytes_; }
    [[nodiscard]] std::size_t stored_bytes() const { return stored_bytes_; }
    [[nodiscard]] std::size_t remembered() const { return seen_.size(); }
    [[nodiscard]] const PublicationCounters& counters() const { return counters_; }

private:
    struct Provider {
        base::EndpointId id;
        bool lied = false;
    };
    struct Wanted {
        std::vector<Provider> providers;  // The author last.
        std::size_t next = 0;             // Who is asked, or was last.
        std::size_t round = 0;            // How many were asked since the last pause.
        base::Bytes content;
        std::set<base::EndpointId> givers;        // Of the content so far.
        bool strict = false;                      // One giver at a time.
        std::uint32_t failures = 0;               // Of this giver, while strict.
        std::optional<FetchId> fetch;             // Under way.
        std::optional<base::TimePoint> retry_at;  // In its pause.
        std::uint32_t pauses = 0;
        base::TimePoint deadline;
    };
    struct Stored {
        base::Bytes content;
        base::TimePoint until;
        bool own = false;
        std::set<base::EndpointId> taken_by;
    };

    void expire(base::TimePoint now, PublicationEffects& out);
    void start_waiting(PublicationEffects& out);
    void add_provider(Wanted& wanted, const base::EndpointId& teller);
    void ask_next(const Announcement& what, Wanted& wanted, PublicationEffects& out);
    // Goes on with the next provider, with or without what has come so far.
    void next_provider(const Announcement& what, Wanted& wanted, base::TimePoint now, PublicationEffects& out);
    static void discard(Wanted& wanted);
    void pause(const Announcement& what, Wanted& wanted, base::TimePoint now);
    [[nodiscard]] static std::optional<std::size_t> choose(const Wanted& wanted, std::size_t from);
    void end_pause(const Announcement& what, Wanted& wanted);
    void stop_fetch(Wanted& wanted);
    void miss(const Announcement& what, MissCause cause, PublicationEffects& out);
    void finish(const Announcement& what, Wanted& wanted, base::TimePoint now, PublicationEffects& out);
    void forget(const Announcement& what);
    // False if it was seen before.
    bool remember(const Announcement& what, base::TimePoint now);
    [[nodiscard]] bool make_room(std::size_t bytes);
    enum class Owner : std::uint8_t { self, others };
    void store(const base::Blake3Hash& hash, base::Bytes content, Owner owner, base::TimePoint now);
    void drop(std::map<base::Blake3Hash, Stored>::iterator stored);

    PublicationsConfig config_;
    base::EndpointId self_;
    base::Rng& rng_;
    std::uint64_t numbers_ = 0;
    std::uint64_t fetches_ = 0;
    std::map<Announcement, Wanted> wanted_;
    std::map<base::EndpointId, std::size_t> of_author_;
    std::deque<Announcement> waiting_;  // Not under way and in no pause; may hold some that have ended.
    std::map<FetchId, Announcement> asked_;
    std::size_t under_way_ = 0;
    std::size_t idle_bytes_ = 0;  // Of fetches that are not under way.
    std::set<std::pair<base::TimePoint, Announcement>> deadlines_;
    std::set<std::pair<base::TimePoint, Announcement>> retries_;
    std::map<base::Blake3Hash, Stored> stored_;
    std::set<std::pair<base::TimePoint, base::Blake3Hash>> stored_until_;
    std::size_t stored_bytes_ = 0;
    std::size_t own_bytes_ = 0;
    std::map<Announcement, base::TimePoint> seen_;
    std::set<std::pair<base::TimePoint, Announcement>> seen_until_;
    PublicationCounters counters_;
};

}  // namespace grapevine::delivery
