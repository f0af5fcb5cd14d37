#pragma once

// What a mesh node has beyond an endpoint: its data directory, control socket and entry in the registry of running
// nodes, its listener for mesh events, and the pings that wait for an answer.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <grapevine/node.hpp>

#include "grapevine/endpoint_impl.hpp"
#include "io/data_dir.hpp"
#include "io/node_control.hpp"
#include "io/node_registry.hpp"

namespace grapevine {

class MeshPart final : public EventTap {
public:
    using PingDone = std::function<void(Result<std::chrono::nanoseconds>)>;

    MeshPart(io::Host& host, const NodeOptions& options, std::optional<io::DataDir> data_dir);
    ~MeshPart() override;

    // Publishes the node on this machine; without a data directory there is nothing to publish.
    base::Status publish();
    void on_event(const stack::Event& event) override;

    void set_listener(std::function<void(const NodeEvent&)> listener) { listener_ = std::move(listener); }
    void set_stop_handler(std::function<void()> handler) { stop_ = std::move(handler); }
    void ping(std::string_view name, PingDone done);

    // mesh_delivery.cpp
    using DeliveryDone = std::function<void(const Delivery&)>;
    Status submit(delivery::Submission submission, DeliveryDone done);
    Status serve(const std::string& name, Handler handler);

private:
    io::NodeRecord make_record() const;
    void refresh_record();
    void finish_ping(const stack::PingDone& event);
    void request_stop();
    void finish_delivery(const delivery::Finished& finished);
    void handle(const delivery::Handle& handle);

    io::Host& host_;
    std::string mesh_;
    std::string type_;
    std::uint64_t started_unix_ms_;
    std::optional<io::DataDir> data_dir_;
    std::optional<io::NodeRegistry> registry_;
    io::NodeRecord record_;
    std::unique_ptr<io::NodeControl> control_;
    std::function<void(const NodeEvent&)> listener_;
    std::function<void()> stop_;
    std::map<stack::RequestId, PingDone> pings_;
    std::map<delivery::MessageSequence, DeliveryDone> deliveries_;  // As many as the outbox holds.
    std::map<std::string, Handler, std::less<>> handlers_;
    std::shared_ptr<MeshPart*> self_;  // Owned here and, weakly, by answerers, which may outlive the node.
};

}  // namespace grapevine
