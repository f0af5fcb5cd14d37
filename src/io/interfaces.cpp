#include "io/interfaces.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "io/sockaddr.hpp"

namespace grapevine::io {

namespace {

bool is_link_local(const base::SocketAddr& addr) {
    if (addr.family == base::IpFamily::v4) {
        return addr.ip[0] == 169 && addr.ip[1] == 254;
    }
    return addr.ip[0] == 0xfe && (addr.ip[1] & 0xc0) == 0x80;
}

std::vector<base::SocketAddr> all_addrs(base::IpFamily family) {
    std::vector<base::SocketAddr> addrs;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        return addrs;
    }
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) {
            continue;
        }
        const auto addr = from_native(*entry->ifa_addr);
        if (addr && addr->family == family && !is_link_local(*addr)) {
            addrs.push_back(*addr);
        }
    }
    ::freeifaddrs(list);
    return addrs;
}

}  // namespace

std::vector<base::SocketAddr> interface_addrs(base::IpFamily family, std::uint16_t port) {
    std::vector<base::SocketAddr> addrs = all_addrs(family);
    const auto loopback =
        std::partition(addrs.begin(), addrs.end(), [](const base::SocketAddr& addr) { return !addr.is_loopback(); });
    if (loopback != addrs.begin()) {
        addrs.erase(loopback, addrs.end());
    }
    for (base::SocketAddr& addr : addrs) {
        addr.port = port;
    }
    std::sort(addrs.begin(), addrs.end());
    addrs.erase(std::unique(addrs.begin(), addrs.end()), addrs.end());
    if (addrs.size() > kInterfaceAddrsMax) {
        addrs.resize(kInterfaceAddrsMax);
    }
    return addrs;
}

InterfaceWatch::InterfaceWatch(Runtime& runtime, std::function<void()> changed)
    : runtime_(runtime),
      changed_(std::move(changed)),
      socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)) {
    sockaddr_nl local{};
    local.nl_family = AF_NETLINK;
    local.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    if (!socket_.valid() || ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&local), sizeof local) != 0) {
        return;
    }
    if (const auto watch = runtime_.watch(socket_.get(), [this] { drain(); }); watch) {
        watch_ = *watch;
    }
}

InterfaceWatch::~InterfaceWatch() {
    if (watch_) {
        runtime_.unwatch(*watch_);
    }
}

// What changed does not matter: the addresses are read anew. An overrun of the socket is a change, too.
void InterfaceWatch::drain() {
    std::array<char, 8192> buffer;
    bool got = false;
    for (int i = 0; i < 64; ++i) {
        const ssize_t length = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (length < 0 && errno != ENOBUFS) {
            break;
        }
        got = true;
    }
    if (got) {
        changed_();
    }
}

}  // namespace grapevine::io
