// Latency of a broadcast: 18 endpoints in one topic on loopback, 200-byte messages, one at a time from a random
// member. For each message the times at which the 17 others have it. The endpoints share as many loops and threads as
// asked for.
//
// Floors in the same run: the round trip of a raw UDP echo between two threads, and one thread that sends 17 datagrams
// and takes them out again.

#include <atomic>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <thread>

#include <grapevine/grapevine.hpp>

#include "base/rng.hpp"
#include "bench/clocks.hpp"
#include "bench/figures.hpp"
#include "bench/raw_udp.hpp"

namespace grapevine::bench {
namespace {

constexpr std::size_t kEndpoints = 18;
constexpr std::size_t kMessageBytes = 200;
constexpr double kBudgetP50Us = 200;
constexpr double kBudgetP99Us = 1000;

// Of the message under way: its number and when each endpoint had it.
struct Round {
    std::atomic<std::uint64_t> number{0};
    std::atomic<std::uint64_t> arrived{0};
    std::atomic<double> begin{0};  // -1: refused.
    std::array<std::atomic<double>, kEndpoints> at{};
};

class Listener final : public TopicListener {
public:
    Listener(Round& round, std::size_t index) : round_(round), index_(index) {}
    void on_received(const std::string&, std::span<const std::uint8_t> content, const std::string&) override {
        std::uint64_t number = 0;
        if (content.size() != kMessageBytes) return;
        std::memcpy(&number, content.data(), sizeof number);
        if (number != round_.number.load()) return;
        round_.at[index_].store(wall_now());
        round_.arrived.fetch_add(1);
    }
    void on_neighbor_up(const std::string&, const std::string&) override { neighbors.fetch_add(1); }
    void on_neighbor_down(const std::string&, const std::string&) override { neighbors.fetch_sub(1); }
    std::atomic<int> neighbors{0};

private:
    Round& round_;
    std::size_t index_;
};

// Endpoints spread over `threads` loops, all in one topic.
class Swarm {
public:
    explicit Swarm(std::size_t threads) : loops_(threads), topic_(64, '7') {
        EndpointOptions options;
        options.bind = {"127.0.0.1:0"};
        for (std::size_t i = 0; i < kEndpoints; ++i) {
            auto endpoint = Endpoint::create(loops_[i % threads], options);
            if (!endpoint) throw std::runtime_error(endpoint.error().message);
            endpoints_.push_back(std::move(*endpoint));
            listeners_.emplace_back(round_, i);
            std::vector<std::string> seeds;
            if (i > 0) seeds.push_back(endpoints_[0]->ticket());
            if (!endpoints_[i]->join(topic_, seeds, listeners_[i])) throw std::runtime_error("cannot join the topic");
        }
        for (Loop& loop : loops_)
            threads_.emplace_back([&loop] { loop.run(); });
    }
    ~Swarm() {
        for (Loop& loop : loops_)
            loop.stop();
        for (std::thread& thread : threads_)
            thread.join();
    }
    Swarm(const Swarm&) = delete;
    Swarm& operator=(const Swarm&) = delete;

    [[nodiscard]] bool joined() const {
        return std::all_of(listeners_.begin(), listeners_.end(),
                           [](const Listener& listener) { return listener.neighbors > 0; });
    }

    // Broadcasts one message from `sender` and waits for it everywhere. Microseconds for each of the others; fewer than
    // 17 when some did not get it in a second.
    std::vector<double> send(std::size_t sender) {
        std::vector<std::uint8_t> content(kMessageBytes, 0x5a);
        const std::uint64_t number = round_.number.load() + 1;
        std::memcpy(content.data(), &number, sizeof number);
        for (auto& at : round_.at)
            at.store(0);
        round_.arrived = 0;
        round_.number = number;
        round_.begin = 0;
        loops_[sender % loops_.size()].post([this, sender, content = std::move(content)] {
            round_.begin = wall_now();
            if (!endpoints_[sender]->broadcast(topic_, content)) round_.begin = -1;
        });
        const double patience = wall_now() + 1;
        while (round_.begin == 0 || (round_.arrived < kEndpoints - 1 && wall_now() < patience))
            ::usleep(1000);
        std::vector<double> out;
        for (std::size_t i = 0; i < kEndpoints; ++i)
            if (i != sender && round_.at[i] > 0) out.push_back((round_.at[i] - round_.begin) * 1e6);
        return out;
    }

private:
    std::deque<Loop> loops_;
    std::string topic_;
    Round round_;
    std::deque<Listener> listeners_;
    std::vector<std::unique_ptr<Endpoint>> endpoints_;
    std::vector<std::thread> threads_;
};

struct Latencies {
    std::vector<double> each;  // Every delivery.
    std::vector<double> last;  // The last of the 17, for each message.
    double cpu_us = 0;         // Of the whole process, a message.
    std::uint64_t missed = 0;
};

Latencies measure(std::size_t threads, std::size_t messages, Figures& figures) {
    Swarm swarm(threads);
    const double patience = wall_now() + 10;
    while (!swarm.joined() && wall_now() < patience)
        ::usleep(1000);
    if (!swarm.joined()) figures.fail("the topic did not come together");
    base::Rng rng(1);
    // The first messages make the eager links a tree.
    for (std::size_t i = 0; i < 200; ++i)
        static_cast<void>(swarm.send(rng.index(kEndpoints)));
    Latencies out;
    const double cpu = cpu_now();
    for (std::size_t i = 0; i < messages; ++i) {
        const auto times = swarm.send(rng.index(kEndpoints));
        out.each.insert(out.each.end(), times.begin(), times.end());
        out.missed += kEndpoints - 1 - times.size();
        if (times.size() == kEndpoints - 1) out.last.push_back(*std::max_element(times.begin(), times.end()));
    }
    out.cpu_us = (cpu_now() - cpu) / static_cast<double>(messages) * 1e6;
    return out;
}

int run(const Arguments& arguments) {
    Figures figures("broadcast", arguments);
    const std::size_t messages = arguments.number("--messages");
    const auto echo = raw_udp_echo_us(kMessageBytes, messages);
    const auto fan_out = raw_udp_fan_out_us(kEndpoints - 1, kMessageBytes, messages);
    const Latencies seen = measure(std::max<std::size_t>(1, arguments.number("--threads")), messages, figures);
    figures.add("raw_udp_echo_p50_us", median(echo), "us");
    figures.add("raw_udp_echo_p99_us", percentile(echo, 0.99), "us");
    figures.add("raw_udp_fan_out_p50_us", median(fan_out), "us");
    figures.add("raw_udp_fan_out_p99_us", percentile(fan_out, 0.99), "us");
    figures.add("each_delivery_p50_us", median(seen.each), "us");
    figures.add("each_delivery_p99_us", percentile(seen.each, 0.99), "us");
    figures.at_most("all_17_p50_us", median(seen.last), kBudgetP50Us, "us");
    figures.at_most("all_17_p99_us", percentile(seen.last, 0.99), kBudgetP99Us, "us");
    figures.add("cpu_us_per_message", seen.cpu_us, "us");
    figures.add("ratio_to_fan_out", median(seen.last) / std::max(0.001, median(fan_out)), "");
    if (seen.missed > 0) figures.fail(std::to_string(seen.missed) + " deliveries were missed");
    return figures.finish();
}

}  // namespace
}  // namespace grapevine::bench

int main(int argc, char** argv) {
    using namespace grapevine::bench;
    return run(parse_arguments(argc, argv, {false, false, {{"--messages", 2000}, {"--threads", 1}}}));
}
