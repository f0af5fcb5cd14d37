#pragma once

// The supervisor of `grapevine up`, asked through its socket (docs/supervisor.md): its `watch` and `list` go into the
// world, wishes become its operations.
//
// Rules
//  1. It is the one in the directory that is given, else the only one of this user (io/supervisor_registry.hpp);
//  several
//     are as good as none, and why_not() names the rule.
//  2. One that was there, or is given, and is not, is a source that is down; none at all is no source. It is looked for
//     again: at first after kRetryFirst, twice as long each time up to kRetryMax.
//  3. At most kAsksMax operations are under way; beyond, they are busy. The supervisor answers within 30 s.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "console/supervisor_client.hpp"
#include "console/world_input.hpp"
#include "io/control_ask.hpp"
#include "io/runtime.hpp"

namespace grapevine::console {

// A row of `list`, or a line of `watch`, as a process of the world; nothing if it is neither.
std::optional<ProcessFact> decode_process(const boost::json::object& object);
// The answer without its "ok", or the error that it is.
base::Result<boost::json::object> decode_supervisor_answer(std::string_view line);

class SupervisorSocket : public SupervisorClient {
public:
    static constexpr base::Duration kRetryFirst = std::chrono::milliseconds(250);
    static constexpr base::Duration kRetryMax = std::chrono::seconds(5);
    static constexpr base::Duration kRetryMaxGiven = std::chrono::seconds(1);  // It is about to come, or has ended.
    static constexpr base::Duration kAnswerWithin = std::chrono::seconds(35);
    static constexpr std::size_t kAsksMax = 32;

    // Where the world is told, and who is called when it was.
    struct Told {
        WorldInput* input = nullptr;
        std::function<Moment()> moment;
        std::function<void()> changed;
    };

    // `directory` empty: the only one.
    SupervisorSocket(io::Runtime& runtime, std::filesystem::path directory)
        : runtime_(runtime), given_(std::move(directory)) {}
    ~SupervisorSocket() override;
    SupervisorSocket(const SupervisorSocket&) = delete;
    SupervisorSocket& operator=(const SupervisorSocket&) = delete;

    // Begins to look for it.
    void start(Told told);

    [[nodiscard]] bool present() const override { return open_; }
    [[nodiscard]] std::string why_not() const override { return open_ ? std::string{} : why_not_; }
    void spawn(const SpawnWish& wish, Done done) override;
    void act(NodeAction action, const std::string& node, Done done) override;
    void bootstrap(const std::vector<MeshWish>& meshes, Done done) override;
    void log(const std::string& node, std::uint64_t lines, Done done) override;

private:
    void connect();
    [[nodiscard]] base::Result<std::filesystem::path> find() const;
    void lose(const std::string& why);
    void on_readable();
    bool on_line(std::string_view line);
    void tell(const boost::json::object& process);
    void ask(const boost::json::object& request, const Done& done);
    void close();

    io::Runtime& runtime_;
    std::filesystem::path given_;
    Told told_;
    std::filesystem::path directory_;
    std::optional<io::ControlClient> client_;
    std::optional<io::WatchId> watch_;
    std::optional<io::TaskId> retry_;
    base::Duration retry_after_ = kRetryFirst;
    bool open_ = false;
    bool expected_ = false;  // Rule 2.
    std::string why_not_ = "not looked for yet";
    std::map<std::uint64_t, std::unique_ptr<io::ControlAsk>> asks_;
    std::uint64_t next_ask_ = 1;
};

}  // namespace grapevine::console
