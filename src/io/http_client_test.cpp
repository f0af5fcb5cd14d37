#include "io/http_client.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "io/http_client_testing.hpp"
#include "io/runtime_testing.hpp"

namespace grapevine::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Then = ServedAnswer::Then;

class HttpClientTest : public ::testing::Test {
protected:
    HttpServer at(const TestHttpServer& server) { return {false, "127.0.0.1", server.port(), {}}; }

    // The result of one request, or nothing after a minute.
    std::optional<HttpResult> ask(HttpClient& client, HttpRequest request = {}) {
        std::optional<HttpResult> result;
        client.request(std::move(request), [&](HttpResult got) { result = std::move(got); });
        run_until(runtime_, [&] { return result.has_value(); });
        return result;
    }
    // The failure with which a request ends when the server answers with that.
    HttpFailure failure_of(ServedAnswer answer, base::Duration timeout = seconds(60)) {
        TestHttpServer server(runtime_, [&](const ServedRequest&) { return answer; });
        HttpClient client(runtime_, at(server));
        HttpRequest request;
        request.timeout = timeout;
        const auto result = ask(client, request);
        EXPECT_TRUE(result && !*result);
        last_ = client.counters();
        return result && !*result ? result->error().failure : HttpFailure::invalid;
    }

    Runtime runtime_;
    HttpClientCounters last_;
};

TEST_F(HttpClientTest, SendsARequestAndReadsTheAnswer) {
    TestHttpServer server(
        runtime_, [](const ServedRequest&) { return ServedAnswer{http_answer(201, "made", "X-Word: here\r\n")}; });
    HttpClient client(runtime_, at(server));
    const std::string body(100'000, 'b');
    HttpRequest request;
    request.method = "POST";
    request.path = "/v1/traces?x=1";
    request.headers = {{"X-Own", "value"}};
    request.body = body;
    const auto result = ask(client, request);
    ASSERT_TRUE(result && *result);
    EXPECT_EQ((*result)->status, 201U);
    EXPECT_EQ((*result)->body, "made");
    EXPECT_EQ((*result)->header("x-word"), "here");
    ASSERT_EQ(server.requests().size(), 1U);
    const ServedRequest& seen = server.requests().front();
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(seen.path, "/v1/traces?x=1");
    EXPECT_EQ(seen.headers.at("x-own"), "value");
    EXPECT_EQ(seen.headers.at("host"), "127.0.0.1:" + std::to_string(server.port()));
    EXPECT_EQ(seen.body, body);
}

TEST_F(HttpClientTest, KeepsItsConnection) {
    TestHttpServer server(runtime_, [](const ServedRequest&) { return ServedAnswer{http_answer(200, "ok")}; });
    HttpClient client(runtime_, at(server));
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(ask(client).value());
    EXPECT_EQ(server.accepted(), 1U);
    EXPECT_EQ(client.counters().connections, 1U);
    EXPECT_TRUE(client.connected());
}

TEST_F(HttpClientTest, ServesRequestsInOrderAndRefusesWhatIsTooMany) {
    TestHttpServer server(runtime_, [](const ServedRequest&) { return ServedAnswer{http_answer(200)}; });
    HttpClient client(runtime_, at(server));
    std::vector<std::string> ends;
    for (std::size_t i = 0; i < HttpClient::kQueueMax + 2; ++i) {
        HttpRequest request;
        request.path = "/" + std::to_string(i);
        client.request(std::move(request), [&, i](const HttpResult& result) {
            ends.push_back(result ? std::to_string(i) : std::string(name(result.error().failure)));
        });
    }
    ASSERT_TRUE(run_until(runtime_, [&] { return ends.size() == HttpClient::kQueueMax + 2; }));
    EXPECT_EQ(std::count(ends.begin(), ends.end(), "busy"), 2);
    std::erase(ends, "busy");
    for (std::size_t i = 0; i < ends.size(); ++i)
        EXPECT_EQ(ends[i], std::to_string(i));
}

TEST_F(HttpClientTest, ReplacesAConnectionThatTheServerDropped) {
    TestHttpServer server(runtime_, [](const ServedRequest&) { return ServedAnswer{http_answer(200)}; });
    HttpClient client(runtime_, at(server));
    ASSERT_TRUE(ask(client).value());
    server.hang_up();
    ASSERT_TRUE(run_until(runtime_, [&] { return !client.connected(); }));
    ASSERT_TRUE(ask(client).value());
    EXPECT_EQ(client.counters().reconnects, 0U);
    // Rule 2: dropped at the moment of the request.
    server.hang_up();
    ASSERT_TRUE(ask(client).value());
    EXPECT_EQ(server.accepted(), 3U);
    EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(HttpClientTest, RepeatsARequestThatAKeptConnectionSwallowed) {
    int served = 0;
    TestHttpServer server(runtime_, [&](const ServedRequest&) {
        return ++served == 2 ? ServedAnswer{"", Then::close} : ServedAnswer{http_answer(200, "x")};
    });
    HttpClient client(runtime_, at(server));
    ASSERT_TRUE(ask(client).value());
    ASSERT_TRUE(ask(client).value());
    EXPECT_EQ(client.counters().reconnects, 1U);
    EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(HttpClientTest, AFreshConnectionThatIsClosedIsAnError) {
    EXPECT_EQ(failure_of({"", Then::close}), HttpFailure::closed);
    EXPECT_EQ(failure_of({"HTTP/1.1 200 OK\r\nConte", Then::close}), HttpFailure::closed);
    EXPECT_EQ(failure_of({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive.", Then::close}), HttpFailure::closed);
    EXPECT_EQ(failure_of({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfive.\r\n", Then::close}),
              HttpFailure::closed);
}

TEST_F(HttpClientTest, ReadsChunksAndBodiesThatEndWithTheConnection) {
    std::string reply =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n";
    Then then = Then::keep;
    TestHttpServer server(runtime_, [&](const ServedRequest&) { return ServedAnswer{reply, then}; });
    HttpClient client(runtime_, at(server));
    EXPECT_EQ(ask(client).value()->body, "abcde");
    EXPECT_TRUE(client.connected());
    reply = "HTTP/1.1 200 OK\r\n\r\nto the end";
    then = Then::close;
    EXPECT_EQ(ask(client).value()->body, "to the end");
    EXPECT_FALSE(client.connected());
    reply = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n";
    then = Then::keep;
    EXPECT_EQ(ask(client).value()->status, 204U);
}

TEST_F(HttpClientTest, OneByteAtATimeIsReadToo) {
    for (const std::string& reply :
         {http_answer(200, "slowly"), std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                                  "6\r\nslowly\r\n0\r\n\r\n")}) {
        TestHttpServer server(runtime_,
                              [&](const ServedRequest&) { return ServedAnswer{reply, Then::keep, milliseconds(1)}; });
        HttpClient client(runtime_, at(server));
        EXPECT_EQ(ask(client).value()->body, "slowly");
        EXPECT_TRUE(client.connected());
    }
    HttpAnswerParser parser(10, HttpAnswerParser::Expect::body);
    const std::string empty = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for (std::size_t i = 0; i + 1 < empty.size(); ++i)
        ASSERT_EQ(parser.put(empty.substr(i, 1)), HttpAnswerParser::State::more) << i;
    EXPECT_EQ(parser.put("\n"), HttpAnswerParser::State::done);
}

TEST_F(HttpClientTest, ASilentServerAndASlowOneCostTheTimeoutOnly) {
    const ServedAnswer silent{"", Then::keep, seconds(3600)};
    EXPECT_EQ(failure_of(silent, milliseconds(100)), HttpFailure::timeout);
    EXPECT_EQ(failure_of({http_answer(200, std::string(2000, 'x')), Then::keep, milliseconds(5)}, milliseconds(200)),
              HttpFailure::timeout);
}

TEST_F(HttpClientTest, HostileAnswersAreRefusedWithinLimits) {
    const std::string head = "HTTP/1.1 200 OK\r\n";
    const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
    const auto endless = [](std::string begin, std::string more) {
        return ServedAnswer{std::move(begin), Then::keep, std::nullopt, [more] { return more; }};
    };
    const std::uint64_t limit = 64 * 1024;
    EXPECT_EQ(failure_of(endless(head, "X: y\r\n")), HttpFailure::too_large);
    EXPECT_EQ(failure_of(endless(head + "X: ", std::string(4096, 'y'))), HttpFailure::too_large);
    EXPECT_EQ(failure_of(endless("HTTP/1.1 200 ", std::string(4096, 'y'))), HttpFailure::too_large);
    EXPECT_EQ(failure_of({head + "Content-Length: 18446744073709551615\r\n\r\n"}), HttpFailure::too_large);
    EXPECT_EQ(failure_of({head + "Content-Length: 99999999999999999999999\r\n\r\n"}), HttpFailure::broken);
    EXPECT_EQ(failure_of(endless(head + "\r\n", std::string(4096, 'b'))), HttpFailure::too_large);
    EXPECT_LT(last_.bytes_received, 4 * limit);
    EXPECT_EQ(failure_of(endless(chunked, "400\r\n" + std::string(1024, 'c') + "\r\n")), HttpFailure::too_large);
    EXPECT_EQ(failure_of(endless(chunked, "1\r\nc\r\n")), HttpFailure::too_large);
    EXPECT_LT(last_.bytes_received, 16 * limit);
    EXPECT_EQ(failure_of(endless(chunked + "1;", std::string(4096, 'e'))), HttpFailure::too_large);
    EXPECT_EQ(failure_of(endless(chunked + "0\r\n", "T: v\r\n")), HttpFailure::too_large);
    EXPECT_EQ(failure_of({chunked + "ffffffffffffffff\r\n"}), HttpFailure::too_large);
    EXPECT_EQ(failure_of(endless("", "HTTP/1.1 100 Continue\r\n\r\n")), HttpFailure::broken);
    EXPECT_EQ(failure_of({"HTTP/1.1 101 Switching\r\n\r\n"}), HttpFailure::broken);
    EXPECT_EQ(failure_of({"\x16\x03\x01garbage\r\n\r\n"}), HttpFailure::broken);
    EXPECT_EQ(failure_of({std::string("HTTP/1.1 200 OK\r\nA\0: b\r\n\r\n", 27)}), HttpFailure::broken);
    EXPECT_EQ(failure_of({"SSH-2.0-OpenSSH_9.2\r\n"}), HttpFailure::broken);
}

TEST_F(HttpClientTest, WhatFollowsAnAnswerUnaskedEndsTheConnection) {
    TestHttpServer server(runtime_, [](const ServedRequest&) {
        return ServedAnswer{http_answer(200, "one") + http_answer(200, "smuggled")};
    });
    HttpClient client(runtime_, at(server));
    EXPECT_EQ(ask(client).value()->body, "one");
    EXPECT_EQ(ask(client).value()->body, "one");
    EXPECT_EQ(server.accepted(), 2U);
}

TEST_F(HttpClientTest, AnAbsentServerIsAnError) {
    HttpClient client(runtime_, {false, "127.0.0.1", closed_port(), {}});
    const auto result = ask(client);
    ASSERT_TRUE(result && !*result);
    EXPECT_EQ(result->error().failure, HttpFailure::connect);
    EXPECT_NE(result->error().message.find("Connection refused"), std::string::npos) << result->error().message;
}

TEST_F(HttpClientTest, TriesTheNextAddressOfAName) {
    TestHttpServer server(runtime_, [](const ServedRequest&) { return ServedAnswer{http_answer(200, "ok")}; });
    HttpClient client(runtime_, {false, "LocalHost", server.port(), {}});
    EXPECT_EQ(ask(client).value()->body, "ok");
    HttpClient absent(runtime_, {false, "localhost", closed_port(), {}});
    EXPECT_EQ(ask(absent)->error().failure, HttpFailure::connect);
}

TEST_F(HttpClientTest, ARequestThatWouldBreakTheProtocolIsNotSent) {
    TestHttpServer server(runtime_, [](const ServedRequest&) { return ServedAnswer{http_answer(200)}; });
    HttpClient client(runtime_, at(server));
    const auto refused = [&](HttpRequest request) {
        const auto result = ask(client, std::move(request));
        return result && !*result && result->error().failure == HttpFailure::invalid;
    };
    EXPECT_TRUE(refused({.headers = {{"A", "b\r\nC: d"}}}));
    EXPECT_TRUE(refused({.headers = {{"A\r\n", "b"}}}));
    EXPECT_TRUE(refused({.headers = {{"content-LENGTH", "7"}}}));
    EXPECT_TRUE(refused({.headers = {{"A", std::string(20'000, 'x')}}}));
    EXPECT_TRUE(refused({.path = "/a b"}));
    EXPECT_TRUE(refused({.path = "a"}));
    EXPECT_TRUE(refused({.method = "GET /"}));
    EXPECT_EQ(server.accepted(), 0U);
    EXPECT_TRUE(ask(client).value());
}

TEST_F(HttpClientTest, AnEarlyRefusalOfALongBodyIsHeard) {
    // A body that no socket takes at once, and a server that answers the head alone.
    TestHttpServer server(runtime_, [](const ServedRequest&) { return ServedAnswer{http_answer(413), Then::close}; });
    HttpClient client(runtime_, at(server));
    const std::string body(8 * 1024 * 1024, 'b');
    HttpRequest request;
    request.method = "POST";
    request.body = body;
    const auto result = ask(client, request);
    ASSERT_TRUE(result && *result);
    EXPECT_EQ((*result)->status, 413U);
}

TEST_F(HttpClientTest, CancelledRequestsAreNotAnswered) {
    TestHttpServer server(runtime_, [](const ServedRequest& request) {
        return request.path == "/slow" ? ServedAnswer{"H", Then::keep, seconds(3600)} : ServedAnswer{http_answer(200)};
    });
    HttpClient client(runtime_, at(server));
    bool called = false;
    HttpRequest slow;
    slow.path = "/slow";
    const HttpRequestId first = client.request(slow, [&](const HttpResult&) { called = true; });
    const HttpRequestId second = client.request(slow, [&](const HttpResult&) { called = true; });
    ASSERT_TRUE(run_until(runtime_, [&] { return server.requests().size() == 1; }));
    client.cancel(second);
    client.cancel(first);
    client.cancel(first);
    EXPECT_FALSE(client.connected());
    EXPECT_TRUE(ask(client).value());
    EXPECT_FALSE(called);
}

TEST_F(HttpClientTest, MayBeDestroyedByItsCallbackAndWithRequestsUnderWay) {
    TestHttpServer server(runtime_, [](const ServedRequest&) { return ServedAnswer{http_answer(200), Then::close}; });
    auto client = std::make_unique<HttpClient>(runtime_, at(server));
    client->request({}, [&](const HttpResult&) { client.reset(); });
    ASSERT_TRUE(run_until(runtime_, [&] { return client == nullptr; }));
    TestHttpServer silent(runtime_, [](const ServedRequest&) { return ServedAnswer{"", Then::keep, seconds(3600)}; });
    bool called = false;
    auto other = std::make_unique<HttpClient>(runtime_, at(silent));
    other->request({}, [&](const HttpResult&) { called = true; });
    ASSERT_TRUE(run_until(runtime_, [&] { return other->connected(); }));
    other.reset();
    ASSERT_TRUE(run_until(runtime_, [&] { return silent.open_connections() == 0; }));
    EXPECT_FALSE(called);
}

}  // namespace
}  // namespace grapevine::io
