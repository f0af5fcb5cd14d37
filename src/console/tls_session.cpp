#include "console/tls_session.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/assert.hpp"
#include "io/files.hpp"

namespace grapevine::console {
namespace {

// The library's own choice, but for versions that RFC 8996 withdrew.
constexpr const char* kPriority = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
constexpr int kWarningsMax = 4;  // Alerts that are no errors, in one handshake.

struct KeyFree {
    void operator()(gnutls_x509_privkey_t it) const { gnutls_x509_privkey_deinit(it); }
};
using Key = std::unique_ptr<std::remove_pointer_t<gnutls_x509_privkey_t>, KeyFree>;

// Owns the certificates, and the list that the library allocated.
struct Chain {
    gnutls_x509_crt_t* list = nullptr;
    unsigned count = 0;
    Chain() = default;
    Chain(const Chain&) = delete;
    Chain& operator=(const Chain&) = delete;
    ~Chain() {
        for (unsigned i = 0; i < count; ++i) {
            gnutls_x509_crt_deinit(list[i]);
        }
        auto* memory = static_cast<void*>(list);
        gnutls_free(memory);
    }
};

gnutls_datum_t datum_of(const std::string& text) {
    return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())), static_cast<unsigned>(text.size())};
}

base::Result<std::string> read_pem(std::string_view what, const std::filesystem::path& path, io::Privacy privacy) {
    std::error_code error;
    const std::filesystem::path target = std::filesystem::canonical(path, error);
    return io::read_file(what, error ? path : target, TlsIdentity::kFileBytesMax, privacy);
}

base::Status unusable(std::string_view what, const std::filesystem::path& path, int status) {
    return base::invalid(io::file_subject(what, path) + ": " + gnutls_strerror(status));
}

}  // namespace

class TlsIdentity::Impl {
public:
    Impl() {
        GRAPEVINE_ASSERT(gnutls_certificate_allocate_credentials(&credentials) == 0, "out of memory");
        GRAPEVINE_ASSERT(gnutls_priority_init(&priority, kPriority, nullptr) == 0, "the library knows TLS 1.2 and 1.3");
    }
    ~Impl() {
        gnutls_priority_deinit(priority);
        gnutls_certificate_free_credentials(credentials);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    base::Status load(const std::filesystem::path& certificate, const std::filesystem::path& key);

    gnutls_certificate_credentials_t credentials = nullptr;
    gnutls_priority_t priority = nullptr;
};

base::Status TlsIdentity::Impl::load(const std::filesystem::path& certificate_path,
                                     const std::filesystem::path& key_path) {
    const auto certificate = read_pem("certificate", certificate_path, io::Privacy::anyone);
    if (!certificate) {
        return tl::unexpected(certificate.error());
    }
    const auto key = read_pem("key of the certificate", key_path, io::Privacy::owner_only);
    if (!key) {
        return tl::unexpected(key.error());
    }
    // Each by itself first, so that it can be said which of them is unusable.
    Chain chain;
    const gnutls_datum_t certificate_text = datum_of(*certificate);
    if (const int status = gnutls_x509_crt_list_import2(&chain.list, &chain.count, &certificate_text,
                                                        GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
        status < 0) {
        return unusable("certificate", certificate_path, status);
    }
    gnutls_x509_privkey_t raw = nullptr;
    GRAPEVINE_ASSERT(gnutls_x509_privkey_init(&raw) == 0, "out of memory");
    const Key own(raw);
    const gnutls_datum_t key_text = datum_of(*key);
    if (const int status = gnutls_x509_privkey_import2(own.get(), &key_text, GNUTLS_X509_FMT_PEM, nullptr, 0);
        status < 0) {
        return unusable("key of the certificate", key_path, status);
    }
    const int status =
        gnutls_certificate_set_x509_key(credentials, chain.list, static_cast<int>(chain.count), own.get());
    if (status == GNUTLS_E_CERTIFICATE_KEY_MISMATCH) {
        return base::invalid(io::file_subject("key of the certificate", key_path) + ": is not the key of '" +
                             certificate_path.string() + "'");
    }
    return status < 0 ? unusable("certificate", certificate_path, status) : base::Status();
}

TlsIdentity::TlsIdentity(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsIdentity::~TlsIdentity() = default;

base::Result<std::unique_ptr<TlsIdentity>> TlsIdentity::load(const std::filesystem::path& certificate,
                                                             const std::filesystem::path& key) {
    auto impl = std::make_unique<Impl>();
    if (const auto loaded = impl->load(certificate, key); !loaded) {
        return tl::unexpected(loaded.error());
    }
    return std::unique_ptr<TlsIdentity>(new TlsIdentity(std::move(impl)));
}

class TlsSession::Impl {
public:
    explicit Impl(const TlsIdentity::Impl& identity) {
        GRAPEVINE_ASSERT(gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) == 0,
                         "out of memory");
        GRAPEVINE_ASSERT(gnutls_priority_set(session, identity.priority) == 0, "a priority of the library");
        GRAPEVINE_ASSERT(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, identity.credentials) == 0,
                         "out of memory");
        const gnutls_datum_t http{reinterpret_cast<unsigned char*>(const_cast<char*>("http/1.1")), 8};
        GRAPEVINE_ASSERT(gnutls_alpn_set_protocols(session, &http, 1, 0) == 0, "out of memory");
        gnutls_handshake_set_timeout(session, GNUTLS_INDEFINITE_TIMEOUT);  // The owner of the session has a deadline.
        gnutls_transport_set_ptr(session, this);
        gnutls_transport_set_pull_function(session, [](gnutls_transport_ptr_t self, void* data, std::size_t size) {
            return static_cast<Impl*>(self)->pull(static_cast<std::uint8_t*>(data), size);
        });
        gnutls_transport_set_push_function(
            session, [](gnutls_transport_ptr_t self, const void* data, std::size_t size) {
                static_cast<Impl*>(self)->output.append(static_cast<const char*>(data), size);
                return static_cast<ssize_t>(size);
            });
        // Asked in DTLS and before a timeout; neither is here.
        gnutls_transport_set_pull_timeout_function(session, [](gnutls_transport_ptr_t, unsigned) { return 1; });
    }
    ~Impl() { gnutls_deinit(session); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    ssize_t pull(std::uint8_t* data, std::size_t size) {
        const std::size_t count = std::min(size, input.size() - taken);
        if (count == 0 && !ended) {
            gnutls_transport_set_errno(session, EAGAIN);
            return -1;
        }
        std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(taken), count, data);
        taken += count;
        if (taken == input.size()) {
            input.clear();
            taken = 0;
        }
        return static_cast<ssize_t>(count);
    }

    Step step(ssize_t result) {
        if (result > 0) return {State::done, static_cast<std::size_t>(result)};
        if (result == 0) return {State::closed};
        if (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED) return {State::want_input};
        // It is told what it did wrong; whoever ended without a word is not.
        gnutls_alert_send_appropriate(session, static_cast<int>(result));
        return {State::failed, 0, gnutls_strerror(static_cast<int>(result))};
    }

    gnutls_session_t session = nullptr;
    std::string input;
    std::size_t taken = 0;  // Of the input.
    bool ended = false;
    std::string output;
};

TlsSession::TlsSession(const TlsIdentity& identity) : impl_(std::make_unique<Impl>(*identity.impl_)) {}
TlsSession::~TlsSession() = default;

void TlsSession::feed(std::span<const std::uint8_t> bytes) {
    impl_->input.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void TlsSession::feed_end() {
    impl_->ended = true;
}

std::string TlsSession::take_output() {
    return std::exchange(impl_->output, {});
}

bool TlsSession::has_output() const {
    return !impl_->output.empty();
}

TlsSession::Step TlsSession::handshake() {
    int result = 0;
    for (int i = 0; i <= kWarningsMax; ++i) {
        result = gnutls_handshake(impl_->session);
        if (result == 0) {
            return {State::done};
        }
        if (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED || gnutls_error_is_fatal(result) != 0) {
            break;
        }
    }
    return impl_->step(result);
}

TlsSession::Step TlsSession::receive(std::span<std::uint8_t> out) {
    return impl_->step(gnutls_record_recv(impl_->session, out.data(), out.size()));
}

TlsSession::Step TlsSession::send(std::string_view bytes) {
    return impl_->step(gnutls_record_send(impl_->session, bytes.data(), std::min(bytes.size(), kRecordMax)));
}

void TlsSession::close() {
    gnutls_bye(impl_->session, GNUTLS_SHUT_WR);
}

}  // namespace grapevine::console
