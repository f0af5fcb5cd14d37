#pragma once

// What was verified already: a bounded set of BLAKE3 hashes of signed messages whose signature held. The nodes of one
// process share one, so that a statement which reaches all of them is verified once (an Ed25519 verification costs
// fifty times a hash). Holding a hash here proves nothing about other bytes: a forger would need a collision. Not
// thread-safe; belongs to the loop whose nodes use it, and outlives them. Full: the oldest is forgotten.

#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <vector>

#include "base/blake3.hpp"
#include "base/ids.hpp"

namespace grapevine::base {

class VerificationMemo {
public:
    // limit > 0.
    explicit VerificationMemo(std::size_t limit = 4096) : limit_(limit) {}

    [[nodiscard]] bool contains(const Blake3Hash& message) const { return known_.contains(MessageId{message}); }
    void add(const Blake3Hash& message) {
        const MessageId id{message};
        if (!known_.insert(id).second) return;
        if (ring_.size() < limit_) {
            ring_.push_back(id);
            return;
        }
        known_.erase(ring_[next_]);
        ring_[next_] = id;
        next_ = (next_ + 1) % limit_;
    }
    [[nodiscard]] std::size_t size() const { return known_.size(); }

private:
    std::size_t limit_;
    std::unordered_set<MessageId, IdHash> known_;  // Never iterated.
    std::vector<MessageId> ring_;
    std::size_t next_ = 0;
};

}  // namespace grapevine::base
