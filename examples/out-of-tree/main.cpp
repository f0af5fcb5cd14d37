// A program of its own on the installed library: two endpoints on one loop, one echoes what the other sends.

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include <grapevine/grapevine.hpp>

namespace {

constexpr std::string_view kAlpn = "example/echo/1";

std::span<const std::uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Sends back what comes in. The few bytes of this example always fit; a real protocol keeps what write() did not take.
class Echo : public grapevine::Protocol {
public:
    void on_data(grapevine::Stream stream, std::span<const std::uint8_t> data, bool fin) override {
        static_cast<void>(stream.connection.endpoint->write(stream, data, fin));
    }
};

// Sends a greeting and stops the loop when all of it came back.
class Greeter : public grapevine::Protocol {
public:
    explicit Greeter(grapevine::Loop& loop) : loop_(loop) {}

    void on_connected(grapevine::Connection connection, const std::string&, bool) override {
        const auto stream = connection.endpoint->open_bidirectional(connection);
        if (stream) {
            static_cast<void>(connection.endpoint->write(*stream, bytes_of("hello, grapevine"), true));
        }
    }
    void on_data(grapevine::Stream, std::span<const std::uint8_t> data, bool fin) override {
        echoed_.append(data.begin(), data.end());
        if (fin) {
            loop_.stop();
        }
    }
    void on_closed(grapevine::Connection, const grapevine::Closing& closing) override {
        std::fprintf(stderr, "closed: %s %s\n", closing.cause.c_str(), closing.reason.c_str());
        loop_.stop();
    }
    [[nodiscard]] const std::string& echoed() const { return echoed_; }

private:
    grapevine::Loop& loop_;
    std::string echoed_;
};

int fail(const grapevine::Error& error) {
    std::fprintf(stderr, "example: %s\n", error.message.c_str());
    return 1;
}

}  // namespace

int main() {
    grapevine::Loop loop;
    Echo echo;
    Greeter greeter(loop);

    grapevine::EndpointOptions options;
    options.bind = {"127.0.0.1:0"};
    options.alpns = {std::string(kAlpn)};
    const auto server = grapevine::Endpoint::create(loop, options);
    const auto client = grapevine::Endpoint::create(loop, options);
    if (!server || !client) {
        return fail(server ? client.error() : server.error());
    }
    if (const auto status = (*server)->serve(kAlpn, echo); !status) {
        return fail(status.error());
    }
    if (const auto dialled = (*client)->connect((*server)->ticket(), kAlpn, greeter); !dialled) {
        return fail(dialled.error());
    }
    loop.after(std::chrono::seconds(10), [&loop] { loop.stop(); });
    loop.run();
    std::printf("%s echoed: %s\n", (*server)->id().c_str(), greeter.echoed().c_str());
    return greeter.echoed() == "hello, grapevine" ? 0 : 1;
}
