#pragma once

// What a mesh node has beyond an endpoint: its data directory, control socket and entry in the registry of running
// nodes, its listener for mesh events, and the pings that wait for an answer.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <grapevine/node.hpp>
#include <grapevine/producer.hpp>

#include "grapevine/endpoint_impl.hpp"
#include "io/data_dir.hpp"
#include "io/node_control.hpp"
#include "io/node_registry.hpp"

namespace grapevine {

class MeshPart final : public EventTap, private io::LoadRunner {
public:
    using PingDone = std::function<void(Result<std::chrono::nanoseconds>)>;

    MeshPart(io::Host& host, const NodeOptions& options, std::optional<io::DataDir> data_dir);
    ~MeshPart() override;

    // Publishes the node on this machine; without a data directory there is nothing to publish.
    base::Status publish();
    void on_event(const stack::Event& event) override;

    void set_listener(std::function<void(const NodeEvent&)> listener) { listener_ = std::move(listener); }
    // Set once, right after the node was made; loads run on it.
    void set_node(Node& node) { node_ = &node; }
    void set_stop_handler(std::function<void()> handler) { stop_ = std::move(handler); }
    void ping(std::string_view name, PingDone done);

    // mesh_delivery.cpp
    using DeliveryDone = std::function<void(const Delivery&)>;
    Status submit(delivery::Submission submission, DeliveryDone done);
    Status serve(const std::string& name, Handler handler, const ServiceOptions& options);

    // mesh_publications.cpp
    Result<Published> publish_content(std::span<const std::uint8_t> content);
    void on_publication(std::function<void(const Publication&)> listener) { on_publication_ = std::move(listener); }
    void on_missed_publication(std::function<void(const MissedPublication&)> listener) {
        on_missed_publication_ = std::move(listener);
    }

    // mesh_watching.cpp
    Status watch_mesh(std::string_view mesh);
    void unwatch_mesh(std::string_view mesh);
    Status watch_meshes();
    void unwatch_meshes();
    [[nodiscard]] std::vector<MeshSource> mesh_sources() const;
    void on_watch(std::function<void(const WatchEvent&)> listener) { on_watch_ = std::move(listener); }

    // mesh_streams.cpp
    Status open_stream(delivery::Submission submission, std::unique_ptr<StreamListener> listener, DeliveryDone done);
    Status serve_streams(const std::string& name, StreamHandler handler);
    Result<std::size_t> write(const ByteStream& stream, std::span<const std::uint8_t> data, node::Last last);
    void pause(const ByteStream& stream);
    void resume(const ByteStream& stream);
    void reset(const ByteStream& stream, std::uint32_t code);

    Status admit(std::string_view ticket, std::string_view authority);
    Status revoke(std::string_view list);

private:
    io::NodeRecord make_record() const;
    void refresh_record();
    void finish_ping(const stack::PingDone& event);
    void request_stop();
    void finish_delivery(const delivery::Finished& finished);
    void handle(const delivery::Handle& handle);
    Status serve(const std::string& name, const delivery::Service& service);
    delivery::Answered answer(delivery::HandleId handle, Answer given);
    void open_ours(delivery::MessageSequence message, const Delivery& outcome);
    void take_stream(const delivery::Handle& handle);
    void on_stream_event(const stack::ByteStreamEvent& event);
    struct OpenStream {
        std::unique_ptr<StreamListener> listener;
        std::optional<std::size_t> paused;  // Bytes received since, not yet credited to the peer.
    };
    OpenStream* find(const ByteStream& stream);
    [[nodiscard]] ByteStream value_of(const stack::ByteStreamRef& ref) const;
    static stack::ByteStreamRef ref_of(const ByteStream& stream);
    // mesh_publications.cpp
    void take_publication(const stack::PublicationReport& report);
    void tell(const delivery::Published& published);
    void tell(const delivery::Missed& missed);
    // mesh_watching.cpp
    void take_watch(const stack::WatchReport& report);
    void take_fabric(const stack::FabricReport& report);
    // mesh_loads.cpp
    void start_load(io::ClientId client, const io::ProduceRequest& request) override;
    void stop_load(io::ClientId client) override;

    io::Host& host_;
    std::string mesh_;
    std::string type_;
    std::uint64_t started_unix_ms_;
    std::optional<io::DataDir> data_dir_;
    std::optional<io::NodeRegistry> registry_;
    io::NodeRecord record_;
    std::unique_ptr<io::NodeControl> control_;
    Node* node_ = nullptr;
    std::map<io::ClientId, std::unique_ptr<Producer>> loads_;  // At most one a client.
    std::function<void(const NodeEvent&)> listener_;
    std::function<void(const Publication&)> on_publication_;
    std::function<void(const MissedPublication&)> on_missed_publication_;
    std::function<void(const WatchEvent&)> on_watch_;
    std::function<void()> stop_;
    std::map<stack::RequestId, PingDone> pings_;
    std::map<delivery::MessageSequence, DeliveryDone> deliveries_;  // As many as the outbox holds.
    delivery::Incarnation incarnation_;                             // Of this life; known from the first message on.
    std::map<std::string, Handler, std::less<>> handlers_;
    std::map<std::string, StreamHandler, std::less<>> stream_handlers_;
    std::map<delivery::MessageSequence, std::unique_ptr<StreamListener>> opening_;  // Some of deliveries_.
    std::map<stack::ByteStreamRef, OpenStream> streams_;                            // As many as the stack allows.
    std::shared_ptr<MeshPart*> self_;  // Owned here and, weakly, by answerers and streams, which may outlive the node.
};

}  // namespace grapevine
