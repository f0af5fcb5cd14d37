#pragma once

// One resolver with members and routes that a test sets, and the effects of its last input.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "fabric/fabric_testing.hpp"
#include "fabric/resolver.hpp"

namespace grapevine::fabric::testing {

// Members by type; a lookup finds those whose id begins with the digits.
struct FakeMembers : Members {
    std::string mesh = "mesh1";
    std::map<std::string, std::vector<std::uint32_t>> of_type;
    std::uint64_t sequence = 10;
    base::Duration age = 1s;
    std::uint64_t lookups = 0;
    Lookup lookup(const wire::NameParts& name, TimePoint now) override;
};

struct FakeRoutes : Routes {
    bool duty = true;
    std::vector<wire::EndpointAddr> own;
    std::map<std::string, std::vector<Side>, std::less<>> meshes;
    std::map<std::string, EndpointId, std::less<>> authorities;
    std::vector<std::string> used;
    [[nodiscard]] bool on_duty() const override { return duty; }
    [[nodiscard]] std::vector<wire::EndpointAddr> fellows() const override { return own; }
    std::vector<Side> route(std::string_view mesh, TimePoint now) override;
    [[nodiscard]] std::optional<EndpointId> authority(std::string_view mesh) const override;
};

inline ResolverConfig resolver_config() {
    ResolverConfig c;
    c.mesh = "mesh1";
    return c;
}

// Key number 1, of mesh1.
struct Asker {
    explicit Asker(ResolverConfig c = resolver_config(), std::uint64_t seed = 1)
        : rng(seed), resolver(std::move(c), id(1), members, routes, rng) {}

    void ask(std::uint64_t question, const std::string& name, TimePoint now, base::Duration time = 10s) {
        out.clear();
        resolver.ask(QuestionId{question}, name, now + time, now, out);
    }
    void serve(std::uint32_t peer, std::uint64_t ref, const std::string& name, std::uint8_t hops, TimePoint now) {
        out.clear();
        resolver.on_question(id(peer), AskRef{ref}, name, hops, now, out);
    }
    void answer(TryId to, const wire::Resolved& resolved, TimePoint now) {
        out.clear();
        resolver.on_answer(to, resolved, now, out);
    }
    void fail(TryId to, TimePoint now) {
        out.clear();
        resolver.on_failed(to, now, out);
    }
    void run_until(TimePoint until);

    [[nodiscard]] std::vector<SendQuestion> sent() const { return pick<SendQuestion>(out); }
    [[nodiscard]] std::vector<Done> done() const { return pick<Done>(out); }
    // The only one asked by the last input.
    [[nodiscard]] SendQuestion only_sent() const;
    // The only outcome of the last input.
    [[nodiscard]] Outcome only_outcome() const;

    FakeMembers members;
    FakeRoutes routes;
    base::Rng rng;
    Resolver resolver;
    ResolverEffects out;
};

// "found", with the digests of these nodes.
wire::Resolved found(const std::string& mesh, const std::string& type, const std::vector<std::uint32_t>& nodes,
                     std::uint64_t sequence = 10, std::uint32_t age_ms = 1000);
inline wire::Resolved nothing(wire::ResolveCode code, std::string text = {}) {
    return {code, {}, std::move(text)};
}

// Ids of the candidates, in order.
std::vector<EndpointId> ids_of(const Outcome& outcome);
std::vector<EndpointId> sorted_ids(const std::vector<std::uint32_t>& numbers);

}  // namespace grapevine::fabric::testing
