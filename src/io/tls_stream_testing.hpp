#pragma once

// A small certificate authority, and the server's side of TLS, for tests.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "io/http_client_stream.hpp"

namespace grapevine::io {

// Files of one certificate and its key, PEM.
struct TestCertificate {
    std::string certificate_file, key_file;
};

class TestAuthority {
public:
    // Writes into `folder`, under names that begin with `name`.
    TestAuthority(std::filesystem::path folder, const std::string& name);
    ~TestAuthority();
    TestAuthority(const TestAuthority&) = delete;
    TestAuthority& operator=(const TestAuthority&) = delete;

    [[nodiscard]] const std::string& file() const { return own_.certificate_file; }
    enum class Validity : std::uint8_t { now, expired };
    enum class Purpose : std::uint8_t { server, client };
    // For a DNS name, or an address in text.
    TestCertificate issue(const std::string& host, Validity validity = Validity::now,
                          Purpose purpose = Purpose::server);

private:
    class Keys;
    std::filesystem::path folder_;
    std::string name_;
    TestCertificate own_;
    std::unique_ptr<Keys> keys_;
    int issued_ = 0;
};

// With `client_ca`, a client must show a certificate of that authority.
std::unique_ptr<ByteStream> make_tls_server_stream(int fd, const TestCertificate& own,
                                                   const std::string& client_ca = {});

}  // namespace grapevine::io
