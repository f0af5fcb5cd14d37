#include "console/guard.hpp"

#include <gtest/gtest.h>

namespace grapevine::console {
namespace {

const std::string kToken(64, 'a');

HttpRequest get(std::string host = "127.0.0.1:19090") {
    HttpRequest request;
    request.method = "GET";
    request.path = "/api/world";
    request.host = std::move(host);
    return request;
}

HttpRequest change() {
    HttpRequest request = get();
    request.method = "POST";
    request.path = "/api/spawn";
    request.content_type = "application/json";
    request.origin = "http://127.0.0.1:19090";
    request.authorization = "Bearer " + kToken;
    return request;
}

class GuardTest : public ::testing::Test {
protected:
    GuardTest() { guard_.listens_on(base::SocketAddr::v4(127, 0, 0, 1, 19090)); }
    // 0: admitted.
    unsigned status(const HttpRequest& request) {
        const auto refusal = guard_.check(request, now_);
        return refusal ? refusal->status : 0;
    }
    Guard guard_{kToken, Access::full};
    base::TimePoint now_{};
};

TEST_F(GuardTest, OnlyItsOwnNamesWithItsOwnPort) {
    for (const char* host :
         {"127.0.0.1:19090", "localhost:19090", "LocalHost:19090", "127.0.0.2:19090", "[::1]:19090"}) {
        EXPECT_EQ(status(get(host)), 0U) << host;
    }
    for (const char* host :
         {"", "127.0.0.1", "localhost", "127.0.0.1:80", "evil.example:19090", "localhost.evil:19090",
          "192.168.1.1:19090", "127.0.0.1.evil.example:19090", "evil@127.0.0.1:19090", "127.0.0.1:19090 ",
          "127.0.0.1:019090", "localhost:19090.", "[::1]", "2130706433:19090", "0:19090"}) {
        EXPECT_EQ(status(get(host)), 403U) << host;
    }
    EXPECT_EQ(guard_.counters().host, 15U);
}

TEST_F(GuardTest, AForeignOriginGetsNothing) {
    for (const char* origin :
         {"http://evil.example", "null", "https://127.0.0.1:19090", "http://127.0.0.1:1",
          "http://127.0.0.1:19090.evil.example", "http://127.0.0.1:019090", "http://localhost:19090/"}) {
        HttpRequest request = get();
        request.origin = origin;
        EXPECT_EQ(status(request), 403U) << origin;
        HttpRequest otlp = request;
        otlp.method = "POST";
        otlp.path = "/v1/traces";
        EXPECT_EQ(status(otlp), 403U) << origin;
        request = change();
        request.origin = origin;
        EXPECT_EQ(status(request), 403U) << origin;
    }
    HttpRequest own = get();
    own.origin = "http://localhost:19090";
    EXPECT_EQ(status(own), 0U);
}

TEST_F(GuardTest, WhatChangesNeedsAllOfIt) {
    EXPECT_EQ(status(change()), 0U);
    HttpRequest request = change();
    request.content_type = "text/plain";
    EXPECT_EQ(status(request), 415U);
    request = change();
    request.origin.clear();
    EXPECT_EQ(status(request), 403U);
    for (const std::string& token :
         {std::string(), std::string("Bearer "), kToken, "Basic " + kToken, "Bearer " + kToken.substr(1),
          "Bearer " + kToken + "a", "Bearer b" + kToken.substr(1), "Bearer " + kToken + kToken}) {
        request = change();
        request.authorization = token;
        EXPECT_EQ(status(request), 401U) << token;
    }
    request = change();
    request.method = "DELETE";
    EXPECT_EQ(status(request), 405U);
}

TEST_F(GuardTest, ExportersNeedNoToken) {
    HttpRequest request = get();
    request.method = "POST";
    request.path = "/v1/traces";
    EXPECT_EQ(status(request), 0U);
    request.path = "/v1x/traces";
    EXPECT_EQ(status(request), 415U);
}

TEST_F(GuardTest, ReadOnlyChangesNothing) {
    Guard guard(kToken, Access::read_only);
    guard.listens_on(base::SocketAddr::v4(127, 0, 0, 1, 19090));
    EXPECT_EQ(guard.check(change(), now_)->status, 403U);
    EXPECT_FALSE(guard.check(get(), now_));
    EXPECT_EQ(guard.counters().read_only, 1U);
}

TEST_F(GuardTest, TenChangesASecond) {
    for (std::uint32_t i = 0; i < Guard::kChangesMax.burst; ++i) {
        EXPECT_EQ(status(change()), 0U);
    }
    EXPECT_EQ(status(change()), 429U);
    now_ += std::chrono::seconds(1);
    for (std::uint32_t i = 0; i < Guard::kChangesMax.per_second; ++i) {
        EXPECT_EQ(status(change()), 0U);
    }
    EXPECT_EQ(status(change()), 429U);
    EXPECT_EQ(status(get()), 0U);
}

TEST(Guard, AdmitsNobodyBeforeItKnowsItsAddressNorWithoutAToken) {
    Guard guard("", Access::full);
    EXPECT_EQ(guard.check(get(), {})->status, 403U);
    guard.listens_on(base::SocketAddr::v4(127, 0, 0, 1, 19090));
    HttpRequest request = change();
    request.authorization = "Bearer ";
    EXPECT_EQ(guard.check(request, {})->status, 401U);
}

// Rules 1, 6 and 7: on another address than loopback.
class RemoteGuardTest : public GuardTest {
protected:
    RemoteGuardTest() { guard_.listens_on(base::SocketAddr::v4(192, 0, 2, 7, 19090)); }
    // As of a page of ours.
    static HttpRequest look(std::string path = "/api/world", std::string host = "192.0.2.7:19090") {
        HttpRequest request = get(std::move(host));
        request.path = std::move(path);
        return request;
    }
    static HttpRequest with_token(HttpRequest request) {
        request.authorization = "Bearer " + kToken;
        return request;
    }
    // What Set-Cookie gives a browser to send.
    [[nodiscard]] std::string cookie() const {
        const HttpResponse session = guard_.session();
        EXPECT_EQ(session.headers.size(), 1U);
        const std::string& text = session.headers.at(0).second;
        return text.substr(0, text.find(';'));
    }
    Guard guard_{kToken, Access::full, Scheme::https, {"Console.Example"}};
    unsigned status(const HttpRequest& request) {
        const auto refusal = guard_.check(request, now_);
        return refusal ? refusal->status : 0;
    }
};

TEST_F(RemoteGuardTest, ItsAddressAndTheGivenNamesAlone) {
    for (const char* host : {"192.0.2.7:19090", "console.example:19090", "CONSOLE.example:19090"}) {
        EXPECT_EQ(status(look("/", host)), 0U) << host;
    }
    for (const char* host : {"localhost:19090", "127.0.0.1:19090", "192.0.2.7", "console.example", "192.0.2.8:19090",
                             "console.example.evil:19090", "[::1]:19090", "[::1]x:19090", "[192.0.2.7]:19090"}) {
        EXPECT_EQ(status(look("/", host)), 403U) << host;
    }
    guard_.listens_on(base::SocketAddr::v4(0, 0, 0, 0, 443));
    EXPECT_EQ(status(look("/", "console.example")), 0U) << "the port of the scheme need not be said";
    EXPECT_EQ(status(look("/", "console.example:443")), 0U);
    EXPECT_EQ(status(look("/", "console.example:80")), 403U);
}

TEST_F(RemoteGuardTest, LookingNeedsTheTokenOrASession) {
    for (const char* path : {"/api/world", "/api/live", "/api/traces", "/metrics", "/v1/traces"}) {
        EXPECT_EQ(status(look(path)), 401U) << path;
        EXPECT_EQ(status(with_token(look(path))), 0U) << path;
        HttpRequest request = look(path);
        request.cookie = "a=b; " + cookie() + "; c=d";
        EXPECT_EQ(status(request), 0U) << path;
    }
    for (const char* path : {"/", "/nodes", "/assets/index.js", "/healthz", "/readyz"}) {
        EXPECT_EQ(status(look(path)), 0U) << path;
    }
    EXPECT_EQ(guard_.counters().token, 5U);
}

TEST_F(RemoteGuardTest, OnlyTheVeryCookieIsASession) {
    const std::string good = cookie();
    for (const auto& bad : std::vector<std::string>{
             good.substr(0, good.size() - 1), good + "x", "x" + good, good.substr(good.find('=') + 1),
             "__Host-grapevine-session=", "__Host-grapevine-session=" + kToken, std::string(";;;=;  ;")}) {
        HttpRequest request = look();
        request.cookie = bad;
        EXPECT_EQ(status(request), 401U) << bad;
    }
    EXPECT_EQ(good.find(kToken), std::string::npos) << "it must not hold the token";
}

TEST_F(RemoteGuardTest, ASessionLooksAndNoMore) {
    HttpRequest request = change();
    request.host = "192.0.2.7:19090";
    request.origin = "https://192.0.2.7:19090";
    EXPECT_EQ(status(request), 0U);
    request.origin = "http://192.0.2.7:19090";
    EXPECT_EQ(status(request), 403U) << "not of this scheme";
    request.origin = "https://192.0.2.7:19090";
    request.authorization.clear();
    request.cookie = cookie();
    EXPECT_EQ(status(request), 401U);
    request.path = "/v1/traces";
    EXPECT_EQ(status(request), 401U);
    request.path = "/api/session";
    EXPECT_EQ(status(request), 401U) << "only the token gives a session";
}

TEST_F(RemoteGuardTest, TheCookieIsForThisServersPagesAlone) {
    const std::string text = guard_.session().headers.at(0).second;
    EXPECT_TRUE(text.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict")) << text;
    Guard read_only(kToken, Access::read_only, Scheme::https);
    read_only.listens_on(base::SocketAddr::v4(192, 0, 2, 7, 19090));
    HttpRequest request = with_token(look("/api/session"));
    request.method = "POST";
    request.content_type = "application/json";
    request.origin = "https://192.0.2.7:19090";
    EXPECT_FALSE(read_only.check(request, now_)) << "who may only look may do that";
    EXPECT_TRUE(Guard(kToken, Access::full).session().headers.empty()) << "not over plain HTTP";
}

}  // namespace
}  // namespace grapevine::console
