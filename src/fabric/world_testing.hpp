#pragma once

// A fabric of whole meshes: the real backbones and resolvers, joined by a topic that floods with delay and loss, and by
// streams for questions. What surrounds them is modelled: a directory that notices a start after 300 ms and a death
// after 3 s, and members that are signed digests. Runs in virtual time; the same seed gives the same run.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fabric/fabric_testing.hpp"
#include "fabric/resolver.hpp"

namespace grapevine::fabric::testing {

struct Shape {
    std::uint32_t meshes = 3;
    std::uint32_t gateways = 3;  // Of each mesh.
    std::uint32_t members = 10;  // Of each mesh, as its directory counts them.
    std::uint32_t fabrics = 1;   // Meshes are dealt to them in turn; the topic does not keep them apart.
    double loss = 0;             // Of each copy of a broadcast, of each question and of each answer.
    base::Duration delay_max = 80ms;
    std::uint64_t seed = 1;
};

class World {
public:
    explicit World(const Shape& shape);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // Numbers of nodes. A member is one that is no gateway; a broker is known by its digest only.
    [[nodiscard]] static std::uint32_t gateway(std::uint32_t mesh, std::uint32_t n) { return 1000 * (mesh + 1) + n; }
    [[nodiscard]] static std::uint32_t member(std::uint32_t mesh) { return 1000 * (mesh + 1) + 500; }
    [[nodiscard]] static std::uint32_t broker(std::uint32_t mesh, std::uint32_t n) {
        return 1000 * (mesh + 1) + 600 + n;
    }
    [[nodiscard]] static std::string name_of(std::uint32_t mesh) { return "mesh" + std::to_string(mesh); }

    void start(std::uint32_t node, TimePoint when);
    // All nodes, each at a random moment of the first second.
    void start_all();
    void crash(std::uint32_t node);
    // Even and odd gateways, members and brokers see each other no more, or again.
    void split(std::uint32_t mesh);
    void heal(std::uint32_t mesh);
    void set_members(std::uint32_t mesh, std::uint32_t members);
    // Every answer of this node is changed before it leaves.
    void make_liar(std::uint32_t node, std::function<void(wire::Resolved&)> lie);
    void run_until(TimePoint until);
    void run_for(base::Duration time) { run_until(now_ + time); }

    // Nothing while the question is open.
    std::uint64_t ask(std::uint32_t node, const std::string& name, base::Duration time = 10s);
    [[nodiscard]] const std::optional<Outcome>& outcome(std::uint64_t question) const;
    // Asks, and runs until it is answered.
    Outcome resolve(std::uint32_t node, const std::string& name, base::Duration time = 10s);

    [[nodiscard]] TimePoint now() const { return now_; }
    [[nodiscard]] base::Rng& rng() { return rng_; }
    [[nodiscard]] Backbone& backbone(std::uint32_t node);
    [[nodiscard]] Resolver& resolver(std::uint32_t node);
    [[nodiscard]] bool alive(std::uint32_t node) const;
    // Whether every living gateway on duty knows each of the other meshes of its fabric that has one, and no others.
    [[nodiscard]] bool all_know_all() const;
    // The time it takes from now until then, in steps of 50 ms.
    base::Duration time_until_all_know_all(base::Duration limit);

    // Bytes and number of summaries that a mesh's gateways said.
    [[nodiscard]] std::uint64_t bytes_said(std::uint32_t mesh) const { return bytes_said_.at(mesh); }
    [[nodiscard]] std::uint64_t times_said(std::uint32_t mesh) const { return times_said_.at(mesh); }
    // Questions that had no outcome by their deadline, or more than one; questions served that had not one answer.
    [[nodiscard]] std::uint64_t broken_promises() const { return broken_; }
    [[nodiscard]] std::uint64_t questions() const { return questions_.size(); }
    [[nodiscard]] std::uint64_t questions_open() const;
    // Peers' questions that reached a node which lives and did not answer.
    [[nodiscard]] std::uint64_t served_open() const;

private:
    struct Node;
    struct Question {
        std::uint32_t node = 0;
        std::uint64_t life = 0;
        TimePoint deadline;
        std::optional<Outcome> outcome;
    };
    struct Served {
        std::uint32_t asker = 0;
        std::uint64_t asker_life = 0;
        TryId id;
        std::uint32_t server = 0;
        std::uint64_t server_life = 0;
        bool heard = false;
        bool answered = false;
        bool dropped = false;
    };

    void later(base::Duration delay, std::function<void()> action);
    // Runs `action` then, if the node still lives the same life.
    void later_at(std::uint32_t node, base::Duration delay, std::function<void(Node&)> action);
    [[nodiscard]] base::Duration some_delay();
    [[nodiscard]] bool lost() { return rng_.chance(shape_.loss); }

    void boot(Node& node);
    void publish_facts(std::uint32_t mesh);
    [[nodiscard]] OwnFacts facts_of(const Node& node) const;
    void flush(Node& node);
    void handle(Node& node, const Broadcast& broadcast);
    void join(Node& node);
    void handle(Node& node, const SendQuestion& question);
    void handle(Node& node, const Answer& answer);
    void handle(Node& node, const DropQuestion& drop);
    void handle(Node& node, const Done& done);
    [[nodiscard]] std::optional<TimePoint> next_of(const Node& node) const;

    Shape shape_;
    base::Rng rng_;
    base::VerificationMemo memo_;
    TimePoint now_ = at(0s);
    std::map<std::uint32_t, std::unique_ptr<Node>> nodes_;
    std::map<EndpointId, std::uint32_t> number_of_;
    std::vector<std::uint32_t> members_;
    std::vector<bool> split_;
    std::multimap<TimePoint, std::function<void()>> events_;
    std::map<std::uint64_t, Question> questions_;
    std::map<std::uint64_t, Served> served_;
    std::map<std::pair<std::uint32_t, TryId>, std::uint64_t> ref_of_;
    std::vector<std::uint64_t> bytes_said_;
    std::vector<std::uint64_t> times_said_;
    std::uint64_t broken_ = 0;
};

}  // namespace grapevine::fabric::testing
