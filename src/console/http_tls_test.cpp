// The HTTP server under TLS.

#include <fcntl.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "console/http_server.hpp"
#include "console/plain_client_testing.hpp"
#include "io/temp_dir_testing.hpp"
#include "io/tls_stream.hpp"
#include "io/tls_stream_testing.hpp"

namespace grapevine::console {
namespace {

using io::StreamStep;
using testing::Client;

// A client of HTTPS that trusts one authority, and waits.
class TlsClient {
public:
    TlsClient(const base::SocketAddr& address, const std::string& authority)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const io::NativeAddr native = io::to_native(address);
        if (::connect(socket_.get(), native.get(), native.length) != 0) {
            return;
        }
        ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
        auto stream = io::TlsStream::make(socket_.get(), "127.0.0.1", {authority, {}, {}});
        EXPECT_TRUE(stream) << stream.error().message;
        stream_ = std::move(*stream);
        greeted_ = finish([this] { return stream_->handshake(); }).state == StreamStep::State::done;
    }

    [[nodiscard]] bool greeted() const { return greeted_; }
    void send(std::string_view text) {
        while (!text.empty()) {
            const StreamStep step = finish([&] { return stream_->write(text, io::ByteStream::More::no); });
            if (step.state != StreamStep::State::done) {
                return;
            }
            text.remove_prefix(step.bytes);
        }
    }
    // What came, once it holds `text`, or all until the end.
    const std::string& until(std::string_view text) {
        while (received_.find(text) == std::string::npos && receive()) {
        }
        return received_;
    }
    std::string ask(const std::string& request, std::string_view last) {
        received_.clear();
        send(request);
        return until(last);
    }
    // Whether the server said goodbye before it closed.
    bool said_goodbye() {
        while (receive()) {
        }
        return last_ == StreamStep::State::closed;
    }

private:
    StreamStep finish(const std::function<StreamStep()>& attempt) {
        for (;;) {
            StreamStep step = attempt();
            const bool writes = step.state == StreamStep::State::want_write;
            if (!writes && step.state != StreamStep::State::want_read) {
                return step;
            }
            pollfd wait{socket_.get(), static_cast<short>(writes ? POLLOUT : POLLIN), 0};
            if (::poll(&wait, 1, testing::kPatienceMs) != 1) {
                return {StreamStep::State::failed, 0, "nothing came"};
            }
        }
    }
    bool receive() {
        std::array<std::uint8_t, 4096> buffer{};
        const StreamStep step = finish([&] { return stream_->read(buffer); });
        last_ = step.state;
        received_.append(reinterpret_cast<const char*>(buffer.data()), step.bytes);
        return step.state == StreamStep::State::done;
    }

    io::Fd socket_;
    std::unique_ptr<io::ByteStream> stream_;
    std::string received_;
    StreamStep::State last_ = StreamStep::State::done;
    bool greeted_ = false;
};

class HttpTlsTest : public ::testing::Test {
protected:
    // The server of the test, and its clients in a thread beside it.
    // The clients are gone: their connections end, and what ended them is counted.
    void stop_when_idle() {
        if (server_->connections() == 0) {
            runtime_.stop();
        } else {
            runtime_.post([this] { stop_when_idle(); });
        }
    }

    void run(const HttpLimits& limits, const std::function<void()>& clients) {
        HttpManners manners;
        auto identity = load(own_);
        ASSERT_TRUE(identity) << identity.error().message;
        manners.identity = std::move(*identity);
        auto server = HttpServer::start(
            runtime_, base::SocketAddr::v4(127, 0, 0, 1, 0), limits,
            {{"POST", "/echo", [](const HttpRequest& request) { return HttpResponse{200, "x/y", request.body, {}}; }},
             {"GET", "/stream",
              [this](const HttpRequest&) {
                  HttpResponse out;
                  out.stream = [this](HttpExchange exchange) { fill(exchange); };
                  return out;
              }}},
            std::move(manners));
        ASSERT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
        address_ = server_->address();
        std::thread thread([&] {
            clients();
            runtime_.post([this] { stop_when_idle(); });
        });
        runtime_.run();
        thread.join();
        counters_ = server_->counters();
    }
    void fill(HttpExchange exchange) {
        for (int i = 0; i < 20; ++i) {
            EXPECT_TRUE(server_->push(exchange, std::string(5000, static_cast<char>('a' + i))));
        }
        EXPECT_TRUE(server_->push(exchange, "the end"));
    }
    static base::Result<std::unique_ptr<TlsIdentity>> load(const io::TestCertificate& files) {
        std::filesystem::permissions(files.key_file, std::filesystem::perms::owner_read);
        return TlsIdentity::load(files.certificate_file, files.key_file);
    }
    static std::string post(std::string_view body, std::string_view headers = {}) {
        return "POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
               std::string(headers) + "\r\n" + std::string(body);
    }
    [[nodiscard]] TlsClient client() const { return {address_, authority_.file()}; }

    io::TempDir folder_;
    io::TestAuthority authority_{folder_.path(), "authority"};
    io::TestCertificate own_ = authority_.issue("127.0.0.1");
    io::Runtime runtime_;
    std::unique_ptr<HttpServer> server_;
    base::SocketAddr address_;
    HttpServer::Counters counters_;
};

TEST_F(HttpTlsTest, ServesManyRequestsOnOneConnection) {
    run({}, [&] {
        TlsClient one(address_, authority_.file());
        ASSERT_TRUE(one.greeted());
        for (int i = 0; i < 3; ++i) {
            const std::string body = "body" + std::to_string(i);
            EXPECT_TRUE(one.ask(post(body), body).starts_with("HTTP/1.1 200 OK\r\n"));
        }
    });
    EXPECT_EQ(counters_.handshakes, 1U);
    EXPECT_EQ(counters_.requests, 3U);
    EXPECT_TRUE(server_->url().starts_with("https://127.0.0.1:"));
}

TEST_F(HttpTlsTest, BodiesOfManyRecordsAreWhole) {
    run({}, [&] {
        TlsClient one(address_, authority_.file());
        std::string body;
        for (int i = 0; body.size() < 1'000'000; ++i) {
            body += std::to_string(i) + " ";
        }
        body += "the end";
        EXPECT_TRUE(one.ask(post(body, "Connection: close\r\n"), "the end").ends_with("\r\n\r\n" + body));
        EXPECT_TRUE(one.said_goodbye());
    });
}

TEST_F(HttpTlsTest, AStreamIsWhole) {
    run({}, [&] {
        TlsClient one(address_, authority_.file());
        const std::string all = one.ask("GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "the end");
        EXPECT_EQ(all.size() - all.find("\r\n\r\n") - 4, 20U * 5000 + 7);
        EXPECT_NE(all.find(std::string(5000, 't') + "the end"), std::string::npos);
    });
    EXPECT_EQ(counters_.streams, 1U);
}

// Rule 4 of http_stream.hpp.
TEST_F(HttpTlsTest, PlainHttpIsToldSoAndRefused) {
    run({}, [&] {
        Client plain(address_);
        const std::string answer = plain.ask("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 400")) << answer;
        EXPECT_TRUE(answer.ends_with("this port speaks HTTPS, not HTTP.\n")) << answer;
        EXPECT_TRUE(plain.closed());
        TlsClient one(address_, authority_.file());
        EXPECT_NE(one.ask(post("still served"), "still served"), "");
    });
    EXPECT_EQ(counters_.handshakes_failed, 1U);
    EXPECT_EQ(counters_.requests, 1U);
}

TEST_F(HttpTlsTest, NoHandshakeOfJunk) {
    run({}, [&] {
        for (const std::string_view junk :
             {std::string_view("\x16\x03\x01\xFF\xFF\x01", 6), std::string_view("\x16", 1),
              std::string_view("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10)}) {
            Client bad(address_);
            bad.send(junk);
            bad.send(std::string(70'000, 'x'));
            EXPECT_TRUE(bad.closed());
        }
        TlsClient one(address_, authority_.file());
        EXPECT_NE(one.ask(post("still served"), "still served"), "");
    });
    EXPECT_EQ(counters_.handshakes_failed, 3U);
}

TEST_F(HttpTlsTest, WhoStallsIsClosed) {
    HttpLimits limits;
    limits.handshake_time = std::chrono::milliseconds(50);
    run(limits, [&] {
        Client silent(address_);
        Client slow(address_);
        slow.send("\x16\x03");
        EXPECT_TRUE(silent.closed());
        EXPECT_TRUE(slow.closed());
    });
    EXPECT_EQ(counters_.handshakes_timed_out, 2U);
}

// Rule 6 of http_server.hpp.
TEST_F(HttpTlsTest, WhoStallsLocksNobodyOut) {
    HttpLimits limits;
    limits.handshakes_max = 2;
    run(limits, [&] {
        std::vector<std::unique_ptr<Client>> stalled;
        for (int i = 0; i < 10; ++i) {
            stalled.push_back(std::make_unique<Client>(address_));
        }
        EXPECT_TRUE(stalled.front()->closed());
        TlsClient one(address_, authority_.file());
        EXPECT_NE(one.ask(post("served"), "served"), "");
    });
    EXPECT_EQ(counters_.handshakes_evicted, 9U);
    EXPECT_EQ(counters_.handshakes, 1U);
}

TEST_F(HttpTlsTest, AnIdentityThatCannotBeUsedIsNamed) {
    const auto trouble = [](const std::string& certificate, const std::string& key) {
        const auto loaded = TlsIdentity::load(certificate, key);
        return loaded ? std::string("none") : loaded.error().message;
    };
    ASSERT_TRUE(load(own_));
    ASSERT_TRUE(load(authority_.issue("other.example")));
    const io::TestCertificate other = authority_.issue("other.example");
    std::filesystem::permissions(other.key_file, std::filesystem::perms::owner_read);
    EXPECT_EQ(trouble(own_.certificate_file, other.key_file),
              "key of the certificate '" + other.key_file + "': is not the key of '" + own_.certificate_file + "'");
    EXPECT_TRUE(trouble(own_.key_file, own_.key_file).starts_with("certificate '" + own_.key_file + "'"));
    EXPECT_TRUE(trouble(own_.certificate_file, own_.certificate_file).starts_with("key of the certificate '"));
    EXPECT_TRUE(trouble("/no/such.pem", own_.key_file).starts_with("certificate '/no/such.pem'"));
    std::filesystem::permissions(own_.key_file,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::group_read);
    EXPECT_NE(trouble(own_.certificate_file, own_.key_file).find(own_.key_file), std::string::npos);
    EXPECT_NE(trouble(own_.certificate_file, own_.key_file), "none");
    std::filesystem::permissions(own_.key_file, std::filesystem::perms::owner_read);
    // As certbot has them: links, whose target counts.
    const std::filesystem::path link = folder_.path() / "live.key";
    std::filesystem::create_symlink(own_.key_file, link);
    EXPECT_EQ(trouble(own_.certificate_file, link), "none");
}

}  // namespace
}  // namespace grapevine::console
