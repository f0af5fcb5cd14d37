// `grapevine listen`: an endpoint that echoes, or one stream joined to standard input and output.

#include <unistd.h>

#include <csignal>
#include <optional>
#include <set>

#include "apps/grapevine/app_endpoint.hpp"
#include "apps/grapevine/command.hpp"
#include "apps/grapevine/echo.hpp"
#include "apps/grapevine/pipe.hpp"

namespace grapevine::apps {
namespace {

constexpr std::uint64_t kBusyCode = 1;  // To whoever connects while the one stream is taken.

class ListenServer : public io::HostListener {
public:
    enum class Mode : std::uint8_t { echo, pipe };

    ListenServer(io::Runtime& runtime, CloseWords close, Mode mode)
        : runtime_(runtime), close_(std::move(close)), mode_(mode), output_(runtime, STDOUT_FILENO) {
        output_.on_progress([this] {
            if (pipe_) {
                pipe_->on_output_progress();
            }
        });
    }

    base::Status start(const EndpointSettings& settings) {
        auto host = start_app_host(runtime_, settings, *this);
        if (!host) {
            return tl::unexpected(host.error());
        }
        host_ = std::move(*host);
        echo_.emplace(*host_);
        output_.write(mode_ == Mode::echo ? ready_line(*host_) : std::string{});
        if (mode_ == Mode::pipe) {
            cli::write_all(STDERR_FILENO, ready_line(*host_));
        }
        runtime_.on_signal({SIGINT, SIGTERM}, [this](int) { on_terminate(); });
        return {};
    }

    void finish() { output_.finish(); }

    void on_event(const stack::Event& event) override {
        if (std::holds_alternative<stack::Left>(event)) {
            runtime_.stop();
        } else if (const auto* app = std::get_if<stack::AppEvent>(&event)) {
            std::visit([this](const auto& happened) { on(happened); }, *app);
        }
    }

private:
    void on(const quic::Connected& event) {
        if (mode_ == Mode::pipe && piped_) {
            host_->stack().close(event.connection, kBusyCode, "busy: one connection at a time", host_->now());
            host_->touch();
            return;
        }
        piped_ = mode_ == Mode::pipe ? std::optional(event.connection) : std::nullopt;
        connections_.insert(event.connection);
    }

    void on(const quic::StreamOpened& event) {
        if (mode_ == Mode::echo) {
            echo_->on_opened(event);
        } else if (piped_ == event.connection && !pipe_ && event.stream.is_bidirectional()) {
            stream_ = event.stream;
            pipe_.emplace(*host_, event.connection, event.stream, output_);
            pipe_->start_input(STDIN_FILENO);
        } else {
            host_->stack().stop_sending(event.connection, event.stream, kBusyCode);
            host_->touch();
        }
    }

    void on(const quic::StreamData& event) {
        if (mode_ == Mode::echo) {
            echo_->on_data(event);
        } else if (is_pipe(event.connection, event.stream)) {
            pipe_->on_data(event);
        } else {
            host_->stack().consume(event.connection, event.stream, event.data.size());
        }
    }

    void on(const quic::StreamWritable& event) {
        if (mode_ == Mode::echo) {
            echo_->on_writable(event);
        } else if (is_pipe(event.connection, event.stream)) {
            pipe_->on_writable();
        }
    }

    void on(const quic::StreamReset& event) {
        if (mode_ == Mode::echo) {
            echo_->on_reset(event);
        } else if (is_pipe(event.connection, event.stream)) {
            leave();
        }
    }

    void on(const quic::StreamStopped& event) {
        if (mode_ == Mode::echo) {
            echo_->on_stopped(event);
        } else if (is_pipe(event.connection, event.stream)) {
            pipe_->stop_input();
        }
    }

    void on(const quic::StreamsAvailable& event) {
        if (mode_ == Mode::echo) {
            echo_->on_credit(event);
        }
    }

    void on(const quic::StreamClosed& event) {
        if (mode_ == Mode::echo) {
            echo_->on_stream_closed(event);
        }
    }

    void on(const quic::Closed& event) {
        if (connections_.erase(event.connection) == 0) {
            return;
        }
        report_closed(event.reason);
        echo_->on_connection_closed(event.connection);
        if (piped_ == event.connection) {
            pipe_.reset();
            leave();
        }
    }

    void on(const quic::DatagramReceived&) {}
    void on(const quic::PathChanged&) {}

    [[nodiscard]] bool is_pipe(quic::ConnectionRef connection, quic::StreamRef stream) const {
        return pipe_ && piped_ == connection && stream_ == stream;
    }

    void on_terminate() {
        if (leaving_) {
            ::_exit(cli::exit_code(cli::Exit::failed));
        }
        leave();
    }

    void leave() {
        if (std::exchange(leaving_, true)) {
            return;
        }
        for (const quic::ConnectionRef connection : connections_) {
            host_->stack().close(connection, close_.code, close_.reason, host_->now());
        }
        host_->stack().leave(host_->now());
        host_->touch();
    }

    io::Runtime& runtime_;
    CloseWords close_;
    Mode mode_;
    Output output_;
    std::unique_ptr<io::Host> host_;
    std::optional<Echo> echo_;
    std::optional<StreamPipe> pipe_;
    std::optional<quic::ConnectionRef> piped_;
    quic::StreamRef stream_;
    std::set<quic::ConnectionRef> connections_;
    bool leaving_ = false;
};

int run(const cli::Parsed& parsed) {
    const auto settings = app_settings(parsed);
    if (!settings) {
        return cli::fail_with(settings.error());
    }
    io::Runtime runtime;
    ListenServer server(runtime, settings->close,
                        parsed.has("--echo") ? ListenServer::Mode::echo : ListenServer::Mode::pipe);
    if (const auto started = server.start(*settings); !started) {
        return cli::fail_with(started.error());
    }
    runtime.run();
    server.finish();
    return 0;
}

}  // namespace

Command listen_command() {
    Command command;
    command.name = "listen";
    command.summary = "accept a stream and join it to stdin and stdout, or echo";
    command.details =
        "Prints one JSON line when it listens, `ready` with its ticket: with --echo on stdout, else on "
        "stderr, since stdout then belongs to the stream. With --echo it serves any number of connections "
        "until SIGTERM; without, it ends with its one connection. Each connection that ends gives a line "
        "`closed` on stderr.";
    command.codes = "0 ended as asked, 1 failed, 2 usage";
    command.flags = {{"--echo", cli::Arity::none, "", "send back whatever comes, on every stream"}};
    append_app_flags(command.flags);
    command.run = run;
    return command;
}

}  // namespace grapevine::apps
