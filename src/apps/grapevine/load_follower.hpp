#pragma once

// A load without end in a running node, followed through its control socket. The node ends it when this object closes
// the socket. A socket that fails is opened again after kRetry, and the load begins anew.

#include <filesystem>
#include <optional>
#include <string>

#include "apps/grapevine/load_view.hpp"
#include "base/time.hpp"
#include "io/control.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {

class LoadFollower {
public:
    static constexpr base::Duration kRetry = std::chrono::seconds(1);
    static constexpr base::Duration kDeadline = std::chrono::milliseconds(500);  // Of a connect or a send.

    // `request` is a `produce` of docs/control-socket.md.
    LoadFollower(io::Runtime& runtime, std::filesystem::path data_dir, std::string request);
    ~LoadFollower();
    LoadFollower(const LoadFollower&) = delete;
    LoadFollower& operator=(const LoadFollower&) = delete;

    // As of the newest line; of a load that has just begun anew, nothing.
    [[nodiscard]] const LoadView& view() const { return view_; }
    // Why it does not run; empty while it does.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

private:
    void open();
    void close();
    void retry(const std::string& why);
    void on_readable();
    // False when the load is over.
    bool take(const std::string& line);

    io::Runtime& runtime_;
    std::filesystem::path data_dir_;
    std::string request_;
    std::optional<io::ControlClient> client_;
    std::optional<io::WatchId> watch_;
    std::optional<io::TaskId> retry_;
    LoadView view_;
    std::string trouble_;
};

}  // namespace grapevine::apps
