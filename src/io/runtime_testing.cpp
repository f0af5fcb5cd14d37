#include "io/runtime_testing.hpp"

namespace grapevine::io {

bool run_until(Runtime& runtime, const std::function<bool()>& condition, base::Duration limit) {
    const base::TimePoint until = runtime.now() + limit;
    bool held = false;
    TaskId timer;
    std::function<void()> look = [&] {
        held = condition();
        if (held || runtime.now() >= until) {
            runtime.stop();
            return;
        }
        timer = runtime.at(runtime.now() + std::chrono::milliseconds(2), base::Duration(0), look);
    };
    timer = runtime.at(runtime.now(), base::Duration(0), look);
    runtime.run();
    runtime.cancel(timer);
    return held;
}

}  // namespace grapevine::io
