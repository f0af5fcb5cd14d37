#pragma once

// One node's own view of its mesh, followed through its control socket: a `watch` says that a node came or went, an
// `ls` then says who is there now. Its overlay neighbours come from one `status`, and from the watch's events since
// then. Nothing is polled, so that an idle node stays idle.
//
// A change during an `ls` makes one more `ls`. A socket that fails is opened again after kRetry, as long as the view is
// wanted.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "io/control.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {

using IdSet = std::set<std::string>;

// The ids in an answer to {"op":"ls"} (`list` is "nodes") or {"op":"status"} ("neighbors").
base::Result<IdSet> decode_ids(std::string_view line, std::string_view list);

class NodeView {
public:
    static constexpr base::Duration kRetry = std::chrono::milliseconds(100);
    static constexpr base::Duration kDeadline = std::chrono::milliseconds(500);  // Of a connect or a send.

    // `changed` is called after each answer; it must not destroy the view.
    NodeView(io::Runtime& runtime, std::filesystem::path data_dir, std::function<void()> changed);
    ~NodeView();
    NodeView(const NodeView&) = delete;
    NodeView& operator=(const NodeView&) = delete;

    // The ids in its directory, its own included; nothing before the first answer.
    [[nodiscard]] const std::optional<IdSet>& directory() const { return directory_; }
    [[nodiscard]] const IdSet& neighbors() const { return neighbors_; }

private:
    struct Line {
        std::optional<io::ControlClient> client;
        std::optional<io::WatchId> watch;
    };

    void open();
    void ask();
    bool connect(Line& line, std::string_view request, void (NodeView::*readable)());
    void close(Line& line);
    void retry();
    void on_watch();
    bool on_event(std::string_view line);
    void on_answer();
    void take_answer(std::string_view line);

    io::Runtime& runtime_;
    std::filesystem::path data_dir_;
    std::function<void()> changed_;
    Line watching_;
    Line asking_;
    bool dirty_ = false;
    bool neighbors_known_ = false;
    std::optional<io::TaskId> retry_;
    std::optional<IdSet> directory_;
    IdSet neighbors_;
};

}  // namespace grapevine::apps
