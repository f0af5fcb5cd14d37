#include "console/http_stream.hpp"

#include <algorithm>

#include <boost/asio/error.hpp>

namespace grapevine::console {
namespace {

namespace asio = boost::asio;

using Step = TlsSession::State;

constexpr std::uint8_t kHandshakeRecord = 0x16;  // RFC 8446, section 5.1.
constexpr std::string_view kPlainAnswer =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 34\r\n\r\n"
    "this port speaks HTTPS, not HTTP.\n";

}  // namespace

HttpStream::HttpStream(Lower::socket_type socket, const TlsIdentity* identity)
    : state_(std::make_shared<State>(std::move(socket))) {
    if (identity != nullptr) {
        state_->tls.emplace(*identity);
    }
}

// A write that waits holds who waits for it, who holds this: it is let go here, should nobody run its completion.
void HttpStream::close() {
    state_->lower.close();
    state_->end_write(asio::error::operation_aborted);
}

void HttpStream::say_goodbye() {
    if (is_tls()) {
        state_->tls->close();
        state_->flush();
    }
}

void HttpStream::State::later(Done done, const error_code& error, std::size_t bytes) {
    asio::post(lower.get_executor(), [done = std::move(done), error, bytes] { done(error, bytes); });
}

void HttpStream::State::fetch(std::function<void()> then, Done done) {
    lower.async_read_some(asio::buffer(wire), [self = shared_from_this(), then = std::move(then),
                                               done = std::move(done)](const error_code& error, std::size_t size) {
        if (error == asio::error::eof) {
            self->tls->feed_end();
        } else if (error) {
            done(error, 0);
            return;
        }
        if (size > 0 && !std::exchange(self->greeted, true) && self->wire[0] != kHandshakeRecord) {
            self->refuse_plain(done);
            return;
        }
        self->tls->feed({self->wire.data(), size});
        then();
    });
}

void HttpStream::State::refuse_plain(Done done) {
    asio::async_write(lower, asio::buffer(kPlainAnswer),
                      [self = shared_from_this(), done = std::move(done)](const error_code&, std::size_t) {
                          done(asio::error::invalid_argument, 0);
                      });
}

void HttpStream::State::handshake(Done done) {
    const TlsSession::Step step = tls->handshake();
    switch (step.state) {
        case Step::done: waiting = Write{std::move(done), 0}; break;
        case Step::want_input:
            // What is in flight may complete after this; nothing waits for it.
            fetch([self = shared_from_this(), done] { self->handshake(done); }, done);
            break;
        case Step::closed:
        case Step::failed: later(std::move(done), asio::error::connection_aborted, 0); break;
    }
    flush();
}

void HttpStream::State::read(std::span<std::uint8_t> room, Done done) {
    if (room.empty()) {
        later(std::move(done), {}, 0);
        return;
    }
    const TlsSession::Step step = tls->receive(room);
    switch (step.state) {
        case Step::done: later(std::move(done), {}, step.bytes); break;
        case Step::want_input: fetch([self = shared_from_this(), room, done] { self->read(room, done); }, done); break;
        case Step::closed: later(std::move(done), asio::error::eof, 0); break;
        case Step::failed: later(std::move(done), asio::error::connection_aborted, 0); break;
    }
    flush();
}

void HttpStream::State::write(std::string_view record, Done done) {
    if (record.empty()) {
        later(std::move(done), {}, 0);
        return;
    }
    const TlsSession::Step step = tls->send(record);
    if (step.state != Step::done) {
        later(std::move(done), asio::error::connection_aborted, 0);
        return;
    }
    waiting = Write{std::move(done), step.bytes};
    flush();
}

// What the session has for the wire, one write at a time.
void HttpStream::State::flush() {
    if (!in_flight.empty()) {
        return;
    }
    in_flight = tls->take_output();
    if (in_flight.empty()) {
        end_write({});
        return;
    }
    asio::async_write(lower, asio::buffer(in_flight),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                          self->in_flight.clear();
                          if (error) {
                              self->end_write(error);
                          } else {
                              self->flush();
                          }
                      });
}

void HttpStream::State::end_write(const error_code& error) {
    if (waiting) {
        Write write = std::move(*std::exchange(waiting, std::nullopt));
        later(std::move(write.done), error, error ? 0 : write.bytes);
    }
}

}  // namespace grapevine::console
