#include "io/exporter_gzip.hpp"

#include <limits>

#include <zlib.h>

#include "base/assert.hpp"

namespace grapevine::io {

std::string gzip(std::string_view data) {
    GRAPEVINE_ASSERT(data.size() < std::numeric_limits<uInt>::max() / 2, "a batch is small");
    constexpr int kWindow15WithGzipHead = 15 + 16;
    constexpr int kMemoryLevel = 8;
    z_stream stream{};
    GRAPEVINE_ASSERT(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWindow15WithGzipHead, kMemoryLevel,
                                  Z_DEFAULT_STRATEGY) == Z_OK,
                     "out of memory");
    std::string out(deflateBound(&stream, static_cast<uLong>(data.size())), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
    stream.avail_in = static_cast<uInt>(data.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    GRAPEVINE_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END, "the bound holds");
    out.resize(stream.total_out);
    out.shrink_to_fit();
    deflateEnd(&stream);
    return out;
}

}  // namespace grapevine::io
