#include "telemetry/metrics.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace grapevine::telemetry {

void Histogram::record(double value, const base::TraceContext& context, std::uint64_t unix_ns) {
    GRAPEVINE_ASSERT(bounds_.size() <= kBucketsMax, "a histogram has at most kBucketsMax bounds");
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    ++counts_[static_cast<std::size_t>(bucket)];
    min_ = count_ == 0 ? value : std::min(min_, value);
    max_ = count_ == 0 ? value : std::max(max_, value);
    ++count_;
    sum_ += value;
    if (context.is_valid() && context.sampled) exemplar_ = {value, unix_ns, context};
}

}  // namespace grapevine::telemetry
