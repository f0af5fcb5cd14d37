#pragma once

// Standard input and output joined to a stream, with back-pressure both ways: input is read only while the stream takes
// it, and the peer gets credit only for what the reader of standard output has taken.

#include <functional>
#include <optional>

#include "apps/grapevine/app_endpoint.hpp"
#include "apps/grapevine/stdio.hpp"

namespace grapevine::apps {

class StreamPipe {
public:
    // `out` carries standard input away, `in` brings what goes to standard output: the same stream, or one of each.
    StreamPipe(io::Host& host, quic::ConnectionRef connection, quic::StreamRef out, Output& output);

    // Reads standard input from now on.
    void start_input(int fd);
    void set_in(quic::StreamRef in) { in_ = in; }
    void on_data(const quic::StreamData& event);
    void on_writable();
    // Standard output made progress.
    void on_output_progress();
    // The peer's end has come and everything is on its way to the reader.
    [[nodiscard]] bool received_all() const { return in_ended_; }
    // The peer does not want more: input is not read any further.
    void stop_input() { input_.reset(); }

private:
    void on_input(std::string_view data);
    void credit();

    io::Host& host_;
    quic::ConnectionRef connection_;
    quic::StreamRef in_;
    StreamSender sender_;
    Output& output_;
    std::optional<Input> input_;
    std::size_t uncredited_ = 0;
    bool in_ended_ = false;
};

}  // namespace grapevine::apps
