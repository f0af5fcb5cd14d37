#pragma once

// The ledger of everything that lives: each long-lived thing is counted at birth and at end, by kind, and the ledger
// knows how old the oldest one is. laws.hpp states what may live.
//
// 1. Born minus ended equals alive, by construction: only a Life, a member of the thing itself, is ever counted.
// 2. The lives of a kind form a list in the order of their births: birth, end and the oldest cost O(1), and a life
//    takes no memory but its own.
// 3. The ledger reads no clock: its owner says what time it is (set_now) before births and questions.
//
// One ledger per node; not thread-safe, it belongs to the node's loop. It outlives its lives and is never moved.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace grapevine::telemetry {

enum class Kind : std::uint8_t {
    connection,
    handshake,
    stream,
    dial,
    active_peer,
    passive_peer,
    directory_entry,
    remembered_peer,
    gossip_topic,
    gossip_message,
    sync_session,
    send_queue,
    suspicion,
    timer,
    control_client,
    // What holds connections: each of them has one of these, or is in its handshake.
    gossip_link,
    mesh_session,
    app_connection,
    mesh_exchange,
    byte_stream,  // Of delivery: one opened by name.
    tombstone,
    span,               // Begun and not ended.
    export_connection,  // To a telemetry receiver.
    watch,              // Descriptors that the loop waits for.
    app_timer,          // Timers of whoever uses the library.
    // Of the process rather than of a node.
    node,
    data_dir,
    descriptor,
    socket,
    thread,
    count_,
};

inline constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::count_);

std::string_view name(Kind kind);

struct Tally {
    std::uint64_t born = 0;
    std::uint64_t ended = 0;
    std::uint64_t peak = 0;
    [[nodiscard]] std::uint64_t alive() const { return born - ended; }
    friend bool operator==(const Tally&, const Tally&) = default;
};

class Ledger;

// A member of the thing that is counted: born when constructed, ended when destroyed. A moved life keeps its age.
class Life {
public:
    Life() = default;
    Life(Ledger& ledger, Kind kind);
    Life(Life&& other) noexcept { take(other); }
    Life& operator=(Life&& other) noexcept {
        if (this != &other) {
            end();
            take(other);
        }
        return *this;
    }
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;
    ~Life() { end(); }
    // False for one that counts nothing (yet, or since it was moved from).
    explicit operator bool() const { return ledger_ != nullptr; }

private:
    friend class Ledger;
    void take(Life& other) noexcept;
    void end() noexcept;

    Ledger* ledger_ = nullptr;
    Life* older_ = nullptr;
    Life* newer_ = nullptr;
    base::TimePoint born_{};
    Kind kind_ = Kind::count_;
};

class Ledger {
public:
    Ledger() = default;
    ~Ledger();
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    // Time never goes back: an earlier time is ignored.
    void set_now(base::TimePoint now) {
        if (now > now_) now_ = now;
    }
    [[nodiscard]] base::TimePoint now() const { return now_; }

    [[nodiscard]] const Tally& operator[](Kind kind) const { return at(kind).tally; }
    // When the oldest of those alive was born; nothing where none lives.
    [[nodiscard]] std::optional<base::TimePoint> oldest(Kind kind) const {
        const Life* oldest = at(kind).oldest;
        return oldest == nullptr ? std::nullopt : std::optional(oldest->born_);
    }

private:
    friend class Life;
    struct Book {
        Tally tally;
        Life* oldest = nullptr;
        Life* newest = nullptr;
    };
    [[nodiscard]] const Book& at(Kind kind) const { return books_[static_cast<std::size_t>(kind)]; }
    [[nodiscard]] Book& at(Kind kind) { return books_[static_cast<std::size_t>(kind)]; }
    void enter(Life& life);
    void leave(Life& life) noexcept;
    // Its neighbours in the list get to know where `life` is now.
    void relink(Life& life) noexcept;

    std::array<Book, kKinds> books_{};
    base::TimePoint now_{};
};

// What several ledgers say together: their tallies added, the oldest of all.
struct Count {
    Tally tally;
    std::optional<base::TimePoint> oldest;
    friend bool operator==(const Count&, const Count&) = default;
};
using Census = std::array<Count, kKinds>;
void add(Census& census, const Ledger& ledger);

}  // namespace grapevine::telemetry
