#pragma once

// Compares what nodes say that they know with the truth, as it changes. The truth about a pair (a, b): a ought to know
// b if both run, in one mesh, and no partition lies between them. A restarted node counts as unknown until a node has
// heard of it anew.
//
// Kept as counts, so that an event costs O(1) and a change of a node's state O(nodes).

#include <cstddef>
#include <vector>

namespace grapevine::sim {

class Tracker {
public:
    // What the tracker must know of a node.
    struct Member {
        std::size_t mesh = 0;
        std::size_t group = 0;
        bool present = false;
    };

    void add(std::size_t mesh);
    // The node came up: nobody knows this life of it, and it knows nobody.
    void started(std::size_t node);
    // It crashed, or says goodbye.
    void gone(std::size_t node);
    void set_groups(const std::vector<std::size_t>& groups);
    void set_known(std::size_t observer, std::size_t subject) { set(observer, subject, true); }
    void set_unknown(std::size_t observer, std::size_t subject) { set(observer, subject, false); }

    [[nodiscard]] bool knows(std::size_t observer, std::size_t subject) const { return known_[observer][subject]; }
    [[nodiscard]] const Member& member(std::size_t node) const { return members_[node]; }
    // Pairs in which the observer is wrong; of all, of one observer, about one subject.
    [[nodiscard]] std::size_t wrong() const { return wrong_; }
    [[nodiscard]] std::size_t wrong_of(std::size_t observer) const { return wrong_of_[observer]; }
    [[nodiscard]] std::size_t wrong_about(std::size_t subject) const { return wrong_about_[subject]; }
    [[nodiscard]] std::size_t size() const { return members_.size(); }

private:
    [[nodiscard]] bool is_wrong(std::size_t observer, std::size_t subject) const;
    void recount();
    void add_pair(std::size_t observer, std::size_t subject, std::size_t step);
    void add_all_of(std::size_t node, std::size_t step);
    void set(std::size_t observer, std::size_t subject, bool known);

    std::vector<Member> members_;
    std::vector<std::vector<bool>> known_;
    std::vector<std::size_t> wrong_of_;
    std::vector<std::size_t> wrong_about_;
    std::size_t wrong_ = 0;
};

}  // namespace grapevine::sim
