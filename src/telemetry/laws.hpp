#pragma once

// What may live, and for how long: for each kind of the ledger a law, stated in words (law()) and checked in numbers.
// The numbers come from whoever owns the things, as an Allowance per kind, because only the owner knows what it has.
//
// 1. A kind without an allowance is not judged.
// 2. A breach is told when it has been there for kGrace at every check: what drains lives on a little, and that is no
//    leak. With checks at least every kLookAgain it is told within kLookAgain + kGrace, which is less than a minute.
// 3. A law is broken once and kept once, in turn, however long a breach lasts.
// 4. Checks ride on wake-ups that the owner has anyway, at most one in kCheckEvery. next_deadline() asks for a wake-up
//    of its own only to tell a breach in time, or where something lives and nobody looked for kLookAgain.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "telemetry/ledger.hpp"
#include "telemetry/recorder.hpp"

namespace grapevine::telemetry {

// The law of a kind in a few words, at most 26 characters.
std::string_view law(Kind kind);

struct Allowance {
    std::uint64_t alive_max = 0;
    std::optional<base::Duration> age_max;  // Of the oldest.
    friend bool operator==(const Allowance&, const Allowance&) = default;
};

class Allowances {
public:
    void set(Kind kind, std::uint64_t alive_max, std::optional<base::Duration> age_max = std::nullopt) {
        of_[static_cast<std::size_t>(kind)] = Allowance{alive_max, age_max};
    }
    [[nodiscard]] const std::optional<Allowance>& operator[](Kind kind) const {
        return of_[static_cast<std::size_t>(kind)];
    }

private:
    std::array<std::optional<Allowance>, kKinds> of_{};
};

struct LawBroken {
    Kind kind = Kind::count_;
    std::uint64_t alive = 0;
    Allowance allowed;
    base::Duration oldest{};
    base::Duration lasting{};  // Since the breach was first seen.
    friend bool operator==(const LawBroken&, const LawBroken&) = default;
};
struct LawKept {
    Kind kind = Kind::count_;
    base::Duration broken_for{};  // Since it was told.
    friend bool operator==(const LawKept&, const LawKept&) = default;
};
using LawChange = std::variant<LawBroken, LawKept>;

// One line for people: "stream: 40 alive, at most 12 allowed (each has an owner)".
std::string describe(const LawBroken& broken);
// The span mesh.ledger.law_broken, from when the breach was first seen to now.
void record(Recorder& recorder, const LawBroken& broken);

class Laws {
public:
    static constexpr base::Duration kCheckEvery = std::chrono::seconds(5);
    static constexpr base::Duration kGrace = std::chrono::seconds(20);
    static constexpr base::Duration kLookAgain = std::chrono::seconds(25);

    [[nodiscard]] bool due(base::TimePoint now) const { return !checked_ || now >= due_; }
    // Appends what changed.
    void check(const Census& census, const Allowances& allowances, base::TimePoint now, std::vector<LawChange>& out);
    // Nothing before the first check.
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const { return deadline_; }

    // A breach is there that was not told yet.
    [[nodiscard]] bool is_waiting() const { return waiting_; }
    [[nodiscard]] bool is_broken(Kind kind) const { return states_[static_cast<std::size_t>(kind)].told.has_value(); }
    [[nodiscard]] std::size_t broken() const;                          // Now.
    [[nodiscard]] std::uint64_t broken_ever() const { return ever_; }  // Times that a law was told broken.

private:
    struct State {
        std::optional<base::TimePoint> since;  // The breach was first seen.
        std::optional<base::TimePoint> told;
    };
    void judge(Kind kind, const Count& count, const Allowance& allowed, base::TimePoint now,
               std::vector<LawChange>& out);
    void plan(const Census& census, const Allowances& allowances, base::TimePoint now);

    std::array<State, kKinds> states_{};
    bool checked_ = false;
    bool waiting_ = false;
    base::TimePoint due_{};
    std::optional<base::TimePoint> deadline_;
    std::uint64_t ever_ = 0;
};

}  // namespace grapevine::telemetry
