// Random questions, answers, failures and time. A naive twin keeps what is open: every question has one outcome by its
// deadline, every peer one answer, and every gateway that was asked is told of or dropped once.

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/overloaded.hpp"
#include "fabric/resolver_testing.hpp"

namespace {

using namespace grapevine;
using namespace grapevine::fabric;
using namespace std::chrono_literals;
using testing::id;

constexpr std::size_t kStepsMax = 300;
constexpr std::size_t kFlightsMax = 3;

// Signed once: the fuzzer would spend its time on signatures.
const std::vector<wire::Resolved>& answers() {
    static const std::vector<wire::Resolved> all = [] {
        using testing::found;
        std::vector<wire::Resolved> made{
            found("mesh2", "a", {30}),    found("mesh2", "a", {30, 31}),
            found("mesh2", "a", {30}, 9), found("mesh2", "a", {30}, 11),
            found("mesh2", "b", {32}),    found("mesh3", "a", {33}),
            found("mesh2", "a", {}),      found("mesh2", "a", {30}, 10, 40'000),
        };
        for (const auto code :
             {wire::ResolveCode::unknown_mesh, wire::ResolveCode::no_such_node, wire::ResolveCode::ambiguous,
              wire::ResolveCode::refused, wire::ResolveCode::busy, wire::ResolveCode::unreachable})
            made.push_back(testing::nothing(code, "why"));
        made.push_back(made[0]);
        made.back().digests[0].envelope[40] ^= 1U;
        return made;
    }();
    return all;
}

ResolverConfig config() {
    ResolverConfig c = testing::resolver_config();
    static base::VerificationMemo memo;
    c.verified = &memo;
    c.flights_max = kFlightsMax;
    c.waiters_max = 4;
    c.cache_max = 3;
    c.known_max = 2;
    c.doubted_max = 2;
    c.askers_max = 2;
    c.per_asker = {2, 5};
    return c;
}

class Session {
public:
    Session(const std::uint8_t* data, std::size_t size) : data_(data), size_(size), node_(config()) {
        node_.members.of_type["a"] = {5, 6};
        node_.routes.own = testing::addrs({2, 3});
    }

    void run() {
        for (std::size_t step = 0; step < kStepsMax && at_ < size_; ++step)
            turn(byte() % 12);
        advance(1min);
        GRAPEVINE_ASSERT(questions_.empty() && served_.empty() && tries_.empty(), "everything ends");
        GRAPEVINE_ASSERT(node_.resolver.in_flight() == 0 && !node_.resolver.next_deadline(), "and leaves nothing");
    }

private:
    std::uint8_t byte() { return at_ < size_ ? data_[at_++] : 0; }
    std::string name() {
        static const std::vector<std::string> names{"mesh1.a",
                                                    "mesh2.a",
                                                    "mesh2.b",
                                                    "mesh3.a",
                                                    "mesh4.a",
                                                    "bad",
                                                    "mesh2.a." + id(30).short_hex(6),
                                                    "mesh2.a." + id(31).hex()};
        return names[byte() % names.size()];
    }

    void turn(std::uint8_t choice) {
        switch (choice) {
            case 0: return change_routes();
            case 1: return advance(37ms * (1 + byte()));
            case 2: return cancel();
            case 3: return asker_goes();
            case 4:
            case 5: return serve();
            case 6: return fail();
            case 7:
            case 8:
            case 9: return answer();
            default: return ask();
        }
    }

    void ask() {
        const std::uint64_t question = ++last_;
        const base::Duration time = 41ms * byte();
        questions_[question] = now_ + time;
        node_.ask(question, name(), now_, time);
        listen();
    }
    void serve() {
        const std::pair asked{10 + byte() % 4U, ++last_};
        served_.insert(asked);
        node_.serve(asked.first, asked.second, name(), byte() % 4, now_);
        listen();
    }
    void answer() {
        if (tries_.empty() || byte() % 16 == 0) {
            node_.answer(TryId{1'000'000U + byte()}, answers()[0], now_);
            return listen();
        }
        const TryId id = take_try();
        node_.answer(id, answers()[byte() % answers().size()], now_);
        listen();
    }
    void fail() {
        if (tries_.empty()) return;
        node_.fail(take_try(), now_);
        listen();
    }
    TryId take_try() {
        auto which = tries_.begin();
        std::advance(which, byte() % tries_.size());
        const TryId id = *which;
        tries_.erase(which);
        return id;
    }
    void cancel() {
        if (questions_.empty()) return;
        const std::uint64_t question = questions_.begin()->first;
        questions_.erase(question);
        node_.out.clear();
        node_.resolver.cancel(QuestionId{question}, now_, node_.out);
        listen();
    }
    void asker_goes() {
        if (served_.empty()) return;
        const auto asked = *served_.begin();
        served_.erase(asked);
        node_.out.clear();
        node_.resolver.on_asker_gone(id(asked.first), AskRef{asked.second}, now_, node_.out);
        listen();
    }
    void change_routes() {
        const std::uint8_t bits = byte();
        node_.routes.duty = (bits & 1U) != 0;
        node_.routes.meshes.clear();
        if ((bits & 2U) != 0) node_.routes.meshes["mesh2"] = {Side{testing::addrs({20, 21, 1})}};
        if ((bits & 4U) != 0) node_.routes.meshes["mesh2"].push_back(Side{testing::addrs({22})});
        if ((bits & 8U) != 0) node_.routes.meshes["mesh3"] = {Side{testing::addrs({1})}};
        node_.routes.own =
            testing::addrs((bits & 16U) != 0 ? std::vector<std::uint32_t>{2, 3} : std::vector<std::uint32_t>{});
        if ((bits & 32U) != 0) node_.resolver.forget(id(30));
    }

    // Deadlines are kept, as a driver would.
    void advance(base::Duration time) {
        const base::TimePoint until = now_ + time;
        while (node_.resolver.next_deadline() && *node_.resolver.next_deadline() <= until) {
            GRAPEVINE_ASSERT(*node_.resolver.next_deadline() > now_, "time goes on");
            now_ = *node_.resolver.next_deadline();
            node_.out.clear();
            node_.resolver.on_deadline(now_, node_.out);
            listen();
        }
        now_ = until;
    }

    void listen() {
        for (const ResolverEffect& effect : std::exchange(node_.out, {})) {
            std::visit(base::Overloaded{[&](const SendQuestion& sent) {
                                            GRAPEVINE_ASSERT(sent.hops == 1 || sent.hops == 2, "hops are bounded");
                                            GRAPEVINE_ASSERT(sent.to.id != id(1), "nobody asks itself");
                                            GRAPEVINE_ASSERT(tries_.insert(sent.id).second, "each try is its own");
                                        },
                                        [&](const DropQuestion& drop) {
                                            GRAPEVINE_ASSERT(tries_.erase(drop.id) == 1, "what is dropped was open");
                                        },
                                        [&](const Answer& answer) { check(answer); },
                                        [&](const Done& done) { check(done); }, [](const Lied&) {}},
                       effect);
        }
        for (const auto& [question, deadline] : questions_)
            GRAPEVINE_ASSERT(deadline > now_, "a question ends by its deadline");
        GRAPEVINE_ASSERT(node_.resolver.in_flight() <= kFlightsMax, "flights are bounded");
        GRAPEVINE_ASSERT(node_.resolver.in_flight() <= questions_.size() + served_.size(), "somebody waits for each");
        GRAPEVINE_ASSERT(node_.resolver.cache(now_).size() <= 3 * wire::kResolvedDigestsMax, "the cache is bounded");
    }

    void check(const Done& done) {
        GRAPEVINE_ASSERT(questions_.erase(done.question.value) == 1, "one outcome for each question");
        const Outcome& outcome = done.outcome;
        const bool has_nodes = !outcome.candidates.empty();
        GRAPEVINE_ASSERT(outcome.verdict != Verdict::found || has_nodes, "found is somebody");
        GRAPEVINE_ASSERT(!has_nodes || outcome.verdict == Verdict::found || outcome.verdict == Verdict::ambiguous,
                         "and nobody else");
        for (const Candidate& one : outcome.candidates)
            GRAPEVINE_ASSERT(one.digest.mesh != "mesh3" || one.id == id(33), "nobody is made up");
    }
    void check(const Answer& answer) {
        for (std::uint32_t peer = 10; peer < 14; ++peer) {
            if (id(peer) != answer.peer) continue;
            GRAPEVINE_ASSERT(served_.erase({peer, answer.ref.value}) == 1, "one answer for each peer");
        }
        GRAPEVINE_ASSERT(answer.resolved.text.size() <= wire::kResolveTextMax, "the text fits");
        for (const auto& digest : answer.resolved.digests)
            GRAPEVINE_ASSERT(digest.age_ms <= 30'000, "no peer is told what it would refuse");
    }

    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t at_ = 0;
    base::TimePoint now_{1h};
    testing::Asker node_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, base::TimePoint> questions_;  // By id, with their deadlines.
    std::set<std::pair<std::uint32_t, std::uint64_t>> served_;
    std::set<TryId> tries_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Session(data, size).run();
    return 0;
}
