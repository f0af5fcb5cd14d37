#include "io/control_ask.hpp"

#include <utility>

namespace grapevine::io {

base::Result<std::unique_ptr<ControlAsk>> ControlAsk::start(Runtime& runtime, ControlClient client,
                                                            std::string_view request, base::Duration deadline,
                                                            Done done) {
    std::unique_ptr<ControlAsk> ask(new ControlAsk(runtime, std::move(client), std::move(done)));
    if (const auto sent = ask->client_.send(request, kSendDeadline); !sent) {
        return tl::unexpected(sent.error());
    }
    const auto watch = runtime.watch(ask->client_.fd(), [self = ask.get()] { self->on_readable(); });
    if (!watch) {
        return tl::unexpected(watch.error());
    }
    ask->watch_ = *watch;
    ask->timer_ = runtime.at(runtime.now() + deadline, base::Duration::zero(), [self = ask.get()] {
        self->timer_.reset();
        self->finish(base::fail(base::ErrorCode::busy, "control socket: no answer in time"));
    });
    return ask;
}

ControlAsk::~ControlAsk() {
    stop();
}

void ControlAsk::stop() {
    if (watch_) {
        runtime_.unwatch(*std::exchange(watch_, std::nullopt));
    }
    if (timer_) {
        runtime_.cancel(*std::exchange(timer_, std::nullopt));
    }
}

void ControlAsk::on_readable() {
    auto line = client_.try_line();
    if (!line) {
        finish(tl::unexpected(line.error()));
    } else if (*line) {
        finish(std::move(**line));
    }
}

void ControlAsk::finish(base::Result<std::string> answer) {
    stop();
    const Done done = std::exchange(done_, {});
    done(std::move(answer));
}

}  // namespace grapevine::io
