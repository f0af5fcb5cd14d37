#pragma once

// One connection of an HttpClient: opened when needed, one exchange at a time, kept when both sides allow. States:
//
//   closed -> resolving -> connecting -> handshaking -> sending -> receiving -> idle -> sending ...
//
// Any failure and close() lead back to closed. It has no idea of time but for the shares of addresses: the owner calls
// close() when the time is over.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/fd.hpp"
#include "io/http_client.hpp"
#include "io/http_client_answer.hpp"
#include "io/http_client_stream.hpp"
#include "io/resolver.hpp"
#include "io/runtime.hpp"

namespace grapevine::io {

class HttpConnection {
public:
    // What is to be said, and what may come back. The head is copied, the body is not.
    struct Exchange {
        std::string head;
        std::string_view body;
        base::TimePoint deadline;
        std::size_t answer_bytes_max = 0;
        HttpAnswerParser::Expect expect = HttpAnswerParser::Expect::body;
    };
    using Done = std::function<void(HttpResult)>;

    // `done` is called at the end of each exchange, as the last thing that the connection does.
    HttpConnection(Runtime& runtime, const HttpServer& server, const ResolverOptions& options,
                   HttpClientCounters& counters, Done done);
    ~HttpConnection();
    HttpConnection(const HttpConnection&) = delete;
    HttpConnection& operator=(const HttpConnection&) = delete;

    // Not while another one is under way.
    void start(Exchange exchange);
    // Ends an exchange without a word.
    void close();

    [[nodiscard]] bool open() const { return fd_.valid(); }
    // Whether the failed exchange was on a kept connection, of which nothing had been received: rule 2 of HttpClient.
    [[nodiscard]] bool failed_stale() const { return stale_; }

private:
    enum class State : std::uint8_t { closed, resolving, connecting, handshaking, sending, receiving, idle };

    void on_addresses(base::Result<std::vector<base::SocketAddr>> addresses);
    void try_next_address();
    std::string dial(const base::SocketAddr& address);
    void drop_socket();
    void on_event();
    [[nodiscard]] bool check_connected();
    [[nodiscard]] bool begin_stream();
    [[nodiscard]] bool shake_hands();
    void begin_sending();
    [[nodiscard]] bool send();
    void receive();
    void settle(HttpAnswerParser::State parsed);
    void watch_idle();
    void wait_writable();
    void fail(HttpFailure failure, std::string why);

    Runtime& runtime_;
    const HttpServer& server_;
    HttpClientCounters& counters_;
    Done done_;
    Resolver resolver_;
    State state_ = State::closed;
    Exchange exchange_;
    std::vector<base::SocketAddr> addresses_;
    std::size_t next_address_ = 0;
    std::string last_error_;
    TaskId share_;  // Of this address.
    Fd fd_;
    std::optional<WatchId> watch_;
    std::unique_ptr<ByteStream> stream_;
    std::unique_ptr<HttpAnswerParser> parser_;
    std::size_t sent_ = 0;  // Of head and body.
    bool reused_ = false;
    bool stale_ = false;
};

}  // namespace grapevine::io
