#pragma once

/// A producer: submits messages to a name at a rate, for load and for measurements, and reckons up how each ended.
///
/// Rules
///  1. The load is open loop: the rate and the start say when each message is due, whatever the answers do. Its latency
///     counts from that moment, so that a message that had to wait for its turn shows the wait (coordinated omission is
///     not hidden). At more than 1,000 a second, those of one millisecond are due together at its beginning.
///  2. At most `unanswered_max` are under way. What is due beyond that, or while the node takes no more, is submitted
///     later; what is left of it at the end was never submitted, and is told as such.
///  3. With rate 0 the loop is closed: always `unanswered_max` under way, and latency counts from the submission.
///  4. After its time it submits nothing more and waits for the last outcomes. Each message has exactly one, by its
///     deadline: what has none two seconds later counts as lost.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <grapevine/node.hpp>

namespace grapevine {

struct ProducerOptions {
    std::string name{};                     ///< As Node::send takes it.
    std::uint32_t rate = 1000;              ///< Messages a second, up to 1,000,000; 0: rule 3.
    std::chrono::milliseconds duration{0};  ///< Up to 30 days; 0: until stop().
    std::size_t size = 200;                 ///< Bytes of a message, up to 60 KiB.
    enum class Kind { send, request };
    Kind kind = Kind::send;
    DeliveryOptions delivery{};
    std::uint32_t unanswered_max = 2048;           ///< 1 to 16384.
    std::chrono::milliseconds report_every{1000};  ///< 10 ms at least; 0: no reports but the last.
    /// If not empty, each outcome is appended to this file in 18 bytes: incarnation and sequence of the message (big
    /// endian), Delivery::Ending, Delivery::Handled.
    std::filesystem::path outcomes_file{};
};

/// Of acknowledged messages, from when they were due to their outcome; within 1.6 %.
struct LatencySummary {
    std::uint64_t count = 0;
    std::chrono::nanoseconds p50{0}, p90{0}, p99{0}, p999{0}, max{0};
};

struct ProducerReport {
    static constexpr std::size_t kEndings = static_cast<std::size_t>(Delivery::Ending::cancelled) + 1;

    std::chrono::nanoseconds elapsed{0};  ///< Since the start.
    std::uint64_t due = 0;                ///< By rate and time; with rate 0 what was submitted.
    std::uint64_t submitted = 0;
    std::uint64_t unanswered = 0;                 ///< Submitted, and no outcome yet. At the end: lost.
    std::array<std::uint64_t, kEndings> ended{};  ///< By Delivery::Ending.
    double acknowledged_per_s = 0;                ///< Since the report before; at the end, over the time of submission.
    LatencySummary interval{};                    ///< Since the report before.
    LatencySummary whole{};
    std::string error{};  ///< Why it ended early: the node refused the message as invalid, or a file's error.

    [[nodiscard]] std::uint64_t count(Delivery::Ending ending) const { return ended[static_cast<std::size_t>(ending)]; }
};

class Producer {
public:
    using Listener = std::function<void(const ProducerReport&)>;

    /// Begins at once. `on_end` comes last and once, and may destroy the producer. The node outlives it.
    static Result<std::unique_ptr<Producer>> start(Node& node, const ProducerOptions& options, Listener on_report,
                                                   Listener on_end);
    /// What is under way goes on without it, and nobody hears of it.
    ~Producer();
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;

    /// As if its time were over.
    void stop();

private:
    class Impl;
    explicit Producer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace grapevine
