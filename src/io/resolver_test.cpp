#include "io/resolver.hpp"

#include <array>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/rng.hpp"
#include "io/fd.hpp"
#include "io/runtime_testing.hpp"

namespace grapevine::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Outcome = base::Result<std::vector<base::SocketAddr>>;

// A name server on loopback (RFC 1035, section 4).
class NameServer {
public:
    enum class Mood : std::uint8_t { answers, denies, silent, garbage };

    NameServer(Runtime& runtime, Mood mood) : runtime_(runtime), mood_(mood), rng_(7) {
        socket_ = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        sockaddr_in addr{};
        addr.sin_family = AF_INET;
        addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof addr;
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&addr), length), 0);
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&addr), &length);
        address_ = "127.0.0.1:" + std::to_string(ntohs(addr.sin_port));
        watch_ = *runtime_.watch(socket_.get(), [this] { on_question(); });
    }
    ~NameServer() { runtime_.unwatch(watch_); }
    NameServer(const NameServer&) = delete;
    NameServer& operator=(const NameServer&) = delete;

    [[nodiscard]] const std::string& address() const { return address_; }
    [[nodiscard]] int questions() const { return questions_; }

private:
    void on_question() {
        std::array<char, 512> buffer{};
        sockaddr_storage from{};
        socklen_t length = sizeof from;
        const ssize_t got =
            ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
        if (got < 12) return;
        ++questions_;
        const std::string answer = reply(std::string(buffer.data(), static_cast<std::size_t>(got)));
        if (!answer.empty())
            ::sendto(socket_.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
    }
    std::string reply(std::string question) {
        if (mood_ == Mood::silent) return {};
        if (mood_ == Mood::garbage) {
            for (std::size_t i = 2; i < question.size(); ++i)
                question[i] = static_cast<char>(rng_.below(256));
            question[2] = static_cast<char>(0x81);
            return question;
        }
        const std::size_t end = question.find('\0', 12) + 5;
        const bool v4 = question[end - 3] == 1;
        std::string out = question.substr(0, end);
        out[2] = static_cast<char>(0x81);
        out[3] = static_cast<char>(mood_ == Mood::denies ? 0x83 : 0x80);
        out[7] = static_cast<char>(mood_ == Mood::answers && v4 ? 1 : 0);
        out[8] = out[9] = out[10] = out[11] = 0;
        if (out[7] == 1) out += std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\1\2\3", 16);
        return out;
    }

    Runtime& runtime_;
    Mood mood_;
    base::Rng rng_;
    Fd socket_;
    WatchId watch_;
    std::string address_;
    int questions_ = 0;
};

class ResolverTest : public ::testing::Test {
protected:
    Outcome lookup(Resolver& resolver, const std::string& host, base::Duration limit = seconds(5)) {
        std::optional<Outcome> result;
        resolver.lookup(host, 4318, runtime_.now() + limit, [&](Outcome got) { result = std::move(got); });
        EXPECT_FALSE(result.has_value()) << "in a later turn";
        EXPECT_TRUE(run_until(runtime_, [&] { return result.has_value(); }));
        return result ? *result : Outcome(base::fail("nothing came"));
    }
    std::string text(const Outcome& outcome) {
        if (!outcome) return outcome.error().message;
        std::string all;
        for (const base::SocketAddr& address : *outcome)
            all += (all.empty() ? "" : " ") + address.text();
        return all;
    }
    Runtime runtime_;
};

TEST_F(ResolverTest, AddressesAndLocalhostNeedNoQuestion) {
    NameServer server(runtime_, NameServer::Mood::silent);
    Resolver resolver(runtime_, {server.address()});
    EXPECT_EQ(text(lookup(resolver, "192.0.2.7")), "192.0.2.7:4318");
    EXPECT_EQ(text(lookup(resolver, "2001:db8::1")), "[2001:db8::1]:4318");
    EXPECT_EQ(text(lookup(resolver, "localhost")), "127.0.0.1:4318 [::1]:4318");
    EXPECT_EQ(text(lookup(resolver, "Collector.LOCALHOST.")), "127.0.0.1:4318 [::1]:4318");
    EXPECT_EQ(server.questions(), 0);
}

TEST_F(ResolverTest, NamesAreAsked) {
    NameServer server(runtime_, NameServer::Mood::answers);
    Resolver resolver(runtime_, {server.address()});
    EXPECT_EQ(text(lookup(resolver, "collector.example")), "10.1.2.3:4318");
    EXPECT_GT(server.questions(), 0);
}

TEST_F(ResolverTest, AnUnknownNameIsAnErrorThatNamesIt) {
    NameServer server(runtime_, NameServer::Mood::denies);
    Resolver resolver(runtime_, {server.address()});
    const std::string why = text(lookup(resolver, "nowhere.example"));
    EXPECT_NE(why.find("nowhere.example"), std::string::npos) << why;
}

TEST_F(ResolverTest, GarbageAndSilenceEndByTheDeadline) {
    for (const auto mood : {NameServer::Mood::silent, NameServer::Mood::garbage}) {
        NameServer server(runtime_, mood);
        Resolver resolver(runtime_, {server.address()});
        EXPECT_FALSE(lookup(resolver, "slow.example", milliseconds(200)));
    }
}

TEST_F(ResolverTest, WhatIsNoNameIsRefused) {
    Resolver resolver(runtime_);
    EXPECT_FALSE(lookup(resolver, ""));
    EXPECT_FALSE(lookup(resolver, std::string(300, 'a')));
    EXPECT_FALSE(lookup(resolver, std::string("a\0b", 3)));
    NameServer server(runtime_, NameServer::Mood::denies);
    Resolver asking(runtime_, {server.address()});
    EXPECT_FALSE(lookup(asking, "a..b"));
    EXPECT_FALSE(lookup(asking, std::string(100, 'l') + ".example"));
}

TEST_F(ResolverTest, MayBeCancelledReplacedAndDestroyedWhileItAsks) {
    NameServer server(runtime_, NameServer::Mood::silent);
    bool called = false;
    const auto never = [&](const Outcome&) { called = true; };
    {
        Resolver resolver(runtime_, {server.address()});
        resolver.lookup("one.example", 1, runtime_.now() + milliseconds(50), never);
        resolver.lookup("two.example", 1, runtime_.now() + milliseconds(50), never);
        ASSERT_TRUE(run_until(runtime_, [&] { return server.questions() > 0; }));
        resolver.cancel();
        resolver.cancel();
        EXPECT_EQ(text(lookup(resolver, "127.0.0.1")), "127.0.0.1:4318");
        resolver.lookup("three.example", 1, runtime_.now() + milliseconds(50), never);
    }
    run_until(runtime_, [] { return false; }, milliseconds(100));
    EXPECT_FALSE(called);
}

}  // namespace
}  // namespace grapevine::io
