#pragma once

// Finished records that wait for the exporter: oldest first, within a count and within bytes, since the count of
// records says little about memory. Full means the oldest goes; who owns the ring counts it.

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <utility>
#include <vector>

namespace grapevine::telemetry {

// footprint(record) says what a record occupies.
template <typename Record>
class RecordRing {
public:
    // At least one record is kept, however large it is.
    RecordRing(std::size_t count_max, std::size_t bytes_max) : count_max_(count_max), bytes_max_(bytes_max) {}

    // How many of the oldest had to go.
    std::size_t push(Record record) {
        bytes_ += footprint(record);
        records_.push_back(std::move(record));
        std::size_t dropped = 0;
        while (records_.size() > 1 && (records_.size() > count_max_ || bytes_ > bytes_max_)) {
            bytes_ -= footprint(records_.front());
            records_.pop_front();
            ++dropped;
        }
        return dropped;
    }

    // Oldest first, at most `count`.
    std::vector<Record> take(std::size_t count) {
        const auto last = records_.begin() + static_cast<std::ptrdiff_t>(std::min(count, records_.size()));
        for (auto it = records_.begin(); it != last; ++it)
            bytes_ -= footprint(*it);
        std::vector<Record> taken(std::make_move_iterator(records_.begin()), std::make_move_iterator(last));
        records_.erase(records_.begin(), last);
        return taken;
    }

    [[nodiscard]] std::size_t size() const { return records_.size(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

private:
    std::size_t count_max_;
    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    std::deque<Record> records_;
};

}  // namespace grapevine::telemetry
