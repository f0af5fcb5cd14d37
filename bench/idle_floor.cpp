// The floor beside which an idle node is measured: a process that does nothing but wake up at a given rate, by timerfd
// and epoll, and read the timer. Usage: bench_idle_floor WAKE_UPS_PER_SECOND; ends on SIGTERM.

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
    const double rate = argc == 2 ? std::strtod(argv[1], nullptr) : 0;
    if (!(rate >= 0.01 && rate <= 100000)) {
        std::fprintf(stderr, "usage: bench_idle_floor WAKE_UPS_PER_SECOND (0.01 to 100000)\n");
        return 2;
    }
    const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    const auto period_ns = static_cast<std::int64_t>(1e9 / rate);
    itimerspec spec{};
    spec.it_interval = {period_ns / 1'000'000'000, period_ns % 1'000'000'000};
    spec.it_value = spec.it_interval;
    epoll_event watched{};
    watched.events = EPOLLIN;
    if (timer < 0 || poll < 0 || ::timerfd_settime(timer, 0, &spec, nullptr) != 0 ||
        ::epoll_ctl(poll, EPOLL_CTL_ADD, timer, &watched) != 0) {
        std::perror("bench_idle_floor");
        return 1;
    }
    for (;;) {
        epoll_event happened{};
        std::uint64_t ticks = 0;
        if (::epoll_wait(poll, &happened, 1, -1) == 1 && ::read(timer, &ticks, sizeof ticks) < 0) return 1;
    }
}
