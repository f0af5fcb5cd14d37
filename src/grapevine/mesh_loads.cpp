// Loads that clients of the control socket ask for.

#include "grapevine/load_json.hpp"
#include "grapevine/mesh_part.hpp"

namespace grapevine {

void MeshPart::start_load(io::ClientId client, const io::ProduceRequest& request) {
    auto load = Producer::start(
        *node_, to_options(request),
        [this, client](const ProducerReport& report) { control_->say(client, progress_line(report)); },
        [this, client](const ProducerReport& report) {
            control_->answer(client, end_line(report));
            loads_.erase(client);
        });
    if (!load) {
        const auto code = static_cast<base::ErrorCode>(load.error().code);
        control_->answer(client, io::encode_control_error({code, load.error().message}));
        return;
    }
    loads_.emplace(client, std::move(*load));
}

void MeshPart::stop_load(io::ClientId client) {
    loads_.erase(client);
}

}  // namespace grapevine
