#include <algorithm>
#include <optional>

#include <ngtcp2/ngtcp2_crypto.h>

#include "quic/connection.hpp"

namespace grapevine::quic {
namespace {

// ngtcp2 does not tell which packets authenticate, and gives its decrypt callback no user data. So the callback leaves
// a mark, which Connection::receive clears before and reads after the one call that may set it; nothing outlives that
// call. The alignment is for mold 1.10: where thread-local data is aligned less than what follows it, one layout in
// some hundreds makes a program that the dynamic loader refuses, since its RELRO segment begins on a page that is not
// there.
alignas(16) thread_local bool authenticated = false;

int decrypt(std::uint8_t* dest, const ngtcp2_crypto_aead* aead, const ngtcp2_crypto_aead_ctx* context,
            const std::uint8_t* ciphertext, std::size_t ciphertext_bytes, const std::uint8_t* nonce,
            std::size_t nonce_bytes, const std::uint8_t* aad, std::size_t aad_bytes) {
    const int rv =
        ngtcp2_crypto_decrypt_cb(dest, aead, context, ciphertext, ciphertext_bytes, nonce, nonce_bytes, aad, aad_bytes);
    authenticated = authenticated || rv == 0;
    return rv;
}

}  // namespace

bool take_authenticated() {
    return std::exchange(authenticated, false);
}

// A friend of Connection, so that the functions that C calls can be static and reach its parts.
struct Callbacks {
    static Connection& self(void* user) { return *static_cast<Connection*>(user); }

    static int recv_crypto(ngtcp2_conn* conn, ngtcp2_encryption_level level, std::uint64_t offset,
                           const std::uint8_t* data, std::size_t bytes, void* user) {
        Connection& connection = self(user);
        // Followed from the start, also while the session reads along, which may go in the midst of a message.
        if (level == NGTCP2_ENCRYPTION_LEVEL_1RTT && !connection.post_handshake_.accept({data, bytes})) {
            ngtcp2_conn_set_tls_alert(conn, GNUTLS_A_UNEXPECTED_MESSAGE);
            return NGTCP2_ERR_CRYPTO;
        }
        if (connection.tls_) {
            return ngtcp2_crypto_recv_crypto_data_cb(conn, level, offset, data, bytes, user);
        }
        return 0;
    }

    static int handshake_completed(ngtcp2_conn*, void* user) { return self(user).on_handshake_completed(); }

    static int recv_stream_data(ngtcp2_conn*, std::uint32_t flags, std::int64_t id, std::uint64_t,
                                const std::uint8_t* data, std::size_t bytes, void* user, void*) {
        return self(user).on_stream_data(StreamRef{id}, {data, bytes}, (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0);
    }

    static int acked_stream_data(ngtcp2_conn*, std::int64_t id, std::uint64_t, std::uint64_t bytes, void* user, void*) {
        self(user).on_acknowledged(StreamRef{id}, static_cast<std::size_t>(bytes));
        return 0;
    }

    static int stream_open(ngtcp2_conn*, std::int64_t id, void* user) {
        Connection& connection = self(user);
        if (connection.announce_early() != 0) {
            return NGTCP2_ERR_CALLBACK_FAILURE;
        }
        Stream& stream = connection.streams_.add(StreamRef{id}, connection.shared_.ledger);
        stream.writable = stream.ref.is_bidirectional();
        connection.shared_.events.push(StreamOpened{connection.ref_, stream.ref});
        return 0;
    }

    static int stream_close(ngtcp2_conn* conn, std::uint32_t flags, std::int64_t id, std::uint64_t code, void* user,
                            void*) {
        const bool has_code = (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0;
        self(user).frames_lost_ += ngtcp2_conn_get_stream_loss_count(conn, id);
        self(user).on_stream_closed(StreamRef{id}, has_code ? std::optional(code) : std::nullopt);
        return 0;
    }

    static int stream_reset(ngtcp2_conn*, std::int64_t id, std::uint64_t, std::uint64_t code, void* user, void*) {
        self(user).on_stream_reset(StreamRef{id}, code);
        return 0;
    }

    static int extend_stream_data(ngtcp2_conn*, std::int64_t, std::uint64_t, void* user, void*) {
        self(user).streams_.release_held_back();
        return 0;
    }

    static int extend_bidi(ngtcp2_conn*, std::uint64_t, void* user) {
        return announce_streams(self(user), Direction::bidirectional);
    }
    static int extend_uni(ngtcp2_conn*, std::uint64_t, void* user) {
        return announce_streams(self(user), Direction::unidirectional);
    }
    static int announce_streams(Connection& connection, Direction direction) {
        bool& wanted = direction == Direction::bidirectional ? connection.wants_bidi_ : connection.wants_uni_;
        if (connection.established_ && std::exchange(wanted, false)) {
            connection.shared_.events.push(StreamsAvailable{connection.ref_, direction});
        }
        return 0;
    }

    static int recv_datagram(ngtcp2_conn*, std::uint32_t, const std::uint8_t* data, std::size_t bytes, void* user) {
        Connection& connection = self(user);
        if (connection.announce_early() != 0) {
            return NGTCP2_ERR_CALLBACK_FAILURE;
        }
        if (connection.shared_.events.full()) {
            ++connection.shared_.counters.dropped_event_queue;
            return 0;
        }
        connection.shared_.events.push(DatagramReceived{connection.ref_, base::Bytes(data, data + bytes)});
        return 0;
    }

    static int lost_datagram(ngtcp2_conn*, std::uint64_t, void* user) {
        ++self(user).frames_lost_;
        return 0;
    }

    static int recv_stateless_reset(ngtcp2_conn*, const ngtcp2_pkt_stateless_reset*, void* user) {
        self(user).reset_seen_ = true;
        return 0;
    }

    static int new_connection_id(ngtcp2_conn*, ngtcp2_cid* cid, std::uint8_t* token, std::size_t bytes, void* user) {
        Connection& connection = self(user);
        cid->datalen = bytes;
        connection.shared_.secrets.fill({cid->data, bytes});
        const ResetToken reset = connection.shared_.secrets.reset_token(*cid);
        std::copy(reset.begin(), reset.end(), token);
        const auto added = connection.shared_.cids.add(connection.cids, Cid(*cid), connection.ref_);
        return added == base::Admitted::yes ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
    }

    static int remove_connection_id(ngtcp2_conn*, const ngtcp2_cid* cid, void* user) {
        Connection& connection = self(user);
        connection.shared_.cids.remove(connection.cids, Cid(*cid));
        return 0;
    }

    static int dcid_status(ngtcp2_conn*, ngtcp2_connection_id_status_type type, std::uint64_t, const ngtcp2_cid*,
                           const std::uint8_t* token, void* user) {
        if (token == nullptr) {
            return 0;
        }
        Connection& connection = self(user);
        const ResetToken digest = connection.shared_.secrets.token_digest({token, NGTCP2_STATELESS_RESET_TOKENLEN});
        if (type == NGTCP2_CONNECTION_ID_STATUS_TYPE_DEACTIVATE) {
            connection.shared_.cids.remove_token(connection.cids, digest);
        } else {
            // A token that is somebody else's already can only cost this peer its own reset.
            static_cast<void>(connection.shared_.cids.add_token(connection.cids, digest, connection.ref_));
        }
        return 0;
    }

    static int path_validation(ngtcp2_conn*, std::uint32_t, const ngtcp2_path* path, const ngtcp2_path*,
                               ngtcp2_path_validation_result result, void* user) {
        if (result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS) {
            self(user).on_path_validated(*path);
        }
        return 0;
    }

    static int path_challenge(ngtcp2_conn*, std::uint8_t* data, void* user) {
        self(user).shared_.secrets.fill({data, NGTCP2_PATH_CHALLENGE_DATALEN});
        return 0;
    }

    static void random(std::uint8_t* dest, std::size_t bytes, const ngtcp2_rand_ctx* context) {
        static_cast<Secrets*>(context->native_handle)->fill({dest, bytes});
    }

    static int recv_rx_key(ngtcp2_conn*, ngtcp2_encryption_level level, void* user) {
        if (level == NGTCP2_ENCRYPTION_LEVEL_HANDSHAKE) {
            self(user).on_server_hello();
        }
        return 0;
    }
};

namespace {

ngtcp2_callbacks common_callbacks() {
    ngtcp2_callbacks table{};
    table.recv_crypto_data = Callbacks::recv_crypto;
    table.handshake_completed = Callbacks::handshake_completed;
    table.encrypt = ngtcp2_crypto_encrypt_cb;
    table.decrypt = decrypt;
    table.hp_mask = ngtcp2_crypto_hp_mask_cb;
    table.recv_stream_data = Callbacks::recv_stream_data;
    table.acked_stream_data_offset = Callbacks::acked_stream_data;
    table.stream_open = Callbacks::stream_open;
    table.stream_close = Callbacks::stream_close;
    table.stream_reset = Callbacks::stream_reset;
    table.extend_max_stream_data = Callbacks::extend_stream_data;
    table.extend_max_local_streams_bidi = Callbacks::extend_bidi;
    table.extend_max_local_streams_uni = Callbacks::extend_uni;
    table.recv_datagram = Callbacks::recv_datagram;
    table.lost_datagram = Callbacks::lost_datagram;
    table.recv_stateless_reset = Callbacks::recv_stateless_reset;
    table.get_new_connection_id = Callbacks::new_connection_id;
    table.remove_connection_id = Callbacks::remove_connection_id;
    table.dcid_status = Callbacks::dcid_status;
    table.path_validation = Callbacks::path_validation;
    table.get_path_challenge_data = Callbacks::path_challenge;
    table.rand = Callbacks::random;
    table.update_key = ngtcp2_crypto_update_key_cb;
    table.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
    table.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
    table.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
    return table;
}

ngtcp2_callbacks client_callbacks() {
    ngtcp2_callbacks table = common_callbacks();
    table.client_initial = ngtcp2_crypto_client_initial_cb;
    table.recv_retry = ngtcp2_crypto_recv_retry_cb;
    table.recv_rx_key = Callbacks::recv_rx_key;
    return table;
}

ngtcp2_callbacks server_callbacks() {
    ngtcp2_callbacks table = common_callbacks();
    table.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
    return table;
}

}  // namespace

const ngtcp2_callbacks& callbacks(Origin origin) {
    static const ngtcp2_callbacks kClient = client_callbacks();
    static const ngtcp2_callbacks kServer = server_callbacks();
    return origin == Origin::outgoing ? kClient : kServer;
}

}  // namespace grapevine::quic
