#pragma once

// The values of the resolver: questions, their outcomes, and what it has to say.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "base/verification_memo.hpp"
#include "fabric/types.hpp"
#include "wire/addr.hpp"
#include "wire/digest.hpp"
#include "wire/names.hpp"
#include "wire/resolve.hpp"

namespace grapevine::fabric {

// A question of this node, named by whoever asks it.
struct QuestionId {
    std::uint64_t value = 0;
    friend auto operator<=>(const QuestionId&, const QuestionId&) = default;
};
// A question of a peer, named by whoever holds its stream; peer and ref together are unique.
struct AskRef {
    std::uint64_t value = 0;
    friend auto operator<=>(const AskRef&, const AskRef&) = default;
};
// One gateway asked once; never used again.
struct TryId {
    std::uint64_t value = 0;
    friend auto operator<=>(const TryId&, const TryId&) = default;
};

// How a question ended. The first seven are wire::ResolveCode's.
enum class Verdict : std::uint8_t {
    found,
    unknown_mesh,
    no_such_node,
    ambiguous,
    refused,
    busy,
    unreachable,  // The mesh is known, but nobody asked gave an answer that counts.
    deadline,     // Its time was over before that was certain. Only of this node's own questions.
};
std::string_view name(Verdict verdict);

// A node that fits a name.
struct Candidate {
    base::EndpointId id;
    wire::Digest digest;
    base::Bytes envelope;
    base::Duration age{};  // Of the digest, at the time of the outcome.
    base::EndpointId via;  // The gateway that gave it; this node itself for its own mesh.
    friend bool operator==(const Candidate&, const Candidate&) = default;
};

enum class Origin : std::uint8_t { own_mesh, cache, asked, nowhere };
std::string_view name(Origin origin);

// How a gateway that was asked answered. Passed over: another answer was enough, or the time was over.
enum class StepEnd : std::uint8_t { answered, lied, failed, overdue, passed_over };
std::string_view name(StepEnd end);

// One gateway asked; times count from the beginning of the question.
struct Step {
    base::EndpointId gateway;
    std::uint8_t hops = 0;
    base::Duration asked{};
    base::Duration ended{};
    StepEnd end = StepEnd::passed_over;
    Verdict verdict = Verdict::deadline;  // What it answered, if it did.
    friend bool operator==(const Step&, const Step&) = default;
};

struct Outcome {
    Verdict verdict = Verdict::deadline;
    std::vector<Candidate> candidates;  // At most wire::kResolvedDigestsMax; of found and ambiguous only.
    std::string text;                   // For people.
    Origin origin = Origin::nowhere;
    base::Duration as_of{};     // How long ago the answer was given.
    std::vector<Step> steps{};  // Of asked only; at most sides_max * tries_per_side.
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

// What the own directory says of a name of the own mesh.
struct Lookup {
    Verdict verdict = Verdict::no_such_node;  // found, no_such_node or ambiguous.
    std::vector<Candidate> candidates;
};
class Members {
public:
    virtual ~Members() = default;
    virtual Lookup lookup(const wire::NameParts& name, base::TimePoint now) = 0;
};

// What is wrong with an answer.
enum class Lie : std::uint8_t {
    bad_statement,  // Not the form of a statement, or not a digest.
    bad_signature,
    other_mesh,
    other_type,
    other_digits,
    left,          // A node that said goodbye.
    too_old,       // By the answer's own word.
    replayed,      // Older than what is known of its author.
    not_admitted,  // To the closed mesh.
    nothing_found,
    count_,
};
inline constexpr std::size_t kLies = static_cast<std::size_t>(Lie::count_);
std::string_view name(Lie lie);

struct ResolverConfig {
    std::string mesh;

    base::Duration digest_age_max = std::chrono::seconds(30);  // directory::Config::staleness.
    base::Duration positive = std::chrono::seconds(30);        // How long answers are kept; the contract's figures.
    base::Duration negative = std::chrono::seconds(2);

    // A gateway of the target mesh answers from memory: what takes longer than a handshake with one lost packet (1 s,
    // RFC 9002, section 6.2.2) and a round trip is worth asking a second one. A fellow asks in its turn, which takes
    // both. An answer may still come until `patience` has passed.
    base::Duration per_try = std::chrono::milliseconds(1500);
    base::Duration per_try_by_fellow = std::chrono::milliseconds(3500);
    base::Duration patience = std::chrono::milliseconds(3000);
    base::Duration patience_by_fellow = std::chrono::milliseconds(5000);
    base::Duration serving_deadline = std::chrono::milliseconds(3200);
    // How long the other side of a split mesh is waited for once one has answered.
    base::Duration gathering = std::chrono::milliseconds(250);
    std::size_t tries_per_side = 2;
    std::size_t sides_max = 2;

    // A gateway that lied or did not answer is asked last for a while.
    base::Duration doubt_of_liars = std::chrono::minutes(5);
    base::Duration doubt_of_silent = std::chrono::seconds(30);

    std::size_t flights_max = 1024;
    std::size_t waiters_max = 64;  // Of one question in flight.
    std::size_t cache_max = 1024;
    std::size_t known_max = 8192;                        // Authors whose sequence is remembered,
    base::Duration known_for = std::chrono::minutes(2);  // for so long: as long as a directory remembers who went.
    std::size_t doubted_max = 256;
    std::size_t askers_max = 1024;  // Peers whose rate is remembered.
    base::RateLimit per_asker{20, 40};
    base::RateLimit all_askers{500, 1000};

    base::VerificationMemo* verified = nullptr;  // As in BackboneConfig.
    Admits* admits = nullptr;
};

// How many gateways a question may pass: one of the own mesh, one of the target's.
inline constexpr std::uint8_t kHopsMax = 2;

// Send a Resolve to this gateway; its fate is told with on_answer or on_failed.
struct SendQuestion {
    TryId id;
    wire::EndpointAddr to;
    std::string name;
    std::uint8_t hops = 0;
    base::TraceContext context{};  // Whoever sends it fills it in.
    friend bool operator==(const SendQuestion&, const SendQuestion&) = default;
};
// The answer is not awaited any more.
struct DropQuestion {
    TryId id;
    friend bool operator==(const DropQuestion&, const DropQuestion&) = default;
};
struct Answer {
    base::EndpointId peer;
    AskRef ref;
    wire::Resolved resolved;
    friend bool operator==(const Answer&, const Answer&) = default;
};
struct Done {
    QuestionId question;
    Outcome outcome;
    friend bool operator==(const Done&, const Done&) = default;
};
// A gateway gave an answer that does not count.
struct Lied {
    base::EndpointId gateway;
    Lie lie = Lie::bad_statement;
    friend bool operator==(const Lied&, const Lied&) = default;
};

using ResolverEffect = std::variant<SendQuestion, DropQuestion, Answer, Done, Lied>;
using ResolverEffects = std::vector<ResolverEffect>;

// One line of `grapevine cache`.
struct CacheRow {
    std::string asked;                 // The name in question.
    Verdict verdict = Verdict::found;  // Rows of a verdict without candidates have no more than asked and as_of.
    std::string member;                // <mesh>.<type>.<six digits>
    std::string mesh;
    std::string type;
    std::optional<base::EndpointId> id;
    std::vector<wire::TransportAddr> addrs;
    base::Duration age{};  // Of the digest, now.
    std::optional<base::EndpointId> via;
    base::Duration as_of{};  // Since the answer.
    friend bool operator==(const CacheRow&, const CacheRow&) = default;
};

struct ResolverCounters {
    std::uint64_t asked = 0;                  // Of this node.
    std::uint64_t served = 0;                 // Of peers.
    std::array<std::uint64_t, 8> outcomes{};  // By Verdict, of this node's questions.
    std::uint64_t cache_hits = 0;
    std::uint64_t joined = 0;  // Questions that were in flight already.
    std::uint64_t sent = 0;
    std::uint64_t answers = 0;
    std::uint64_t failed = 0;
    std::uint64_t overdue = 0;
    std::uint64_t late = 0;  // Answers that nobody awaits.
    std::array<std::uint64_t, kLies> lies{};
    std::uint64_t bad_names = 0;
    std::uint64_t refused_off_duty = 0;
    std::uint64_t refused_hops = 0;
    std::uint64_t busy_rate = 0;
    std::uint64_t busy_flights = 0;
    std::uint64_t busy_waiters = 0;
    std::uint64_t cache_displaced = 0;

    [[nodiscard]] std::uint64_t operator[](Lie lie) const { return lies[static_cast<std::size_t>(lie)]; }
    [[nodiscard]] std::uint64_t operator[](Verdict verdict) const {
        return outcomes[static_cast<std::size_t>(verdict)];
    }
    friend bool operator==(const ResolverCounters&, const ResolverCounters&) = default;
};

}  // namespace grapevine::fabric
