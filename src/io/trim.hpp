#pragma once

// Gives back memory that only the start needed.
//
// A node's start (dynamic linking, keys, handshakes) touches far more code and heap than its life. Once, some seconds
// after the start: malloc_trim() returns free heap to the kernel, and the pages of executable file mappings are
// unmapped (madvise(2), MADV_DONTNEED). They stay in the page cache, which all processes share, and those still used
// come back by a minor fault each; what is resident afterwards is the working set. Writable and relocated mappings are
// never touched. A traced process is left alone, since a debugger's breakpoints live in those pages.

#include <cstddef>

namespace grapevine::io {

// How many bytes of mappings were offered; 0 when the process is traced or /proc is not there.
std::size_t trim_after_start();

}  // namespace grapevine::io
