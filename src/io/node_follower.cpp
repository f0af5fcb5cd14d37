#include "io/node_follower.hpp"

#include <algorithm>
#include <utility>

#include "io/json.hpp"

namespace grapevine::io {
namespace {

constexpr std::array kQuestions{NodeFollower::Question::status, NodeFollower::Question::directory};

std::string_view request_of(NodeFollower::Question question) {
    return question == NodeFollower::Question::status ? R"({"op":"status"})" : R"({"op":"ls"})";
}

}  // namespace

NodeFollower::NodeFollower(Runtime& runtime, std::filesystem::path data_dir, Handlers handlers,
                           base::Duration retry_max)
    : runtime_(runtime), data_dir_(std::move(data_dir)), handlers_(std::move(handlers)), retry_max_(retry_max) {
    timer_ = runtime_.defer([this] {
        timer_.reset();
        connect();
    });
}

NodeFollower::~NodeFollower() {
    close();
    cancel(timer_);
}

void NodeFollower::cancel(std::optional<TaskId>& task) {
    if (task) {
        runtime_.cancel(*std::exchange(task, std::nullopt));
    }
}

void NodeFollower::close() {
    open_ = false;
    cancel(pump_);
    for (Pending& pending : pending_) {
        pending.wanted = false;
        pending.ask.reset();
        cancel(pending.later);
    }
    if (watch_) {
        runtime_.unwatch(*std::exchange(watch_, std::nullopt));
    }
    client_.reset();
}

void NodeFollower::lose(const base::Error& error) {
    close();
    cancel(timer_);
    timer_ = runtime_.at(runtime_.now() + retry_after_, base::Duration::zero(), [this] {
        timer_.reset();
        connect();
    });
    retry_after_ = std::min(retry_after_ * 2, retry_max_);
    handlers_.lost(error);
}

void NodeFollower::connect() {
    auto client = ControlClient::connect(data_dir_, kDeadline);
    if (!client) {
        lose(client.error());
        return;
    }
    if (const auto sent = client->send(R"({"op":"watch"})", kDeadline); !sent) {
        lose(sent.error());
        return;
    }
    client_.emplace(std::move(*client));
    const auto watch = runtime_.watch(client_->fd(), [this] { on_watch(); });
    if (!watch) {
        lose(watch.error());
        return;
    }
    watch_ = *watch;
    timer_ = runtime_.at(runtime_.now() + kAnswerWithin, base::Duration::zero(), [this] {
        timer_.reset();
        lose({base::ErrorCode::busy, "control socket: no answer in time"});
    });
}

void NodeFollower::on_watch() {
    while (client_) {
        const auto line = client_->try_line();
        if (!line) {
            lose(line.error());
            return;
        }
        if (!*line) {
            return;
        }
        on_line(**line);
    }
}

void NodeFollower::on_line(std::string_view line) {
    const auto object = parse_json_object("event", line);
    if (!object) {
        return;
    }
    if (!object->contains("ok")) {
        handlers_.event(*object);
        return;
    }
    const boost::json::value& ok = object->at("ok");
    if (!ok.is_bool() || !ok.get_bool()) {
        lose({base::ErrorCode::denied, "control socket: does not let us watch"});
        return;
    }
    cancel(timer_);
    open_ = true;
    retry_after_ = kRetryFirst;
    handlers_.opened();
}

void NodeFollower::ask(Question question) {
    if (!open_) {
        return;
    }
    cancel(pending(question).later);
    pending(question).wanted = true;
    if (!pump_) {
        pump_ = runtime_.defer([this] {
            pump_.reset();
            pump();
        });
    }
}

void NodeFollower::ask_later(Question question, base::Duration delay) {
    Pending& asked = pending(question);
    if (open_ && !asked.wanted && !asked.later) {
        asked.later = runtime_.at(runtime_.now() + delay, delay / 4, [this, question] {
            pending(question).later.reset();
            ask(question);
        });
    }
}

void NodeFollower::pump() {
    for (const Question question : kQuestions) {
        if (open_ && pending(question).wanted && !pending(question).ask) {
            begin(question);
        }
    }
}

void NodeFollower::begin(Question question) {
    pending(question).wanted = false;
    auto client = ControlClient::connect(data_dir_, kDeadline);
    if (!client) {
        lose(client.error());
        return;
    }
    auto ask = ControlAsk::start(runtime_, std::move(*client), request_of(question), kAnswerWithin,
                                 [this, question](const base::Result<std::string>& line) {
                                     const auto keep = std::exchange(pending(question).ask, nullptr);
                                     if (!line) {
                                         lose(line.error());
                                         return;
                                     }
                                     handlers_.answer(question, *line);
                                     pump();
                                 });
    if (!ask) {
        lose(ask.error());
        return;
    }
    pending(question).ask = std::move(*ask);
}

}  // namespace grapevine::io
