#include "apps/grapevine/child_lookup.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "apps/grapevine/terminal.hpp"
#include "base/encoding.hpp"

namespace grapevine::apps {
namespace {

bool fits(const Child& child, std::string_view name) {
    return label(child) == name || (!child.endpoint_id.empty() && child.endpoint_id == name) ||
           child.spec.mesh + '.' + child.spec.data_dir.filename().string() == name ||
           child.spec.mesh + '.' + child.spec.type == name;
}

std::string names_of(const std::vector<const Child*>& children) {
    constexpr std::size_t kShown = 8;
    std::string text;
    for (std::size_t i = 0; i < children.size() && i < kShown; ++i) {
        text += (i == 0 ? "" : ", ") + label(*children[i]);
    }
    return children.size() > kShown ? text + ", ..." : text;
}

std::string gone(const Child& child, base::TimePoint now) {
    const auto ago = std::chrono::duration_cast<std::chrono::milliseconds>(now - child.ended).count();
    return label(child) + ": ended " + duration_text(static_cast<std::uint64_t>(std::max<std::int64_t>(ago, 0))) +
           " ago, " + describe_end(child);
}

}  // namespace

base::Result<const Child*> find_child(const std::vector<const Child*>& children, std::string_view name, Among among,
                                      base::TimePoint now) {
    std::vector<const Child*> alive;
    std::vector<const Child*> ended;
    for (const Child* child : children) {
        if (fits(*child, name)) {
            (child->alive() ? alive : ended).push_back(child);
        }
    }
    const std::vector<const Child*>& chosen = alive.empty() ? ended : alive;
    if (chosen.empty()) {
        return base::fail(base::ErrorCode::not_found, "no node '" + base::printable(name) + "' of this supervisor");
    }
    if (alive.empty() && among == Among::alive) {
        const auto last = std::max_element(ended.begin(), ended.end(),
                                           [](const Child* a, const Child* b) { return a->ended < b->ended; });
        return base::fail(base::ErrorCode::not_found, gone(**last, now));
    }
    if (chosen.size() > 1) {
        return base::invalid("'" + base::printable(name) + "' fits several nodes: " + names_of(chosen));
    }
    return chosen.front();
}

}  // namespace grapevine::apps
