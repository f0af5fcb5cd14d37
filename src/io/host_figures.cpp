#include "io/host.hpp"

namespace grapevine::io {

namespace {

struct CounterName {
    const char* name;
    std::uint64_t UdpCounters::* member;
};

constexpr CounterName kCounterNames[] = {
    {"udp.trains_sent", &UdpCounters::trains_sent},
    {"udp.datagrams_sent", &UdpCounters::datagrams_sent},
    {"udp.bytes_sent", &UdpCounters::bytes_sent},
    {"udp.trains_received", &UdpCounters::trains_received},
    {"udp.datagrams_received", &UdpCounters::datagrams_received},
    {"udp.bytes_received", &UdpCounters::bytes_received},
    {"udp.read_calls", &UdpCounters::reads},
    {"udp.send_calls", &UdpCounters::sends},
    {"udp.trains_deferred", &UdpCounters::deferred},
    {"udp.dropped_queue", &UdpCounters::dropped_queue},
    {"udp.dropped_too_large", &UdpCounters::dropped_too_large},
    {"udp.dropped_unreachable", &UdpCounters::dropped_unreachable},
    {"udp.dropped_kernel", &UdpCounters::dropped_kernel},
    {"udp.dropped_truncated", &UdpCounters::dropped_truncated},
    {"udp.unreachable_hints", &UdpCounters::unreachable_hints},
};

struct FeatureName {
    const char* name;
    bool UdpFeatures::* member;
};

constexpr FeatureName kFeatureNames[] = {
    {"udp.sockets_with_gso", &UdpFeatures::gso},
    {"udp.sockets_with_gro", &UdpFeatures::gro},
    {"udp.sockets_with_ecn", &UdpFeatures::ecn},
    {"udp.sockets_with_error_queue", &UdpFeatures::error_queue},
};

}  // namespace

std::vector<stack::Figure> Host::own_figures() const {
    std::vector<stack::Figure> all;
    for (const auto& [name, member] : kCounterNames) {
        std::uint64_t sum = 0;
        for (const Socket& socket : sockets_) {
            sum += socket.udp->counters().*member;
        }
        all.push_back({name, sum});
    }
    all.push_back({"udp.sockets", sockets_.size()});
    for (const auto& [name, member] : kFeatureNames) {
        std::uint64_t sum = 0;
        for (const Socket& socket : sockets_) {
            sum += socket.udp->features().*member ? 1 : 0;
        }
        all.push_back({name, sum});
    }
    all.push_back({"udp.dropped_unroutable", unroutable_});
    all.push_back({"loop.turns", runtime_.turns()});
    all.push_back({"host.turns", turns_});
    all.push_back({"ledger.laws_broken", stack_->laws().broken() + law_watch_.laws().broken()});
    all.push_back({"ledger.laws_broken_ever", stack_->laws().broken_ever() + law_watch_.laws().broken_ever()});
    all.push_back({"log.lines_suppressed", runtime_.log().suppressed()});
    return all;
}

std::vector<stack::Figure> Host::figures() const {
    std::vector<stack::Figure> all = own_figures();
    const auto stack = stack_->figures();
    all.insert(all.end(), stack.begin(), stack.end());
    return all;
}

}  // namespace grapevine::io
