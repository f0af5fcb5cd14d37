#include "sim/tracker.hpp"

namespace grapevine::sim {

namespace {

constexpr std::size_t kMinusOne = static_cast<std::size_t>(-1);

}  // namespace

void Tracker::add(std::size_t mesh) {
    members_.push_back({mesh, 0, false});
    for (auto& row : known_)
        row.push_back(false);
    known_.emplace_back(members_.size(), false);
    wrong_of_.push_back(0);
    wrong_about_.push_back(0);
}

bool Tracker::is_wrong(std::size_t observer, std::size_t subject) const {
    const Member& a = members_[observer];
    const Member& b = members_[subject];
    if (!a.present || observer == subject) return false;
    const bool ought = b.present && a.mesh == b.mesh && a.group == b.group;
    return ought != known_[observer][subject];
}

void Tracker::recount() {
    wrong_ = 0;
    wrong_of_.assign(members_.size(), 0);
    wrong_about_.assign(members_.size(), 0);
    for (std::size_t a = 0; a < members_.size(); ++a)
        for (std::size_t b = 0; b < members_.size(); ++b)
            add_pair(a, b, 1);
}

// Unsigned arithmetic wraps, so that `step` may be -1.
void Tracker::add_pair(std::size_t observer, std::size_t subject, std::size_t step) {
    if (!is_wrong(observer, subject)) return;
    wrong_ += step;
    wrong_of_[observer] += step;
    wrong_about_[subject] += step;
}

void Tracker::add_all_of(std::size_t node, std::size_t step) {
    for (std::size_t other = 0; other < members_.size(); ++other) {
        add_pair(node, other, step);
        if (other != node) add_pair(other, node, step);
    }
}

void Tracker::started(std::size_t node) {
    add_all_of(node, kMinusOne);
    members_[node].present = true;
    known_[node].assign(members_.size(), false);
    for (auto& row : known_)
        row[node] = false;
    add_all_of(node, 1);
}

void Tracker::gone(std::size_t node) {
    add_all_of(node, kMinusOne);
    members_[node].present = false;
    add_all_of(node, 1);
}

void Tracker::set_groups(const std::vector<std::size_t>& groups) {
    for (std::size_t i = 0; i < members_.size(); ++i)
        members_[i].group = i < groups.size() ? groups[i] : 0;
    recount();
}

void Tracker::set(std::size_t observer, std::size_t subject, bool known) {
    add_pair(observer, subject, kMinusOne);
    known_[observer][subject] = known;
    add_pair(observer, subject, 1);
}

}  // namespace grapevine::sim
