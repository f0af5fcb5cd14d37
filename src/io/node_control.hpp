#pragma once

// The operations of the control socket (docs/control-socket.md) on a mesh node.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "io/control_server.hpp"
#include "io/host.hpp"
#include "io/node_registry.hpp"
#include "stack/types.hpp"

namespace grapevine::io {

// Runs the loads that clients ask for: the node's owner.
class LoadRunner {
public:
    virtual ~LoadRunner() = default;
    // Tells of its progress by NodeControl::say() and of its end by NodeControl::answer().
    virtual void start_load(ClientId client, const ProduceRequest& request) = 0;
    // Nobody waits for it any more.
    virtual void stop_load(ClientId client) = 0;
};

class NodeControl : public ControlHandler {
public:
    // `host` and `loads` outlive this. `record` is what the node says about itself; `stop` asks the node's owner to
    // leave the mesh.
    static base::Result<std::unique_ptr<NodeControl>> start(Host& host, NodeRecord record, LoadRunner& loads,
                                                            std::function<void()> stop);

    void on_request(ClientId client, const ControlRequest& request) override;
    void on_gone(ClientId client) override;
    // Of a load; the answer is its last line.
    void say(ClientId client, std::string_view line) { server_->say(client, line); }
    void answer(ClientId client, std::string_view line) { server_->answer(client, line); }
    // Every event of the stack passes through here: watchers see it, and a ping's end is its answer.
    void on_event(const stack::Event& event);
    // Name and addresses can change while the node runs.
    void set_record(NodeRecord record) { record_ = std::move(record); }

private:
    NodeControl(Host& host, NodeRecord record, LoadRunner& loads, std::function<void()> stop);
    void ping(ClientId client, const std::string& name);
    void finish_ping(const stack::PingDone& done);
    void deliver(ClientId client, delivery::Submission submission);
    void publish(ClientId client, const PublishRequest& wanted);
    void admit(ClientId client, const AdmitRequest& wanted);
    void revoke(ClientId client, const RevokeRequest& wanted);
    void finish_delivery(const delivery::Finished& finished);
    void resolve(ClientId client, const ResolveRequest& wanted);
    void finish_resolution(const fabric::Done& done);

    Host& host_;
    NodeRecord record_;
    LoadRunner& loads_;
    std::function<void()> stop_;
    std::unique_ptr<ControlServer> server_;
    struct PendingPing {
        ClientId client;
        std::string name;
    };
    std::map<stack::RequestId, PendingPing> pings_;  // At most one a client: ControlServer's rule 4.
    struct PendingAnswer {
        ClientId client;
        std::string name;
        base::TimePoint asked;
    };
    std::map<delivery::MessageSequence, PendingAnswer> deliveries_;  // Likewise.
    std::map<fabric::QuestionId, PendingAnswer> questions_;          // Likewise.
};

}  // namespace grapevine::io
