// `grapevine connect`: dials a ticket and talks on one or several streams.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <optional>

#include "apps/grapevine/app_endpoint.hpp"
#include "apps/grapevine/command.hpp"
#include "apps/grapevine/exchange.hpp"
#include "apps/grapevine/pipe.hpp"
#include "wire/addr.hpp"

namespace grapevine::apps {
namespace {

constexpr std::size_t kReplayBytesMax = 256 * 1024 * 1024;  // Input that is sent more than once is held in memory.
constexpr std::uint64_t kStreamsMax = 1000;
constexpr std::uint64_t kHoldSecondsMax = 86400;

struct ConnectOptions {
    enum class Mode : std::uint8_t { pipe, uni, streams, hold };
    wire::EndpointAddr peer;
    EndpointSettings endpoint;
    Mode mode = Mode::pipe;
    std::uint64_t streams = 1;
    std::chrono::seconds hold{0};
};

class Dialer : public io::HostListener {
public:
    Dialer(io::Runtime& runtime, ConnectOptions options)
        : runtime_(runtime), options_(std::move(options)), output_(runtime, STDOUT_FILENO) {
        output_.on_progress([this] { on_output_progress(); });
    }

    base::Status start() {
        auto host = start_app_host(runtime_, options_.endpoint, *this);
        if (!host) {
            return tl::unexpected(host.error());
        }
        host_ = std::move(*host);
        const auto connection = host_->stack().connect(options_.peer, options_.endpoint.alpn, host_->now());
        if (!connection) {
            return tl::unexpected(connection.error());
        }
        connection_ = *connection;
        host_->touch();
        runtime_.on_signal({SIGINT, SIGTERM}, [this](int) { on_terminate(); });
        return {};
    }

    int finish() {
        output_.finish();
        return exit_code_;
    }

    void on_event(const stack::Event& event) override {
        if (std::holds_alternative<stack::Left>(event)) {
            runtime_.stop();
        } else if (const auto* app = std::get_if<stack::AppEvent>(&event)) {
            std::visit(
                [this](const auto& happened) {
                    if (happened.connection == connection_) {
                        on(happened);
                    }
                },
                *app);
        }
    }

private:
    using Mode = ConnectOptions::Mode;

    void on(const quic::Connected&) {
        if (options_.mode == Mode::streams || options_.mode == Mode::hold) {
            input_.emplace(runtime_, STDIN_FILENO, [this](std::string_view data) { on_block(data); });
            return;
        }
        const auto direction =
            options_.mode == Mode::uni ? quic::Direction::unidirectional : quic::Direction::bidirectional;
        const auto stream = host_->stack().open_stream(connection_, direction);
        if (!stream) {
            fail(stream.error().message);
            return;
        }
        piped_ = *stream;
        pipe_.emplace(*host_, connection_, *stream, output_);
        pipe_->start_input(STDIN_FILENO);
    }

    // Gathers all of the input, then begins.
    void on_block(std::string_view data) {
        if (block_.size() + data.size() > kReplayBytesMax) {
            fail("standard input: more than " + std::to_string(kReplayBytesMax) + " bytes, too much to send again");
            return;
        }
        block_.insert(block_.end(), data.begin(), data.end());
        if (data.empty() && !closing_) {
            to_open_ = options_.mode == Mode::streams ? options_.streams : 1;
            open_exchanges();
        }
    }

    // As many as the peer's stream limit allows now; the others when it grants more.
    void open_exchanges() {
        for (; to_open_ > 0; --to_open_) {
            const auto stream = host_->stack().open_stream(connection_, quic::Direction::bidirectional);
            if (!stream) {
                break;
            }
            index_of_[stream->value] = opened_++;
            exchanges_.emplace(stream->value, Exchange(*host_, connection_, *stream, block_)).first->second.pump();
        }
        host_->touch();
    }

    void on(const quic::StreamsAvailable&) {
        if (!closing_) {
            open_exchanges();
        }
    }

    void on(const quic::StreamOpened& event) {
        if (options_.mode == Mode::uni && pipe_ && !event.stream.is_bidirectional()) {
            uni_in_ = event.stream;
            pipe_->set_in(event.stream);
        } else {
            host_->stack().stop_sending(connection_, event.stream, 0);
            host_->touch();
        }
    }

    void on(const quic::StreamData& event) {
        if (pipe_ && (event.stream == piped_ || event.stream == uni_in_)) {
            pipe_->on_data(event);
            finish_pipe();
            return;
        }
        host_->stack().consume(connection_, event.stream, event.data.size());
        host_->touch();
        if (const auto found = exchanges_.find(event.stream.value); found != exchanges_.end()) {
            found->second.on_data(event);
            if (options_.mode == Mode::hold) {
                output_.write(base::as_text(event.data));
            }
            finish_exchange(found->second);
        }
    }

    void on(const quic::StreamWritable& event) {
        if (pipe_ && event.stream == piped_) {
            pipe_->on_writable();
        } else if (const auto found = exchanges_.find(event.stream.value); found != exchanges_.end()) {
            found->second.pump();
        }
    }

    void on(const quic::StreamReset& event) {
        fail("stream " + std::to_string(event.stream.value) + ": the peer reset it with code " +
             std::to_string(event.code));
    }

    void on(const quic::StreamStopped& event) {
        if (pipe_ && event.stream == piped_) {
            pipe_->stop_input();
        } else {
            fail("stream " + std::to_string(event.stream.value) + ": the peer stopped it with code " +
                 std::to_string(event.code));
        }
    }

    // The peer has acknowledged everything and its own end has come.
    void on(const quic::StreamClosed& event) {
        if (event.stream == piped_) {
            sent_all_ = true;
            finish_pipe();
        } else if (const auto found = exchanges_.find(event.stream.value); found != exchanges_.end()) {
            found->second.on_closed();
            finish_exchange(found->second);
        }
    }

    void on(const quic::Closed& event) {
        report_closed(event.reason);
        if (!closing_) {
            const std::string words = event.reason.text.empty() ? "" : ": " + event.reason.text;
            cli::complain(options_.peer.id.short_hex() + ": " + std::string(quic::name(event.reason.cause)) + words);
            exit_code_ = cli::exit_code(cli::Exit::failed);
        }
        closing_ = true;
        stop_input();
        host_->stack().leave(host_->now());
        host_->touch();
    }

    void on(const quic::DatagramReceived&) {}
    void on(const quic::PathChanged&) {}

    void finish_pipe() {
        if (sent_all_ && pipe_->received_all()) {
            close();
        }
    }

    void finish_exchange(Exchange& exchange) {
        if (!exchange.over()) {
            return;
        }
        const std::int64_t key = exchange.stream().value;
        if (options_.mode == Mode::streams) {
            output_.write("{\"event\":\"stream\",\"index\":" + std::to_string(index_of_[key]) + ",\"bytes\":" +
                          std::to_string(exchange.bytes()) + ",\"sha256\":\"" + exchange.sha256() + "\"}\n");
        }
        exchanges_.erase(key);
        if (exchanges_.empty() && to_open_ == 0) {
            finish_round();
        }
    }

    // Holding: one exchange, then nothing for the time given, then one more.
    void finish_round() {
        if (options_.mode != Mode::hold || opened_ == 2) {
            close();
            return;
        }
        runtime_.at(runtime_.now() + options_.hold, base::Duration::zero(), [this] {
            if (!closing_) {
                to_open_ = 1;
                open_exchanges();
            }
        });
    }

    void on_output_progress() {
        if (pipe_) {
            pipe_->on_output_progress();
        }
    }

    void fail(const std::string& message) {
        if (!closing_) {
            cli::complain(message);
            exit_code_ = cli::exit_code(cli::Exit::failed);
            close();
        }
    }

    // Closed follows, and then the leave, which waits until the peer has had time to hear of it.
    void close() {
        if (std::exchange(closing_, true)) {
            return;
        }
        stop_input();
        host_->stack().close(connection_, options_.endpoint.close.code, options_.endpoint.close.reason, host_->now());
        host_->touch();
    }

    // Not at once: this may run inside the input's own callback.
    void stop_input() {
        runtime_.post([this] {
            input_.reset();
            if (pipe_) {
                pipe_->stop_input();
            }
        });
    }

    void on_terminate() {
        if (closing_) {
            ::_exit(cli::exit_code(cli::Exit::failed));
        }
        exit_code_ = cli::exit_code(cli::Exit::failed);
        close();
    }

    io::Runtime& runtime_;
    ConnectOptions options_;
    Output output_;
    std::unique_ptr<io::Host> host_;
    quic::ConnectionRef connection_;
    std::optional<StreamPipe> pipe_;
    std::optional<Input> input_;
    std::optional<quic::StreamRef> piped_;
    std::optional<quic::StreamRef> uni_in_;
    base::Bytes block_;
    std::map<std::int64_t, Exchange> exchanges_;
    std::map<std::int64_t, std::uint64_t> index_of_;
    std::uint64_t to_open_ = 0;
    std::uint64_t opened_ = 0;
    bool sent_all_ = false;
    bool closing_ = false;
    int exit_code_ = 0;
};

base::Status read_mode(const cli::Parsed& parsed, ConnectOptions& options) {
    const int given = static_cast<int>(parsed.has("--streams")) + static_cast<int>(parsed.has("--hold")) +
                      static_cast<int>(parsed.has("--uni"));
    if (given > 1) {
        return base::invalid("--streams, --hold, --uni: at most one of them");
    }
    const auto streams = cli::parse_number("--streams", parsed.text("--streams", "1"), 1, kStreamsMax);
    const auto hold = cli::parse_number("--hold", parsed.text("--hold", "0"), 0, kHoldSecondsMax);
    if (!streams || !hold) {
        return tl::unexpected(!streams ? streams.error() : hold.error());
    }
    options.streams = *streams;
    options.hold = std::chrono::seconds(*hold);
    options.mode = parsed.has("--streams") ? ConnectOptions::Mode::streams
                   : parsed.has("--hold")  ? ConnectOptions::Mode::hold
                   : parsed.has("--uni")   ? ConnectOptions::Mode::uni
                                           : ConnectOptions::Mode::pipe;
    return {};
}

int run(const cli::Parsed& parsed) {
    ConnectOptions options;
    auto peer = wire::parse_ticket(parsed.positionals[0]);
    if (!peer) {
        return cli::fail_with(peer.error());
    }
    auto settings = app_settings(parsed);
    if (!settings) {
        return cli::fail_with(settings.error());
    }
    options.peer = std::move(*peer);
    options.endpoint = std::move(*settings);
    if (const auto read = read_mode(parsed, options); !read) {
        return cli::fail_with(read.error());
    }
    io::Runtime runtime;
    Dialer dialer(runtime, std::move(options));
    if (const auto started = dialer.start(); !started) {
        return cli::fail_with(started.error());
    }
    runtime.run();
    return dialer.finish();
}

}  // namespace

Command connect_command() {
    Command command;
    command.name = "connect";
    command.arguments = "TICKET";
    command.arguments_min = command.arguments_max = 1;
    command.summary = "dial a ticket and join one stream to stdin and stdout";
    command.details =
        "Ends when both sides have ended the stream, closes with the given code and reason, and prints one "
        "line `closed` on stderr.";
    command.codes = "0 done, 1 not reached, refused or cut off, 2 usage";
    command.flags = {
        {"--streams", cli::Arity::one, "N",
         "send all of stdin on N streams at once; print size and SHA-256 of each echo"},
        {"--hold", cli::Arity::one, "SECONDS", "send stdin, print the echo, stay idle so long, and do it once more"},
        {"--uni", cli::Arity::none, "", "one unidirectional stream each way instead"}};
    append_app_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
