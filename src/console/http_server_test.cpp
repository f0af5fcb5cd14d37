#include "console/http_server.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "console/gunzip.hpp"
#include "console/plain_client_testing.hpp"

namespace grapevine::console {
namespace {

using testing::Client;

HttpLimits small_limits() {
    HttpLimits limits;
    limits.connections_max = 3;
    limits.header_bytes_max = 1024;
    limits.body_bytes_max = 1000;
    limits.bodies_bytes_max = 1500;
    limits.request_time = std::chrono::milliseconds(300);
    return limits;
}

// A server with a route that gives back the body, and the client's work in a thread beside it.
class HttpServerTest : public ::testing::Test {
protected:
    void run(const HttpLimits& limits, const std::function<void()>& clients) {
        auto server = HttpServer::start(
            runtime_, base::SocketAddr::v4(127, 0, 0, 1, 0), limits,
            {{"POST", "/echo", [](const HttpRequest& request) { return HttpResponse{200, "x/y", request.body, {}}; }},
             {"GET", "/below/*", [](const HttpRequest& request) {
                  return HttpResponse{200, "text/plain", request.rest + "?" + std::string(request.parameter("a")), {}};
              }}});
        ASSERT_TRUE(server) << server.error().message;
        address_ = (*server)->address();
        std::thread thread([&] {
            clients();
            runtime_.stop();
        });
        runtime_.run();
        thread.join();
        counters_ = (*server)->counters();
    }

    static std::string post(std::string_view body, std::string_view headers = {}) {
        return "POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
               std::string(headers) + "\r\n" + std::string(body);
    }

    io::Runtime runtime_;
    base::SocketAddr address_;
    HttpServer::Counters counters_;
};

bool starts(const std::string& text, std::string_view with) {
    return text.starts_with(with);
}
bool ends(const std::string& text, std::string_view with) {
    return text.ends_with(with);
}

TEST_F(HttpServerTest, ServesManyRequestsOnOneConnection) {
    run({}, [&] {
        Client client(address_);
        for (int i = 0; i < 3; ++i) {
            const std::string answer = client.ask(post("body" + std::to_string(i)));
            EXPECT_TRUE(starts(answer, "HTTP/1.1 200 OK\r\n")) << answer;
            EXPECT_TRUE(ends(answer, "\r\n\r\nbody" + std::to_string(i))) << answer;
            EXPECT_NE(answer.find("Cache-Control: no-store"), std::string::npos);
        }
        client.send(post("one") + post("two"));  // Both at once.
        EXPECT_TRUE(ends(client.answer(), "one"));
        EXPECT_TRUE(ends(client.answer(), "two"));
        EXPECT_TRUE(ends(client.ask(post(gzip("packed"), "Content-Encoding: gzip\r\n")), "\r\n\r\npacked"));
        EXPECT_TRUE(ends(client.ask("GET /below/a%20b?a=1&b=2 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), "a b?1"));
        EXPECT_TRUE(ends(client.ask("POST /echo HTTP/1.1\r\nHost: localhost:4318\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
                         "abcde"));
        client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
        EXPECT_TRUE(starts(client.answer(), "HTTP/1.1 100 Continue\r\n"));
        EXPECT_TRUE(ends(client.ask("hi"), "hi"));
    });
    EXPECT_EQ(counters_.accepted, 1U);
    EXPECT_EQ(counters_.requests, 9U);
}

TEST_F(HttpServerTest, AnswersWhatItCannotServe) {
    run({}, [&] {
        Client client(address_);
        EXPECT_TRUE(starts(client.ask("GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n"), "HTTP/1.1 404"));
        const std::string method = client.ask("GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
        EXPECT_TRUE(starts(method, "HTTP/1.1 405"));
        EXPECT_NE(method.find("Allow: POST\r\n"), std::string::npos);
        EXPECT_TRUE(starts(client.ask("GET /below/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"), "HTTP/1.1 400"));
        EXPECT_TRUE(starts(client.ask(post("no gzip", "Content-Encoding: gzip\r\n")), "HTTP/1.1 400"));
        EXPECT_TRUE(starts(client.ask(post("x", "Content-Encoding: br\r\n")), "HTTP/1.1 400"));
        EXPECT_TRUE(starts(client.ask("nonsense\r\n\r\n"), "HTTP/1.1 400"));
        EXPECT_TRUE(client.closed());
        // Rule 4.
        Client rebound(address_);
        EXPECT_TRUE(starts(rebound.ask("GET /below/x HTTP/1.1\r\nHost: evil.example\r\n\r\n"), "HTTP/1.1 403"));
    });
    EXPECT_EQ(counters_.unknown_route, 2U);
    EXPECT_EQ(counters_.malformed, 4U);
    EXPECT_EQ(counters_.host_refused, 1U);
}

TEST_F(HttpServerTest, RefusesWhatIsTooLarge) {
    run(small_limits(), [&] {
        Client said(address_);
        // Said to be a gigabyte: refused before it comes, and what comes is not waited for.
        said.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n" +
                  std::string(100'000, 'x'));
        EXPECT_TRUE(starts(said.answer(), "HTTP/1.1 413"));
        Client chunked(address_);
        chunked.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 20; ++i) {
            chunked.send("40\r\n" + std::string(64, 'x') + "\r\n");
        }
        EXPECT_TRUE(starts(chunked.answer(), "HTTP/1.1 413"));
        Client bomb(address_);
        EXPECT_TRUE(
            starts(bomb.ask(post(gzip(std::string(100'000, '\0')), "Content-Encoding: gzip\r\n")), "HTTP/1.1 413"));
        Client header(address_);
        EXPECT_TRUE(
            starts(header.ask("GET /echo HTTP/1.1\r\nX: " + std::string(2000, 'x') + "\r\n\r\n"), "HTTP/1.1 431"));
    });
    EXPECT_EQ(counters_.too_large, 3U);
    EXPECT_EQ(counters_.malformed, 1U);
}

TEST_F(HttpServerTest, BoundsAllBodiesTogetherAndTheirTime) {
    run(small_limits(), [&] {
        const std::string head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n";
        Client slow(address_);
        slow.send(head + "x");
        Client second(address_);
        // The first holds 1000 of 1500 bytes until its time is over.
        const std::string refused = second.ask(head);
        EXPECT_TRUE(starts(refused, "HTTP/1.1 503")) << refused;
        EXPECT_NE(refused.find("Retry-After: 1"), std::string::npos);
        EXPECT_TRUE(slow.closed());
        Client third(address_);
        EXPECT_TRUE(ends(third.ask(post(std::string(1000, 'y'))), "yyy"));
    });
    EXPECT_EQ(counters_.no_room, 1U);
    EXPECT_EQ(counters_.timed_out, 1U);
}

// Rule 2.
TEST_F(HttpServerTest, IdleConnectionsLockNobodyOut) {
    run(small_limits(), [&] {
        std::vector<std::unique_ptr<Client>> idle;
        for (int i = 0; i < 40; ++i) {
            idle.push_back(std::make_unique<Client>(address_));
            EXPECT_TRUE(idle.back()->connected());
        }
        Client client(address_);
        EXPECT_TRUE(ends(client.ask(post("served")), "served"));
        EXPECT_TRUE(idle.front()->closed());
    });
    EXPECT_EQ(counters_.accepted, 41U);
    EXPECT_EQ(counters_.connections_evicted, 38U);
    EXPECT_EQ(counters_.connections_refused, 0U);
}

TEST_F(HttpServerTest, ClosesWhatIsIdleForTooLong) {
    HttpLimits limits;
    limits.idle_time = std::chrono::milliseconds(50);
    run(limits, [&] {
        Client client(address_);
        EXPECT_TRUE(ends(client.ask(post("x")), "x"));
        EXPECT_TRUE(client.closed());
    });
    EXPECT_EQ(counters_.timed_out, 0U);
}

// A server whose one route is a stream, or is answered later.
class HttpLaterTest : public HttpServerTest {
protected:
    void serve(const HttpLimits& limits, HttpManners manners, const std::function<void()>& clients) {
        std::vector<HttpRoute> routes{
            {"GET", "/stream",
             [this](const HttpRequest&) {
                 HttpResponse out;
                 out.content_type = "text/event-stream";
                 out.stream = [this](HttpExchange exchange) { opened(exchange); };
                 return out;
             }},
            {"GET", "/later", [this](const HttpRequest&) {
                 HttpResponse out;
                 out.later = [this](HttpExchange exchange) {
                     runtime_.at(runtime_.now() + std::chrono::milliseconds(5), {}, [=, this] {
                         server_->reply(exchange, HttpResponse{201, "text/plain", "late"});
                         server_->reply(exchange, HttpResponse{200, "text/plain", "twice"});
                     });
                 };
                 return out;
             }}};
        auto server = HttpServer::start(runtime_, base::SocketAddr::v4(127, 0, 0, 1, 0), limits, std::move(routes),
                                        std::move(manners));
        ASSERT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
        address_ = server_->address();
        std::thread thread([&] {
            clients();
            runtime_.stop();
        });
        runtime_.run();
        thread.join();
        counters_ = server_->counters();
    }
    void opened(HttpExchange exchange) {
        exchange_ = exchange;
        if (on_open_) {
            on_open_(exchange);
        }
    }
    static constexpr const char* kOpen = "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n";

    std::unique_ptr<HttpServer> server_;
    HttpExchange exchange_;
    std::function<void(HttpExchange)> on_open_;
};

TEST_F(HttpLaterTest, AnswersLaterAndOnce) {
    serve({}, {}, [&] {
        Client client(address_);
        const std::string ask = "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n";
        for (int i = 0; i < 3; ++i) {
            const std::string answer = client.ask(ask);
            EXPECT_TRUE(starts(answer, "HTTP/1.1 201")) << answer;
            EXPECT_TRUE(ends(answer, "late")) << answer;
        }
        // One that goes away before its answer hurts nobody.
        {
            Client gone(address_);
            gone.send(ask);
        }
        EXPECT_TRUE(ends(client.ask(ask), "late"));
    });
}

TEST_F(HttpLaterTest, AStreamIsOpenUntilTheClientGoes) {
    std::atomic<int> ended = 0;
    on_open_ = [&](HttpExchange exchange) {
        EXPECT_TRUE(server_->push(exchange, "one\n"));
        EXPECT_TRUE(server_->push(exchange, "two\n"));
    };
    HttpManners manners;
    manners.headers = {{"X-All", "of them"}};
    manners.stream_ended = [&](HttpExchange exchange) {
        EXPECT_EQ(exchange, exchange_);
        EXPECT_FALSE(server_->push(exchange, "late"));
        EXPECT_EQ(server_->streams(), 0U);
        ++ended;
        runtime_.stop();
    };
    serve({}, std::move(manners), [&] {
        Client client(address_);
        client.send(kOpen);
        const std::string text = client.until("two\n");
        EXPECT_TRUE(starts(text, "HTTP/1.1 200 OK\r\n")) << text;
        EXPECT_NE(text.find("Content-Type: text/event-stream\r\n"), std::string::npos);
        EXPECT_NE(text.find("X-All: of them\r\n"), std::string::npos);
        EXPECT_TRUE(ends(text, "\r\n\r\none\ntwo\n")) << text;
    });
    while (ended == 0) {
        runtime_.run();
    }
    EXPECT_EQ(counters_.streams, 1U);
    EXPECT_EQ(server_->counters().streams_dropped, 0U);
}

TEST_F(HttpLaterTest, AClientThatDoesNotReadIsDropped) {
    std::atomic<bool> dropped = false;
    std::function<void()> pump = [&] {
        // As much as anybody may be behind, and what the kernel holds, several times over.
        if (server_->push(exchange_, std::string(16 * 1024, 'x'))) {
            runtime_.post(pump);
        } else {
            dropped = true;
        }
    };
    on_open_ = [&](HttpExchange) { runtime_.post(pump); };
    serve({}, {}, [&] {
        Client client(address_);
        client.receive_little();
        client.send(kOpen);
        Client other(address_);
        while (!dropped) {
            EXPECT_TRUE(ends(other.ask("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n"), "late"));
        }
        EXPECT_TRUE(client.closed());
    });
    EXPECT_EQ(counters_.streams_dropped, 1U);
    EXPECT_EQ(server_->streams(), 0U);
}

TEST_F(HttpLaterTest, OnlySoManyStreams) {
    HttpLimits limits;
    limits.streams_max = 2;
    serve(limits, {}, [&] {
        std::vector<std::unique_ptr<Client>> open;
        for (int i = 0; i < 2; ++i) {
            open.push_back(std::make_unique<Client>(address_));
            open.back()->send(kOpen);
            open.back()->until("\r\n\r\n");
        }
        Client third(address_);
        EXPECT_TRUE(starts(third.ask(kOpen), "HTTP/1.1 503"));
    });
    EXPECT_EQ(counters_.streams_refused, 1U);
}

// A gate answers before the body is read.
TEST_F(HttpLaterTest, TheGateSeesARequestFirst) {
    HttpManners manners;
    manners.gate = [](const HttpRequest& request) -> std::optional<HttpResponse> {
        EXPECT_TRUE(request.body.empty());
        EXPECT_TRUE(request.peer.starts_with("127.0.0.1:"));
        if (request.authorization == "Bearer x" && request.origin == "http://a") {
            return std::nullopt;
        }
        return http_error(401, "no");
    };
    serve({}, std::move(manners), [&] {
        Client body(address_);
        EXPECT_TRUE(starts(body.ask("POST /later HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"),
                           "HTTP/1.1 401"));
        Client good(address_);
        EXPECT_TRUE(ends(good.ask("GET /later HTTP/1.1\r\nHost: localhost\r\nOrigin: http://a\r\nAuthorization: "
                                  "Bearer x\r\n\r\n"),
                         "late"));
    });
    EXPECT_EQ(counters_.gate_refused, 1U);
}

TEST(HttpServer, SaysWhenItsAddressIsTaken) {
    io::Runtime runtime;
    const auto first = HttpServer::start(runtime, base::SocketAddr::v4(127, 0, 0, 1, 0), {}, {});
    ASSERT_TRUE(first);
    const auto second = HttpServer::start(runtime, (*first)->address(), {}, {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, base::ErrorCode::busy) << second.error().message;
}

TEST_F(HttpServerTest, EndsWithOpenConnections) {
    auto server = HttpServer::start(runtime_, base::SocketAddr::v4(127, 0, 0, 1, 0), {}, {});
    ASSERT_TRUE(server);
    Client client((*server)->address());
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
    runtime_.at(runtime_.now() + std::chrono::milliseconds(20), base::Duration::zero(), [&] {
        (*server).reset();
        runtime_.at(runtime_.now() + std::chrono::milliseconds(20), base::Duration::zero(), [&] { runtime_.stop(); });
    });
    runtime_.run();
    EXPECT_TRUE(client.closed());
}

}  // namespace
}  // namespace grapevine::console
