#pragma once

// The connection under the HTTP server, plain or TLS, as an AsyncReadStream and AsyncWriteStream of Boost. For the
// source of http_server.hpp alone: it is a header since Asio wants templates.
//
// Rules
//  1. One read and one write may be under way at once, and a handshake alone. Nothing completes within its own call.
//  2. The time of expires_after() counts for what touches the socket, as that of beast::basic_stream.
//  3. Of the plain text of a write at most one record is taken at once, and all of its bytes were given to the socket
//     when it completes, or was closed: memory a connection is bounded by two records.
//  4. Who does not greet as of TLS is answered in plain HTTP that this is HTTPS, and that is all.

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>

#include "base/time.hpp"
#include "console/tls_session.hpp"

namespace grapevine::console {

class HttpStream {
public:
    using executor_type = boost::asio::io_context::executor_type;
    using Lower = boost::beast::basic_stream<boost::asio::ip::tcp, executor_type>;
    using error_code = boost::beast::error_code;
    using Done = std::function<void(const error_code&, std::size_t)>;

    // Plain without an identity, which otherwise outlives it.
    HttpStream(Lower::socket_type socket, const TlsIdentity* identity);

    executor_type get_executor() noexcept { return state_->lower.get_executor(); }
    [[nodiscard]] Lower::socket_type& socket() { return state_->lower.socket(); }
    [[nodiscard]] bool is_tls() const { return state_->tls.has_value(); }
    void expires_after(base::Duration time) { state_->lower.expires_after(time); }
    void expires_never() { state_->lower.expires_never(); }
    // What is under way completes with an error.
    void close();

    // Of TLS; before anything else.
    void handshake(Done done) { state_->handshake(std::move(done)); }
    // That nothing more is sent, as far as that needs no waiting.
    void say_goodbye();

    template <typename Buffers, typename Handler>
    void async_read_some(const Buffers& buffers, Handler&& handler) {
        if (!is_tls()) {
            state_->lower.async_read_some(buffers, std::forward<Handler>(handler));
            return;
        }
        std::span<std::uint8_t> room;
        for (auto it = boost::asio::buffer_sequence_begin(buffers); it != boost::asio::buffer_sequence_end(buffers);
             ++it) {
            const boost::asio::mutable_buffer one(*it);
            if (one.size() > 0) {
                room = {static_cast<std::uint8_t*>(one.data()), one.size()};
                break;
            }
        }
        state_->read(room, done_of(std::forward<Handler>(handler)));
    }

    template <typename Buffers, typename Handler>
    void async_write_some(const Buffers& buffers, Handler&& handler) {
        if (!is_tls()) {
            state_->lower.async_write_some(buffers, std::forward<Handler>(handler));
            return;
        }
        std::string record;
        for (auto it = boost::asio::buffer_sequence_begin(buffers);
             it != boost::asio::buffer_sequence_end(buffers) && record.size() < TlsSession::kRecordMax; ++it) {
            const boost::asio::const_buffer one(*it);
            record.append(static_cast<const char*>(one.data()),
                          std::min(one.size(), TlsSession::kRecordMax - record.size()));
        }
        state_->write(record, done_of(std::forward<Handler>(handler)));
    }

private:
    // Owned by the stream and by the operations that are under way.
    struct State : std::enable_shared_from_this<State> {
        explicit State(Lower::socket_type socket) : lower(std::move(socket)) {}
        void handshake(Done done);
        void read(std::span<std::uint8_t> room, Done done);
        void write(std::string_view record, Done done);
        void refuse_plain(Done done);
        // Calls `then` with more input in the session, or `done` with why there is none.
        void fetch(std::function<void()> then, Done done);
        void flush();
        void later(Done done, const error_code& error, std::size_t bytes);
        void end_write(const error_code& error);

        Lower lower;
        std::optional<TlsSession> tls;
        std::array<std::uint8_t, TlsSession::kRecordMax> wire{};
        std::string in_flight;  // On its way to the socket.
        bool greeted = false;   // Something came.
        struct Write {
            Done done;
            std::size_t bytes = 0;
        };
        std::optional<Write> waiting;  // For its bytes to be with the socket.
    };

    // Boost's handlers can be moved alone; the one owner of each is what this gives, copies or not.
    template <typename Handler>
    static Done done_of(Handler&& handler) {
        const auto shared = std::make_shared<std::decay_t<Handler>>(std::forward<Handler>(handler));
        return [shared](const error_code& error, std::size_t bytes) { std::move (*shared)(error, bytes); };
    }

    std::shared_ptr<State> state_;  // Owned by us and by the operations under way.
};

}  // namespace grapevine::console
