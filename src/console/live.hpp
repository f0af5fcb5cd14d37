#pragma once

// The world's changes to browsers, by server-sent events (HTML Living Standard, "Server-sent events"). Sans-IO: what is
// to be sent comes as effects.
//
// Rules
//  1. A browser names the version that it has; it gets what changed since, and then each change. One whose version is
//     not reached any more gets `reset` and the changes from now on: it asks for the whole world and goes on.
//  2. Changes are gathered for kEvery, so that a burst costs one event; all browsers get the same bytes.
//  3. `id:` is the version, so that Last-Event-ID goes on where the connection broke. What is not of the world's rows
//     (timeline, messages) begins with the connection: the page asks for what was before.
//  4. A delta over kDeltaMax becomes a `reset`. Without a change a `beat` goes every kAlive, so that both
//     ends notice when the other is gone.

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "console/http_message.hpp"
#include "console/world.hpp"
#include "console/world_json.hpp"

namespace grapevine::console {

class Live {
public:
    static constexpr base::Duration kEvery = std::chrono::milliseconds(100);
    static constexpr base::Duration kAlive = std::chrono::seconds(15);
    static constexpr std::size_t kDeltaMax = 192U * 1024U;

    struct Push {
        HttpExchange to;
        std::string text;
    };
    using Effects = std::vector<Push>;

    struct Counters {
        std::uint64_t deltas = 0, resets = 0;
    };

    // `facts` gives the supervisor as it is, which goes with each delta.
    Live(const World& world, std::function<ConsoleFacts()> facts) : world_(world), facts_(std::move(facts)) {}

    // A browser that has `after`; nothing: it has none.
    void on_open(HttpExchange browser, std::optional<Version> after, const Moment& at, Effects& out);
    void on_close(HttpExchange browser) { browsers_.erase(browser); }
    // The world may have changed.
    void on_change(const Moment& at);
    void on_deadline(const Moment& at, Effects& out);
    // Nothing while nobody looks.
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;

    [[nodiscard]] std::size_t browsers() const { return browsers_.size(); }
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    [[nodiscard]] std::string catch_up(std::optional<Version> after, const Moment& at);
    [[nodiscard]] std::string news(const Moment& at);
    void remember(const Moment& at);

    [[nodiscard]] std::string delta(Version since, const Moment& at) const;

    const World& world_;
    std::function<ConsoleFacts()> facts_;
    std::set<HttpExchange> browsers_;
    Version sent_ = 0;  // These three: what all browsers have.
    std::uint64_t sent_event_ = 0;
    std::uint64_t sent_sample_ = 0;
    base::TimePoint last_{};
    std::optional<base::TimePoint> due_;
    Counters counters_;
};

}  // namespace grapevine::console
