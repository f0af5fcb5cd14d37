#include <csignal>

#include <grapevine/loop.hpp>

#include "io/runtime.hpp"

namespace grapevine {

Loop::Loop() : runtime_(std::make_unique<io::Runtime>()) {}
Loop::~Loop() = default;

void Loop::run() {
    runtime_->run();
}
void Loop::stop() {
    runtime_->stop();
}
void Loop::post(std::function<void()> work) {
    runtime_->post(std::move(work));
}

void Loop::after(std::chrono::nanoseconds delay, std::function<void()> work) {
    runtime_->at(runtime_->now() + delay, base::Duration(0), std::move(work), telemetry::Kind::app_timer);
}

void Loop::on_terminate(std::function<void(int)> handler) {
    runtime_->on_signal({SIGINT, SIGTERM}, std::move(handler));
}

io::Runtime& Loop::runtime() {
    return *runtime_;
}

}  // namespace grapevine
