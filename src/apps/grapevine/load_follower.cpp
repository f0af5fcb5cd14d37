#include "apps/grapevine/load_follower.hpp"

#include <utility>

#include "io/json.hpp"

namespace grapevine::apps {

LoadFollower::LoadFollower(io::Runtime& runtime, std::filesystem::path data_dir, std::string request)
    : runtime_(runtime), data_dir_(std::move(data_dir)), request_(std::move(request)) {
    open();
}

LoadFollower::~LoadFollower() {
    close();
    if (retry_) {
        runtime_.cancel(*retry_);
    }
}

void LoadFollower::close() {
    if (watch_) {
        runtime_.unwatch(*std::exchange(watch_, std::nullopt));
    }
    client_.reset();
}

void LoadFollower::open() {
    auto client = io::ControlClient::connect(data_dir_, kDeadline);
    if (!client) {
        return retry(client.error().message);
    }
    if (const auto sent = client->send(request_, kDeadline); !sent) {
        return retry(sent.error().message);
    }
    client_.emplace(std::move(*client));
    const auto watch = runtime_.watch(client_->fd(), [this] { on_readable(); });
    if (!watch) {
        return retry(watch.error().message);
    }
    watch_ = *watch;
    view_ = {};
    trouble_.clear();
}

void LoadFollower::retry(const std::string& why) {
    close();
    trouble_ = why;
    retry_ = runtime_.at(runtime_.now() + kRetry, base::Duration::zero(), [this] {
        retry_.reset();
        open();
    });
}

void LoadFollower::on_readable() {
    for (;;) {
        const auto line = client_->try_line();
        if (!line) {
            return retry(line.error().message);
        }
        if (!*line || !take(**line)) {
            return;
        }
    }
}

bool LoadFollower::take(const std::string& line) {
    const auto object = io::parse_json_object("node", line);
    if (object && object->contains("event")) {
        view_ = read_load(*object);
        return true;
    }
    const auto error = object ? error_of(*object) : std::optional(object.error());
    retry(error ? error->message : "the node ended the load");
    return false;
}

}  // namespace grapevine::apps
