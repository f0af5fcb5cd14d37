#pragma once

// One node's own view of its mesh, followed through its control socket (io/node_follower.hpp): its watch says that a
// node came or went, an `ls` then says who is there now. Its overlay neighbours come from one `status`, and from the
// watch's events since then.

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "base/result.hpp"
#include "io/node_follower.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {

using IdSet = std::set<std::string>;
inline constexpr std::string_view kObserverType = "console";  // Of nodes that only look.

// The ids in an answer to {"op":"ls"} (`list` is "nodes") or {"op":"status"} ("neighbors"); those of consoles, which
// only look, are left out where the answer tells types.
base::Result<IdSet> decode_ids(std::string_view line, std::string_view list);

class NodeView {
public:
    // `changed` is called after each answer; it must not destroy the view.
    NodeView(io::Runtime& runtime, std::filesystem::path data_dir, std::function<void()> changed);

    // The ids in its directory, its own included, without those of consoles; nothing before the first answer.
    [[nodiscard]] const std::optional<IdSet>& directory() const { return directory_; }
    [[nodiscard]] const IdSet& neighbors() const { return neighbors_; }

private:
    using Question = io::NodeFollower::Question;

    void on_event(const boost::json::object& event);
    void on_answer(Question question, std::string_view line);

    std::function<void()> changed_;
    std::optional<IdSet> directory_;
    IdSet neighbors_;
    io::NodeFollower follower_;  // Last: it calls the members above.
};

}  // namespace grapevine::apps
