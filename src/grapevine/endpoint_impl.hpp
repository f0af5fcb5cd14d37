#pragma once

// What an Endpoint is made of: a host, the application's protocols and topic listeners, and for a mesh node its mesh
// part. Connections and streams are looked up by id, so that a late call finds nothing instead of somebody else's
// connection.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <grapevine/endpoint.hpp>
#include <grapevine/loop.hpp>

#include "base/ed25519.hpp"
#include "io/host.hpp"
#include "io/node_telemetry.hpp"
#include "io/runtime.hpp"
#include "stack/types.hpp"

namespace grapevine {

// Hears every event of the stack before the application does.
class EventTap {
public:
    virtual ~EventTap() = default;
    virtual void on_event(const stack::Event& event) = 0;
};

class Endpoint::Impl final : public io::HostListener {
public:
    // Of the leave, and of sending the last telemetry after it: together within the 2 s that shutdown() promises.
    static constexpr base::Duration kLeaveLimit = base::Duration(std::chrono::milliseconds(1450));
    static constexpr base::Duration kExportLimit = base::Duration(std::chrono::milliseconds(500));

    static base::Result<std::unique_ptr<Impl>> start(io::Runtime& runtime, const io::HostConfig& config,
                                                     const base::SecretKey& key);
    ~Impl() override;

    void on_event(const stack::Event& event) override;

    io::Host& host() { return *host_; }
    stack::Stack& stack() { return host_->stack(); }
    base::TimePoint now() const { return runtime_.now(); }

    // The value that connections refer to; set once, right after construction.
    void set_self(Endpoint* self) { self_ = self; }
    void set_tap(std::unique_ptr<EventTap> tap) { tap_ = std::move(tap); }
    EventTap* tap() { return tap_.get(); }
    // The same that the host was started with.
    void set_telemetry(std::unique_ptr<io::NodeTelemetry> telemetry) { telemetry_ = std::move(telemetry); }

    Status serve(std::string_view alpn, Protocol& protocol);
    Result<Connection> connect(std::string_view ticket, std::string_view alpn, Protocol& protocol);
    void pause(quic::ConnectionRef connection, quic::StreamRef stream);
    void resume(quic::ConnectionRef connection, quic::StreamRef stream);
    Status join(std::string_view topic, const std::vector<std::string>& tickets, TopicListener& listener);
    Status broadcast(std::string_view topic, std::span<const std::uint8_t> content);
    void leave(std::string_view topic);
    void shutdown(std::function<void()> done);

private:
    using StreamKey = std::pair<quic::ConnectionRef, quic::StreamRef>;

    Impl(io::Runtime& runtime, std::vector<std::string> alpns) : runtime_(runtime), alpns_(std::move(alpns)) {}

    void on_app_event(const quic::Event& event);
    void on_connected(const quic::Connected& event);
    void on_data(const quic::StreamData& event);
    void on_closed(const quic::Closed& event);
    void forget_stream(const StreamKey& key) { paused_.erase(key); }
    Protocol* protocol_of(quic::ConnectionRef connection) const;
    Connection value_of(quic::ConnectionRef connection) const { return {self_, connection.value}; }
    Stream value_of(quic::ConnectionRef connection, quic::StreamRef stream) const {
        return {value_of(connection), stream.value};
    }
    TopicListener* listener_of(const base::TopicId& topic) const;
    void finish_leaving();
    void finish_shutdown();

    io::Runtime& runtime_;
    std::vector<std::string> alpns_;
    Endpoint* self_ = nullptr;
    std::unique_ptr<io::NodeTelemetry> telemetry_;
    std::unique_ptr<io::Host> host_;
    std::unique_ptr<EventTap> tap_;  // Destroyed before the host, which it uses.
    std::map<std::string, Protocol*, std::less<>> served_;
    std::map<quic::ConnectionRef, Protocol*> connections_;
    std::map<StreamKey, std::size_t> paused_;  // Bytes received but not yet credited to the peer.
    std::map<base::TopicId, TopicListener*> topics_;
    telemetry::OpenSpan stopping_;
    bool left_ = false;
    std::vector<std::function<void()>> shutdown_done_;
    std::optional<io::TaskId> shutdown_task_;
};

}  // namespace grapevine
