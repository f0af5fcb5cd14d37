// One stream between two endpoints on loopback, each on a loop and thread of its own, beside raw UDP with the same GSO
// and GRO between two threads. They are measured by turns in one run, and each ratio is of neighbours in time. A third
// measure stands between them: the same raw UDP, but with each datagram encrypted and decrypted as QUIC must.

#include <atomic>
#include <thread>

#include <grapevine/grapevine.hpp>

#include "bench/clocks.hpp"
#include "bench/figures.hpp"
#include "bench/raw_udp.hpp"
#include "bench/sealing.hpp"

namespace grapevine::bench {
namespace {

constexpr const char* kAlpn = "bench/throughput/1";
constexpr double kBudgetRatio = 0.5;
constexpr std::size_t kChunkBytes = 256U * 1024U;

class Receiver final : public Protocol {
public:
    void on_data(Stream, std::span<const std::uint8_t> data, bool) override {
        received.fetch_add(data.size(), std::memory_order_relaxed);
    }
    std::atomic<std::uint64_t> received{0};
};

class Sender final : public Protocol {
public:
    void on_connected(Connection connection, const std::string&, bool) override {
        const auto stream = connection.endpoint->open_unidirectional(connection);
        if (!stream) return;
        stream_ = *stream;
        pump();
    }
    void on_writable(Stream) override { pump(); }
    void on_closed(Connection, const Closing& closing) override {
        if (!ending) std::fprintf(stderr, "throughput: closed early: %s\n", closing.cause.c_str());
    }
    std::atomic<bool> ending{false};

private:
    // As much as the send buffer takes; the rest follows when there is room.
    void pump() {
        for (;;) {
            const auto taken = stream_.connection.endpoint->write(stream_, chunk_);
            if (!taken || *taken < chunk_.size()) return;
        }
    }
    Stream stream_;
    std::vector<std::uint8_t> chunk_ = std::vector<std::uint8_t>(kChunkBytes, 0x5a);
};

// An endpoint on a thread of its own. Its loop outlives it, and both end on that thread.
class Running {
public:
    explicit Running(const std::string& alpn) {
        EndpointOptions options;
        options.bind = {"127.0.0.1:0"};
        options.alpns = {alpn};
        auto endpoint = Endpoint::create(loop_, options);
        if (!endpoint) throw std::runtime_error(endpoint.error().message);
        endpoint_ = std::move(*endpoint);
    }
    ~Running() {
        loop_.post([this] { endpoint_->shutdown([this] { loop_.stop(); }); });
        thread_.join();
    }
    Endpoint& endpoint() { return *endpoint_; }
    void run() {
        thread_ = std::thread([this] { loop_.run(); });
    }

private:
    Loop loop_;
    std::unique_ptr<Endpoint> endpoint_;
    std::thread thread_;
};

struct Rate {
    double bytes_per_s = 0;
    double cpu_ns_per_byte = 0;
};

// Counts from the first byte's arrival plus a warm-up, in which the congestion window opens.
Rate stream_rate(double seconds) {
    Receiver receiver;
    Sender sender;
    Running server(kAlpn);
    Running client(kAlpn);
    if (!server.endpoint().serve(kAlpn, receiver)) return {};
    const auto connected = client.endpoint().connect(server.endpoint().ticket(), kAlpn, sender);
    if (!connected) return {};
    server.run();
    client.run();
    const double patience = wall_now() + 5;
    while (receiver.received == 0 && wall_now() < patience)
        ::usleep(1000);
    ::usleep(200'000);
    const double begin = wall_now();
    const double cpu = cpu_now();
    const std::uint64_t before = receiver.received;
    ::usleep(static_cast<useconds_t>(seconds * 1e6));
    const double bytes = std::max(1.0, static_cast<double>(receiver.received - before));
    const Rate rate{bytes / (wall_now() - begin), (cpu_now() - cpu) / bytes * 1e9};
    sender.ending = true;
    return rate;
}

RawRate sealed_udp_rate(std::size_t segment_bytes, double seconds, Figures& figures) {
    Sealing out(segment_bytes);
    Sealing in(segment_bytes);
    bool genuine = true;
    const RawRate rate = raw_udp_rate(
        segment_bytes, seconds, [&](std::span<std::uint8_t> train) { out.seal(train); },
        [&](std::span<std::uint8_t> train) { genuine = in.open(train) && genuine; });
    if (!genuine) figures.fail("a sealed datagram was not genuine");
    return rate;
}

int run(const Arguments& arguments) {
    Figures figures("throughput", arguments);
    const double seconds = static_cast<double>(arguments.number("--milliseconds")) / 1000.0;
    std::vector<double> raw, raw_cpu, sealed, sealed_cpu, stream, stream_cpu, ratios, sealed_ratios, cpu_ratios;
    bool offloads = false;
    for (std::uint64_t round = 0; round < arguments.number("--rounds"); ++round) {
        const Rate rate = stream_rate(seconds);
        if (arguments.number("--profile") != 0) continue;  // Nothing but the stream, for a profiler.
        const RawRate floor = raw_udp_rate(arguments.number("--segment"), seconds);
        const RawRate cipher = sealed_udp_rate(arguments.number("--segment"), seconds, figures);
        offloads = floor.offloads;
        raw.push_back(floor.bytes_per_s * 8e-9);
        stream.push_back(rate.bytes_per_s * 8e-9);
        raw_cpu.push_back(floor.cpu_ns_per_byte);
        stream_cpu.push_back(rate.cpu_ns_per_byte);
        ratios.push_back(rate.bytes_per_s / floor.bytes_per_s);
        sealed.push_back(cipher.bytes_per_s * 8e-9);
        sealed_cpu.push_back(cipher.cpu_ns_per_byte);
        sealed_ratios.push_back(rate.bytes_per_s / cipher.bytes_per_s);
        cpu_ratios.push_back(floor.cpu_ns_per_byte / rate.cpu_ns_per_byte);
    }
    if (ratios.empty()) return figures.finish();
    figures.add("gso_and_gro", offloads ? 1 : 0, "");
    figures.add("raw_udp_gbit_per_s", median(raw), "Gbit/s");
    figures.add("sealed_udp_gbit_per_s", median(sealed), "Gbit/s");
    figures.add("stream_gbit_per_s", median(stream), "Gbit/s");
    figures.add("raw_udp_cpu_ns_per_kib", median(raw_cpu) * 1024, "ns");
    figures.add("sealed_udp_cpu_ns_per_kib", median(sealed_cpu) * 1024, "ns");
    figures.add("stream_cpu_ns_per_kib", median(stream_cpu) * 1024, "ns");
    figures.add("ratio_of_cpu", median(cpu_ratios), "");
    figures.add("ratio_to_sealed_udp", median(sealed_ratios), "");
    figures.at_least("ratio_to_raw_udp", median(ratios), kBudgetRatio, "");
    return figures.finish();
}

}  // namespace
}  // namespace grapevine::bench

int main(int argc, char** argv) {
    using namespace grapevine::bench;
    const Arguments defaults{
        false, false, {{"--rounds", 5}, {"--milliseconds", 1500}, {"--segment", 1452}, {"--profile", 0}}};
    return run(parse_arguments(argc, argv, defaults));
}
