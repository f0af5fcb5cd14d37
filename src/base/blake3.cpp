#include "base/blake3.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

namespace grapevine::base {

namespace {

// Section references are to the BLAKE3 paper.
constexpr std::size_t kBlockBytes = 64;
constexpr std::size_t kChunkBytes = 1024;

// Domain flags, table 3.
constexpr std::uint32_t kChunkStart = 1U << 0U;
constexpr std::uint32_t kChunkEnd = 1U << 1U;
constexpr std::uint32_t kParent = 1U << 2U;
constexpr std::uint32_t kRoot = 1U << 3U;
constexpr std::uint32_t kKeyedHash = 1U << 4U;
constexpr std::uint32_t kDeriveKeyContext = 1U << 5U;
constexpr std::uint32_t kDeriveKeyMaterial = 1U << 6U;

using ChainingValue = std::array<std::uint32_t, 8>;
using Block = std::array<std::uint32_t, 16>;

// Table 1: the initialisation vector of SHA-256.
constexpr ChainingValue kIv{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

constexpr std::size_t kRounds = 7;
using Schedule = std::array<std::array<std::uint8_t, 16>, kRounds>;

// Which message word each step of each round takes: the permutation of table 2, applied again for every round.
constexpr Schedule message_schedule() {
    constexpr std::array<std::uint8_t, 16> kPermutation{2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};
    Schedule schedule{};
    for (std::uint8_t i = 0; i < 16; ++i)
        schedule[0][i] = i;
    for (std::size_t round = 1; round < kRounds; ++round) {
        for (std::size_t i = 0; i < 16; ++i)
            schedule[round][i] = schedule[round - 1][kPermutation[i]];
    }
    return schedule;
}
constexpr Schedule kSchedule = message_schedule();

inline void mix(Block& v, std::size_t a, std::size_t b, std::size_t c, std::size_t d, std::uint32_t x,
                std::uint32_t y) {
    v[a] += v[b] + x;
    v[d] = std::rotr(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], 12);
    v[a] += v[b] + y;
    v[d] = std::rotr(v[d] ^ v[a], 8);
    v[c] += v[d];
    v[b] = std::rotr(v[b] ^ v[c], 7);
}

template <std::size_t kRound>
inline void round(Block& v, const Block& m) {
    constexpr const auto& s = kSchedule[kRound];
    mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
    mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
    mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
    mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
    mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
    mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
    mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
    mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
}

// Everything that one compression takes (section 2.2); the last one of a message is kept as this, so that it can be run
// with the root flag and with any output counter.
struct Node {
    ChainingValue cv{};
    Block block{};
    std::uint64_t counter = 0;
    std::uint32_t block_bytes = 0;
    std::uint32_t flags = 0;
};

Block compress(const Node& node) {
    Block v{};
    std::copy(node.cv.begin(), node.cv.end(), v.begin());
    std::copy(kIv.begin(), kIv.begin() + 4, v.begin() + 8);
    v[12] = static_cast<std::uint32_t>(node.counter);
    v[13] = static_cast<std::uint32_t>(node.counter >> 32U);
    v[14] = node.block_bytes;
    v[15] = node.flags;
    round<0>(v, node.block);
    round<1>(v, node.block);
    round<2>(v, node.block);
    round<3>(v, node.block);
    round<4>(v, node.block);
    round<5>(v, node.block);
    round<6>(v, node.block);
    for (std::size_t i = 0; i < 8; ++i) {
        v[i] ^= v[i + 8];
        v[i + 8] ^= node.cv[i];
    }
    return v;
}

ChainingValue chaining_value(const Node& node) {
    const Block out = compress(node);
    ChainingValue cv{};
    std::copy(out.begin(), out.begin() + 8, cv.begin());
    return cv;
}

std::uint32_t load_word(const std::uint8_t* bytes) {
    if constexpr (std::endian::native == std::endian::little) {
        std::uint32_t word = 0;
        std::memcpy(&word, bytes, sizeof word);
        return word;
    }
    return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8U |
           static_cast<std::uint32_t>(bytes[2]) << 16U | static_cast<std::uint32_t>(bytes[3]) << 24U;
}

// At most one block; what is missing is zero.
Block load_block(ByteView bytes) {
    std::array<std::uint8_t, kBlockBytes> padded{};
    const std::uint8_t* from = bytes.data();
    if (bytes.size() < kBlockBytes) {
        std::copy(bytes.begin(), bytes.end(), padded.begin());
        from = padded.data();
    }
    Block block{};
    for (std::size_t i = 0; i < block.size(); ++i)
        block[i] = load_word(from + 4 * i);
    return block;
}

// What distinguishes the modes (section 2.3): the key words and a flag on every compression.
struct Mode {
    ChainingValue key = kIv;
    std::uint32_t flags = 0;
};

// Section 2.4: the blocks of one chunk, chained; the last one is returned uncompressed.
Node chunk_node(const Mode& mode, ByteView chunk, std::uint64_t index) {
    Node node{mode.key, {}, index, 0, mode.flags | kChunkStart};
    while (chunk.size() > kBlockBytes) {
        node.block = load_block(chunk.first(kBlockBytes));
        node.block_bytes = kBlockBytes;
        node.cv = chaining_value(node);
        node.flags = mode.flags;
        chunk = chunk.subspan(kBlockBytes);
    }
    node.block = load_block(chunk);
    node.block_bytes = static_cast<std::uint32_t>(chunk.size());
    node.flags |= kChunkEnd;
    return node;
}

Node parent_node(const Mode& mode, const ChainingValue& left, const ChainingValue& right) {
    Node node{mode.key, {}, 0, kBlockBytes, mode.flags | kParent};
    std::copy(left.begin(), left.end(), node.block.begin());
    std::copy(right.begin(), right.end(), node.block.begin() + 8);
    return node;
}

// Section 2.1: the left subtree has the largest power of two of whole chunks that leaves at least one byte to the
// right. The recursion is as deep as the logarithm of the number of chunks.
Node tree_node(const Mode& mode, ByteView input, std::uint64_t first_chunk) {
    if (input.size() <= kChunkBytes) return chunk_node(mode, input, first_chunk);
    const std::size_t chunks_before_last = (input.size() - 1) / kChunkBytes;
    const std::size_t left_chunks = std::bit_floor(chunks_before_last);
    const std::size_t left_bytes = left_chunks * kChunkBytes;
    const ChainingValue left = chaining_value(tree_node(mode, input.first(left_bytes), first_chunk));
    const ChainingValue right = chaining_value(tree_node(mode, input.subspan(left_bytes), first_chunk + left_chunks));
    return parent_node(mode, left, right);
}

void store_words(const Block& words, std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<std::uint8_t>(words[i / 4] >> (8 * (i % 4)));
}

// Section 2.6: the root compression once more for every 64 bytes of output, counting.
void hash(const Mode& mode, ByteView input, std::span<std::uint8_t> out) {
    Node root = tree_node(mode, input, 0);
    root.flags |= kRoot;
    for (root.counter = 0; !out.empty(); ++root.counter) {
        const std::size_t count = std::min(out.size(), kBlockBytes);
        store_words(compress(root), out.first(count));
        out = out.subspan(count);
    }
}

ChainingValue key_words(const Blake3Hash& key) {
    ChainingValue words{};
    for (std::size_t i = 0; i < words.size(); ++i)
        words[i] = load_word(key.data() + 4 * i);
    return words;
}

Mode keyed_mode(const Blake3Hash& key) {
    return {key_words(key), kKeyedHash};
}

Mode derive_key_mode(std::string_view context) {
    Blake3Hash key{};
    hash({kIv, kDeriveKeyContext}, as_bytes(context), key);
    return {key_words(key), kDeriveKeyMaterial};
}

Blake3Hash hash32(const Mode& mode, ByteView input) {
    Blake3Hash out{};
    hash(mode, input, out);
    return out;
}

}  // namespace

Blake3Hash blake3(ByteView input) {
    return hash32(Mode{}, input);
}

Blake3Hash blake3_keyed(const Blake3Hash& key, ByteView input) {
    return hash32(keyed_mode(key), input);
}

Blake3Hash blake3_derive_key(std::string_view context, ByteView key_material) {
    return hash32(derive_key_mode(context), key_material);
}

void blake3_xof(ByteView input, std::span<std::uint8_t> out) {
    hash(Mode{}, input, out);
}

void blake3_keyed_xof(const Blake3Hash& key, ByteView input, std::span<std::uint8_t> out) {
    hash(keyed_mode(key), input, out);
}

void blake3_derive_key_xof(std::string_view context, ByteView key_material, std::span<std::uint8_t> out) {
    hash(derive_key_mode(context), key_material, out);
}

}  // namespace grapevine::base
