#pragma once

// Runs no load: remembers what was asked for.

#include <vector>

#include "io/node_control.hpp"

namespace grapevine::io {

class IdleLoadRunner : public LoadRunner {
public:
    void start_load(ClientId client, const ProduceRequest&) override { started.push_back(client); }
    void stop_load(ClientId client) override { stopped.push_back(client); }

    std::vector<ClientId> started, stopped;
};

}  // namespace grapevine::io
