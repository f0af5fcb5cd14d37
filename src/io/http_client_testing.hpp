#pragma once

// An HTTP server for tests, on the test's own runtime: it reads whole requests and answers with the very bytes that the
// test says, in the way that the test says.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/fd.hpp"
#include "io/http_client_stream.hpp"
#include "io/runtime.hpp"

namespace grapevine::io {

struct ServedRequest {
    std::string method, path;
    std::map<std::string, std::string> headers;  // Keys in lower case.
    std::string body;
    std::uint64_t connection = 0;  // Counts from 1.
};

struct ServedAnswer {
    enum class Then : std::uint8_t { keep, close };
    std::string bytes = {};                   // Raw.
    Then then = Then::keep;                   // After the bytes.
    std::optional<base::Duration> each = {};  // One byte in that time, if set; no bytes: silence.
    std::function<std::string()> more = {};   // Asked again and again for as long as the client reads.
};

// "HTTP/1.1 200 OK" with a length, and `headers` that end in \r\n each.
std::string http_answer(unsigned status, const std::string& body = {}, const std::string& headers = {});

class TestHttpServer {
public:
    using Handler = std::function<ServedAnswer(const ServedRequest&)>;
    // Makes the server's side of TLS on a connected socket.
    using MakeStream = std::function<std::unique_ptr<ByteStream>(int fd)>;

    TestHttpServer(Runtime& runtime, Handler handler, MakeStream make_stream = {});
    ~TestHttpServer();
    TestHttpServer(const TestHttpServer&) = delete;
    TestHttpServer& operator=(const TestHttpServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::size_t open_connections() const { return connections_.size(); }
    [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
    [[nodiscard]] const std::vector<ServedRequest>& requests() const { return requests_; }
    // Closes every connection, as a server does that restarts.
    void hang_up();
    // No more connections; the port stays free for another server.
    void shut();

private:
    struct Connection;
    void on_accept();
    void on_event(std::uint64_t id);
    bool serve(Connection& connection);
    void answer(Connection& connection, ServedRequest request);
    bool write(Connection& connection);
    void drip(std::uint64_t id);
    void drop(std::uint64_t id);

    Runtime& runtime_;
    Handler handler_;
    MakeStream make_stream_;
    Fd listener_;
    std::optional<WatchId> watch_;
    std::uint16_t port_ = 0;
    std::uint64_t accepted_ = 0;
    std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
    std::vector<ServedRequest> requests_;
};

// A port of loopback on which nobody listens.
std::uint16_t closed_port();

}  // namespace grapevine::io
