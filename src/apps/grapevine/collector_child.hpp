#pragma once

// The collector that `up` brings: `grapevine collect` as a child, beside the nodes.
//
// Rules:
// - Like a node it never outlives this process (child_process.hpp).
// - It listens on a port of 127.0.0.1 that the kernel chooses once; started again it takes the same, so that the nodes
//   need not know.
// - Its death ends nothing else: it is said, and it is started again after kAgainFirst, then twice as long each time up
//   to kAgainMost, and from the beginning once it has run for kStable. One that was never ready is given up.
// - Its stderr goes to collector.log in its directory.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apps/grapevine/child_process.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {

class CollectorChild {
public:
    static constexpr base::Duration kReadyWithin = std::chrono::seconds(10);
    static constexpr base::Duration kAgainFirst = std::chrono::milliseconds(500);
    static constexpr base::Duration kAgainMost = std::chrono::seconds(30);
    static constexpr base::Duration kStable = std::chrono::minutes(1);

    using Say = std::function<void(const std::string& line)>;

    // `programs` has the grapevine command; the store is in `directory`.
    CollectorChild(io::Runtime& runtime, std::filesystem::path programs, std::filesystem::path directory, Say say)
        : runtime_(runtime), programs_(std::move(programs)), directory_(std::move(directory)), say_(std::move(say)) {}
    ~CollectorChild() { cancel_timer(); }
    CollectorChild(const CollectorChild&) = delete;
    CollectorChild& operator=(const CollectorChild&) = delete;

    // `decided` is called once, later: when it is ready, or when it will not be.
    void start(std::function<void()> decided);
    // SIGTERM, and SIGKILL after ChildProcess::kStopGrace; `done` follows when it has been waited for.
    void stop(std::function<void()> done);

    // Empty until it was ready once.
    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] bool running() const { return state_ == State::ready; }

private:
    enum class State : std::uint8_t { absent, starting, ready, stopping };

    base::Status launch();
    void on_ready_line(std::string_view line);
    void on_exit(int wait_status);
    void start_again();
    void cancel_timer();
    void decide();

    io::Runtime& runtime_;
    std::filesystem::path programs_;
    std::filesystem::path directory_;
    Say say_;
    State state_ = State::absent;
    std::string listen_ = "127.0.0.1:0";
    std::string url_;
    std::unique_ptr<ChildProcess> process_;  // Empty before the first start.
    std::optional<io::TaskId> timer_;        // For what state_ waits for: readiness or the next start.
    base::Duration again_ = kAgainFirst;
    std::function<void()> decided_;
    std::function<void()> done_;
};

// Whether the user's environment already says where telemetry goes, or that there is none.
bool environment_decides_export();
// Points the children that follow at `url`.
void export_to(const std::string& url);

}  // namespace grapevine::apps
