// Random summaries and time. The first byte chooses: a backbone with room for all, compared entry by entry with a naive
// twin; or one on duty with tiny tables, checked for what must hold whatever is said.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/assert.hpp"
#include "fabric/fabric_testing.hpp"

namespace {

using namespace grapevine;
using namespace grapevine::fabric;
using namespace std::chrono_literals;
using testing::id;

constexpr std::uint32_t kSigners = 6;  // Key number 1 is the node itself.
constexpr std::size_t kStepsMax = 200;
constexpr base::Duration kStale = 189s;
constexpr base::Duration kGrave = 20min;

// What the table should hold of each signer, the long way round.
struct Twin {
    struct Signer {
        bool alive = false;
        bool buried = false;
        std::string mesh;
        std::uint64_t sequence = 0;
        std::set<std::uint32_t> gateways;
        base::TimePoint until;
    };
    std::map<std::uint32_t, Signer> signers;

    static void bury(Signer& s, base::TimePoint now) {
        s.alive = false;
        s.buried = true;
        s.until = now + kGrave;
    }
    void pass(base::TimePoint now) {
        for (auto& [n, s] : signers) {
            if (s.alive && s.until <= now) bury(s, now);
            if (s.buried && s.until <= now) s = {};
        }
    }
    void hear(std::uint32_t n, const std::string& mesh, std::uint64_t sequence, const std::set<std::uint32_t>& gateways,
              base::TimePoint now) {
        Signer& s = signers[n];
        if (!gateways.contains(n)) return;
        if ((s.alive || s.buried) && sequence <= s.sequence) return;
        s = {true, false, mesh, sequence, gateways, now + kStale};
        for (auto& [m, other] : signers) {
            if (m != n && other.alive && other.mesh == mesh && other.gateways.contains(n) && !gateways.contains(m))
                bury(other, now);
        }
    }
};

BackboneConfig config_for(bool tiny, Admits& admits) {
    BackboneConfig config = testing::config();
    config.mesh = "m0";
    config.grave_life = kGrave;
    config.summaries_per_signer = {1000, 1'000'000};
    config.new_speakers = {1000, 1'000'000};
    if (!tiny) return config;
    config.meshes_max = 2;
    config.speakers_max = 2;
    config.graves_max = 3;
    config.summaries_per_signer = {1, 3};
    config.new_speakers = {2, 8};
    config.pins = {{"m2", id(70)}};
    config.admits = &admits;
    return config;
}

class Session {
public:
    Session(const std::uint8_t* data, std::size_t size)
        : data_(data),
          size_(size),
          tiny_(byte() % 2 == 1),
          backbone_(config_for(tiny_, admits_), testing::key(1), rng_) {
        admits_.authority_of = {{id(2), id(70)}, {id(3), id(70)}, {id(4), id(71)}};
    }

    void run() {
        for (std::size_t step = 0; step < kStepsMax && at_ < size_; ++step) {
            out_.clear();
            const std::uint8_t choice = byte() % 16;
            if (choice <= 3) {
                wait();
            } else if (tiny_ && choice <= 6) {
                change();
            } else {
                speak();
            }
            tiny_ ? check_bounds() : check_twin();
        }
    }

private:
    std::uint8_t byte() { return at_ < size_ ? data_[at_++] : 0; }

    // Deadlines are kept, as a driver would.
    void wait() {
        const base::TimePoint until = now_ + 1700ms * (1 + byte());
        while (backbone_.next_deadline() && *backbone_.next_deadline() <= until) {
            now_ = std::max(now_, *backbone_.next_deadline());
            backbone_.on_deadline(now_, out_);
            GRAPEVINE_ASSERT(!backbone_.next_deadline() || *backbone_.next_deadline() > now_, "time goes on");
            twin_.pass(now_);
            listen();
        }
        now_ = until;
    }

    void speak() {
        const std::uint32_t signer = 2 + byte() % (kSigners - 1);
        wire::Summary summary;
        summary.fabric = byte() % 16 == 0 ? "other" : "default";
        summary.mesh = "m" + std::to_string(byte() % 4);
        summary.sequence = wire::Sequence{byte()};
        std::set<std::uint32_t> gateways;
        for (const std::uint8_t bits = byte(); const std::uint32_t n : {2U, 3U, 4U, 5U, 6U}) {
            if ((bits >> n & 1U) == 0 || gateways.size() >= wire::kSummaryGatewaysMax) continue;
            gateways.insert(n);
            summary.gateways.push_back(testing::addr(n));
        }
        if (tiny_ && byte() % 4 == 0) summary.authority = id(70 + byte() % 2);
        base::Bytes envelope = wire::sign(testing::key(signer), summary).envelope;
        const std::uint8_t damage = byte();
        const bool damaged = damage >= 240;
        if (damaged) envelope[damage % envelope.size()] ^= static_cast<std::uint8_t>(byte() | 1U);
        backbone_.on_summary(id(99), envelope, now_, out_);
        if (!damaged && summary.fabric == "default")
            twin_.hear(signer, summary.mesh, summary.sequence.value, gateways, now_);
        listen();
    }

    void change() {
        if (byte() % 4 == 0) {
            backbone_.on_neighbor_up(id(2 + byte() % 8), now_, out_);
            return listen();
        }
        const std::uint8_t which = byte() % 4;
        if (which == 3) {
            const std::string mesh = "m" + std::to_string(byte() % 4);
            if (!backbone_.route(mesh, now_).empty()) used_[mesh] = now_;
            return;
        }
        OwnFacts facts;
        if (which > 0) facts.gateways.push_back(testing::addr(1));
        if (which > 1) facts.gateways.push_back(testing::addr(2));
        facts.members = {{"broker", byte() % 4U}};
        backbone_.set_own(facts, now_, out_);
        listen();
    }

    // Its own words never come too often, and each is newer; meshes in use are not displaced.
    void listen() {
        for (const Effect& effect : out_) {
            if (const auto* gone = std::get_if<MeshGone>(&effect)) check_gone(*gone);
            const auto* said = std::get_if<Broadcast>(&effect);
            if (said == nullptr) continue;
            const auto opened = wire::open_summary(said->envelope);
            GRAPEVINE_ASSERT(opened && opened->summary.sequence > said_, "its words are newer");
            GRAPEVINE_ASSERT(!said_at_ || now_ - *said_at_ >= 2s, "and rare");
            said_ = opened->summary.sequence;
            said_at_ = now_;
        }
        out_.clear();
    }

    void check_gone(const MeshGone& gone) {
        const auto used = used_.find(gone.mesh);
        const bool in_use = used != used_.end() && now_ - used->second < 10min;
        GRAPEVINE_ASSERT(gone.cause != GoneCause::displaced || !in_use, "what is used stays");
        GRAPEVINE_ASSERT(gone.cause != GoneCause::displaced || gone.mesh != "m2", "what is pinned stays");
        used_.erase(gone.mesh);
    }

    void check_twin() {
        std::size_t alive = 0;
        for (const auto& [n, s] : twin_.signers) {
            if (!s.alive) continue;
            ++alive;
            const auto mesh = backbone_.table().meshes().find(s.mesh);
            GRAPEVINE_ASSERT(mesh != backbone_.table().meshes().end(), "both know the mesh");
            const auto speaker = mesh->second.speakers.find(id(n));
            GRAPEVINE_ASSERT(speaker != mesh->second.speakers.end(), "both know the speaker");
            GRAPEVINE_ASSERT(speaker->second.summary.sequence.value == s.sequence, "at the same sequence");
        }
        std::size_t held = 0;
        for (const auto& [name, mesh] : backbone_.table().meshes()) {
            held += mesh.speakers.size();
            check_sides(name, mesh);
        }
        GRAPEVINE_ASSERT(held == alive, "and nobody else");
        const auto buried = std::count_if(twin_.signers.begin(), twin_.signers.end(),
                                          [](const auto& entry) { return entry.second.buried; });
        GRAPEVINE_ASSERT(backbone_.table().graves() == static_cast<std::size_t>(buried), "the same graves");
    }

    // Each gateway that is named is of one side.
    void check_sides(const std::string& name, const Mesh& mesh) {
        std::set<base::EndpointId> named;
        for (const auto& [signer, speaker] : mesh.speakers) {
            for (const auto& gateway : speaker.summary.gateways)
                named.insert(gateway.id);
        }
        std::size_t listed = 0;
        for (const Side& side : backbone_.table().sides(name)) {
            listed += side.gateways.size();
            for (const auto& gateway : side.gateways)
                GRAPEVINE_ASSERT(named.contains(gateway.id), "a side has gateways that were named");
        }
        GRAPEVINE_ASSERT(listed == named.size(), "each once");
    }

    void check_bounds() {
        GRAPEVINE_ASSERT(backbone_.table().meshes().size() <= 2, "meshes are bounded");
        GRAPEVINE_ASSERT(backbone_.table().graves() <= 3, "graves are bounded");
        for (const auto& [name, mesh] : backbone_.table().meshes()) {
            GRAPEVINE_ASSERT(!mesh.speakers.empty() && mesh.speakers.size() <= 2, "speakers are bounded");
            GRAPEVINE_ASSERT(name != "m2" || mesh.authority == id(70), "a pinned authority is the only one");
            check_sides(name, mesh);
        }
    }

    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t at_ = 0;
    bool tiny_;
    base::TimePoint now_{1h};
    base::Rng rng_{1};
    testing::FakeAdmits admits_;
    Backbone backbone_;
    Twin twin_;
    std::map<std::string, base::TimePoint> used_;
    wire::Sequence said_;
    std::optional<base::TimePoint> said_at_;
    Effects out_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Session(data, size).run();
    return 0;
}
