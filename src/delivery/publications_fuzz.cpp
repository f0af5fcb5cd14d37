// Publications beside a naive twin: any announcements, answers, lies, silence and time. Each announcement that is new
// ends once, with the content that its hash says or with a miss; and no bound is exceeded.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "base/assert.hpp"
#include "delivery/fuzz_testing.hpp"
#include "delivery/publications.hpp"

namespace {

using namespace grapevine;
using namespace grapevine::delivery;
using namespace std::chrono_literals;
using delivery::testing::peer_of;

constexpr std::size_t kStepsMax = 400;

PublicationsConfig narrow() {
    PublicationsConfig config;
    config.fetches_at_once = 2;
    config.wanted_max = 6;
    config.author_max = 4;
    config.providers_max = 2;
    config.paused_bytes_max = 100'000;
    config.store_bytes_max = 200'000;
    config.own_bytes_max = 90'000;
    return config;
}

// What the input can name by one byte: made and hashed once, since a run asks for them thousands of times.
struct Content {
    base::Bytes bytes;
    base::Blake3Hash hash;
};

const Content& content_of(std::uint8_t which) {
    static const std::vector<Content> all = [] {
        std::vector<Content> made;
        for (unsigned i = 0; i < 256; ++i) {
            base::Bytes bytes(i % 4 == 0 ? 61'000U + i : 1U + i, static_cast<std::uint8_t>(i));
            made.push_back({bytes, base::blake3(bytes)});
        }
        return made;
    }();
    return all[which];
}

class Run {
public:
    Run(const std::uint8_t* data, std::size_t size) : input_(data, size), box_(narrow(), peer_of(0), rng_) {}

    void go() {
        for (std::size_t step = 0; step < kStepsMax && input_.any(); ++step) {
            act();
            look();
            check();
        }
        pass(now_ + 200s);
        GRAPEVINE_ASSERT(open_.empty() && box_.wanted() == 0 && box_.under_way() == 0 && box_.idle_bytes() == 0,
                         "everything ends");
        GRAPEVINE_ASSERT(box_.stored_bytes() == 0 && box_.remembered() == 0 && !box_.next_deadline(),
                         "all is forgotten");
    }

private:
    std::uint8_t byte() { return input_.byte(); }

    void act() {
        switch (byte() % 8) {
            case 0: return pass(now_ + 10ms * byte());
            case 1: return void(box_.publish(content_of(byte()).bytes, now_, out_));
            case 2: return serve();
            case 3:
            case 4: return announce();
            default: return answer();
        }
    }

    // Numbers come again, so that some announcements do.
    void announce() {
        const std::uint8_t which = byte() % 16;
        const auto& [content, hash] = content_of(which);
        Announcement what{peer_of(byte() % 3), which, hash, static_cast<std::uint32_t>(content.size())};
        if (byte() % 16 == 0) what.size = byte() * 8192U;
        const bool valid = what.size > 0 && what.size <= kPublicationMax && what.author != peer_of(0);
        if (valid && seen_.insert({what, now_ + narrow().memory}).second) open_.insert(what);
        box_.on_announcement(peer_of(byte() % 5), what, now_, out_);
    }

    void answer() {
        if (asked_.empty()) return;
        const auto chosen = std::next(asked_.begin(), static_cast<std::ptrdiff_t>(byte() % asked_.size()));
        const AskChunk ask = *chosen;
        if (byte() % 4 != 0) asked_.erase(chosen);  // Some are answered twice.
        const std::uint8_t manner = byte() % 8;
        if (manner == 0) return box_.on_no_chunk(ask.fetch, now_, out_);
        base::Bytes chunk(ask.size, 'x');
        for (std::uint8_t which = 0; which < 16; ++which)
            if (const auto& [content, hash] = content_of(which);
                hash == ask.hash && ask.offset + ask.size <= content.size())
                std::copy_n(content.begin() + ask.offset, ask.size, chunk.begin());
        if (manner == 1) chunk.push_back('x');
        if (manner == 2) chunk.front() ^= 1U;
        box_.on_chunk(ask.fetch, chunk, now_, out_);
    }

    void serve() {
        const auto& [content, hash] = content_of(byte());
        const std::uint32_t offset = byte() * 300U;
        const std::uint32_t size = byte() * 300U;
        const auto chunk = box_.ask(peer_of(byte() % 5), hash, offset, size);
        if (!chunk) return;
        GRAPEVINE_ASSERT(chunk->size() <= std::min<std::size_t>(size, kChunkMax) && !chunk->empty(), "as was asked");
        GRAPEVINE_ASSERT(std::equal(chunk->begin(), chunk->end(), content.begin() + offset), "what its hash says");
    }

    void pass(base::TimePoint until) {
        while (box_.next_deadline() && *box_.next_deadline() <= until) {
            now_ = std::max(now_, *box_.next_deadline());
            box_.on_deadline(now_, out_);
            GRAPEVINE_ASSERT(box_.next_deadline().value_or(base::TimePoint::max()) > now_, "a deadline passes");
            look();
        }
        now_ = until;
        std::erase_if(seen_, [&](const auto& seen) { return seen.second <= now_; });
    }

    void look() {
        for (const auto& effect : out_) {
            if (const auto* ask = std::get_if<AskChunk>(&effect)) {
                GRAPEVINE_ASSERT(ask->size > 0 && ask->size <= kChunkMax && ask->peer != peer_of(0), "a question");
                if (asked_.size() < 64) asked_.push_back(*ask);
            }
            if (const auto* told = std::get_if<Published>(&effect)) {
                GRAPEVINE_ASSERT(base::blake3(told->content) == told->what.hash, "what its hash says");
                GRAPEVINE_ASSERT(told->content.size() == told->what.size, "and its size");
                end(told->what);
            }
            if (const auto* missed = std::get_if<Missed>(&effect)) end(missed->what);
        }
        out_.clear();
    }

    void end(const Announcement& what) { GRAPEVINE_ASSERT(open_.erase(what) == 1, "each announcement ends once"); }

    void check() {
        const PublicationsConfig limits = narrow();
        GRAPEVINE_ASSERT(box_.wanted() <= limits.wanted_max && box_.under_way() <= limits.fetches_at_once, "bounds");
        GRAPEVINE_ASSERT(box_.idle_bytes() <= limits.paused_bytes_max, "what waits");
        GRAPEVINE_ASSERT(box_.stored_bytes() <= limits.store_bytes_max, "the store");
        GRAPEVINE_ASSERT(open_.size() == box_.wanted(), "what is open is wanted");
    }

    delivery::testing::Decisions input_;
    base::TimePoint now_{1h};
    base::Rng rng_{1};
    Publications box_;
    PublicationEffects out_;
    std::vector<AskChunk> asked_;
    std::map<Announcement, base::TimePoint> seen_;
    std::set<Announcement> open_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Run(data, size).go();
    return 0;
}
