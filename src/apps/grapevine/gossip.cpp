// `grapevine gossip`: the C++ twin of iroh-gossip's chat example.

#include <unistd.h>

#include <memory>
#include <optional>

#include <grapevine/endpoint.hpp>
#include <grapevine/loop.hpp>

#include "apps/grapevine/command.hpp"
#include "apps/grapevine/endpoint_options.hpp"
#include "apps/grapevine/stdio.hpp"
#include "base/bytes.hpp"
#include "base/encoding.hpp"
#include "base/ids.hpp"
#include "grapevine/node_main_json.hpp"

namespace grapevine::apps {
namespace {

constexpr std::size_t kContentMax = 4057;  // Largest content iroh-gossip delivers.
constexpr std::size_t kOutputPendingMax =
    16 * 1024 * 1024;  // Events kept for a slow reader; more are dropped and said so.

std::string neighbor_line(std::string_view event, const std::string& peer) {
    boost::json::object line;
    line["event"] = cli::json_text(event);
    line["peer"] = peer;
    return cli::json_line(line);
}

// One topic on one endpoint, joined to standard input and output. Input waits while the topic has no neighbour, since
// a message broadcast then reaches nobody.
class Chat : public TopicListener {
public:
    Chat(Loop& loop, std::string topic)
        : loop_(loop), topic_(std::move(topic)), output_(loop.runtime(), STDOUT_FILENO), lines_(kContentMax) {
        output_.on_progress([this] { on_output_progress(); });
    }

    Status start(const EndpointOptions& options, const std::vector<std::string>& tickets) {
        auto endpoint = Endpoint::create(loop_, options);
        if (!endpoint) {
            return tl::unexpected(endpoint.error());
        }
        endpoint_ = std::move(*endpoint);
        if (auto joined = endpoint_->join(topic_, tickets, *this); !joined) {
            return joined;
        }
        emit(endpoint_ready_line(*endpoint_));
        input_.emplace(loop_.runtime(), STDIN_FILENO, [this](std::string_view data) { on_input(data); });
        neighbors_ == 0 ? input_->pause() : input_->resume();
        loop_.on_terminate([this](int) { on_terminate(); });
        return {};
    }

    void on_received(const std::string&, std::span<const std::uint8_t> content, const std::string& from) override {
        boost::json::object line;
        line["event"] = "received";
        line["content"] = cli::json_text(base::as_text(content));
        line["from"] = from;
        emit(cli::json_line(line));
    }

    void on_neighbor_up(const std::string&, const std::string& peer) override {
        emit(neighbor_line("neighbor_up", peer));
        if (neighbors_++ == 0 && input_) {
            input_->resume();
        }
    }

    void on_neighbor_down(const std::string&, const std::string& peer) override {
        emit(neighbor_line("neighbor_down", peer));
        if (neighbors_ > 0 && --neighbors_ == 0 && input_) {
            input_->pause();
        }
    }

    void finish() { output_.finish(); }

private:
    void emit(const std::string& line) {
        if (output_.pending() + line.size() > kOutputPendingMax) {
            lagged_ = true;
            return;
        }
        output_.write(line);
        if (output_.broken()) {
            loop_.stop();
        }
    }

    void on_output_progress() {
        if (output_.broken()) {
            loop_.stop();
        } else if (lagged_ && output_.pending() < kOutputPendingMax / 2) {
            lagged_ = false;
            output_.write(cli::json_line({{"event", "lagged"}}));
        }
    }

    // The end of the input ends nothing: the node goes on serving its topic.
    void on_input(std::string_view data) {
        const auto line = [this](std::string_view content) { broadcast(content); };
        const auto too_long = [] {
            cli::complain("standard input: a line is longer than " + std::to_string(kContentMax) + " bytes, not sent");
        };
        data.empty() ? lines_.finish(line, too_long) : lines_.push(data, line, too_long);
    }

    void broadcast(std::string_view content) {
        if (content.empty()) {
            return;
        }
        if (const auto sent = endpoint_->broadcast(topic_, base::as_bytes(content)); !sent) {
            cli::complain("'" + base::printable(content, 40) + "': " + sent.error().message);
        }
    }

    void on_terminate() {
        if (std::exchange(leaving_, true)) {
            ::_exit(cli::exit_code(cli::Exit::failed));
        }
        endpoint_->leave(topic_);
        endpoint_->shutdown([this] { loop_.stop(); });
    }

    Loop& loop_;
    std::string topic_;
    Output output_;
    LineSplitter lines_;
    std::optional<Input> input_;
    std::size_t neighbors_ = 0;
    bool lagged_ = false;
    bool leaving_ = false;
    std::unique_ptr<Endpoint> endpoint_;  // Last: it calls the members above until it is gone.
};

int run(const cli::Parsed& parsed) {
    const std::string topic = parsed.text("--topic");
    if (topic.empty()) {
        return cli::fail_usage("--topic: is required");
    }
    const auto id = base::TopicId::parse(topic);
    if (!id || topic.size() != 2 * base::kIdBytes) {
        return cli::fail_usage("--topic: '" + base::printable(topic) + "' is not 64 hex characters");
    }
    const auto options = endpoint_options(parsed);
    if (!options) {
        return cli::fail_with(options.error());
    }
    for (const std::string& ticket : parsed.list("--join")) {
        if (const auto checked = check_ticket("--join", ticket); !checked) {
            return cli::fail_with(checked.error());
        }
    }
    Loop loop;
    Chat chat(loop, id->hex());
    if (const auto started = chat.start(*options, parsed.list("--join")); !started) {
        return fail_public(started.error());
    }
    loop.run();
    chat.finish();
    return 0;
}

}  // namespace

Command gossip_command() {
    Command command;
    command.name = "gossip";
    command.arguments = "--topic HEX64";
    command.summary = "broadcast each line of stdin on a topic and print its events";
    command.details =
        "Prints JSON lines: ready (with ticket), neighbor_up, neighbor_down, received (with content and "
        "from), lagged. Input waits until the topic has a neighbour. The end of input ends nothing; "
        "SIGTERM or SIGINT leaves.";
    command.codes = "0 left as asked, 1 failed, 2 usage";
    command.flags = {{"--topic", cli::Arity::one, "HEX64", "the topic; required"},
                     {"--join", cli::Arity::many, "TICKET", "a member to join through"}};
    append_endpoint_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
