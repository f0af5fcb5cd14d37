#include "telemetry/ledger.hpp"

#include <utility>

#include "base/assert.hpp"

namespace grapevine::telemetry {

namespace {

constexpr std::array<std::string_view, kKinds> kNames{
    "connection",
    "handshake",
    "stream",
    "dial",
    "active_peer",
    "passive_peer",
    "directory_entry",
    "remembered_peer",
    "gossip_topic",
    "gossip_message",
    "sync_session",
    "send_queue",
    "suspicion",
    "timer",
    "control_client",
    "gossip_link",
    "mesh_session",
    "app_connection",
    "mesh_exchange",
    "byte_stream",
    "tombstone",
    "span",
    "export_connection",
    "watch",
    "app_timer",
    "node",
    "data_dir",
    "descriptor",
    "socket",
    "thread",
};

}  // namespace

std::string_view name(Kind kind) {
    return kNames[static_cast<std::size_t>(kind)];
}

Life::Life(Ledger& ledger, Kind kind) : ledger_(&ledger), born_(ledger.now()), kind_(kind) {
    ledger.enter(*this);
}

void Life::take(Life& other) noexcept {
    ledger_ = std::exchange(other.ledger_, nullptr);
    kind_ = other.kind_;
    born_ = other.born_;
    older_ = std::exchange(other.older_, nullptr);
    newer_ = std::exchange(other.newer_, nullptr);
    if (ledger_ != nullptr) ledger_->relink(*this);
}

void Life::end() noexcept {
    if (ledger_ != nullptr) std::exchange(ledger_, nullptr)->leave(*this);
}

Ledger::~Ledger() {
    for (const Book& book : books_)
        GRAPEVINE_ASSERT(book.oldest == nullptr, "a ledger outlives what it counts");
}

void Ledger::enter(Life& life) {
    Book& book = at(life.kind_);
    life.older_ = book.newest;
    (book.newest == nullptr ? book.oldest : book.newest->newer_) = &life;
    book.newest = &life;
    ++book.tally.born;
    if (book.tally.alive() > book.tally.peak) book.tally.peak = book.tally.alive();
}

void Ledger::leave(Life& life) noexcept {
    Book& book = at(life.kind_);
    (life.older_ == nullptr ? book.oldest : life.older_->newer_) = life.newer_;
    (life.newer_ == nullptr ? book.newest : life.newer_->older_) = life.older_;
    life.older_ = life.newer_ = nullptr;
    ++book.tally.ended;
}

void Ledger::relink(Life& life) noexcept {
    Book& book = at(life.kind_);
    (life.older_ == nullptr ? book.oldest : life.older_->newer_) = &life;
    (life.newer_ == nullptr ? book.newest : life.newer_->older_) = &life;
}

void add(Census& census, const Ledger& ledger) {
    for (std::size_t i = 0; i < kKinds; ++i) {
        const auto kind = static_cast<Kind>(i);
        Tally& tally = census[i].tally;
        tally.born += ledger[kind].born;
        tally.ended += ledger[kind].ended;
        tally.peak += ledger[kind].peak;
        census[i].oldest = base::earliest(census[i].oldest, ledger.oldest(kind));
    }
}

}  // namespace grapevine::telemetry
