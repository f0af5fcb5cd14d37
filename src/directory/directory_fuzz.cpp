// Random statements and time against a naive twin. The first byte chooses: digests and leaving alone, compared entry by
// entry with the twin; or accusations as well, checked for what must hold whatever is said.

#include <cstddef>
#include <cstdint>
#include <map>

#include "base/assert.hpp"
#include "base/rng.hpp"
#include "directory/directory.hpp"
#include "telemetry/ledger.hpp"

namespace {

using namespace grapevine;
using namespace grapevine::directory;
using namespace std::chrono_literals;

constexpr std::size_t kMembers = 5;  // The first is the node itself.
constexpr std::size_t kStepsMax = 200;

const std::vector<base::SecretKey>& keys() {
    static const std::vector<base::SecretKey> all = [] {
        std::vector<base::SecretKey> made;
        for (std::uint8_t n = 1; n <= kMembers; ++n)
            made.push_back(*base::SecretKey::from_seed(base::Bytes(32, n)));
        return made;
    }();
    return all;
}

// What the directory should know of a member, the long way round.
struct Twin {
    struct Member {
        bool alive = false;
        bool buried = false;
        std::uint64_t sequence = 0;
        base::TimePoint until;  // Stale at, or buried until.
    };
    std::map<base::EndpointId, Member> members;

    void pass(base::TimePoint now) {
        for (auto& [id, m] : members) {
            if (m.alive && m.until <= now) m = {false, true, m.sequence, now + 60s};
            if (m.buried && m.until <= now) m = {};
        }
    }
    void hear(const base::EndpointId& id, std::uint64_t sequence, wire::Presence presence, base::Duration window,
              base::TimePoint now) {
        Member& m = members[id];
        if ((m.alive || m.buried) && sequence <= m.sequence) return;
        if (presence == wire::Presence::leaving) {
            m = {false, true, sequence, now + 60s};
        } else {
            m = {true, false, sequence, now + window};
        }
    }
};

class Session {
public:
    Session(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {
        Config config;
        config.mesh = "mesh1";
        config.type = "broker";
        config.started = base::WallTime{100};
        config.digests_per_signer = {1000, 1'000'000};
        directory_.emplace(config, keys()[0], rng_, ledger_);
        directory_->start(now_, out_);
    }

    void run() {
        const bool accusing = byte() % 2 == 1;
        for (std::size_t step = 0; step < kStepsMax && at_ < size_; ++step) {
            out_.clear();
            const std::uint8_t choice = byte() % 8;
            if (choice == 0) {
                wait();
            } else if (accusing && choice <= 3) {
                accuse();
            } else {
                speak();
            }
            check(accusing);
        }
    }

private:
    std::uint8_t byte() { return at_ < size_ ? data_[at_++] : 0; }
    std::size_t member() { return byte() % kMembers; }

    // Deadlines are kept, as a driver would.
    void wait() {
        const base::TimePoint until = now_ + 137ms * (1 + byte());
        while (directory_->next_deadline() && *directory_->next_deadline() <= until) {
            now_ = std::max(now_, *directory_->next_deadline());
            directory_->on_deadline(now_, out_);
            const auto next = directory_->next_deadline();
            GRAPEVINE_ASSERT(!next || *next > now_ || *next == now_, "a deadline exists");
            GRAPEVINE_ASSERT(++turns_ < 100'000, "deadlines make progress");
            twin_.pass(now_);
        }
        now_ = until;
        directory_->on_deadline(now_, out_);
        twin_.pass(now_);
    }

    void speak() {
        const base::SecretKey& key = keys()[member()];
        wire::Digest digest;
        digest.mesh = byte() % 16 == 0 ? "mesh2" : "mesh1";
        digest.type = byte() % 2 == 0 ? "broker" : "gateway";
        digest.sequence = wire::Sequence{byte()};
        digest.presence = byte() % 8 == 0 ? wire::Presence::leaving : wire::Presence::present;
        base::Bytes envelope = wire::sign(key, digest).envelope;
        const std::uint8_t damage = byte();
        const bool damaged = damage >= 240;
        if (damaged) envelope[damage % envelope.size()] ^= static_cast<std::uint8_t>(byte() | 1U);
        const bool sync = byte() % 4 == 0;
        directory_->on_statement(keys()[1].id(), envelope, sync ? Source::sync : Source::gossip, now_, out_);
        if (!damaged && digest.mesh == "mesh1" && key.id() != directory_->self())
            twin_.hear(key.id(), digest.sequence.value, digest.presence, sync ? 20s : 30s, now_);
    }

    void accuse() {
        const wire::Accusation claim{
            1,
            "mesh1",
            keys()[member()].id(),
            wire::Sequence{byte()},
            byte() % 2 == 0 ? wire::AccusationPhase::suspected : wire::AccusationPhase::confirmed,
            wire::AccusationReason::silent};
        if (byte() % 4 == 0) {
            directory_->on_neighbor_silent(claim.accused, claim.reason, now_);
            return;
        }
        const base::SecretKey& accuser = keys()[member()];
        directory_->on_statement(keys()[1].id(), wire::sign(accuser, claim).envelope, Source::gossip, now_, out_);
        for (const Effect& effect : out_) {
            GRAPEVINE_ASSERT(!std::holds_alternative<EntryRemoved>(effect), "no accusation kills at once");
        }
    }

    void check(bool accusing) {
        GRAPEVINE_ASSERT(directory_->find(directory_->self()) != nullptr, "the own entry stays");
        GRAPEVINE_ASSERT(ledger_[telemetry::Kind::directory_entry].alive() == directory_->size(),
                         "entries are counted");
        GRAPEVINE_ASSERT(ledger_[telemetry::Kind::suspicion].alive() == directory_->suspicions(), "suspicions too");
        GRAPEVINE_ASSERT(directory_->snapshot(now_).size() == directory_->size(), "a row for each entry");
        if (accusing) return;
        std::size_t alive = 1;
        for (const auto& [id, m] : twin_.members) {
            const Entry* entry = directory_->find(id);
            GRAPEVINE_ASSERT((entry != nullptr) == m.alive, "both know the same members");
            if (entry == nullptr) continue;
            ++alive;
            GRAPEVINE_ASSERT(entry->digest.sequence.value == m.sequence, "at the same sequences");
        }
        GRAPEVINE_ASSERT(alive == directory_->size(), "and nobody else");
    }

    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t at_ = 0;
    std::size_t turns_ = 0;
    base::TimePoint now_{1h};
    base::Rng rng_{1};
    telemetry::Ledger ledger_;
    std::optional<Directory> directory_;
    Twin twin_;
    Effects out_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Session(data, size).run();
    return 0;
}
