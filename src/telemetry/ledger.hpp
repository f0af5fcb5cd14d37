#pragma once

// The ledger of everything that lives: each long-lived thing is counted at birth and at end, by kind. Invariant: born
// minus ended equals alive. One ledger per node; not thread-safe, it belongs to the node's loop.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/assert.hpp"

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

class Ledger {
public:
    void born(Kind kind) {
        Tally& tally = at(kind);
        ++tally.born;
        if (tally.alive() > tally.peak) tally.peak = tally.alive();
    }
    void ended(Kind kind) {
        Tally& tally = at(kind);
        GRAPEVINE_ASSERT(tally.ended < tally.born, "something ended that was never born");
        ++tally.ended;
    }
    [[nodiscard]] const Tally& operator[](Kind kind) const { return tallies_[static_cast<std::size_t>(kind)]; }

private:
    Tally& at(Kind kind) { return tallies_[static_cast<std::size_t>(kind)]; }
    std::array<Tally, kKinds> tallies_{};
};

// A member of the thing that is counted: born when constructed, ended when destroyed. The ledger outlives it.
class Life {
public:
    Life() = default;
    Life(Ledger& ledger, Kind kind) : ledger_(&ledger), kind_(kind) { ledger.born(kind); }
    Life(Life&& other) noexcept : ledger_(std::exchange(other.ledger_, nullptr)), kind_(other.kind_) {}
    Life& operator=(Life&& other) noexcept {
        if (this != &other) {
            end();
            ledger_ = std::exchange(other.ledger_, nullptr);
            kind_ = other.kind_;
        }
        return *this;
    }
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;
    ~Life() { end(); }

private:
    void end() {
        if (ledger_ != nullptr) ledger_->ended(kind_);
        ledger_ = nullptr;
    }
    Ledger* ledger_ = nullptr;
    Kind kind_ = Kind::count_;
};

}  // namespace grapevine::telemetry
