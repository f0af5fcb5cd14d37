// Arbitrary turns into a session: it never fails but by an error, its answers keep to the limits and decode again, and
// it ends. Half of the inputs are raw frames, half are turns that are nearly well-formed.

#include <cstddef>
#include <cstdint>

#include "base/assert.hpp"
#include "base/rng.hpp"
#include "directory/reconcile.hpp"
#include "telemetry/ledger.hpp"

namespace {

using namespace grapevine;
using namespace grapevine::directory;
using namespace std::chrono_literals;

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
    std::uint8_t byte() { return at_ < size_ ? data_[at_++] : 0; }
    [[nodiscard]] bool empty() const { return at_ >= size_; }
    [[nodiscard]] base::ByteView take(std::size_t size) {
        const std::size_t taken = std::min(size, size_ - at_);
        at_ += taken;
        return {data_ + at_ - taken, taken};
    }

private:
    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t at_ = 0;
};

const std::vector<wire::Statement>& statements() {
    static const std::vector<wire::Statement> all = [] {
        std::vector<wire::Statement> made;
        for (std::uint8_t n = 1; n <= 60; ++n) {
            wire::Digest digest;
            digest.mesh = "mesh1";
            digest.type = "broker";
            digest.sequence = wire::Sequence{n};
            digest.presence = n % 10 == 0 ? wire::Presence::leaving : wire::Presence::present;
            made.push_back(wire::sign(*base::SecretKey::from_seed(base::Bytes(32, n)), digest));
        }
        return made;
    }();
    return all;
}

base::EndpointId some_id(Input& in) {
    const std::uint8_t choice = in.byte();
    if (choice < statements().size()) return statements()[choice].signer;
    base::EndpointId id;
    id.bytes.fill(choice == 255 ? 0xff : 0);
    id.bytes[0] = choice;
    return id;
}

wire::SyncTurn some_turn(Input& in) {
    wire::SyncTurn turn;
    for (std::uint8_t n = in.byte() % 8; n > 0; --n) {
        wire::SyncRange range{some_id(in), std::monostate{}};
        const std::uint8_t kind = in.byte() % 3;
        if (kind == 1) range.content = wire::Fingerprint{{in.byte()}};
        if (kind == 2) {
            std::vector<wire::KnownEntry> items;
            for (std::uint8_t i = in.byte() % 8; i > 0; --i)
                items.push_back({some_id(in), wire::Sequence{in.byte()}});
            std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
            range.content = std::move(items);
        }
        turn.ranges.push_back(std::move(range));
    }
    if (in.byte() % 8 != 0)
        std::sort(turn.ranges.begin(), turn.ranges.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
    for (std::uint8_t n = in.byte() % 4; n > 0; --n)
        turn.wanted.push_back(some_id(in));
    for (std::uint8_t n = in.byte() % 4; n > 0; --n)
        turn.statements.push_back(statements()[in.byte() % statements().size()].envelope);
    return turn;
}

std::optional<wire::SyncTurn> raw_turn(Input& in) {
    const auto frame = wire::decode_mesh_frame(0x20, in.take(64U * (1U + in.byte())));
    if (!frame || !std::holds_alternative<wire::SyncTurn>(*frame)) return std::nullopt;
    return std::get<wire::SyncTurn>(*frame);
}

void check(const wire::SyncTurn& turn) {
    const std::size_t size = wire::payload_size(turn);
    GRAPEVINE_ASSERT(size <= wire::kMeshFrameMax, "a turn fits into a frame");
    const base::Bytes frame = wire::encode(wire::MeshFrame(turn));
    const auto decoded = wire::decode_mesh_frame(frame[0], base::ByteView(frame).last(size));
    GRAPEVINE_ASSERT(decoded && std::get<wire::SyncTurn>(*decoded) == turn, "a turn decodes to itself");
    for (std::size_t i = 1; i < turn.ranges.size(); ++i)
        GRAPEVINE_ASSERT(turn.ranges[i - 1].from < turn.ranges[i].from, "ranges are in order");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input in(data, size);
    telemetry::Ledger ledger;
    base::Rng rng(1);
    static const base::SecretKey key = *base::SecretKey::from_seed(base::Bytes(32, 200));
    Config config;
    config.mesh = "mesh1";
    config.type = "broker";
    Directory directory(config, key, rng, ledger);
    Effects out;
    const base::TimePoint now(1h);
    directory.start(now, out);
    const bool raw = in.byte() % 2 == 1;
    for (std::uint8_t n = in.byte() % 64; n > 0; --n)
        directory.on_statement(key.id(), statements()[in.byte() % statements().size()].envelope, Source::gossip, now,
                               out);
    SyncSession session(directory, statements()[0].signer, ledger);
    if (in.byte() % 2 == 0) check(session.start());
    while (!in.empty()) {
        const auto turn = raw ? raw_turn(in) : some_turn(in);
        if (!turn) continue;
        const auto step = session.on_turn(*turn, now, out);
        if (!step) break;
        GRAPEVINE_ASSERT(step->done || step->reply, "a turn is answered unless it was the last");
        if (step->reply) check(*step->reply);
        if (step->done) break;
    }
    GRAPEVINE_ASSERT(ledger[telemetry::Kind::directory_entry].alive() == directory.size(), "entries are counted");
    return 0;
}
