#include <grapevine/producer.hpp>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "grapevine/latencies.hpp"
#include "grapevine/pacing.hpp"
#include "io/files.hpp"

namespace grapevine {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr std::chrono::hours kDurationMax{30 * 24};
constexpr std::size_t kSizeMax = std::size_t{60} << 10U;
constexpr std::uint32_t kUnansweredMax = 16384;
constexpr std::chrono::milliseconds kReportLeast{10};
constexpr std::chrono::milliseconds kRetry{10};  // After the node took no more.
constexpr std::chrono::seconds kLostAfter{2};    // Rule 4.
constexpr std::size_t kBufferBytes = 64 * 1024;

Status check(const ProducerOptions& options) {
    const auto refuse = [](const char* rule) { return tl::unexpected(Error{Error::Code::invalid, rule}); };
    if (options.rate > Pacing::kRateMax) {
        return refuse("rate: at most 1000000 a second");
    }
    if (options.duration < std::chrono::milliseconds(0) || options.duration > kDurationMax) {
        return refuse("duration: at most 30 days");
    }
    if (options.size > kSizeMax) {
        return refuse("size: at most 61440 bytes");
    }
    if (options.unanswered_max == 0 || options.unanswered_max > kUnansweredMax) {
        return refuse("unanswered_max: 1 to 16384");
    }
    if (options.report_every != std::chrono::milliseconds(0) && options.report_every < kReportLeast) {
        return refuse("report_every: at least 10 ms");
    }
    return {};
}

LatencySummary summary_of(const Latencies& latencies) {
    return {latencies.count(),          latencies.percentile(0.5),   latencies.percentile(0.9),
            latencies.percentile(0.99), latencies.percentile(0.999), latencies.max()};
}

// Outcomes as bytes, gathered and written in large pieces.
class OutcomeFile {
public:
    base::Status open(const std::filesystem::path& path) {
        subject_ = io::file_subject("outcomes file", path);
        file_.open(path, std::ios::binary | std::ios::app);
        return file_ ? base::Status() : base::fail(subject_ + ": cannot be opened");
    }
    void add(const Delivery& outcome) {
        append(outcome.message.incarnation);
        append(outcome.message.sequence);
        buffer_.push_back(static_cast<char>(outcome.ending));
        buffer_.push_back(static_cast<char>(outcome.handled));
    }
    [[nodiscard]] bool is_full() const { return buffer_.size() >= kBufferBytes; }
    base::Status flush() {
        if (!file_.is_open()) {
            return {};
        }
        file_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
        file_.flush();
        buffer_.clear();
        return file_ ? base::Status() : base::fail(subject_ + ": cannot be written");
    }
    [[nodiscard]] bool is_open() const { return file_.is_open(); }

private:
    void append(std::uint64_t number) {
        for (unsigned shift = 64; shift > 0; shift -= 8) {
            buffer_.push_back(static_cast<char>((number >> (shift - 8)) & 0xffU));
        }
    }

    std::string subject_;
    std::ofstream file_;
    std::string buffer_;
};

}  // namespace

class Producer::Impl {
public:
    Impl(Node& node, const ProducerOptions& options, Listener on_report, Listener on_end)
        : node_(node),
          options_(options),
          on_report_(std::move(on_report)),
          on_end_(std::move(on_end)),
          payload_(options.size, 0x5a),
          began_(Clock::now()),
          reported_(began_),
          self_(std::make_shared<Impl*>(this)) {
        if (options.rate > 0) {
            pacing_.emplace(options.rate);
        }
    }

    base::Status begin() {
        if (!options_.outcomes_file.empty()) {
            if (auto opened = outcomes_.open(options_.outcomes_file); !opened) {
                return opened;
            }
        }
        if (options_.duration > std::chrono::milliseconds(0)) {
            later(options_.duration, &Impl::stop);
        }
        if (options_.report_every > std::chrono::milliseconds(0)) {
            later(options_.report_every, &Impl::report);
        }
        later(nanoseconds(0), &Impl::pump);
        return {};
    }

    void stop() {
        if (std::exchange(stopping_, true)) {
            return;
        }
        stopped_ = Clock::now();
        later(options_.delivery.deadline + kLostAfter, &Impl::finish);
        if (unanswered_ == 0) {
            later(nanoseconds(0), &Impl::finish);
        }
    }

private:
    // A late call finds nobody.
    void later(nanoseconds delay, void (Impl::*work)()) {
        node_.loop().after(delay, [weak = std::weak_ptr<Impl*>(self_), work] {
            if (const auto self = weak.lock()) {
                ((*self)->*work)();
            }
        });
    }

    [[nodiscard]] std::uint64_t planned() const {
        if (!pacing_ || options_.duration == std::chrono::milliseconds(0)) {
            return std::numeric_limits<std::uint64_t>::max();
        }
        return pacing_->due(options_.duration - nanoseconds(1));
    }
    [[nodiscard]] std::uint64_t due(Clock::time_point now) const {
        return pacing_ ? std::min(planned(), pacing_->due(now - began_)) : submitted_;
    }

    // Submits what is due and fits, and comes back when the next one is due.
    void pump() {
        const Clock::time_point now = Clock::now();
        const std::uint64_t until = pacing_ ? due(now) : std::numeric_limits<std::uint64_t>::max();
        while (!stopping_ && submitted_ < until && unanswered_ < options_.unanswered_max) {
            if (!submit(pacing_ ? began_ + pacing_->when(submitted_) : now)) {
                return;
            }
        }
        if (pacing_ && !stopping_ && submitted_ >= until && submitted_ < planned()) {
            wake_at(began_ + pacing_->when(submitted_), now);
        }
    }

    // One timer is under way, for the earliest moment asked for.
    void wake_at(Clock::time_point when, Clock::time_point now) {
        if (wake_ && *wake_ <= when) {
            return;
        }
        wake_ = when;
        later(std::max(when - now, nanoseconds(0)), &Impl::wake);
    }
    void wake() {
        wake_.reset();
        pump();
    }

    bool submit(Clock::time_point intended) {
        const auto done = [weak = std::weak_ptr<Impl*>(self_), intended](const Delivery& outcome) {
            if (const auto self = weak.lock()) {
                (*self)->on_outcome(outcome, intended);
            }
        };
        const Status taken = options_.kind == ProducerOptions::Kind::request
                                 ? node_.request(options_.name, payload_, options_.delivery, done)
                                 : node_.send(options_.name, payload_, options_.delivery, done);
        if (taken) {
            ++submitted_;
            ++unanswered_;
            return true;
        }
        if (taken.error().code == Error::Code::exhausted) {
            const Clock::time_point now = Clock::now();
            wake_at(now + kRetry, now);
        } else {
            fail(taken.error().message);
        }
        return false;
    }

    void on_outcome(const Delivery& outcome, Clock::time_point intended) {
        --unanswered_;
        ++ended_[static_cast<std::size_t>(outcome.ending)];
        if (outcome.ending == Delivery::Ending::acknowledged) {
            const nanoseconds latency = Clock::now() - intended;
            interval_.record(latency);
            whole_.record(latency);
        }
        if (outcomes_.is_open()) {
            outcomes_.add(outcome);
            if (outcomes_.is_full()) {
                flush_outcomes();
            }
        }
        if (!stopping_) {
            return pump();
        }
        if (unanswered_ == 0) {
            finish();
        }
    }

    void flush_outcomes() {
        if (const auto flushed = outcomes_.flush(); !flushed) {
            fail(flushed.error().message);
        }
    }

    void fail(const std::string& error) {
        if (error_.empty()) {
            error_ = error;
        }
        stop();
    }

    ProducerReport reckon(Clock::time_point since, std::uint64_t acknowledged_before, Clock::time_point now) {
        ProducerReport out;
        out.elapsed = now - began_;
        out.due = due(stopped_.value_or(now));
        out.submitted = submitted_;
        out.unanswered = unanswered_;
        out.ended = ended_;
        const double seconds = std::chrono::duration<double>(stopped_.value_or(now) - since).count();
        const std::uint64_t acknowledged = out.count(Delivery::Ending::acknowledged) - acknowledged_before;
        out.acknowledged_per_s = seconds > 0 ? static_cast<double>(acknowledged) / seconds : 0;
        out.interval = summary_of(interval_);
        out.whole = summary_of(whole_);
        out.error = error_;
        return out;
    }

    void report() {
        const Clock::time_point now = Clock::now();
        if (outcomes_.is_open()) {
            flush_outcomes();
        }
        const ProducerReport out = reckon(reported_, acknowledged_reported_, now);
        interval_ = {};
        reported_ = now;
        acknowledged_reported_ = out.count(Delivery::Ending::acknowledged);
        later(options_.report_every, &Impl::report);
        // Whoever hears it may end this object.
        const Listener listener = on_report_;
        if (listener) {
            listener(out);
        }
    }

    // Once; this object may be gone afterwards.
    void finish() {
        if (!on_end_) {
            return;
        }
        flush_outcomes();
        const Listener on_end = std::exchange(on_end_, {});
        self_.reset();  // What comes late is nobody's.
        on_end(reckon(began_, 0, Clock::now()));
    }

    Node& node_;
    ProducerOptions options_;
    Listener on_report_;
    Listener on_end_;
    std::vector<std::uint8_t> payload_;
    Clock::time_point began_;
    Clock::time_point reported_;
    std::optional<Clock::time_point> stopped_;
    std::optional<Pacing> pacing_;
    std::optional<Clock::time_point> wake_;
    bool stopping_ = false;
    std::uint64_t submitted_ = 0;
    std::uint64_t unanswered_ = 0;
    std::uint64_t acknowledged_reported_ = 0;
    std::array<std::uint64_t, ProducerReport::kEndings> ended_{};
    Latencies interval_;
    Latencies whole_;
    OutcomeFile outcomes_;
    std::string error_;
    std::shared_ptr<Impl*> self_;  // Owned here and, weakly, by callbacks, which may come after its end.
};

Producer::Producer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Producer::~Producer() = default;

Result<std::unique_ptr<Producer>> Producer::start(Node& node, const ProducerOptions& options, Listener on_report,
                                                  Listener on_end) {
    if (const auto checked = check(options); !checked) {
        return tl::unexpected(checked.error());
    }
    auto impl = std::make_unique<Impl>(node, options, std::move(on_report), std::move(on_end));
    if (const auto begun = impl->begin(); !begun) {
        return tl::unexpected(Error{Error::Code::failed, begun.error().message});
    }
    return std::unique_ptr<Producer>(new Producer(std::move(impl)));
}

void Producer::stop() {
    impl_->stop();
}

}  // namespace grapevine
