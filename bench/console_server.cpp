// The real console with a fabric that is only fed to it: --nodes of them in --meshes, --changes a second (loads,
// neighbours, suspicions, deaths, returns). Prints {"url", "link"} once it listens, and serves until SIGTERM. For
// bench/console_load.py, and to look at by hand what a large fabric is like in a browser.
//
// Nothing can be asked of its nodes, which do not exist.

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <unistd.h>

#include "bench/figures.hpp"
#include "console/console.hpp"
#include "console/world_testing.hpp"
#include "io/runtime.hpp"
#include "io/temp_dir_testing.hpp"

namespace grapevine::bench {
namespace {

class NoSupervisor final : public console::SupervisorClient {
public:
    [[nodiscard]] bool present() const override { return false; }
    [[nodiscard]] std::string why_not() const override { return "these nodes are simulated"; }
    void spawn(const console::SpawnWish&, Done done) override { refuse(done); }
    void act(console::NodeAction, const std::string&, Done done) override { refuse(done); }
    void bootstrap(const std::vector<console::MeshWish>&, Done done) override { refuse(done); }
    void log(const std::string&, std::uint64_t, Done done) override { refuse(done); }

private:
    static void refuse(const Done& done) { done(base::fail(base::ErrorCode::not_found, "these nodes are simulated")); }
};

// One change after another, evenly; those that a busy loop missed are made up for.
class Churn {
public:
    Churn(io::Runtime& runtime, console::Console& console, console::testing::SimulatedFabric& fabric,
          base::Duration gap)
        : runtime_(runtime), console_(console), fabric_(fabric), gap_(gap), next_(runtime.now()) {
        turn();
    }

private:
    void turn() {
        for (const base::TimePoint now = runtime_.now(); next_ <= now; next_ += gap_) {
            fabric_.step(console_.input(), console_.moment());
        }
        console_.changed();
        runtime_.at(next_, {}, [this] { turn(); });
    }

    io::Runtime& runtime_;
    console::Console& console_;
    console::testing::SimulatedFabric& fabric_;
    base::Duration gap_;
    base::TimePoint next_;
};

console::StaticFiles pages() {
    const auto directory = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../share/grapevine/console";
    auto found = console::StaticFiles::load(directory.lexically_normal());
    return found ? std::move(*found) : console::StaticFiles::absent("the pages were not built");
}

int run(const Arguments& arguments) {
    io::TempDir directory;
    ::setenv("XDG_RUNTIME_DIR", directory.path().c_str(), 1);
    io::Runtime runtime;
    NoSupervisor supervisor;
    console::ConsoleConfig config;
    config.collector.listen.port = static_cast<std::uint16_t>(arguments.number("--port"));
    config.collector.directory = directory.path() / "store";
    config.token = std::string(64, '0');
    config.pages = pages();
    const std::string fragment = "/#token=" + config.token;
    auto console = console::Console::start(runtime, std::move(config), supervisor);
    if (!console) {
        std::fprintf(stderr, "bench_console_server: %s\n", console.error().message.c_str());
        return 1;
    }
    const auto nodes = static_cast<std::uint32_t>(arguments.number("--nodes"));
    const auto meshes = static_cast<std::uint32_t>(arguments.number("--meshes"));
    console::testing::SimulatedFabric fabric(nodes, std::max(1U, meshes));
    fabric.begin((*console)->input(), (*console)->moment());
    const std::uint64_t changes = std::max<std::uint64_t>(1, arguments.number("--changes"));
    const Churn churn(runtime, **console, fabric, std::chrono::nanoseconds(std::chrono::seconds(1)) / changes);
    runtime.on_signal({SIGINT, SIGTERM}, [&](int) { runtime.stop(); });
    const std::string& url = (*console)->record().url;
    std::printf("{\"url\":\"%s\",\"link\":\"%s%s\"}\n", url.c_str(), url.c_str(), fragment.c_str());
    std::fflush(stdout);
    runtime.run();
    return 0;
}

}  // namespace
}  // namespace grapevine::bench

int main(int argc, char** argv) {
    using namespace grapevine::bench;
    return run(parse_arguments(
        argc, argv, {false, false, {{"--nodes", 1000}, {"--meshes", 10}, {"--changes", 50}, {"--port", 0}}}));
}
