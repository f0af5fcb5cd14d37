#include "quic/tls.hpp"

#include <algorithm>
#include <cstring>
#include <ctime>

#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "base/assert.hpp"

namespace grapevine::quic {
namespace {

constexpr const char* kPriority =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
    "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
    "-CTYPE-ALL:+CTYPE-SRV-RAWPK:+CTYPE-CLI-RAWPK:%DISABLE_TLS13_COMPAT_MODE";

// RFC 8410: SubjectPublicKeyInfo and PKCS#8 of an Ed25519 key, up to the 32 bytes of the key.
constexpr std::array<std::uint8_t, 12> kSpkiPrefix{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                   0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
constexpr std::array<std::uint8_t, 16> kPkcs8Prefix{0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                                    0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
constexpr std::size_t kSpkiBytes = kSpkiPrefix.size() + base::kIdBytes;
constexpr std::uint8_t kNewSessionTicket = 4;
constexpr std::size_t kEarlyDataBytes = 0xffffffff;  // The only value that QUIC allows (RFC 9001 section 4.6.1).

template <std::size_t N>
std::array<std::uint8_t, N + base::kIdBytes> der(const std::array<std::uint8_t, N>& prefix, base::ByteView key) {
    std::array<std::uint8_t, N + base::kIdBytes> out{};
    std::copy(prefix.begin(), prefix.end(), out.begin());
    std::copy(key.begin(), key.end(), out.begin() + N);
    return out;
}

gnutls_certificate_credentials_t make_credentials(const base::SecretKey& key) {
    gnutls_certificate_credentials_t credentials = nullptr;
    GRAPEVINE_ASSERT(gnutls_certificate_allocate_credentials(&credentials) == 0, "out of memory");
    auto spki = der(kSpkiPrefix, key.id().view());
    auto pkcs8 = der(kPkcs8Prefix, key.seed());
    const gnutls_datum_t public_part{spki.data(), static_cast<unsigned>(spki.size())};
    const gnutls_datum_t secret_part{pkcs8.data(), static_cast<unsigned>(pkcs8.size())};
    const int rv = gnutls_certificate_set_rawpk_key_mem(credentials, &public_part, &secret_part, GNUTLS_X509_FMT_DER,
                                                        nullptr, GNUTLS_KEY_DIGITAL_SIGNATURE, nullptr, 0, 0);
    gnutls_memset(pkcs8.data(), 0, pkcs8.size());
    GRAPEVINE_ASSERT(rv == 0, "GnuTLS refused an Ed25519 key pair");
    return credentials;
}

gnutls_priority_t make_priority() {
    gnutls_priority_t priority = nullptr;
    GRAPEVINE_ASSERT(gnutls_priority_init(&priority, kPriority, nullptr) == 0, "GnuTLS lacks an algorithm");
    return priority;
}

base::Status tls_status(int rv, const char* what) {
    if (rv < 0) {
        return base::fail(std::string("TLS: ") + what + ": " + gnutls_strerror(rv));
    }
    return {};
}

}  // namespace

TlsContext::TlsContext(const base::SecretKey& key, const std::vector<std::string>& alpns, Resumption resumption)
    : credentials_(make_credentials(key)), priority_(make_priority()), resumption_(resumption) {
    for (const std::string& alpn : alpns) {
        if (!alpn.empty() && alpn.size() <= kAlpnBytesMax && alpns_.size() < kAlpnsMax) {
            alpns_.push_back(alpn);
        }
    }
    gnutls_certificate_set_verify_function(credentials_.get(), TlsSession::verify_peer);
    if (resumption_ == Resumption::on) {
        start_resumption();
    }
}

// GnuTLS asks its replay filter before it accepts early data, and without one accepts none. It would be filled with the
// binders of the last ten seconds; instead it says what on_client_hello has found, which is stricter. GnuTLS's check
// that the client's and our idea of the ticket's age agree stays in force.
void TlsContext::start_resumption() {
    gnutls_anti_replay_t anti_replay = nullptr;
    GRAPEVINE_ASSERT(gnutls_session_ticket_key_generate(&ticket_key_) == 0, "GnuTLS gave no ticket key");
    GRAPEVINE_ASSERT(gnutls_anti_replay_init(&anti_replay) == 0, "out of memory");
    anti_replay_.reset(anti_replay);
    gnutls_anti_replay_set_ptr(anti_replay, replay_filter_.get());
    gnutls_anti_replay_set_add_function(
        anti_replay, [](void* filter, time_t, const gnutls_datum_t*, const gnutls_datum_t*) -> int {
            const Verdict verdict = std::exchange(static_cast<ReplayFilter*>(filter)->verdict, Verdict::replayed);
            return verdict == Verdict::fresh ? 0 : GNUTLS_E_DB_ENTRY_EXISTS;
        });
}

TlsContext::~TlsContext() {
    if (ticket_key_.data != nullptr) {
        gnutls_memset(ticket_key_.data, 0, ticket_key_.size);
        gnutls_free(ticket_key_.data);
    }
}

TlsSession::~TlsSession() {
    if (session_ != nullptr) {
        gnutls_deinit(session_);
    }
}

base::Status TlsSession::start(const TlsContext& context, ngtcp2_conn* conn, unsigned role) {
    conn_ = conn;
    ref_.user_data = this;
    ref_.get_conn = [](ngtcp2_crypto_conn_ref* ref) { return static_cast<TlsSession*>(ref->user_data)->conn_; };
    const bool resumable = context.resumption() == Resumption::on;
    context_ = resumable ? &context : nullptr;
    const unsigned flags = role | GNUTLS_ENABLE_RAWPK | GNUTLS_NO_END_OF_EARLY_DATA |
                           (resumable ? GNUTLS_ENABLE_EARLY_DATA | GNUTLS_NO_AUTO_SEND_TICKET : GNUTLS_NO_TICKETS);
    auto status = tls_status(gnutls_init(&session_, flags), "session");
    if (!status) {
        return status;
    }
    gnutls_session_set_ptr(session_, &ref_);
    if (resumable) {
        gnutls_handshake_set_hook_function(session_, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_BOTH, on_message);
    }
    status = tls_status(gnutls_priority_set(session_, context.priority()), "priorities");
    if (!status) {
        return status;
    }
    return tls_status(gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, context.credentials()), "credentials");
}

base::Status TlsSession::set_alpns(const std::vector<std::string_view>& alpns) {
    std::vector<gnutls_datum_t> list;
    for (const std::string_view alpn : alpns) {
        auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(alpn.data()));  // Only read.
        list.push_back({bytes, static_cast<unsigned>(alpn.size())});
    }
    constexpr unsigned kFlags = GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE;
    return tls_status(gnutls_alpn_set_protocols(session_, list.data(), static_cast<unsigned>(list.size()), kFlags),
                      "ALPN");
}

base::Status TlsSession::start_client(const TlsContext& context, ngtcp2_conn* conn, const base::EndpointId& expected,
                                      std::string_view alpn) {
    check_.expected = expected;
    auto status = start(context, conn, GNUTLS_CLIENT);
    if (!status) {
        return status;
    }
    if (ngtcp2_crypto_gnutls_configure_client_session(session_) != 0) {
        return base::fail("TLS: the QUIC glue refused the session");
    }
    ngtcp2_conn_set_tls_native_handle(conn, session_);
    return set_alpns({alpn});
}

bool TlsSession::resume(base::ByteView session_data) {
    return gnutls_session_set_data(session_, session_data.data(), session_data.size()) == 0;
}

base::Status TlsSession::start_server(const TlsContext& context, ngtcp2_conn* conn, IssuedTickets& issued) {
    auto status = start(context, conn, GNUTLS_SERVER);
    if (!status) {
        return status;
    }
    if (ngtcp2_crypto_gnutls_configure_server_session(session_) != 0) {
        return base::fail("TLS: the QUIC glue refused the session");
    }
    gnutls_certificate_server_set_request(session_, GNUTLS_CERT_REQUIRE);
    if (context_ != nullptr) {
        issued_ = &issued;
        gnutls_anti_replay_enable(session_, context.anti_replay());
        gnutls_record_set_max_early_data_size(session_, kEarlyDataBytes);
        status = tls_status(gnutls_session_ticket_enable_server(session_, &context.ticket_key()), "tickets");
        if (!status) {
            return status;
        }
    }
    ngtcp2_conn_set_tls_native_handle(conn, session_);
    return set_alpns({context.alpns().begin(), context.alpns().end()});
}

std::string TlsSession::alpn() const {
    gnutls_datum_t selected{};
    if (session_ == nullptr || gnutls_alpn_get_selected_protocol(session_, &selected) != 0) {
        return {};
    }
    return {reinterpret_cast<const char*>(selected.data), selected.size};
}

int TlsSession::verify_peer(gnutls_session_t session) {
    auto* ref = static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(session));
    return static_cast<TlsSession*>(ref->user_data)->check_peer();
}

int TlsSession::check_peer() {
    unsigned count = 0;
    const gnutls_datum_t* certificates = gnutls_certificate_get_peers(session_, &count);
    if (gnutls_certificate_type_get2(session_, GNUTLS_CTYPE_PEERS) != GNUTLS_CRT_RAWPK || certificates == nullptr ||
        count != 1 || certificates[0].size != kSpkiBytes ||
        std::memcmp(certificates[0].data, kSpkiPrefix.data(), kSpkiPrefix.size()) != 0) {
        return GNUTLS_E_CERTIFICATE_ERROR;
    }
    base::EndpointId id;
    std::copy_n(certificates[0].data + kSpkiPrefix.size(), id.bytes.size(), id.bytes.begin());
    check_.seen = id;
    check_.wrong = check_.expected && id != *check_.expected;
    return check_.wrong ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

const base::EndpointId* TlsSession::establish_peer() {
    if (!check_.seen && gnutls_session_is_resumed(session_) != 0 && check_peer() != 0) {
        check_.seen.reset();
    }
    return check_.seen && !check_.wrong ? &*check_.seen : nullptr;
}

bool TlsSession::early_data_accepted() const {
    return (gnutls_session_get_flags(session_) & GNUTLS_SFLAGS_EARLY_DATA) != 0;
}

int TlsSession::on_message(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                           const gnutls_datum_t* message) {
    auto* ref = static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(session));
    auto& self = *static_cast<TlsSession*>(ref->user_data);
    const base::ByteView body = message == nullptr ? base::ByteView{} : base::ByteView(message->data, message->size);
    if (type == GNUTLS_HANDSHAKE_CLIENT_HELLO && incoming != 0 && when == GNUTLS_HOOK_PRE) {
        self.on_client_hello(body);
    }
    if (type == GNUTLS_HANDSHAKE_NEW_SESSION_TICKET && incoming != 0 && when == GNUTLS_HOOK_POST) {
        return self.on_ticket_received();
    }
    if (type == GNUTLS_HANDSHAKE_NEW_SESSION_TICKET && incoming == 0 && when == GNUTLS_HOOK_POST) {
        self.on_ticket_sent(body);
    }
    return 0;
}

// GnuTLS opens any ticket of ours, however often it comes and whatever the ALPN. That may resume the session; whether
// its early data may be taken, the replay filter will ask in the course of this same message.
void TlsSession::on_client_hello(base::ByteView hello) {
    if (issued_ != nullptr) {
        const auto offer = parse_offer(hello);
        const auto alpn = offer ? issued_->redeem(offer->ticket) : std::nullopt;
        context_->replay_filter().verdict = alpn && *alpn == offer->alpn ? Verdict::fresh : Verdict::replayed;
    }
}

void TlsSession::send_tickets() {
    if (issued_ != nullptr) {
        // What cannot be sent is no loss but of a round trip later.
        static_cast<void>(gnutls_session_ticket_send(session_, kTicketsPerConnection, 0));
    }
}

void TlsSession::on_ticket_sent(base::ByteView message) {
    const base::ByteView ticket = ticket_of(message);
    if (issued_ != nullptr && !ticket.empty()) {
        displaced_ += issued_->issue(ticket, alpn());
    }
}

int TlsSession::on_ticket_received() {
    gnutls_datum_t data{};
    if (received_.size() < kTicketsPerPeerMax && gnutls_session_get_data2(session_, &data) == 0) {
        received_.emplace_back(data.data, data.data + data.size);
        gnutls_free(data.data);
    }
    return 0;
}

bool PostHandshake::accept(base::ByteView data) {
    while (!data.empty()) {
        if (body_left_ > 0) {
            const std::size_t skipped = std::min<std::size_t>(body_left_, data.size());
            body_left_ -= static_cast<std::uint32_t>(skipped);
            data = data.subspan(skipped);
            continue;
        }
        header_ = (header_ << 8U) | data.front();
        data = data.subspan(1);
        ++header_bytes_;
        if (header_bytes_ == 1 && header_ != kNewSessionTicket) {
            return false;
        }
        if (header_bytes_ == 4) {
            body_left_ = header_ & 0xffffffU;
            header_ = 0;
            header_bytes_ = 0;
        }
    }
    return true;
}

}  // namespace grapevine::quic
