#include "console/live.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>

namespace grapevine::console {
namespace {

namespace json = boost::json;

// JSON on one line has no newline that could end the event.
std::string event_text(std::string_view event, Version id, const json::value& data) {
    return "event: " + std::string(event) + "\nid: " + std::to_string(id) + "\ndata: " + json::serialize(data) + "\n\n";
}

}  // namespace

void Live::on_open(HttpExchange browser, std::optional<Version> after, const Moment& at, Effects& out) {
    // Whoever is here already gets what is due, so that all have the same from now on.
    if (!browsers_.empty()) {
        if (const std::string text = news(at); !text.empty()) {
            for (const HttpExchange& other : browsers_) {
                out.push_back({other, text});
            }
        }
    }
    remember(at);
    browsers_.insert(browser);
    out.push_back({browser, "retry: 1000\n\n" + catch_up(after, at)});
}

void Live::remember(const Moment& at) {
    sent_ = world_.version();
    sent_event_ = world_.timeline().last_seq();
    sent_sample_ = world_.last_sample();
    last_ = at.now;
    due_.reset();
}

std::string Live::delta(Version since, const Moment& at) const {
    json::object data = delta_json(world_, since, at);
    data["supervisor"] = supervisor_json(facts_());
    return event_text("delta", world_.version(), data);
}

std::string Live::catch_up(std::optional<Version> after, const Moment& at) {
    if (after && world_.reaches(*after)) {
        std::string text = delta(*after, at);
        if (text.size() <= kDeltaMax) {
            return text;
        }
    }
    ++counters_.resets;
    return event_text("reset", world_.version(), json::object{{"version", world_.version()}});
}

void Live::on_change(const Moment& at) {
    const bool changed = world_.version() != sent_ || world_.timeline().last_seq() != sent_event_ ||
                         world_.last_sample() != sent_sample_;
    if (changed && !due_ && !browsers_.empty()) {
        due_ = std::max(at.now, last_ + kEvery);
    }
}

std::string Live::news(const Moment& at) {
    std::string out;
    const Version version = world_.version();
    if (version != sent_) {
        std::string text = world_.reaches(sent_) ? delta(sent_, at) : "";
        if (text.empty() || text.size() > kDeltaMax) {
            ++counters_.resets;
            text = event_text("reset", version, json::object{{"version", version}});
        } else {
            ++counters_.deltas;
        }
        out += text;
    }
    if (const auto events = world_.timeline().after(sent_event_); !events.empty()) {
        out += event_text("timeline", version, timeline_json(events));
    }
    if (const auto samples = world_.samples_after(sent_sample_); !samples.empty()) {
        json::array list;
        for (const MessageSample& sample : samples) {
            list.emplace_back(sample_json(sample));
        }
        out += event_text("messages", version, json::object{{"messages", std::move(list)}});
    }
    return out;
}

void Live::on_deadline(const Moment& at, Effects& out) {
    if (browsers_.empty()) {
        due_.reset();
        return;
    }
    std::string text;
    if (due_ && *due_ <= at.now) {
        text = news(at);
    } else if (last_ + kAlive <= at.now) {
        text = event_text("beat", world_.version(), json::object{{"now_unix_ms", at.wall.unix_ms}});
    } else {
        return;
    }
    remember(at);
    if (text.empty()) {
        return;
    }
    for (const HttpExchange& browser : browsers_) {
        out.push_back({browser, text});
    }
}

std::optional<base::TimePoint> Live::next_deadline() const {
    if (browsers_.empty()) {
        return std::nullopt;
    }
    return due_ ? *due_ : last_ + kAlive;
}

}  // namespace grapevine::console
