#pragma once

// TLS 1.3 with mutual raw public keys (RFC 7250, RFC 8446) by GnuTLS, as iroh speaks it: Ed25519 only, no X.509, the
// 32-byte key is the peer's id.
//
// Rules
// - A peer without exactly one 44-byte Ed25519 SubjectPublicKeyInfo fails the handshake, on both sides.
// - A client fails it, too, unless that key is the id that was dialled, byte for byte; PeerCheck::wrong then says so.
// - ALPN is mandatory; the server's order decides. No session tickets and so no 0-RTT: early data can be replayed, and
//   nothing above needs the one round trip it saves. Tickets of a peer that sends them are read over.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include "base/ed25519.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

namespace grapevine::quic {

// GnuTLS's own limits (3.7 and 3.8); longer names and lists cannot be offered or served.
inline constexpr std::size_t kAlpnBytesMax = 31;
inline constexpr std::size_t kAlpnsMax = 8;

// What all sessions of an endpoint share: its key as credentials, the algorithms, the protocols served.
class TlsContext {
public:
    // `alpns`: at most kAlpnsMax, each 1 to kAlpnBytesMax bytes; others are left out.
    TlsContext(const base::SecretKey& key, const std::vector<std::string>& alpns);
    [[nodiscard]] gnutls_certificate_credentials_t credentials() const { return credentials_.get(); }
    [[nodiscard]] gnutls_priority_t priority() const { return priority_.get(); }
    [[nodiscard]] const std::vector<std::string>& alpns() const { return alpns_; }

private:
    template <typename Handle, auto Free>
    struct Deleter {
        using pointer = Handle;
        void operator()(Handle handle) const { Free(handle); }
    };
    using Credentials = std::unique_ptr<std::remove_pointer_t<gnutls_certificate_credentials_t>,
                                        Deleter<gnutls_certificate_credentials_t, gnutls_certificate_free_credentials>>;
    using Priority =
        std::unique_ptr<std::remove_pointer_t<gnutls_priority_t>, Deleter<gnutls_priority_t, gnutls_priority_deinit>>;
    std::vector<std::string> alpns_;
    Credentials credentials_;
    Priority priority_;
};

// Which key must answer, and which did.
struct PeerCheck {
    std::optional<base::EndpointId> expected;  // Set when dialling.
    std::optional<base::EndpointId> seen;
    bool wrong = false;
};

// The TLS side of one connection, alive during the handshake only. Not movable: GnuTLS and ngtcp2 point to it.
class TlsSession {
public:
    TlsSession() = default;
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    base::Status start_client(const TlsContext& context, ngtcp2_conn* conn, const base::EndpointId& expected,
                              std::string_view alpn);
    base::Status start_server(const TlsContext& context, ngtcp2_conn* conn);

    [[nodiscard]] const PeerCheck& peer() const { return check_; }
    [[nodiscard]] std::string alpn() const;

private:
    base::Status start(const TlsContext& context, ngtcp2_conn* conn, unsigned role);
    base::Status set_alpns(const std::vector<std::string_view>& alpns);
    static int verify_peer(gnutls_session_t session);
    int check_peer();
    friend class TlsContext;

    ngtcp2_crypto_conn_ref ref_{};  // What ngtcp2's glue finds through gnutls_session_get_ptr.
    ngtcp2_conn* conn_ = nullptr;
    gnutls_session_t session_ = nullptr;
    PeerCheck check_;
};

// Follows the TLS messages that arrive after the handshake, when the session is gone. Session tickets are read over;
// anything else, KeyUpdate above all, is forbidden in QUIC (RFC 9001 section 6) and ends the connection.
class PostHandshake {
public:
    // False at the first message that may not come.
    [[nodiscard]] bool accept(base::ByteView data);

private:
    std::uint32_t header_ = 0;  // The header so far: type, then 24-bit length.
    std::uint8_t header_bytes_ = 0;
    std::uint32_t body_left_ = 0;
};

}  // namespace grapevine::quic
