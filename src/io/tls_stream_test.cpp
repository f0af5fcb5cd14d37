#include "io/tls_stream.hpp"

#include <fstream>
#include <optional>

#include <gtest/gtest.h>

#include "io/http_client.hpp"
#include "io/http_client_testing.hpp"
#include "io/runtime_testing.hpp"
#include "io/temp_dir_testing.hpp"
#include "io/tls_stream_testing.hpp"

namespace grapevine::io {
namespace {

using Validity = TestAuthority::Validity;
using Purpose = TestAuthority::Purpose;

class TlsStreamTest : public ::testing::Test {
protected:
    // One request to a server with that certificate; its answer's status, or the error's text.
    std::string ask(const TestCertificate& own, const std::string& host, const TlsFiles& files,
                    const std::string& client_ca = {}) {
        TestHttpServer server(
            runtime_, [](const ServedRequest&) { return ServedAnswer{http_answer(200, std::string(40'000, 'x'))}; },
            [&](int fd) { return make_tls_server_stream(fd, own, client_ca); });
        HttpClient client(runtime_, {true, host, server.port(), files});
        std::string outcome;
        for (int i = 0; i < 2; ++i) {
            std::optional<HttpResult> result;
            HttpRequest request;
            request.timeout = std::chrono::seconds(5);
            client.request(std::move(request), [&](HttpResult got) { result = std::move(got); });
            run_until(runtime_, [&] { return result.has_value(); });
            if (!result) return "no result";
            if (!*result) return std::string(name(result->error().failure)) + ": " + result->error().message;
            outcome = std::to_string((*result)->status) + ' ' + std::to_string((*result)->body.size());
        }
        EXPECT_EQ(server.accepted(), 1U) << "the connection is kept";
        return outcome;
    }
    TlsFiles trusting(const TestAuthority& authority) { return {authority.file(), {}, {}}; }

    Runtime runtime_;
    TempDir folder_;
    TestAuthority authority_{folder_.path(), "ca"};
    TestAuthority stranger_{folder_.path(), "stranger"};
};

TEST_F(TlsStreamTest, ATrustedServerIsTalkedTo) {
    EXPECT_EQ(ask(authority_.issue("localhost"), "localhost", trusting(authority_)), "200 40000");
    EXPECT_EQ(ask(authority_.issue("127.0.0.1"), "127.0.0.1", trusting(authority_)), "200 40000");
}

TEST_F(TlsStreamTest, AServerThatCannotProveItsNameIsRefused) {
    const auto expect = [](const std::string& outcome, const std::string& why) {
        EXPECT_TRUE(outcome.starts_with("tls: ") && outcome.find(why) != std::string::npos) << outcome;
    };
    expect(ask(stranger_.issue("localhost"), "localhost", trusting(authority_)), "issuer is unknown");
    expect(ask(authority_.issue("localhost"), "localhost", {}), "issuer is unknown");  // The system's authorities.
    expect(ask(authority_.issue("elsewhere.example"), "localhost", trusting(authority_)), "does not match");
    expect(ask(authority_.issue("localhost"), "127.0.0.1", trusting(authority_)), "does not match");
    expect(ask(authority_.issue("localhost", Validity::expired), "localhost", trusting(authority_)), "expired");
    expect(ask(authority_.issue("localhost", Validity::now, Purpose::client), "localhost", trusting(authority_)),
           "purpose");
}

TEST_F(TlsStreamTest, ShowsItsOwnCertificateWhereOneIsAsked) {
    const TestCertificate server = authority_.issue("localhost");
    const TestCertificate client = authority_.issue("client", Validity::now, Purpose::client);
    const TestCertificate other = stranger_.issue("client", Validity::now, Purpose::client);
    TlsFiles files = trusting(authority_);
    EXPECT_NE(ask(server, "localhost", files, authority_.file()), "200 40000");
    files.certificate_file = client.certificate_file;
    files.key_file = client.key_file;
    EXPECT_EQ(ask(server, "localhost", files, authority_.file()), "200 40000");
    files.certificate_file = other.certificate_file;
    files.key_file = other.key_file;
    EXPECT_NE(ask(server, "localhost", files, authority_.file()), "200 40000");
}

TEST_F(TlsStreamTest, AServerWithoutTlsIsAnError) {
    TestHttpServer server(runtime_, [](const ServedRequest&) { return ServedAnswer{http_answer(200)}; });
    HttpClient client(runtime_, {true, "localhost", server.port(), {}});
    std::optional<HttpResult> result;
    HttpRequest request;
    request.timeout = std::chrono::milliseconds(300);  // The server waits for a request that never comes.
    client.request(std::move(request), [&](HttpResult got) { result = std::move(got); });
    ASSERT_TRUE(run_until(runtime_, [&] { return result.has_value(); }));
    ASSERT_FALSE(*result);
    EXPECT_EQ(result->error().failure, HttpFailure::timeout);
}

TEST_F(TlsStreamTest, UnusableFilesAreFoundBeforeUse) {
    const TestCertificate own = authority_.issue("client");
    EXPECT_TRUE(check_tls_files({}));
    EXPECT_TRUE(check_tls_files({authority_.file(), own.certificate_file, own.key_file}));
    const std::string text = (folder_.path() / "text").string();
    std::ofstream(text) << "no certificate";
    for (const TlsFiles& files : {TlsFiles{folder_.path() / "absent", {}, {}}, TlsFiles{text, {}, {}},
                                  TlsFiles{{}, own.certificate_file, {}}, TlsFiles{{}, own.certificate_file, text},
                                  TlsFiles{{}, own.certificate_file, authority_.issue("other").key_file}}) {
        const auto status = check_tls_files(files);
        ASSERT_FALSE(status);
        EXPECT_NE(status.error().message.find('\''), std::string::npos) << status.error().message;
    }
}

}  // namespace
}  // namespace grapevine::io
