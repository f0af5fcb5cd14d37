#pragma once

// Where is "mesh.type" or "mesh.type.digits"? Questions of this node and of peers, answered from the own directory, the
// cache, or by gateways that are asked.
//
// Rules, with their reasons:
//  1. A name of the own mesh is answered by the own directory, at once, whoever asks. An id alone is not resolved here.
//  2. Another mesh's name is answered from the cache, else by the target's gateways if this node is on duty and knows
//     them, else by a fellow: a gateway on duty of the own mesh.
//  3. A fellow is asked with two hops, a gateway of the target mesh with one. A question with one hop is answered from
//     the directory and never passed on; one with two hops is passed on to the target mesh alone. So a question passes
//     two gateways at most, and loops are impossible. A question of a peer never waits for one of ours that a fellow
//     was asked, since two fellows would wait for each other.
//  4. Peers are served names of other meshes on duty only; off duty a gateway does not hear of them.
//  5. Of each side of the target mesh (sides_max at once: both halves of a split mesh) at most tries_per_side gateways
//     are asked, the next one when the one before failed, lied, found nothing, or was silent for per_try. Where they
//     begin is random, so that load spreads; those who lied or were silent lately come last.
//  6. What one side found is the answer when the other has ended, too, or after `gathering`: a half of a mesh that
//     does not answer delays nobody.
//  7. An answer counts if it can be true (answer_check.hpp). Who gave another is counted by cause and named.
//  8. One question in flight is asked once, however many ask. Each that waits has exactly one outcome, by its own
//     deadline at the latest; after the deadline what is known by then, else `deadline`.
//  9. Answers are kept (answer_cache.hpp) and shown with their age. A cached digest that is too old by now is good for
//     this node's own question, not for a peer's: the peer would take it for a lie.
//
// Bounds are in ResolverConfig: when flights, or waiters of one, are full, or a peer asks too often, the answer is
// busy; each has a counter. Members, Routes, Rng and what the configuration points to outlive the resolver.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "fabric/answer_cache.hpp"
#include "fabric/answer_check.hpp"
#include "fabric/flight.hpp"
#include "fabric/lru.hpp"
#include "fabric/question.hpp"
#include "fabric/routes.hpp"

namespace grapevine::fabric {

class Resolver {
public:
    Resolver(ResolverConfig config, const base::EndpointId& self, Members& members, Routes& routes, base::Rng& rng);
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    // Ends with exactly one Done, at once or by `deadline`.
    void ask(QuestionId question, std::string_view name, base::TimePoint deadline, base::TimePoint now,
             ResolverEffects& out);
    // Nobody waits for it any more; no Done follows.
    void cancel(QuestionId question, base::TimePoint now, ResolverEffects& out);

    // A peer asks. Ends with exactly one Answer, unless the asker goes.
    void on_question(const base::EndpointId& peer, AskRef ref, std::string_view name, std::uint8_t hops,
                     base::TimePoint now, ResolverEffects& out);
    void on_asker_gone(const base::EndpointId& peer, AskRef ref, base::TimePoint now, ResolverEffects& out);

    // The fate of a SendQuestion.
    void on_answer(TryId id, const wire::Resolved& resolved, base::TimePoint now, ResolverEffects& out);
    void on_failed(TryId id, base::TimePoint now, ResolverEffects& out);

    // A node that an answer named was not reached: answers that name it are asked for anew.
    void forget(const base::EndpointId& id) { cache_.forget(id); }

    void on_deadline(base::TimePoint now, ResolverEffects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    // What is cached, sorted by name.
    [[nodiscard]] std::vector<CacheRow> cache(base::TimePoint now) const { return cache_.rows(now); }
    [[nodiscard]] std::size_t in_flight() const { return flights_.size(); }
    [[nodiscard]] ResolverCounters counters() const;

private:
    struct Plan {
        std::vector<Walk> walks;
        std::uint8_t hops = 0;
    };

    void answer_locally(const Waiter& waiter, const wire::NameParts& name, base::TimePoint now, ResolverEffects& out);
    void tell(const Waiter& waiter, const Outcome& outcome, ResolverEffects& out);
    void tell(const Waiter& waiter, Verdict verdict, std::string text, ResolverEffects& out);
    [[nodiscard]] bool too_often(const base::EndpointId& peer, base::TimePoint now);

    [[nodiscard]] Plan plan_for(const Waiter& waiter, std::string_view mesh, base::TimePoint now);
    [[nodiscard]] Walk walk_over(std::vector<wire::EndpointAddr> gateways, base::TimePoint now);
    [[nodiscard]] bool is_doubted(const base::EndpointId& gateway, base::TimePoint now) const;
    void doubt(const base::EndpointId& gateway, base::Duration duration, base::TimePoint now);

    void join(const Waiter& waiter, std::string_view name, const wire::NameParts& parts, base::TimePoint now,
              ResolverEffects& out);
    void step(const FlightKey& key, base::TimePoint now, ResolverEffects& out);
    void advance(const FlightKey& key, Flight& flight, base::TimePoint now, ResolverEffects& out);
    void ask_next(const FlightKey& key, Flight& flight, Walk& walk, base::TimePoint now, ResolverEffects& out);
    void end_overdue(Flight& flight, Walk& walk, base::TimePoint now, ResolverEffects& out);
    void take_answer(const FlightKey& key, Flight& flight, Walk& walk, const base::EndpointId& gateway,
                     const wire::Resolved& resolved, base::TimePoint now, ResolverEffects& out);
    void conclude(const FlightKey& key, Flight& flight, base::TimePoint now, ResolverEffects& out);
    void expire_waiters(const FlightKey& key, Flight& flight, base::TimePoint now, ResolverEffects& out);
    void drop_open(Walk& walk, ResolverEffects& out);
    void remove(const FlightKey& key, ResolverEffects& out);
    template <typename Matches>
    void drop_waiters(Matches matches, base::TimePoint now, ResolverEffects& out);

    ResolverConfig config_;
    base::EndpointId self_;
    Members& members_;
    Routes& routes_;
    base::Rng& rng_;
    AnswerCheck check_;
    AnswerCache cache_;
    std::map<FlightKey, Flight> flights_;
    std::set<std::pair<base::TimePoint, FlightKey>> due_;
    std::map<TryId, FlightKey> tries_;
    std::uint64_t last_try_ = 0;
    Lru<base::EndpointId, base::TimePoint> doubted_;  // Until when.
    Lru<base::EndpointId, base::TokenBucket> askers_;
    base::TokenBucket all_askers_;
    ResolverCounters counters_;
};

}  // namespace grapevine::fabric
