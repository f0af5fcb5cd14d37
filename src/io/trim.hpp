#pragma once

// What a process gives back to the kernel, and when.
//
// A node's start (dynamic linking, keys, handshakes) touches far more code and heap than its life. Once, some seconds
// after the start: malloc_trim() returns free heap to the kernel, and the pages of executable file mappings are
// unmapped (madvise(2), MADV_DONTNEED). They stay in the page cache, which all processes share, and those still used
// come back by a minor fault each; what is resident afterwards is the working set. Writable and relocated mappings are
// never touched. A traced process is left alone, since a debugger's breakpoints live in those pages.
//
// The same later, once in a while. Connections come and go in pieces of many sizes, and what was in use at the busiest
// moment would stay for ever, a little more after each busier one; and so would code that only a rare event needs, with
// the 15 pages around it that the kernel maps at the same fault.
//
// In between, little goes back. Received data is gathered in buffers that live for one turn of the loop, up to
// kHeapKept of them where a stream runs at full speed. The allocator's own rule returns free memory at the end of the
// heap beyond 128 KiB, and each turn would take it anew, page fault by page fault (docs/profiling.md has figures).

#include <cstddef>

namespace grapevine::io {

// What one turn may receive (UdpSocket::kReceiveBudgetBytes), twice for the growing of its buffers. An idle process
// does not reach it, and trim_process() disregards it.
inline constexpr std::size_t kHeapKept = 2U << 20U;

// Lets the allocator keep kHeapKept of free memory at the end of each of its heaps. It holds for the whole process, as
// the allocator does; where the environment sets the threshold (MALLOC_TRIM_THRESHOLD_, GLIBC_TUNABLES), that stays.
// False if nothing was changed.
bool keep_free_heap();

// Free heap goes back, in whole pages, wherever in the heap they are: some twenty microseconds for an idle
// node, and a page fault for each page that is taken again.
void trim_heap();

// trim_heap(), and the code. How many bytes of mappings were offered; 0 when the process is traced or /proc is not
// there.
std::size_t trim_process();

}  // namespace grapevine::io
