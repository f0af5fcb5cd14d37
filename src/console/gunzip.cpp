#include "console/gunzip.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <zlib.h>

#include "base/assert.hpp"

namespace grapevine::console {
namespace {

constexpr int kGzipOnly = 15 + 16;  // zlib: the largest window, and gzip's frame.
constexpr std::size_t kPiece = 16U * 1024U;

struct Inflater {
    z_stream stream{};
    Inflater() { GRAPEVINE_ASSERT(::inflateInit2(&stream, kGzipOnly) == Z_OK, "zlib has memory to begin"); }
    ~Inflater() { ::inflateEnd(&stream); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
};

// zlib takes no const.
Bytef* input(std::string_view bytes) {
    return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

}  // namespace

base::Result<std::string> gunzip(std::string_view packed, std::size_t bytes_max) {
    if (packed.size() > std::numeric_limits<uInt>::max()) {
        return base::fail(base::ErrorCode::exhausted, "gzip: too long");
    }
    Inflater inflater;
    inflater.stream.next_in = input(packed);
    inflater.stream.avail_in = static_cast<uInt>(packed.size());
    std::string out;
    std::array<char, kPiece> piece{};
    for (int state = Z_OK; state != Z_STREAM_END;) {
        inflater.stream.next_out = reinterpret_cast<Bytef*>(piece.data());
        inflater.stream.avail_out = static_cast<uInt>(piece.size());
        state = ::inflate(&inflater.stream, Z_NO_FLUSH);
        const std::size_t produced = piece.size() - inflater.stream.avail_out;
        if (out.size() + produced > bytes_max) {
            return base::fail(base::ErrorCode::exhausted,
                              "gzip: more than " + std::to_string(bytes_max) + " bytes inflated");
        }
        out.append(piece.data(), produced);
        if (state != Z_OK && state != Z_STREAM_END) {
            return base::invalid(state == Z_BUF_ERROR ? "gzip: cut short" : "gzip: damaged, or no gzip at all");
        }
    }
    if (inflater.stream.avail_in != 0) {
        return base::invalid("gzip: bytes after its end");
    }
    return out;
}

std::string gzip(std::string_view plain) {
    z_stream stream{};
    GRAPEVINE_ASSERT(
        ::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipOnly, 8, Z_DEFAULT_STRATEGY) == Z_OK,
        "zlib has memory to begin");
    std::string out(::deflateBound(&stream, static_cast<uLong>(plain.size())), '\0');
    stream.next_in = input(plain);
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    GRAPEVINE_ASSERT(::deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflateBound() is enough");
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

}  // namespace grapevine::console
