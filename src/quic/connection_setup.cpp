// How connections begin: ngtcp2's settings, iroh's transport parameters, dialling and accepting.

#include "quic/connection.hpp"

namespace grapevine::quic {
namespace {

// What iroh tells its peers that it takes in one datagram.
constexpr std::uint64_t kReceiveBytesMax = 1472;
constexpr std::uint64_t kActiveCids = 5;              // As iroh.
constexpr std::uint64_t kDatagramFrameBytes = 65535;  // As iroh.
constexpr std::size_t kFirstCidBytes = 20;            // A client's choice for the server, unpredictable; as iroh.

}  // namespace

ngtcp2_settings Connection::make_settings(base::TimePoint now) const {
    ngtcp2_settings settings;
    ngtcp2_settings_default(&settings);
    settings.initial_ts = to_native(now);
    settings.initial_rtt = to_native(kInitialRtt);
    settings.max_tx_udp_payload_size = kPacketBytesMax;
    settings.ack_thresh = 1;
    settings.rand_ctx.native_handle = &shared_.secrets;
    const base::TimePoint started = dialing_ ? dialing_->started : now;
    const base::Duration left = shared_.config.handshake_timeout - (now - started);
    settings.handshake_timeout = std::max<ngtcp2_duration>(1, to_native(left));
    return settings;
}

ngtcp2_transport_params Connection::make_params() const {
    const Limits& limits = shared_.config.limits;
    ngtcp2_transport_params params;
    ngtcp2_transport_params_default(&params);
    params.max_idle_timeout = to_native(shared_.config.idle_timeout);
    params.max_udp_payload_size = kReceiveBytesMax;
    params.initial_max_data = limits.connection_window_bytes;
    params.initial_max_stream_data_bidi_local = limits.stream_window_bytes;
    params.initial_max_stream_data_bidi_remote = limits.stream_window_bytes;
    params.initial_max_stream_data_uni = limits.stream_window_bytes;
    params.initial_max_streams_bidi = limits.streams_bidi_max;
    params.initial_max_streams_uni = limits.streams_uni_max;
    params.active_connection_id_limit = kActiveCids;
    params.max_datagram_frame_size = kDatagramFrameBytes;
    return params;
}

base::Result<std::unique_ptr<Connection>> Connection::dial(Shared& shared, ConnectionRef ref, Dialing dialing,
                                                           base::TimePoint now) {
    std::unique_ptr<Connection> connection(new Connection(shared, ref, Origin::outgoing, now));
    connection->created_ = dialing.started;
    connection->dialing_ = std::make_unique<Dialing>(std::move(dialing));
    auto status = connection->start_dial(now);
    if (!status) {
        return tl::unexpected(std::move(status.error()));
    }
    return connection;
}

base::Status Connection::start_dial(base::TimePoint now) {
    peer_ = dialing_->peer;
    peer_counted_ = true;
    ++shared_.per_peer[peer_];
    remote_ = dialing_->candidates.left().front();
    alpn_ = dialing_->alpn;
    ngtcp2_cid first{};
    first.datalen = kFirstCidBytes;
    shared_.secrets.fill({first.data, first.datalen});
    const ngtcp2_cid own = shared_.secrets.new_cid();
    base::SocketAddr local;
    local.family = remote_.family;
    const NativePath native{NativeAddr(local), NativeAddr(remote_)};
    const ngtcp2_path path = native.view();
    const ngtcp2_settings settings = make_settings(now);
    const ngtcp2_transport_params params = make_params();
    stamp(now);
    const int rv = ngtcp2_conn_client_new(&conn_, &first, &own, &path, NGTCP2_PROTO_VER_V1, &callbacks(origin_),
                                          &settings, &params, nullptr, this);
    if (rv != 0) {
        return base::fail(std::string("QUIC: ") + ngtcp2_strerror(rv));
    }
    if (shared_.cids.add(cids, Cid(own), ref_) != base::Admitted::yes) {
        return base::fail("QUIC: a connection id occurred twice");
    }
    tls_ = std::make_unique<TlsSession>();
    auto status = tls_->start_client(shared_.tls, conn_, dialing_->peer, dialing_->alpn);
    if (status && shared_.config.zero_rtt && dialing_->attempt == Attempt::first) {
        offer_early_data();
    }
    return status;
}

base::Result<std::unique_ptr<Connection>> Connection::accept(Shared& shared, ConnectionRef ref,
                                                             const Accepting& accepting, base::TimePoint now) {
    std::unique_ptr<Connection> connection(new Connection(shared, ref, Origin::incoming, now));
    auto status = connection->start_accept(accepting, now);
    if (!status) {
        return tl::unexpected(std::move(status.error()));
    }
    return connection;
}

base::Status Connection::start_accept(const Accepting& accepting, base::TimePoint now) {
    remote_ = accepting.remote;
    local_ = accepting.local;
    const ngtcp2_pkt_hd& header = accepting.header;
    const ngtcp2_cid own = shared_.secrets.new_cid();
    ngtcp2_settings settings = make_settings(now);
    ngtcp2_transport_params params = make_params();
    params.original_dcid = accepting.original_dcid;
    params.original_dcid_present = 1;
    if (accepting.after_retry) {
        params.retry_scid = header.dcid;
        params.retry_scid_present = 1;
        settings.token = header.token;
        settings.tokenlen = header.tokenlen;
        settings.token_type = NGTCP2_TOKEN_TYPE_RETRY;
    }
    const ResetToken reset = shared_.secrets.reset_token(own);
    std::copy(reset.begin(), reset.end(), params.stateless_reset_token);
    params.stateless_reset_token_present = 1;
    const NativePath native{NativeAddr(accepting.local), NativeAddr(accepting.remote)};
    const ngtcp2_path path = native.view();
    stamp(now);
    const int rv = ngtcp2_conn_server_new(&conn_, &header.scid, &own, &path, header.version, &callbacks(origin_),
                                          &settings, &params, nullptr, this);
    if (rv != 0) {
        return base::fail(std::string("QUIC: ") + ngtcp2_strerror(rv));
    }
    // The client uses its own first choice until it has heard ours; duplicates of its Initial carry it, too.
    if (shared_.cids.add(cids, Cid(own), ref_) != base::Admitted::yes ||
        shared_.cids.add(cids, Cid(header.dcid), ref_) != base::Admitted::yes) {
        return base::fail("QUIC: a connection id occurred twice");
    }
    tls_ = std::make_unique<TlsSession>();
    return tls_->start_server(shared_.tls, conn_, shared_.issued);
}

}  // namespace grapevine::quic
