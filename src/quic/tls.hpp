#pragma once

// TLS 1.3 with mutual raw public keys (RFC 7250, RFC 8446) by GnuTLS, as iroh speaks it: Ed25519 only, no X.509, the
// 32-byte key is the peer's id.
//
// Rules
// - A peer without exactly one 44-byte Ed25519 SubjectPublicKeyInfo fails the handshake, on both sides.
// - A client fails it, too, unless that key is the id that was dialled, byte for byte; PeerCheck::wrong then says so.
// - ALPN is mandatory; the server's order decides.
// - Resumption only if Resumption::on. After it there is no certificate on the wire: the peer's key is the one of the
//   session that is resumed, which GnuTLS keeps in its session data and, sealed, in its tickets; it must pass the same
//   checks. Early data needs a ticket that was not used before (tickets.hpp).
// - With Resumption::off no tickets are given, and those of a peer that sends them are read over.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include "base/ed25519.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "quic/tickets.hpp"

namespace grapevine::quic {

// GnuTLS's own limits (3.7 and 3.8); longer names and lists cannot be offered or served.
inline constexpr std::size_t kAlpnBytesMax = 31;
inline constexpr std::size_t kAlpnsMax = 8;

enum class Resumption : std::uint8_t { off, on };

// Whether the early data of the ClientHello that GnuTLS is reading may be taken.
enum class Verdict : std::uint8_t { replayed, fresh };
struct ReplayFilter {
    Verdict verdict = Verdict::replayed;
};

// What all sessions of an endpoint share: its key as credentials, the algorithms, the protocols served, and the key
// that seals its tickets, which is drawn anew by every process.
class TlsContext {
public:
    // `alpns`: at most kAlpnsMax, each 1 to kAlpnBytesMax bytes; others are left out.
    TlsContext(const base::SecretKey& key, const std::vector<std::string>& alpns, Resumption resumption);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    [[nodiscard]] gnutls_certificate_credentials_t credentials() const { return credentials_.get(); }
    [[nodiscard]] gnutls_priority_t priority() const { return priority_.get(); }
    [[nodiscard]] const std::vector<std::string>& alpns() const { return alpns_; }
    [[nodiscard]] Resumption resumption() const { return resumption_; }
    [[nodiscard]] const gnutls_datum_t& ticket_key() const { return ticket_key_; }
    [[nodiscard]] ReplayFilter& replay_filter() const { return *replay_filter_; }
    [[nodiscard]] gnutls_anti_replay_t anti_replay() const { return anti_replay_.get(); }

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
    using AntiReplay = std::unique_ptr<std::remove_pointer_t<gnutls_anti_replay_t>,
                                       Deleter<gnutls_anti_replay_t, gnutls_anti_replay_deinit>>;
    void start_resumption();
    std::vector<std::string> alpns_;
    Credentials credentials_;
    Priority priority_;
    const Resumption resumption_;
    gnutls_datum_t ticket_key_{};
    std::unique_ptr<ReplayFilter> replay_filter_ = std::make_unique<ReplayFilter>();
    AntiReplay anti_replay_;
};

// Which key must answer, and which did.
struct PeerCheck {
    std::optional<base::EndpointId> expected;  // Set when dialling.
    std::optional<base::EndpointId> seen;
    bool wrong = false;
};

// The TLS side of one connection, alive during the handshake and until its tickets have come or gone. Not movable:
// GnuTLS and ngtcp2 point to it.
class TlsSession {
public:
    TlsSession() = default;
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    base::Status start_client(const TlsContext& context, ngtcp2_conn* conn, const base::EndpointId& expected,
                              std::string_view alpn);
    // Offers early data. False if GnuTLS cannot use this session data any more; then the handshake will be a full one.
    [[nodiscard]] bool resume(base::ByteView session_data);
    // `issued` outlives the session; it is used only with Resumption::on.
    base::Status start_server(const TlsContext& context, ngtcp2_conn* conn, IssuedTickets& issued);

    // Once the handshake is complete, or a server has opened early data: the key that was proven, or null.
    [[nodiscard]] const base::EndpointId* establish_peer();
    [[nodiscard]] const PeerCheck& peer() const { return check_; }
    [[nodiscard]] std::string alpn() const;
    // Whether the server took the early data that was offered; known when the handshake is complete.
    [[nodiscard]] bool early_data_accepted() const;

    // Server, when the handshake is complete: gives the client kTicketsPerConnection tickets.
    void send_tickets();
    [[nodiscard]] Dropped tickets_displaced() const { return displaced_; }
    // Client: session data for the tickets that came since the last call.
    [[nodiscard]] std::vector<base::Bytes> take_tickets() { return std::exchange(received_, {}); }

private:
    base::Status start(const TlsContext& context, ngtcp2_conn* conn, unsigned role);
    base::Status set_alpns(const std::vector<std::string_view>& alpns);
    static int verify_peer(gnutls_session_t session);
    static int on_message(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                          const gnutls_datum_t* message);
    int check_peer();
    void on_client_hello(base::ByteView hello);
    int on_ticket_received();
    void on_ticket_sent(base::ByteView message);
    friend class TlsContext;

    ngtcp2_crypto_conn_ref ref_{};  // What ngtcp2's glue finds through gnutls_session_get_ptr.
    ngtcp2_conn* conn_ = nullptr;
    gnutls_session_t session_ = nullptr;
    PeerCheck check_;
    const TlsContext* context_ = nullptr;  // With Resumption::on only, as what follows.
    IssuedTickets* issued_ = nullptr;      // Server.
    Dropped displaced_ = 0;
    std::vector<base::Bytes> received_;  // Client.
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
