#include "stack/storm_testing.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "stack/cluster_testing.hpp"

namespace grapevine::stack {
namespace {

using namespace std::chrono_literals;
using delivery::Ending;
using delivery::Handled;

constexpr base::Duration kStorm = 20s;
constexpr base::Duration kHealing = 10s;

class Storm {
public:
    explicit Storm(std::uint64_t seed) : rng_(seed), cluster_(seed) {
        for (const char* mesh : {"mesh1", "mesh2"}) {
            const std::size_t first = cluster_.size();
            const auto seeded = [&](Config& config) {
                if (first > 0) config.mesh->fabric_seeds = {cluster_.stack(0).addr(), cluster_.stack(1).addr()};
            };
            cluster_.add(mesh, "gateway", {}, seeded);
            cluster_.add(mesh, "gateway", {first}, seeded);
            for (int i = 0; i < 3; ++i)
                cluster_.add(mesh, first == 0 ? "compute" : "broker", {first});
        }
        for (std::size_t i = kBroker; i < cluster_.size(); ++i)
            serve(i);
    }

    StormTally run() {
        expect(cluster_.run_until([&] { return whole(); }, 10s), "the meshes never formed");
        cluster_.jitter = 20ms;
        cluster_.loss = 0.01 * static_cast<double>(rng_.below(11));
        cluster_.duplication = 0.02;
        for (const auto end = cluster_.now() + kStorm; cluster_.now() < end;)
            step();
        calm();
        return std::move(tally_);
    }

private:
    // 0, 1 gateways and 2 to 4 senders of mesh1; 5, 6 gateways and 7 to 9 brokers of mesh2.
    static constexpr std::size_t kSender = 2, kBroker = 7;

    struct Sent {
        std::size_t sender = 0;
        bool idempotent = false;
        std::optional<delivery::Finished> end;
    };

    void expect(bool holds, const std::string& what) {
        if (!holds) tally_.violations.push_back(what);
    }
    bool directories_equal() { return cluster_.converged({0, 1, 2, 3, 4}) && cluster_.converged({5, 6, 7, 8, 9}); }
    bool whole() {
        return directories_equal() && !cluster_.stack(0).meshes(cluster_.now()).empty() &&
               !cluster_.stack(5).meshes(cluster_.now()).empty();
    }
    void serve(std::size_t index) {
        (void)cluster_.stack(index).serve("", delivery::Service{}, cluster_.now());
        cluster_.settle(index);
    }

    // A tenth of a second or less of everything.
    void step() {
        submit();
        if (rng_.chance(0.01)) crash(rng_.chance(0.5) ? kBroker + rng_.index(3) : rng_.index(2) * 5 + rng_.index(2));
        if (rng_.chance(0.01)) cut();
        if (healed_at_ && *healed_at_ <= cluster_.now()) heal();
        cluster_.run_for(rng_.between(1ms, 100ms));
        answer_all();
        collect();
    }

    void submit() {
        const std::size_t sender = kSender + rng_.index(3);
        const std::string text = std::to_string(sent_.size());
        delivery::Submission submission{{rng_.chance(0.7) ? "mesh2.broker" : name_of(kBroker + rng_.index(3))},
                                        rng_.chance(0.5) ? delivery::MessageKind::send : delivery::MessageKind::request,
                                        base::to_bytes(text),
                                        {},
                                        {}};
        const bool idempotent = rng_.chance(0.3);
        if (idempotent) submission.options.repetition = delivery::Repetition::idempotent;
        if (!idempotent && rng_.chance(0.3)) submission.options.ordering = delivery::Ordering::lane;
        submission.options.deadline = rng_.between(500ms, 10s);
        const auto id = cluster_.stack(sender).submit(std::move(submission), cluster_.now());
        expect(id.has_value(), "a message was refused: " + text);
        cluster_.settle(sender);
        if (!id) return;
        by_id_[{sender, id->sequence}] = text;
        sent_[text] = {sender, idempotent, {}};
        ++tally_.submitted;
    }
    std::string name_of(std::size_t index) { return "mesh2.broker." + cluster_.stack(index).id().short_hex(6); }

    // What waits for its handler is lost with it; what was handled stays handled.
    void crash(std::size_t index) {
        ++tally_.crashes;
        const std::size_t fellow = index % 5 == 0 ? index + 1 : index - index % 5;
        cluster_.restart(index, {fellow});
        if (index >= kBroker) serve(index);
        cluster_.settle(index);
    }
    // The meshes, or one of them, in two parts.
    void cut() {
        if (healed_at_) return;
        ++tally_.cuts;
        for (std::size_t i = 0; i < cluster_.size(); ++i)
            if (rng_.chance(0.5)) cluster_.apart.insert(i);
        healed_at_ = cluster_.now() + rng_.between(500ms, 12s);
    }
    void heal() {
        cluster_.apart.clear();
        healed_at_.reset();
    }

    void answer_all() {
        for (std::size_t i = kBroker; i < cluster_.size(); ++i)
            for (const auto& event : std::exchange(cluster_.member(i).events, {}))
                if (const auto* handle = report_in<delivery::Handle>(event)) answer(i, *handle);
    }
    void answer(std::size_t index, const delivery::Handle& handle) {
        const std::string text = base::to_text(handle.payload);
        ++handled_[text];
        ++tally_.handled;
        if (rng_.chance(0.02)) return;  // A handler that hangs.
        const bool fails = rng_.chance(0.02);
        cluster_.stack(index).answer(
            handle.handle, {fails ? delivery::Verdict::failed : delivery::Verdict::done, handle.payload, {}, {}},
            cluster_.now());
        if (!fails) done_.insert(text);
        cluster_.settle(index);
    }

    void collect() {
        for (std::size_t i = kSender; i < kSender + 3; ++i)
            for (const auto& event : std::exchange(cluster_.member(i).events, {}))
                if (const auto* end = report_in<delivery::Finished>(event)) finish(i, *end);
    }
    void finish(std::size_t sender, const delivery::Finished& end) {
        const auto found = by_id_.find({sender, end.message});
        expect(found != by_id_.end(), "an outcome of no message");
        if (found == by_id_.end()) return;
        Sent& sent = sent_.at(found->second);
        expect(!sent.end, found->second + ": two outcomes");
        sent.end = end;
        ++tally_.endings[end.ending];
    }

    void calm() {
        heal();
        cluster_.loss = 0;
        cluster_.jitter = {};
        const auto healed = cluster_.now();
        expect(cluster_.run_until(
                   [&] {
                       answer_all();
                       collect();
                       return directories_equal();
                   },
                   kHealing),
               "the directories were not equal again " + std::to_string(kHealing / 1s) + " s after the heal");
        const auto all_ended = [&] {
            answer_all();
            collect();
            return std::all_of(sent_.begin(), sent_.end(),
                               [](const auto& item) { return item.second.end.has_value(); });
        };
        (void)cluster_.run_until(all_ended, healed + 12s - cluster_.now());
        judge();
    }

    void judge() {
        for (const auto& [text, sent] : sent_) {
            const auto times = handled_.contains(text) ? handled_.at(text) : 0;
            expect(sent.end.has_value(), text + ": no outcome");
            if (!sent.end) continue;
            const std::string ending(delivery::name(sent.end->ending));
            expect(sent.idempotent || times <= 1, text + ": handled " + std::to_string(times) + " times, " + ending);
            if (sent.end->ending == Ending::acknowledged)
                expect(done_.contains(text), text + ": acknowledged, but no handler said so");
            if (sent.end->handled == Handled::no) expect(times == 0, text + ": handled, though it says not: " + ending);
            // Handled, and the answer given, and yet it is said that nobody saw it: an acknowledgement was lost.
            if (done_.contains(text))
                expect(sent.end->handled != Handled::no, text + ": a lost acknowledgement: " + ending);
        }
    }

    base::Rng rng_;
    TestCluster cluster_;
    std::map<std::pair<std::size_t, delivery::MessageSequence>, std::string> by_id_;
    std::map<std::string, Sent> sent_;
    std::map<std::string, std::size_t> handled_;
    std::set<std::string> done_;
    std::optional<base::TimePoint> healed_at_;
    StormTally tally_;
};

}  // namespace

StormTally run_storm(std::uint64_t seed) {
    return Storm(seed).run();
}

}  // namespace grapevine::stack
