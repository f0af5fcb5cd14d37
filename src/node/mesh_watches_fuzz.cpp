// What a gateway may say of its mesh: frames, cut frames, rubbish, and the words of members that are signed, older,
// altered or of another mesh; gateways end and others follow. No row was made up, whoever is up has told, no bound is
// passed, and nothing spins.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/assert.hpp"
#include "node/mesh_watches.hpp"
#include "wire/digest.hpp"

namespace {

using namespace grapevine;
using node::MeshWatches;

constexpr std::size_t kSigners = 6;

base::SecretKey key_of(std::size_t n) {
    return *base::SecretKey::from_seed(base::Bytes(32, static_cast<std::uint8_t>(n + 1)));
}

class Run {
public:
    Run(const std::uint8_t* data, std::size_t size) : input_(data, size) {
        config_.mesh = "mesh1";
        config_.type = "console";
        GRAPEVINE_ASSERT(take([&](auto& out) { (void)watches_.watch("mesh2", now_, out); }), "it may be watched");
    }

    void run() {
        while (!input_.empty()) {
            step(next());
            check();
        }
    }

private:
    std::uint8_t next() {
        if (input_.empty()) return 0;
        const std::uint8_t byte = input_.front();
        input_ = input_.subspan(1);
        return byte;
    }

    // Carries out what is asked for at once.
    template <typename Input>
    bool take(Input input) {
        node::WatchEffects effects;
        input(effects);
        for (const auto& effect : effects) {
            if (std::holds_alternative<node::SeekGateways>(effect)) seeks_ = true;
            if (const auto* open = std::get_if<node::OpenWatch>(&effect)) opens_ = open->gateway;
        }
        return true;
    }

    base::Bytes statement(std::uint8_t who, std::uint8_t how) {
        const std::size_t author = who % kSigners;
        const base::SecretKey key = key_of(author);
        const wire::Sequence sequence{1U + (how >> 4U)};
        if ((how & 1U) != 0U)
            return wire::sign(key, wire::Accusation{1, "mesh2", key_of((author + 1) % kSigners).id(), sequence,
                                                    wire::AccusationPhase::suspected, wire::AccusationReason::silent})
                .envelope;
        wire::Digest digest;
        digest.mesh = (how & 2U) != 0U ? "mesh3" : "mesh2";
        digest.type = "broker";
        digest.sequence = sequence;
        digest.presence = (how & 4U) != 0U ? wire::Presence::leaving : wire::Presence::present;
        base::Bytes envelope = wire::sign(key, digest).envelope;
        if ((how & 8U) != 0U) envelope[how % envelope.size()] ^= 1U;
        return envelope;
    }

    void say(const wire::WatchFrame& frame) { say(wire::encode(frame)); }
    void say(const base::Bytes& bytes) {
        take([&](auto& out) { watches_.on_bytes(delivery::MessageSequence{stream_}, bytes, now_, out); });
    }

    void step(std::uint8_t op) {
        switch (op % 10) {
            case 0: return say(wire::WatchBegin{1, "mesh2", 1000U * next()});
            case 1: {
                const std::uint8_t who = next();
                return say(wire::WatchTold{next() * 100U, statement(who, next())});
            }
            case 2: return say(wire::WatchWhole{});
            case 3: return say(wire::WatchGone{key_of(next() % kSigners).id(), wire::WatchGoneCause::died});
            case 4: return say(wire::WatchBeat{});
            case 5: {
                const std::size_t wanted = next();
                const std::size_t size = std::min(wanted, input_.size());
                const base::Bytes raw(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(size));
                input_ = input_.subspan(size);
                return say(raw);
            }
            case 6: return pass(std::chrono::milliseconds(50) * next());
            case 7:
                take([&](auto& out) { watches_.on_over(delivery::MessageSequence{stream_}, "over", now_, out); });
                return;
            case 8: return seek();
            default: return open(next());
        }
    }

    void seek() {
        if (!seeks_) return;
        seeks_ = false;
        const std::vector<base::EndpointId> gateways{key_of(40).id(), key_of(41).id()};
        take([&](auto& out) {
            watches_.on_gateways({wire::WatchSubject::directory, "mesh2"}, gateways, "nobody", now_, out);
        });
    }

    void open(std::uint8_t how) {
        if (!opens_) return;
        opens_.reset();
        ++stream_;
        watches_.on_asked({wire::WatchSubject::directory, "mesh2"}, delivery::MessageSequence{stream_});
        const auto fate = how % 4 == 0 ? node::StreamFate::failed : node::StreamFate::open;
        take([&](auto& out) {
            (void)watches_.on_decided(delivery::MessageSequence{stream_}, fate, "failed", now_, out);
        });
    }

    void pass(base::Duration time) {
        const base::TimePoint until = now_ + time;
        while (const auto due = watches_.next_deadline()) {
            if (*due > until) break;
            now_ = std::max(now_, *due);
            take([&](auto& out) { watches_.on_deadline(now_, out); });
            const auto after = watches_.next_deadline();
            GRAPEVINE_ASSERT(!after || *after > now_, "it spins");
        }
        now_ = until;
    }

    void check() {
        const auto source = watches_.sources().at(0);
        GRAPEVINE_ASSERT(source.state != node::WatchState::up || source.gateway, "nobody tells");
        const auto rows = watches_.rows("mesh2", now_);
        GRAPEVINE_ASSERT(rows.size() <= kSigners && watches_.entries() == rows.size(), "a row was made up");
        for (const auto& row : rows) {
            GRAPEVINE_ASSERT(row.mesh == "mesh2" && row.type == "broker" && row.sequence.value <= 16, "not as signed");
            GRAPEVINE_ASSERT(row.age >= base::Duration{}, "from the future");
        }
    }

    base::ByteView input_;
    node::MeshConfig config_;
    base::Rng rng_{1};
    telemetry::Ledger ledger_;
    node::MeshAdmission admission_{key_of(100).id(), config_};
    MeshWatches watches_{"mesh1", admission_, [](std::string_view) { return std::optional<base::EndpointId>(); },
                         nullptr, rng_,       ledger_};
    base::TimePoint now_{std::chrono::hours(1)};
    std::uint64_t stream_ = 0;
    bool seeks_ = false;
    std::optional<base::EndpointId> opens_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Run(data, size).run();
    return 0;
}
