#pragma once

// One HyParView, peers named by numbers, and its effects as values.

#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

#include "membership/hyparview.hpp"

namespace grapevine::membership {

using wire::Priority;

inline EndpointId peer(std::uint8_t n) {
    EndpointId id;
    id.bytes.fill(n);
    return id;
}

inline TimePoint at(Duration since_start) {
    return TimePoint(since_start);
}

inline wire::PeerData data(std::string_view text) {
    return {text.begin(), text.end()};
}

inline const std::optional<wire::PeerData> kNoAddress = wire::PeerData{};

class HyParViewTest : public ::testing::Test {
protected:
    void make(Config config = {}) { view_ = std::make_unique<HyParView>(peer(0), config, rng_, ledger_); }

    Effects receive(std::uint8_t from, const wire::MembershipMessage& message, Duration when = 0s) {
        Effects out;
        view_->on_message(peer(from), message, at(when), out);
        return out;
    }
    Effects lose(std::uint8_t from, Duration when = 0s) {
        Effects out;
        view_->on_peer_disconnected(peer(from), at(when), out);
        return out;
    }
    Effects deadline(Duration when) {
        Effects out;
        view_->on_deadline(at(when), out);
        return out;
    }
    // Peers 1 to count join.
    void fill(std::uint8_t count) {
        for (std::uint8_t n = 1; n <= count; ++n) {
            receive(n, wire::Join{kNoAddress});
            receive(n, wire::Neighbor{Priority::high, kNoAddress});
        }
    }
    void know(std::initializer_list<std::uint8_t> peers) {
        wire::ShuffleReply reply;
        for (const std::uint8_t n : peers) {
            reply.nodes.push_back({peer(n), std::nullopt});
        }
        receive(view_->active().empty() ? std::uint8_t{200} : view_->active().front().bytes[0], reply);
    }
    template <typename T>
    static std::vector<T> all(const Effects& effects) {
        std::vector<T> found;
        for (const Effect& effect : effects) {
            if (const auto* e = std::get_if<T>(&effect)) {
                found.push_back(*e);
            }
        }
        return found;
    }
    template <typename T>
    static std::vector<std::pair<EndpointId, T>> sent(const Effects& effects) {
        std::vector<std::pair<EndpointId, T>> found;
        for (const SendMembership& send : all<SendMembership>(effects)) {
            if (const auto* message = std::get_if<T>(&send.message)) {
                found.emplace_back(send.to, *message);
            }
        }
        return found;
    }

    base::Rng rng_{7};
    telemetry::Ledger ledger_;
    std::unique_ptr<HyParView> view_;
};

}  // namespace grapevine::membership
