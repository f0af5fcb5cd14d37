#pragma once

// The console that `up` brings: `grapevine console` as a child, beside the nodes, with the collector that is in it.
//
// Rules:
// - Like a node it never outlives this process (child_process.hpp).
// - It listens where the user said; else on kUsual, and where that cannot be had on a port that the kernel chooses.
//   Started again it takes the same, so that the nodes need not know.
// - Its death ends nothing else: it is said, and it is started again after kAgainFirst, then twice as long each time up
//   to kAgainMost, and from the beginning once it has run for kStable. One that was never ready is given up.
// - Its stderr goes to console.log in its directory. The link to its pages, with the token, is in its ready line alone.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/grapevine/child_process.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {

class ConsoleChild {
public:
    static constexpr std::string_view kUsual = "127.0.0.1:19090";
    static constexpr std::string_view kAnyPort = "127.0.0.1:0";
    static constexpr base::Duration kReadyWithin = std::chrono::seconds(10);
    static constexpr base::Duration kAgainFirst = std::chrono::milliseconds(500);
    static constexpr base::Duration kAgainMost = std::chrono::seconds(30);
    static constexpr base::Duration kStable = std::chrono::minutes(1);

    using Say = std::function<void(const std::string& line)>;

    // Into closed meshes.
    struct Entry {
        std::string authority;  // Of its own mesh.
        std::vector<std::filesystem::path> tickets;
    };

    struct Config {
        std::filesystem::path programs;     // Has the grapevine command.
        std::filesystem::path directory;    // Of the store.
        std::filesystem::path run_dir;      // Of the supervisor that it asks.
        std::string mesh;                   // Of which it is a node; empty: of none.
        Entry entry;                        // Empty: its mesh is open.
        std::optional<std::string> listen;  // An address and port.
    };

    // The entry of a console with this directory into the first `meshes` of a closed run: a member of the first, a
    // visitor of the others.
    static base::Result<Entry> admit(const std::filesystem::path& run_dir, std::size_t meshes,
                                     const std::filesystem::path& directory);

    ConsoleChild(io::Runtime& runtime, Config config, Say say)
        : runtime_(runtime),
          config_(std::move(config)),
          listen_(config_.listen.value_or(std::string(kUsual))),
          choice_(config_.listen ? Choice::made : Choice::usual),
          say_(std::move(say)) {}
    ~ConsoleChild() { cancel_timer(); }
    ConsoleChild(const ConsoleChild&) = delete;
    ConsoleChild& operator=(const ConsoleChild&) = delete;

    // `decided` is called once, later: when it is ready, or when it will not be.
    void start(std::function<void()> decided);
    // SIGTERM, and SIGKILL after ChildProcess::kStopGrace; `done` follows when it has been waited for.
    void stop(std::function<void()> done);

    // Both empty until it was ready once.
    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] const std::string& link() const { return link_; }
    [[nodiscard]] bool running() const { return state_ == State::ready; }

private:
    enum class State : std::uint8_t { absent, starting, ready, stopping };
    // Where it listens was said by the user or found out once, or is kUsual for a try.
    enum class Choice : std::uint8_t { made, usual };

    void begin();
    base::Status launch();
    void on_ready_line(std::string_view line);
    void on_exit(int wait_status);
    void try_any_port();
    void start_again();
    void cancel_timer();
    void decide();

    io::Runtime& runtime_;
    Config config_;
    std::string listen_;
    Choice choice_;
    Say say_;
    State state_ = State::absent;
    std::string url_;
    std::string link_;
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
