#include "io/trim.hpp"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include <malloc.h>
#include <sys/mman.h>

#include "io/udp_socket.hpp"

namespace grapevine::io {

static_assert(kHeapKept >= 2 * UdpSocket::kReceiveBudgetBytes);

namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open_file(const char* path) {
    return {std::fopen(path, "re"), &std::fclose};
}

bool is_traced() {
    const File status = open_file("/proc/self/status");
    std::array<char, 256> line{};
    while (status && std::fgets(line.data(), line.size(), status.get()) != nullptr) {
        int tracer = 0;
        if (std::sscanf(line.data(), "TracerPid: %d", &tracer) == 1) return tracer != 0;
    }
    return true;  // Not known: touch nothing.
}

// One line of /proc/self/maps, if it is a private, executable, read-only mapping of a file.
std::size_t trim_mapping(const char* line) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    std::array<char, 8> mode{};
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &begin, &end, mode.data()) != 3) return 0;
    if (std::string_view(mode.data()) != "r-xp" || std::strchr(line, '/') == nullptr) return 0;
    const std::size_t bytes = end - begin;
    void* const at = reinterpret_cast<void*>(begin);  // NOLINT(performance-no-int-to-ptr): it was read from a text.
    return ::madvise(at, bytes, MADV_DONTNEED) == 0 ? bytes : 0;
}

bool environment_decides() {
    const char* tunables = std::getenv("GLIBC_TUNABLES");
    return std::getenv("MALLOC_TRIM_THRESHOLD_") != nullptr ||
           (tunables != nullptr && std::strstr(tunables, "glibc.malloc.trim_threshold") != nullptr);
}

}  // namespace

bool keep_free_heap() {
    return !environment_decides() && ::mallopt(M_TRIM_THRESHOLD, static_cast<int>(kHeapKept)) == 1;
}

void trim_heap() {
    ::malloc_trim(0);
}

std::size_t trim_process() {
    trim_heap();
    if (is_traced()) return 0;
    const File maps = open_file("/proc/self/maps");
    std::array<char, 4096> line{};
    std::size_t bytes = 0;
    while (maps && std::fgets(line.data(), line.size(), maps.get()) != nullptr)
        bytes += trim_mapping(line.data());
    return bytes;
}

}  // namespace grapevine::io
