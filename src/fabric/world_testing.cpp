#include "fabric/world_testing.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/overloaded.hpp"
#include "fabric/duty.hpp"

namespace grapevine::fabric::testing {

namespace {

constexpr base::Duration kStartNoticed = 300ms;
constexpr base::Duration kDeathNoticed = 3s;
constexpr std::uint32_t kBrokers = 4;

}  // namespace

struct World::Node : Members {
    std::uint32_t number = 0;
    std::uint32_t mesh = 0;
    bool is_gateway = false;
    bool alive = false;
    bool noticed = false;  // By the directory of its mesh.
    bool joined = false;   // To the topic.
    std::uint64_t life = 0;
    const World* world = nullptr;
    std::optional<base::Rng> rng;
    std::unique_ptr<Backbone> backbone;
    std::unique_ptr<Resolver> resolver;
    Effects out;
    ResolverEffects answers;
    std::function<void(wire::Resolved&)> lie;

    [[nodiscard]] bool sees(std::uint32_t other) const { return !world->split_[mesh] || other % 2 == number % 2; }
    Lookup lookup(const wire::NameParts& name, TimePoint /*now*/) override {
        Lookup result;
        for (std::uint32_t n = 0; n < kBrokers && name.type == "broker"; ++n) {
            const std::uint32_t other = broker(mesh, n);
            if (!sees(other) || !wire::begins_with(id(other), name.digits)) continue;
            const wire::Digest d = digest(name_of(mesh), "broker", 7);
            result.candidates.push_back({id(other), d, wire::sign(key(other), d).envelope, 1s, {}});
        }
        if (!result.candidates.empty()) result.verdict = Verdict::found;
        return result;
    }
};

World::World(const Shape& shape)
    : shape_(shape),
      rng_(shape.seed),
      members_(shape.meshes, shape.members),
      split_(shape.meshes, false),
      bytes_said_(shape.meshes, 0),
      times_said_(shape.meshes, 0) {
    for (std::uint32_t mesh = 0; mesh < shape.meshes; ++mesh) {
        for (std::uint32_t n = 0; n <= shape.gateways; ++n) {
            auto node = std::make_unique<Node>();
            node->is_gateway = n < shape.gateways;
            node->number = node->is_gateway ? gateway(mesh, n) : member(mesh);
            node->mesh = mesh;
            node->world = this;
            number_of_[id(node->number)] = node->number;
            nodes_[node->number] = std::move(node);
        }
    }
}

World::~World() = default;

Backbone& World::backbone(std::uint32_t node) {
    return *nodes_.at(node)->backbone;
}
Resolver& World::resolver(std::uint32_t node) {
    return *nodes_.at(node)->resolver;
}
bool World::alive(std::uint32_t node) const {
    return nodes_.at(node)->alive;
}

void World::later(base::Duration delay, std::function<void()> action) {
    events_.emplace(now_ + delay, std::move(action));
}

void World::later_at(std::uint32_t number, base::Duration delay, std::function<void(Node&)> action) {
    const std::uint64_t life = nodes_.at(number)->life;
    later(delay, [this, number, life, action = std::move(action)] {
        Node& node = *nodes_.at(number);
        if (!node.alive || node.life != life) return;
        action(node);
        flush(node);
    });
}

base::Duration World::some_delay() {
    return rng_.between(2ms, shape_.delay_max);
}

void World::start(std::uint32_t node, TimePoint when) {
    later(when - now_, [this, node] { boot(*nodes_.at(node)); });
}

void World::start_all() {
    for (const auto& [number, node] : nodes_)
        start(number, now_ + rng_.between(0s, 1s));
}

void World::boot(Node& node) {
    if (node.alive) return;
    node.alive = true;
    ++node.life;
    node.joined = false;
    node.rng = rng_.fork();
    BackboneConfig backbone;
    backbone.fabric = "fabric" + std::to_string(node.mesh % shape_.fabrics);
    backbone.mesh = name_of(node.mesh);
    backbone.started =
        base::WallTime{1'700'000'000'000 + static_cast<std::uint64_t>((now_ - at(0s)) / std::chrono::milliseconds(1))};
    backbone.verified = &memo_;
    node.backbone = std::make_unique<Backbone>(backbone, key(node.number), *node.rng);
    ResolverConfig resolver;
    resolver.mesh = backbone.mesh;
    resolver.verified = &memo_;
    node.resolver = std::make_unique<Resolver>(resolver, id(node.number), node, *node.backbone, *node.rng);
    const std::uint32_t number = node.number;
    later_at(number, kStartNoticed, [this](Node& started) {
        started.noticed = true;
        publish_facts(started.mesh);
    });
}

void World::crash(std::uint32_t number) {
    Node& node = *nodes_.at(number);
    node.alive = false;
    const std::uint64_t life = node.life;
    later(kDeathNoticed, [this, number, life] {
        Node& dead = *nodes_.at(number);
        if (dead.alive || dead.life != life) return;
        dead.noticed = false;
        publish_facts(dead.mesh);
    });
}

void World::split(std::uint32_t mesh) {
    split_[mesh] = true;
    publish_facts(mesh);
}
void World::heal(std::uint32_t mesh) {
    split_[mesh] = false;
    publish_facts(mesh);
}
void World::set_members(std::uint32_t mesh, std::uint32_t members) {
    members_[mesh] = members;
    publish_facts(mesh);
}
void World::make_liar(std::uint32_t node, std::function<void(wire::Resolved&)> lie) {
    nodes_.at(node)->lie = std::move(lie);
}

// Each node's directory hears of it a little later than the others'.
void World::publish_facts(std::uint32_t mesh) {
    for (const auto& [number, node] : nodes_) {
        if (node->mesh != mesh || !node->alive) continue;
        later_at(number, some_delay(), [this](Node& told) { told.backbone->set_own(facts_of(told), now_, told.out); });
    }
}

OwnFacts World::facts_of(const Node& node) const {
    std::vector<EndpointId> gateways;
    for (const auto& [number, other] : nodes_) {
        if (other->mesh == node.mesh && other->is_gateway && other->noticed && node.sees(number))
            gateways.push_back(id(number));
    }
    OwnFacts facts;
    for (const EndpointId& duty : on_duty(node.backbone->config().fabric, gateways))
        facts.gateways.push_back(addr(number_of_.at(duty)));
    facts.members = {{"broker", members_[node.mesh]}, {"gateway", static_cast<std::uint32_t>(gateways.size())}};
    return facts;
}

void World::flush(Node& node) {
    for (const Effect& effect : std::exchange(node.out, {})) {
        std::visit(base::Overloaded{[&](const Broadcast& broadcast) { handle(node, broadcast); },
                                    [&](const JoinBackbone&) { join(node); },
                                    [&](const LeaveBackbone&) { node.joined = false; }, [](const auto&) {}},
                   effect);
    }
    for (const ResolverEffect& effect : std::exchange(node.answers, {})) {
        std::visit(base::Overloaded{[&](const auto& value) { handle(node, value); }, [](const Lied&) {}}, effect);
    }
}

void World::handle(Node& node, const Broadcast& broadcast) {
    bytes_said_[node.mesh] += broadcast.envelope.size();
    ++times_said_[node.mesh];
    const EndpointId from = id(node.number);
    for (const auto& [number, other] : nodes_) {
        if (number == node.number || !other->alive || !other->joined || lost()) continue;
        later_at(number, some_delay(), [this, from, envelope = broadcast.envelope](Node& hearer) {
            if (hearer.joined) hearer.backbone->on_summary(from, envelope, now_, hearer.out);
        });
    }
}

// The newcomer and three of those that are there become neighbours.
void World::join(Node& node) {
    if (std::exchange(node.joined, true)) return;
    std::vector<std::uint32_t> there;
    for (const auto& [number, other] : nodes_) {
        if (number != node.number && other->alive && other->joined) there.push_back(number);
    }
    rng_.shuffle(there);
    if (there.size() > 3) there.resize(3);
    for (const std::uint32_t number : there) {
        const base::Duration delay = some_delay();
        later_at(number, delay,
                 [this, peer = id(node.number)](Node& n) { n.backbone->on_neighbor_up(peer, now_, n.out); });
        later_at(node.number, delay,
                 [this, peer = id(number)](Node& n) { n.backbone->on_neighbor_up(peer, now_, n.out); });
    }
}

void World::handle(Node& node, const SendQuestion& question) {
    const std::uint32_t to = number_of_.at(question.to.id);
    const bool arrives = nodes_.at(to)->alive && !lost();
    if (!arrives) {
        if (rng_.chance(0.5)) return;  // Silence.
        return later_at(node.number, 300ms,
                        [this, id = question.id](Node& asker) { asker.resolver->on_failed(id, now_, asker.answers); });
    }
    const std::uint64_t ref = served_.size();
    served_[ref] = {node.number, node.life, question.id, to, nodes_.at(to)->life};
    ref_of_[{node.number, question.id}] = ref;
    later_at(to, some_delay(), [this, ref, question, peer = id(node.number)](Node& server) {
        if (served_.at(ref).dropped) return;  // Its stream ended before the question came.
        served_.at(ref).heard = true;
        server.resolver->on_question(peer, AskRef{ref}, question.name, question.hops, now_, server.answers);
    });
}

void World::handle(Node& node, const Answer& answer) {
    Served& served = served_.at(answer.ref.value);
    if (std::exchange(served.answered, true) || served.dropped) ++broken_;
    if (served.server != node.number || id(served.asker) != answer.peer) ++broken_;
    Node& asker = *nodes_.at(served.asker);
    if (!asker.alive || asker.life != served.asker_life || lost()) return;
    wire::Resolved resolved = answer.resolved;
    if (node.lie) node.lie(resolved);
    later_at(served.asker, some_delay(),
             [this, id = served.id, resolved](Node& n) { n.resolver->on_answer(id, resolved, now_, n.answers); });
}

void World::handle(Node& node, const DropQuestion& drop) {
    const auto ref = ref_of_.find({node.number, drop.id});
    if (ref == ref_of_.end() || lost()) return;
    later_at(served_.at(ref->second).server, some_delay(), [this, ref = ref->second, peer = id(node.number)](Node& n) {
        served_.at(ref).dropped = true;
        n.resolver->on_asker_gone(peer, AskRef{ref}, now_, n.answers);
    });
}

void World::handle(Node& node, const Done& done) {
    Question& question = questions_.at(done.question.value);
    if (question.outcome || question.node != node.number || now_ > question.deadline) ++broken_;
    question.outcome = done.outcome;
}

std::uint64_t World::ask(std::uint32_t number, const std::string& name, base::Duration time) {
    Node& node = *nodes_.at(number);
    const std::uint64_t question = questions_.size();
    questions_[question] = {number, node.life, now_ + time, std::nullopt};
    node.resolver->ask(QuestionId{question}, name, now_ + time, now_, node.answers);
    flush(node);
    return question;
}

const std::optional<Outcome>& World::outcome(std::uint64_t question) const {
    return questions_.at(question).outcome;
}

Outcome World::resolve(std::uint32_t node, const std::string& name, base::Duration time) {
    const std::uint64_t question = ask(node, name, time);
    for (const TimePoint end = now_ + time; !outcome(question) && now_ < end;)
        run_for(10ms);
    GRAPEVINE_ASSERT(outcome(question).has_value(), "a question ends by its deadline");
    return *outcome(question);
}

std::uint64_t World::questions_open() const {
    return static_cast<std::uint64_t>(std::count_if(questions_.begin(), questions_.end(), [&](const auto& entry) {
        const Node& node = *nodes_.at(entry.second.node);
        return !entry.second.outcome && node.alive && node.life == entry.second.life;
    }));
}

std::uint64_t World::served_open() const {
    return static_cast<std::uint64_t>(std::count_if(served_.begin(), served_.end(), [&](const auto& entry) {
        const Served& served = entry.second;
        const Node& server = *nodes_.at(served.server);
        return served.heard && !served.answered && !served.dropped && server.alive && server.life == served.server_life;
    }));
}

std::optional<TimePoint> World::next_of(const Node& node) const {
    if (!node.alive) return std::nullopt;
    return base::earliest(node.backbone->next_deadline(), node.resolver->next_deadline());
}

void World::run_until(TimePoint until) {
    while (true) {
        Node* first = nullptr;
        std::optional<TimePoint> next;
        if (!events_.empty()) next = events_.begin()->first;
        for (const auto& [number, node] : nodes_) {
            const auto due = next_of(*node);
            if (!due || (next && *due > *next)) continue;
            next = due;
            first = node.get();
        }
        if (!next || *next > until) break;
        now_ = std::max(now_, *next);
        if (first != nullptr) {
            first->backbone->on_deadline(now_, first->out);
            first->resolver->on_deadline(now_, first->answers);
            GRAPEVINE_ASSERT(!next_of(*first) || *next_of(*first) > now_, "deadlines make progress");
            flush(*first);
        } else {
            const auto action = events_.extract(events_.begin()).mapped();
            action();
        }
    }
    now_ = until;
}

bool World::all_know_all() const {
    for (const auto& [number, node] : nodes_) {
        if (!node->alive || !node->backbone->on_duty()) continue;
        for (std::uint32_t mesh = 0; mesh < shape_.meshes; ++mesh) {
            if (mesh == node->mesh) continue;
            const bool speaks = std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& other) {
                return other.second->mesh == mesh && other.second->alive && other.second->backbone->on_duty();
            });
            const bool should = speaks && mesh % shape_.fabrics == node->mesh % shape_.fabrics;
            if (node->backbone->table().meshes().contains(name_of(mesh)) != should) return false;
        }
    }
    return true;
}

base::Duration World::time_until_all_know_all(base::Duration limit) {
    const TimePoint begin = now_;
    while (!all_know_all() && now_ - begin < limit)
        run_for(50ms);
    return all_know_all() ? now_ - begin : base::Duration::max();
}

}  // namespace grapevine::fabric::testing
