#include "apps/grapevine/pipe.hpp"

namespace grapevine::apps {

StreamPipe::StreamPipe(io::Host& host, quic::ConnectionRef connection, quic::StreamRef out, Output& output)
    : host_(host), connection_(connection), in_(out), sender_(host, connection, out), output_(output) {}

void StreamPipe::start_input(int fd) {
    input_.emplace(host_.runtime(), fd, [this](std::string_view data) { on_input(data); });
}

void StreamPipe::on_input(std::string_view data) {
    if (data.empty()) {
        sender_.finish();
    }
    sender_.push(base::as_bytes(data));
    sender_.pump();
    if (!sender_.empty() && !input_->ended()) {
        input_->pause();
    }
}

void StreamPipe::on_writable() {
    sender_.pump();
    if (sender_.empty() && input_ && !input_->ended()) {
        input_->resume();
    }
}

void StreamPipe::on_data(const quic::StreamData& event) {
    output_.write(base::as_text(event.data));
    uncredited_ += event.data.size();
    in_ended_ = in_ended_ || event.fin;
    credit();
}

void StreamPipe::on_output_progress() {
    credit();
}

void StreamPipe::credit() {
    if (uncredited_ > 0 && output_.pending() == 0) {
        host_.stack().consume(connection_, in_, std::exchange(uncredited_, 0));
        host_.touch();
    }
}

}  // namespace grapevine::apps
