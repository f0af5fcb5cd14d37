#include "io/tls_stream.hpp"

#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/assert.hpp"

namespace grapevine::io {

namespace {

using State = StreamStep::State;

struct CredentialsFree {
    void operator()(gnutls_certificate_credentials_t it) const { gnutls_certificate_free_credentials(it); }
};
using Credentials = std::unique_ptr<std::remove_pointer_t<gnutls_certificate_credentials_t>, CredentialsFree>;

struct TrustFree {
    void operator()(gnutls_x509_trust_list_t it) const { gnutls_x509_trust_list_deinit(it, 1); }
};
using Trust = std::unique_ptr<std::remove_pointer_t<gnutls_x509_trust_list_t>, TrustFree>;

bool is_address(const std::string& host) {
    std::array<std::uint8_t, 16> ip{};
    return ::inet_pton(AF_INET, host.c_str(), ip.data()) == 1 || ::inet_pton(AF_INET6, host.c_str(), ip.data()) == 1;
}

base::Result<Trust> load_trust(const std::string& ca_file) {
    gnutls_x509_trust_list_t raw = nullptr;
    GRAPEVINE_ASSERT(gnutls_x509_trust_list_init(&raw, 0) == 0, "out of memory");
    Trust trust(raw);
    const int added = ca_file.empty() ? gnutls_x509_trust_list_add_system_trust(raw, 0, 0)
                                      : gnutls_x509_trust_list_add_trust_file(raw, ca_file.c_str(), nullptr,
                                                                              GNUTLS_X509_FMT_PEM, 0, 0);
    if (added > 0) return trust;
    const std::string what = ca_file.empty() ? "the system's certificate authorities" : "authorities '" + ca_file + "'";
    return base::fail(what + ": " + (added == 0 ? "no certificate in it" : gnutls_strerror(added)));
}

base::Result<Credentials> load_credentials(const TlsFiles& files) {
    gnutls_certificate_credentials_t raw = nullptr;
    GRAPEVINE_ASSERT(gnutls_certificate_allocate_credentials(&raw) == 0, "out of memory");
    Credentials credentials(raw);
    if (files.certificate_file.empty() != files.key_file.empty())
        return base::invalid("client certificate '" + files.certificate_file + files.key_file +
                             "': a certificate and its key are needed together");
    if (files.certificate_file.empty()) return credentials;
    const int status = gnutls_certificate_set_x509_key_file(raw, files.certificate_file.c_str(), files.key_file.c_str(),
                                                            GNUTLS_X509_FMT_PEM);
    if (status < 0)
        return base::fail("client certificate '" + files.certificate_file + "' with key '" + files.key_file +
                          "': " + gnutls_strerror(status));
    return credentials;
}

std::string describe(unsigned verdict) {
    gnutls_datum_t text{};
    if (gnutls_certificate_verification_status_print(verdict, GNUTLS_CRT_X509, &text, 0) < 0) return "not trusted";
    std::string result(reinterpret_cast<const char*>(text.data), text.size);
    gnutls_free(text.data);
    while (!result.empty() && (result.back() == ' ' || result.back() == '.'))
        result.pop_back();
    return result;
}

}  // namespace

base::Status check_tls_files(const TlsFiles& files) {
    if (!files.ca_file.empty())
        if (const auto trust = load_trust(files.ca_file); !trust) return tl::unexpected(trust.error());
    if (const auto credentials = load_credentials(files); !credentials) return tl::unexpected(credentials.error());
    return {};
}

class TlsStream::Impl {
public:
    Impl(std::string host, std::string ca_file, Credentials credentials)
        : host_(std::move(host)), ca_file_(std::move(ca_file)), credentials_(std::move(credentials)) {}
    ~Impl() {
        if (session_ != nullptr) gnutls_deinit(session_);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    base::Status open(int fd);
    StreamStep step(ssize_t result);
    StreamStep failure(int error);
    int judge();

    std::string host_;
    std::string ca_file_;
    Credentials credentials_;
    gnutls_session_t session_ = nullptr;
    std::string refused_;  // Why judge() refused.

private:
    base::Result<std::vector<gnutls_x509_crt_t>> chain() const;
    void verify(const Trust& trust, std::vector<gnutls_x509_crt_t>& certificates);
};

base::Status TlsStream::Impl::open(int fd) {
    int status = gnutls_init(&session_, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
    if (status == 0) status = gnutls_set_default_priority(session_);
    if (status == 0) status = gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_.get());
    if (status == 0 && !is_address(host_))
        status = gnutls_server_name_set(session_, GNUTLS_NAME_DNS, host_.data(), host_.size());
    const gnutls_datum_t http{reinterpret_cast<unsigned char*>(const_cast<char*>("http/1.1")), 8};
    if (status == 0) status = gnutls_alpn_set_protocols(session_, &http, 1, 0);
    if (status != 0) return base::fail(std::string("TLS cannot be set up: ") + gnutls_strerror(status));
    gnutls_session_set_ptr(session_, this);
    gnutls_certificate_set_verify_function(credentials_.get(), [](gnutls_session_t session) {
        return static_cast<Impl*>(gnutls_session_get_ptr(session))->judge();
    });
    gnutls_handshake_set_timeout(session_, GNUTLS_INDEFINITE_TIMEOUT);  // The owner of the stream has a deadline.
    gnutls_transport_set_int(session_, fd);
    return {};
}

base::Result<std::vector<gnutls_x509_crt_t>> TlsStream::Impl::chain() const {
    unsigned count = 0;
    const gnutls_datum_t* raw = gnutls_certificate_get_peers(session_, &count);
    std::vector<gnutls_x509_crt_t> certificates;
    int status = raw == nullptr || count == 0 ? GNUTLS_E_NO_CERTIFICATE_FOUND : 0;
    for (unsigned i = 0; i < count && status == 0; ++i) {
        gnutls_x509_crt_t certificate = nullptr;
        GRAPEVINE_ASSERT(gnutls_x509_crt_init(&certificate) == 0, "out of memory");
        certificates.push_back(certificate);
        status = gnutls_x509_crt_import(certificate, &raw[i], GNUTLS_X509_FMT_DER);
    }
    if (status == 0) return certificates;
    for (gnutls_x509_crt_t certificate : certificates)
        gnutls_x509_crt_deinit(certificate);
    return base::fail(gnutls_strerror(status));
}

void TlsStream::Impl::verify(const Trust& trust, std::vector<gnutls_x509_crt_t>& certificates) {
    std::array<gnutls_typed_vdata_st, 2> wanted{};
    wanted[0].type = GNUTLS_DT_DNS_HOSTNAME;  // Also compares an address in text with the certificate's addresses.
    wanted[0].data = reinterpret_cast<unsigned char*>(host_.data());
    wanted[1].type = GNUTLS_DT_KEY_PURPOSE_OID;
    wanted[1].data = reinterpret_cast<unsigned char*>(const_cast<char*>(GNUTLS_KP_TLS_WWW_SERVER));
    unsigned verdict = 0;
    const int status =
        gnutls_x509_trust_list_verify_crt2(trust.get(), certificates.data(), static_cast<unsigned>(certificates.size()),
                                           wanted.data(), wanted.size(), 0, &verdict, nullptr);
    if (status != 0)
        refused_ = gnutls_strerror(status);
    else if (verdict != 0)
        refused_ = describe(verdict);
}

int TlsStream::Impl::judge() {
    auto certificates = chain();
    if (!certificates) {
        refused_ = certificates.error().message;
        return -1;
    }
    if (const auto trust = load_trust(ca_file_); trust)
        verify(*trust, *certificates);
    else
        refused_ = trust.error().message;
    for (gnutls_x509_crt_t certificate : *certificates)
        gnutls_x509_crt_deinit(certificate);
    return refused_.empty() ? 0 : -1;
}

StreamStep TlsStream::Impl::failure(int error) {
    if (!refused_.empty()) return {State::failed, 0, "certificate of '" + host_ + "': " + refused_};
    std::string text = std::string("TLS: ") + gnutls_strerror(error);
    if (error == GNUTLS_E_FATAL_ALERT_RECEIVED)
        if (const char* alert = gnutls_alert_get_name(gnutls_alert_get(session_)); alert != nullptr)
            text += std::string(" (") + alert + ')';
    return {State::failed, 0, std::move(text)};
}

// GnuTLS says by the direction what the interrupted call waits for. Warnings and interruptions mean again, at once.
StreamStep TlsStream::Impl::step(ssize_t result) {
    if (result > 0) return {State::done, static_cast<std::size_t>(result), {}};
    if (result == 0) return {State::closed, 0, {}};
    if (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED)
        return {gnutls_record_get_direction(session_) == 1 ? State::want_write : State::want_read, 0, {}};
    return failure(static_cast<int>(result));
}

TlsStream::TlsStream() = default;
TlsStream::~TlsStream() = default;

base::Result<std::unique_ptr<ByteStream>> TlsStream::make(int fd, const std::string& host, const TlsFiles& files) {
    auto credentials = load_credentials(files);
    if (!credentials) return tl::unexpected(credentials.error());
    auto stream = std::make_unique<TlsStream>();
    stream->impl_ = std::make_unique<Impl>(host, files.ca_file, std::move(*credentials));
    if (const auto opened = stream->impl_->open(fd); !opened) return tl::unexpected(opened.error());
    return std::unique_ptr<ByteStream>(std::move(stream));
}

StreamStep TlsStream::handshake() {
    constexpr int kWarningsMax = 4;  // Alerts that are no errors.
    int result = 0;
    for (int i = 0; i <= kWarningsMax; ++i) {
        result = gnutls_handshake(impl_->session_);
        if (result == 0) return {State::done, 0, {}};
        if (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED || gnutls_error_is_fatal(result) != 0) break;
    }
    return impl_->step(result);
}

StreamStep TlsStream::read(std::span<std::uint8_t> out) {
    return impl_->step(gnutls_record_recv(impl_->session_, out.data(), out.size()));
}

StreamStep TlsStream::write(std::string_view data, More) {
    return impl_->step(gnutls_record_send(impl_->session_, data.data(), data.size()));
}

void TlsStream::close() {
    gnutls_bye(impl_->session_, GNUTLS_SHUT_WR);
}

}  // namespace grapevine::io
