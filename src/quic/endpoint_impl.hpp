#pragma once

// The endpoint's inside: it finds the connection for each datagram, keeps deadlines, and visits in flush() only those
// connections that something happened to. New connections and answers without a connection are in accept.cpp.

#include <map>
#include <memory>
#include <vector>

#include "quic/connection.hpp"
#include "quic/deadlines.hpp"
#include "quic/endpoint.hpp"
#include "quic/lingering.hpp"
#include "quic/rate_limit.hpp"
#include "quic/shared.hpp"

namespace grapevine::quic {

// Answers that wait for flush(); beyond, they are not sent.
inline constexpr std::size_t kAnswersMax = 256;

class Endpoint::Impl {
public:
    Impl(const Config& config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger);
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    base::Result<ConnectionRef> connect(const base::EndpointId& peer, const std::vector<base::SocketAddr>& candidates,
                                        std::string_view alpn, base::TimePoint now);
    void on_datagram(const ReceivedDatagram& datagram, base::TimePoint now);
    void on_unreachable(const base::SocketAddr& remote, base::TimePoint now);
    void on_deadline(base::TimePoint now);
    [[nodiscard]] Armed next_deadline() const { return deadlines_.next(); }
    void flush(base::TimePoint now, const TransmitSink& sink);
    void flush_data(base::TimePoint now, const TransmitSink& sink);
    void close(ConnectionRef ref, CloseCause cause, std::uint64_t code, std::string_view reason, base::TimePoint now);
    void shutdown(std::uint64_t code, std::string_view reason, base::TimePoint now);

    // The live connection, marked for flush(), or null.
    [[nodiscard]] Connection* touch(ConnectionRef ref);
    [[nodiscard]] const Connection* find(ConnectionRef ref) const;
    [[nodiscard]] std::vector<ConnectionRef> connections() const;
    [[nodiscard]] Shared& shared() { return shared_; }
    [[nodiscard]] const Shared& shared() const { return shared_; }

private:
    struct Answer {
        Destination destination;
        base::Bytes packet;
    };

    base::Status check_dial(const base::EndpointId& peer, const std::vector<base::SocketAddr>& candidates,
                            std::string_view alpn) const;
    base::TimePoint clamp(base::TimePoint now);
    void on_packet(const ReceivedPacket& packet, base::TimePoint now);
    void deliver(ConnectionRef ref, const ReceivedPacket& packet, base::TimePoint now);
    void mark(ConnectionRef ref, bool& dirty);
    void settle(Connection& connection, base::TimePoint now);
    void retire(ConnectionRef ref, base::TimePoint now);
    void linger(Connection& connection, base::TimePoint now);
    void forget(ConnectionRef ref);
    bool redial(Connection& connection, base::TimePoint now);
    void flush_one(ConnectionRef ref, Train& train, base::TimePoint now);

    // accept.cpp
    void on_stranger(const ReceivedPacket& packet, const ngtcp2_version_cid& header, base::TimePoint now);
    void on_unknown_short(const ReceivedPacket& packet, base::TimePoint now);
    void on_initial(const ReceivedPacket& packet, const ngtcp2_pkt_hd& header, base::TimePoint now);
    [[nodiscard]] bool may_accept();
    bool check_token(const ReceivedPacket& packet, Accepting& accepting, base::TimePoint now);
    void accept(const ReceivedPacket& packet, const Accepting& accepting, base::TimePoint now);
    void answer_version(const ReceivedPacket& packet, const ngtcp2_version_cid& header, base::TimePoint now);
    void answer_retry(const ReceivedPacket& packet, const ngtcp2_pkt_hd& header, base::TimePoint now);
    void answer_reset(const ReceivedPacket& packet, const Cid& cid, base::TimePoint now);
    bool answer(const ReceivedPacket& packet, base::ByteView bytes);

    Shared shared_;
    std::uint64_t last_ref_ = 0;
    base::TimePoint now_{};
    bool shut_down_ = false;
    std::map<ConnectionRef, std::unique_ptr<Connection>> connections_;
    std::map<ConnectionRef, Lingering> lingering_;
    Deadlines deadlines_;
    std::vector<ConnectionRef> dirty_;
    std::vector<Answer> answers_;
    TrainBuffer train_buffer_;
    std::size_t handshakes_ = 0;  // Incoming and unfinished.
    RateLimit resets_;
    RateLimit versions_;
    RateLimit retries_;
};

}  // namespace grapevine::quic
