#pragma once

// A question on its way: who waits for it, which gateways were asked, and what they said. Plain data and pure
// functions; resolver.hpp has the rules.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "fabric/question.hpp"

namespace grapevine::fabric {

struct LocalAsker {
    QuestionId question;
};
struct PeerAsker {
    base::EndpointId peer;
    AskRef ref;
};
struct Waiter {
    std::variant<LocalAsker, PeerAsker> who;
    base::TimePoint deadline;
};

struct Try {
    TryId id;
    base::EndpointId gateway;
    base::TimePoint next_at;   // When another gateway is asked,
    base::TimePoint given_up;  // and when no answer is awaited any more.
};

// The gateways of one side of the target mesh, asked one after another.
struct Walk {
    std::vector<wire::EndpointAddr> left;  // To ask; the next one is the last.
    std::vector<Try> open;
    bool answered = false;  // With candidates; nobody else is asked.

    // Whether the next gateway should be asked now.
    [[nodiscard]] bool may_ask(base::TimePoint now) const;
    [[nodiscard]] bool is_over() const { return answered || (open.empty() && left.empty()); }
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;
};

// A name with less hops is another question, so that no two gateways can wait for each other.
struct FlightKey {
    std::string name;
    std::uint8_t hops = 0;
    friend auto operator<=>(const FlightKey&, const FlightKey&) = default;
};

struct Flight {
    base::TimePoint began;
    std::vector<Step> steps;
    std::vector<Walk> walks;
    std::vector<Waiter> waiters;
    std::map<base::EndpointId, Candidate> found;
    std::map<base::EndpointId, base::TimePoint> heard_at;  // When each candidate's age was right.
    Verdict worst_case = Verdict::unreachable;             // What is known if nothing is found.
    std::string text;
    bool ambiguous = false;  // Somebody said so.
    std::optional<base::TimePoint> gathered_at;
    base::TimePoint due = base::TimePoint::max();

    // Takes a verdict that found nothing, if it tells more than what is known.
    void note(Verdict verdict, const std::string& why);
    void take(std::vector<Candidate> candidates, base::TimePoint now);
    void begin_step(const base::EndpointId& gateway, std::uint8_t hops, base::TimePoint now);
    // `verdict`: what was answered, if anything was.
    void end_step(const base::EndpointId& gateway, StepEnd end, Verdict verdict, base::TimePoint now);
    [[nodiscard]] bool is_over(base::TimePoint now) const;
    [[nodiscard]] Outcome outcome(const wire::NameParts& name, base::TimePoint now) const;
    [[nodiscard]] base::TimePoint next_deadline() const;
};

}  // namespace grapevine::fabric
