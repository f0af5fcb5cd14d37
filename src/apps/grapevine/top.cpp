// `grapevine top`: the fabric as it is, on a terminal.

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/terminal.hpp"
#include "apps/grapevine/top/draw.hpp"
#include "apps/grapevine/top/screen.hpp"
#include "apps/grapevine/top/text.hpp"
#include "console/feed.hpp"
#include "console/supervisor_socket.hpp"
#include "console/world.hpp"
#include "console/world_json.hpp"
#include "grapevine/node_main_json.hpp"
#include "io/node_registry.hpp"
#include "io/runtime.hpp"
#include "io/supervisor_registry.hpp"

namespace grapevine::apps {
namespace {

constexpr base::Duration kDrawEvery = std::chrono::milliseconds(200);   // What changed is drawn so often at most,
constexpr base::Duration kAnswerEvery = std::chrono::milliseconds(40);  // and keys are answered so often.
constexpr base::Duration kClock = std::chrono::seconds(1);
constexpr base::Duration kOnceWithin = std::chrono::seconds(3);
constexpr std::size_t kReportColumnsMin = 40;

enum class Form : std::uint8_t { screen, words, json };

struct TopOptions {
    Form form = Form::screen;
    std::string fabric;
    std::string supervisor;
    std::string filter;
};

// The world of this process, filled by what runs here, and whoever looks at it.
class Top {
public:
    explicit Top(const TopOptions& options)
        : options_(options),
          world_(runtime_.wall_now().unix_ms, moment()),
          feed_(runtime_, world_, [this] { changed(); }),
          supervisor_(runtime_, options.supervisor),
          model_(options.fabric) {
        for (std::size_t at = 0; at < options.filter.size(); ++at) {
            typed_.push_back({TopKey::Kind::text, options.filter.substr(at, 1)});
        }
    }
    ~Top() {
        for (const auto& task : {pulse_, draw_, clock_, deadline_}) {
            if (task) {
                runtime_.cancel(*task);
            }
        }
    }
    Top(const Top&) = delete;
    Top& operator=(const Top&) = delete;

    int run() {
        if (options_.form == Form::screen) {
            auto screen = TopScreen::open(runtime_, {[this](const auto& keys) { on_keys(keys); },
                                                     [this] { draw_within(kAnswerEvery); }, [this] { end(); }});
            if (!screen) {
                return cli::fail_with(screen.error());
            }
            screen_ = std::move(*screen);
        }
        filter();
        if (const auto started = begin(); !started) {
            screen_.reset();
            return cli::fail_with(started.error());
        }
        runtime_.run();
        screen_.reset();
        return code_;
    }

private:
    base::Status begin() {
        expect();
        feed_.attend();
        if (auto started = feed_.start(); !started) {
            return started;
        }
        supervisor_.start({&world_, [this] { return moment(); }, [this] { changed(); }});
        if (screen_) {
            runtime_.on_signal({SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH},
                               [this](int signal) { on_signal(signal); });
            tick();
        } else {
            deadline_ = runtime_.at(runtime_.now() + kOnceWithin, base::Duration::zero(), [this] {
                deadline_.reset();
                report();
            });
            changed();
        }
        return {};
    }

    // The words of --filter, as if they were typed.
    void filter() {
        if (typed_.empty()) {
            return;
        }
        model_.on_key({TopKey::Kind::text, "/"}, moment());
        for (const TopKey& key : typed_) {
            model_.on_key(key, moment());
        }
        model_.on_key({TopKey::Kind::enter}, moment());
    }

    void changed() {
        arm();
        if (screen_) {
            draw_within(kDrawEvery);
        } else if (is_heard()) {
            report();
        }
    }

    // What runs here now.
    void expect() {
        if (const auto directory = io::registry_dir()) {
            for (const io::NodeRecord& node : io::NodeRegistry(*directory).list()) {
                if (const auto id = base::EndpointId::parse(node.id)) {
                    expected_.push_back(*id);
                }
            }
        }
        const auto supervisors = io::SupervisorRegistry::open();
        supervised_ = !options_.supervisor.empty() || (supervisors && supervisors->only());
    }

    // Whether all of it told of itself, or others did.
    [[nodiscard]] bool is_heard() const {
        return (!supervised_ || supervisor_.present()) &&
               std::all_of(expected_.begin(), expected_.end(), [this](const base::EndpointId& id) {
                   const console::NodeRow* row = world_.nodes().find(id);
                   return row != nullptr && row->state != console::NodeState::unknown && row->digest.sequence != 0;
               });
    }

    void report() {
        if (std::exchange(reported_, true)) {
            return;
        }
        model_.observe(world_, moment());
        code_ = print(options_.form == Form::json ? json_text() : words());
        end();
    }

    [[nodiscard]] std::string words() const {
        const Terminal terminal = inspect_terminal(STDOUT_FILENO);
        std::string out;
        for (const TopLine& line : report_of(model_, std::max(terminal.columns, kReportColumnsMin))) {
            out += plain_text(line) + "\n";
        }
        return out;
    }

    [[nodiscard]] std::string json_text() const {
        console::ConsoleFacts facts;
        facts.fabric = options_.fabric;
        facts.supervisor_present = supervisor_.present();
        facts.why_not = supervisor_.why_not();
        facts.read_only = true;
        boost::json::object out = console::world_json(world_, facts, moment());
        out["overall"] = boost::json::string_view(name(model_.picture().verdict()));
        out["events"] = console::timeline_json(world_.timeline().find({}))["events"];
        return cli::json_line(out);
    }

    void end() { runtime_.stop(); }

    void on_keys(const std::vector<TopKey>& keys) {
        for (const TopKey& key : keys) {
            if (key.kind == TopKey::Kind::redraw) {
                screen_->forget();
            }
            if (model_.on_key(key, moment()) == TopWish::quit) {
                end();
                return;
            }
        }
        draw_within(kAnswerEvery);
    }

    void on_signal(int signal) {
        switch (signal) {
            case SIGTSTP: screen_->suspend(); break;
            case SIGCONT: screen_->resume(); break;
            case SIGWINCH: break;
            default: end(); return;
        }
        draw_within(kAnswerEvery);
    }

    // At once, unless it was drawn less than `every` ago.
    void draw_within(base::Duration every) {
        const base::TimePoint due = std::max(runtime_.now(), drawn_ + every);
        if (draw_ && draw_due_ <= due) {
            return;
        }
        if (draw_) {
            runtime_.cancel(*draw_);
        }
        draw_due_ = due;
        draw_ = runtime_.at(due, base::Duration::zero(), [this] {
            draw_.reset();
            draw();
        });
    }

    void draw() {
        drawn_ = runtime_.now();
        model_.observe(world_, moment());
        screen_->show(screen_of(model_, screen_->size()));
    }

    // The clock and the ages go on.
    void tick() {
        feed_.attend();
        draw_within(kDrawEvery);
        clock_ = runtime_.at(runtime_.now() + kClock, kDrawEvery / 4, [this] { tick(); });
    }

    void arm() {
        const auto due = world_.next_deadline();
        if (due == armed_) {
            return;
        }
        if (pulse_) {
            runtime_.cancel(*std::exchange(pulse_, std::nullopt));
        }
        armed_ = due;
        if (due) {
            pulse_ = runtime_.at(*due, kAnswerEvery, [this] {
                pulse_.reset();
                armed_.reset();
                world_.on_deadline(moment());
                changed();
            });
        }
    }

    [[nodiscard]] console::Moment moment() const { return {runtime_.now(), runtime_.wall_now()}; }

    io::Runtime runtime_;
    TopOptions options_;
    console::World world_;
    console::Feed feed_;
    console::SupervisorSocket supervisor_;
    TopModel model_;
    std::vector<TopKey> typed_;
    std::unique_ptr<TopScreen> screen_;
    std::optional<io::TaskId> pulse_, draw_, clock_, deadline_;
    std::optional<base::TimePoint> armed_;
    base::TimePoint draw_due_{};
    base::TimePoint drawn_{};
    std::vector<base::EndpointId> expected_;
    bool supervised_ = false;
    bool reported_ = false;
    int code_ = 0;
};

int run(const cli::Parsed& parsed) {
    TopOptions options;
    options.fabric = parsed.text("--fabric", "default");
    options.supervisor = parsed.text("--up");
    options.filter = parsed.text("--filter");
    if (const auto filter = TopFilter::parse(options.filter); !filter) {
        return cli::fail_with({base::ErrorCode::invalid, "--" + filter.error().message});
    }
    if (parsed.has("--once")) {
        options.form = parsed.has("--json") ? Form::json : Form::words;
    } else if (parsed.has("--json")) {
        return cli::fail_with({base::ErrorCode::invalid, "--json: needs --once"});
    }
    return Top(options).run();
}

}  // namespace

Command top_command() {
    Command command;
    command.name = "top";
    command.summary = "show the fabric as it is, full-screen, and what is wrong with it first";
    command.details =
        "Every node of this user that runs on this machine is asked, and so is the supervisor of `grapevine up`; it "
        "serves nothing and changes nothing. Above are meshes, sources that are down and alerts; then the nodes, the "
        "worst first; below what happened last. What cannot be known is shown as unknown, never as well. ? shows the "
        "keys: / filters, s sorts, Enter shows one node, p pauses, q quits.\n\n"
        "--once prints all of it once, as soon as whatever runs here was heard, after 3 s at the latest.";
    command.codes = "0 ended as asked, 1 failed, 2 usage, or no terminal";
    command.flags = {
        {"--once", cli::Arity::none, "", "print one frame and end; needs no terminal"},
        {"--json", cli::Arity::none, "", "with --once: one JSON object, as the console's /api/world, and events"},
        {"--filter", cli::Arity::one, "TEXT",
         "only nodes that pass: mesh:NAME, type:NAME, state:trouble, a part of a name"},
        {"--fabric", cli::Arity::one, "FABRIC", "the fabric's name", "default"},
        {"--up", cli::Arity::one, "DIR", "the run directory of the `grapevine up` to ask (default: the only one)"}};
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
