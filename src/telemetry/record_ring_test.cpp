#include "telemetry/record_ring.hpp"

#include <deque>
#include <string>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "telemetry/catalogue.hpp"

namespace grapevine::telemetry {
namespace {

using base::Bytes;

Bytes filled(std::size_t size, std::uint8_t with) {
    return Bytes(size, with);
}

// Beside the queue of the standard library: the same entries in the same order, whatever comes and goes.
TEST(PackedQueue, IsAQueue) {
    base::Rng rng(7);
    PackedQueue queue;
    std::deque<Bytes> model;
    std::size_t bytes = 0;
    for (int step = 0; step < 20'000; ++step) {
        if (model.empty() || rng.below(100) < (step / 2000 % 2 == 0 ? 70U : 30U)) {
            const std::size_t size = rng.below(50) == 0 ? rng.below(3 * PackedQueue::kChunkBytes) : rng.below(700);
            model.push_back(filled(size, static_cast<std::uint8_t>(step)));
            queue.push(model.back());
            bytes += size + PackedQueue::kEntryBytes;
        } else {
            const base::ByteView front = queue.front();
            ASSERT_EQ(Bytes(front.begin(), front.end()), model.front());
            bytes -= model.front().size() + PackedQueue::kEntryBytes;
            model.pop_front();
            queue.pop();
        }
        ASSERT_EQ(queue.size(), model.size());
        ASSERT_EQ(queue.bytes(), bytes);
    }
}

// A full ring, whose oldest go while new ones come, stays in the chunks that it has.
TEST(PackedQueue, UsesItsChunksAgain) {
    base::Rng rng(3);
    PackedQueue queue;
    constexpr std::size_t kBound = 16 * PackedQueue::kChunkBytes;
    std::size_t most = 0;
    for (int i = 0; i < 50'000; ++i) {
        queue.push(filled(rng.below(900), 1));
        while (queue.bytes() > kBound)
            queue.pop();
        most = std::max(most, queue.capacity());
    }
    EXPECT_LE(most, kBound + 3 * PackedQueue::kChunkBytes);
    while (queue.size() > 0)
        queue.pop();
    EXPECT_EQ(queue.capacity(), PackedQueue::kChunkBytes);
    EXPECT_EQ(queue.bytes(), 0U);
}

TEST(PackedQueue, AnEntryLargerThanAChunkHasItsOwnAndGivesItBack) {
    PackedQueue queue;
    queue.push(filled(10, 1));
    queue.push(filled(5 * PackedQueue::kChunkBytes, 2));
    queue.push(filled(10, 3));
    queue.pop();
    EXPECT_EQ(queue.front().size(), 5 * PackedQueue::kChunkBytes);
    queue.pop();
    EXPECT_EQ(queue.front()[0], 3);
    EXPECT_LE(queue.capacity(), 2 * PackedQueue::kChunkBytes);
}

Span full_span() {
    Span span;
    span.spec = &spans::kPeerDialled;
    span.trace.bytes[0] = 1;
    span.id.bytes[1] = 2;
    span.parent.bytes[2] = 3;
    span.remote_parent = true;
    span.start_unix_ns = 4;
    span.end_unix_ns = 5;
    span.attributes = {{"text", std::string(300, 'x')},
                       {"empty", std::string()},
                       {"yes", true},
                       {"number", std::int64_t{-7}},
                       {"ratio", 0.5}};
    span.links = {{span.trace, span.id}, {span.trace, span.parent}};
    span.status = SpanStatus::error;
    span.status_text = "why";
    return span;
}

TEST(RecordPacking, ASpanComesBackWhole) {
    const Span span = full_span();
    RecordRing<Span> ring(9, 9000);
    EXPECT_EQ(ring.push(span), 0U);
    EXPECT_EQ(ring.push(Span()), 0U);
    const auto back = ring.take(9);
    ASSERT_EQ(back.size(), 2U);
    EXPECT_EQ(back[0].spec, span.spec);
    EXPECT_EQ(back[0].trace, span.trace);
    EXPECT_EQ(back[0].id, span.id);
    EXPECT_EQ(back[0].parent, span.parent);
    EXPECT_TRUE(back[0].remote_parent);
    EXPECT_EQ(back[0].start_unix_ns, 4U);
    EXPECT_EQ(back[0].end_unix_ns, 5U);
    EXPECT_EQ(back[0].attributes, span.attributes);
    EXPECT_EQ(back[0].links, span.links);
    EXPECT_EQ(back[0].status, SpanStatus::error);
    EXPECT_EQ(back[0].status_text, "why");
    EXPECT_EQ(back[1].spec, nullptr);
    EXPECT_TRUE(back[1].attributes.empty());
}

TEST(RecordPacking, ALogRecordComesBackWhole) {
    LogRecord record{9, Level::warn, Target::peer, "site", std::string(5000, 'b'), {{"peer_id", "z"}}, {}};
    record.context.trace.bytes[0] = record.context.span.bytes[0] = 1;
    record.context.sampled = true;
    record.context.sent_unix_ns = 8;
    RecordRing<LogRecord> ring(9, 9000);
    EXPECT_EQ(ring.push(record), 0U);
    const auto back = ring.take(1);
    EXPECT_EQ(back[0].unix_ns, 9U);
    EXPECT_EQ(back[0].level, Level::warn);
    EXPECT_EQ(back[0].target, Target::peer);
    EXPECT_EQ(back[0].site, "site");
    EXPECT_EQ(back[0].body, record.body);
    EXPECT_EQ(back[0].attributes, record.attributes);
    EXPECT_EQ(back[0].context.trace, record.context.trace);
    EXPECT_EQ(back[0].context.sent_unix_ns, 8U);
    EXPECT_TRUE(back[0].context.sampled);
    EXPECT_EQ(ring.size(), 0U);
}

}  // namespace
}  // namespace grapevine::telemetry
