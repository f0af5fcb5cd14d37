#include "io/tls_stream_testing.hpp"

#include <array>
#include <ctime>
#include <fstream>
#include <vector>

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/assert.hpp"

namespace grapevine::io {

namespace {

void must(int status, const char* what) {
    GRAPEVINE_ASSERT(status >= 0, what);
}

constexpr std::time_t kDay = 24 * 3600;

void write_file(const std::string& path, const gnutls_datum_t& text) {
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(text.data), text.size);
}

std::string host_of(const std::string& host, std::vector<unsigned char>& ip) {
    ip.resize(16);
    if (::inet_pton(AF_INET, host.c_str(), ip.data()) == 1)
        ip.resize(4);
    else if (::inet_pton(AF_INET6, host.c_str(), ip.data()) != 1)
        ip.clear();
    return host;
}

class TlsServerStream : public ByteStream {
public:
    TlsServerStream(int fd, const TestCertificate& own, const std::string& client_ca) {
        must(gnutls_certificate_allocate_credentials(&credentials_), "credentials");
        must(gnutls_certificate_set_x509_key_file(credentials_, own.certificate_file.c_str(), own.key_file.c_str(),
                                                  GNUTLS_X509_FMT_PEM),
             "a certificate");
        must(gnutls_init(&session_, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL), "a session");
        must(gnutls_set_default_priority(session_), "priorities");
        must(gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_), "credentials");
        if (!client_ca.empty()) {
            must(gnutls_certificate_set_x509_trust_file(credentials_, client_ca.c_str(), GNUTLS_X509_FMT_PEM), "a CA");
            gnutls_certificate_server_set_request(session_, GNUTLS_CERT_REQUIRE);
            gnutls_session_set_verify_cert(session_, nullptr, 0);
        }
        gnutls_transport_set_int(session_, fd);
    }
    ~TlsServerStream() override {
        gnutls_deinit(session_);
        gnutls_certificate_free_credentials(credentials_);
    }
    TlsServerStream(const TlsServerStream&) = delete;
    TlsServerStream& operator=(const TlsServerStream&) = delete;

    StreamStep handshake() override {
        const int result = gnutls_handshake(session_);
        return result == 0 ? StreamStep{StreamStep::State::done, 0, {}} : step(result);
    }
    StreamStep read(std::span<std::uint8_t> out) override {
        return step(gnutls_record_recv(session_, out.data(), out.size()));
    }
    StreamStep write(std::string_view data, More) override {
        return step(gnutls_record_send(session_, data.data(), data.size()));
    }
    void close() override { gnutls_bye(session_, GNUTLS_SHUT_WR); }

private:
    StreamStep step(ssize_t result) {
        using State = StreamStep::State;
        if (result > 0) return {State::done, static_cast<std::size_t>(result), {}};
        if (result == 0) return {State::closed, 0, {}};
        if (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED)
            return {gnutls_record_get_direction(session_) == 1 ? State::want_write : State::want_read, 0, {}};
        return {State::failed, 0, gnutls_strerror(static_cast<int>(result))};
    }

    gnutls_certificate_credentials_t credentials_ = nullptr;
    gnutls_session_t session_ = nullptr;
};

}  // namespace

class TestAuthority::Keys {
public:
    Keys() {
        must(gnutls_x509_privkey_init(&key), "a key");
        must(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
             "a key");
        must(gnutls_x509_crt_init(&certificate), "a certificate");
        must(gnutls_x509_crt_set_version(certificate, 3), "a version");
        must(gnutls_x509_crt_set_key(certificate, key), "a key");
    }
    ~Keys() {
        gnutls_x509_crt_deinit(certificate);
        gnutls_x509_privkey_deinit(key);
    }
    Keys(const Keys&) = delete;
    Keys& operator=(const Keys&) = delete;

    void describe(const std::string& name, std::time_t begin, std::time_t end, unsigned char serial) {
        const std::array<unsigned char, 2> number{1, serial};
        must(gnutls_x509_crt_set_serial(certificate, number.data(), number.size()), "a serial");
        must(gnutls_x509_crt_set_activation_time(certificate, begin), "a begin");
        must(gnutls_x509_crt_set_expiration_time(certificate, end), "an end");
        must(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name.data(),
                                           static_cast<unsigned>(name.size())),
             "a name");
    }
    void sign(const Keys& by) {
        must(gnutls_x509_crt_sign2(certificate, by.certificate, by.key, GNUTLS_DIG_SHA256, 0), "a signature");
    }
    [[nodiscard]] TestCertificate write(const std::filesystem::path& prefix) const {
        const TestCertificate files{prefix.string() + ".pem", prefix.string() + ".key"};
        gnutls_datum_t text{};
        must(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &text), "text");
        write_file(files.certificate_file, text);
        gnutls_free(text.data);
        must(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text), "text");
        write_file(files.key_file, text);
        gnutls_free(text.data);
        return files;
    }

    gnutls_x509_privkey_t key = nullptr;
    gnutls_x509_crt_t certificate = nullptr;
};

TestAuthority::TestAuthority(std::filesystem::path folder, const std::string& name)
    : folder_(std::move(folder)), name_(name), keys_(std::make_unique<Keys>()) {
    const std::time_t now = std::time(nullptr);
    keys_->describe(name, now - kDay, now + kDay, 1);
    must(gnutls_x509_crt_set_basic_constraints(keys_->certificate, 1, 1), "an authority");
    must(gnutls_x509_crt_set_key_usage(keys_->certificate, GNUTLS_KEY_KEY_CERT_SIGN), "a usage");
    keys_->sign(*keys_);
    own_ = keys_->write(folder_ / name);
}
TestAuthority::~TestAuthority() = default;

TestCertificate TestAuthority::issue(const std::string& host, Validity validity, Purpose purpose) {
    Keys keys;
    const std::time_t end = std::time(nullptr) + (validity == Validity::now ? kDay : -kDay / 2);
    keys.describe("test", end - 2 * kDay, end, static_cast<unsigned char>(++issued_ + 1));
    std::vector<unsigned char> ip;
    const std::string text = host_of(host, ip);
    must(ip.empty() ? gnutls_x509_crt_set_subject_alt_name(keys.certificate, GNUTLS_SAN_DNSNAME, text.data(),
                                                           static_cast<unsigned>(text.size()), GNUTLS_FSAN_SET)
                    : gnutls_x509_crt_set_subject_alt_name(keys.certificate, GNUTLS_SAN_IPADDRESS, ip.data(),
                                                           static_cast<unsigned>(ip.size()), GNUTLS_FSAN_SET),
         "a host");
    must(gnutls_x509_crt_set_key_usage(keys.certificate, GNUTLS_KEY_DIGITAL_SIGNATURE), "a usage");
    must(gnutls_x509_crt_set_key_purpose_oid(
             keys.certificate, purpose == Purpose::server ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT, 0),
         "a purpose");
    keys.sign(*keys_);
    return keys.write(folder_ / (name_ + '-' + std::to_string(issued_)));
}

std::unique_ptr<ByteStream> make_tls_server_stream(int fd, const TestCertificate& own, const std::string& client_ca) {
    return std::make_unique<TlsServerStream>(fd, own, client_ca);
}

}  // namespace grapevine::io
