#include "node/mesh_publications.hpp"

#include <utility>

namespace grapevine::node {

namespace {

delivery::PublicationsConfig core_config(const MeshConfig& config) {
    delivery::PublicationsConfig core;
    core.numbers_after = config.started_unix_ms;  // Rule 6.
    return core;
}

}  // namespace

std::string_view name(AnnouncementRefusal refusal) {
    switch (refusal) {
        case AnnouncementRefusal::wrong_mesh: return "wrong_mesh";
        case AnnouncementRefusal::not_admitted: return "not_admitted";
        case AnnouncementRefusal::count_: break;
    }
    return "unknown";
}

MeshPublications::MeshPublications(const MeshConfig& config, const base::SecretKey& key,
                                   const directory::Directory& directory, MeshAdmission& admission, base::Rng& rng)
    : config_(config),
      key_(key),
      directory_(directory),
      admission_(admission),
      core_(core_config(config), key.id(), rng) {}

// The ticket comes after the signature: it proves something of its holder only.
std::optional<wire::SignedNotice> MeshPublications::judge(base::ByteView envelope, base::TimePoint now) {
    const auto fault = [&](wire::StatementFault cause) { ++counters_.faults[static_cast<std::size_t>(cause)]; };
    const auto refuse = [&](AnnouncementRefusal cause) { ++counters_.refused[static_cast<std::size_t>(cause)]; };
    auto read = wire::read_notice(envelope);
    if (!read) {
        fault(read.error().fault);
        return std::nullopt;
    }
    const wire::Notice& said = read->notice;
    if (said.mesh != config_.mesh) {
        refuse(AnnouncementRefusal::wrong_mesh);
        return std::nullopt;
    }
    if (!wire::signature_holds(*read, config_.verified)) {
        fault(wire::StatementFault::bad_signature);
        return std::nullopt;
    }
    const bool known = directory_.find(read->author) != nullptr;
    const auto entry = known ? MeshAdmission::Entry::present : MeshAdmission::Entry::absent;
    if (!admission_.admits_author(read->author, said.type, said.ticket, entry, now)) {
        refuse(AnnouncementRefusal::not_admitted);
        return std::nullopt;
    }
    return *std::move(read);
}

base::Bytes MeshPublications::sign(const delivery::Announcement& what, const base::TraceContext& context) const {
    wire::Notice said;
    said.mesh = config_.mesh;
    said.type = config_.type;
    said.number = what.number;
    said.hash = what.hash;
    said.size = what.size;
    said.ticket = admission_.own_ticket();
    said.context = context;
    return wire::sign(key_, std::move(said)).envelope;
}

delivery::Submission MeshPublications::question(const delivery::AskChunk& ask) {
    delivery::Submission submission;
    submission.target.name = wire::chunk_target(ask.peer);
    submission.kind = delivery::MessageKind::request;
    submission.payload = wire::encode(wire::ChunkQuestion{ask.hash, ask.offset, ask.size});
    submission.options.deadline = kChunkDeadlineMax;
    submission.options.repetition = delivery::Repetition::idempotent;
    return submission;
}

void MeshPublications::not_asked(delivery::FetchId fetch) {
    ++counters_.not_asked;
    ended_.push_back({fetch, std::nullopt});
}

bool MeshPublications::ended(delivery::Finished& finished) {
    const auto it = asked_.find(finished.message);
    if (it == asked_.end()) return false;
    Ended end{it->second, std::nullopt};
    asked_.erase(it);
    const bool given = finished.ending == delivery::Ending::acknowledged && !finished.payload.empty();
    if (given) end.chunk = std::move(finished.payload);
    ended_.push_back(std::move(end));
    return true;
}

std::optional<MeshPublications::Ended> MeshPublications::next_ended() {
    if (ended_.empty()) return std::nullopt;
    Ended end = std::move(ended_.front());
    ended_.pop_front();
    return end;
}

std::optional<wire::ChunkQuestion> MeshPublications::read(const base::EndpointId& peer, const wire::Deliver& frame) {
    const auto question = wire::decode_chunk_question(frame.payload);
    const bool ours = wire::parse_chunk_target(frame.name) == key_.id();
    if (!question || !ours || frame.kind != wire::MessageKind::request) {
        ++counters_.bad_questions;
        return std::nullopt;
    }
    if (!admission_.is_member(peer)) {
        ++counters_.strangers;
        return std::nullopt;
    }
    return *question;
}

wire::Outcome MeshPublications::outcome(const base::EndpointId& peer, wire::MessageSequence message,
                                        const wire::ChunkQuestion& question) {
    wire::Outcome outcome;
    outcome.sequence = message;
    const auto chunk = core_.ask(peer, question.hash, question.offset, question.size);
    if (chunk) outcome.payload.assign(chunk->begin(), chunk->end());
    return outcome;
}

std::optional<wire::Outcome> MeshPublications::answer(const base::EndpointId& peer, const wire::Deliver& frame,
                                                      base::TimePoint now) {
    wire::Outcome none;
    none.sequence = frame.sequence;
    const auto question = read(peer, frame);
    if (!question) return none;
    const base::TimePoint until = now + std::chrono::milliseconds(frame.time_left_ms);
    if (core_.is_fetching(question->hash) && hold(peer, {frame.sequence, *question, until})) return std::nullopt;
    return outcome(peer, frame.sequence, *question);
}

bool MeshPublications::hold(const base::EndpointId& peer, const Held& held) {
    const auto known = held_.find(peer);
    const bool peer_full = known != held_.end() && known->second.size() >= kHeldOfPeerMax;
    if (leaving_ || peer_full || held_count_ >= kHeldMax) {
        ++counters_.held_full;
        return false;
    }
    held_[peer].push_back(held);
    ++held_count_;
    ++counters_.held;
    return true;
}

std::vector<delivery::SendOutcome> MeshPublications::release(const base::Blake3Hash& hash, base::TimePoint now) {
    std::vector<delivery::SendOutcome> answers;
    for (auto it = held_.begin(); it != held_.end();) {
        auto& [peer, waiting] = *it;
        for (const Held& held : waiting) {
            if (held.question.hash != hash) continue;
            wire::Outcome none;
            none.sequence = held.message;
            answers.push_back({peer, held.until > now ? outcome(peer, held.message, held.question) : std::move(none)});
        }
        held_count_ -= std::erase_if(waiting, [&](const Held& held) { return held.question.hash == hash; });
        it = waiting.empty() ? held_.erase(it) : std::next(it);
    }
    return answers;
}

std::vector<delivery::SendOutcome> MeshPublications::release_all() {
    std::vector<delivery::SendOutcome> answers;
    for (const auto& [peer, waiting] : held_)
        for (const Held& held : waiting) {
            answers.push_back({peer, {}});
            answers.back().frame.sequence = held.message;
        }
    held_.clear();
    held_count_ = 0;
    return answers;
}

void MeshPublications::forget(const base::EndpointId& peer) {
    const auto known = held_.find(peer);
    if (known == held_.end()) return;
    held_count_ -= known->second.size();
    held_.erase(known);
}

std::vector<delivery::MessageSequence> MeshPublications::leave() {
    leaving_ = true;
    std::vector<delivery::MessageSequence> messages;
    for (const auto& [message, fetch] : asked_)
        messages.push_back(message);
    return messages;
}

std::optional<base::TimePoint> MeshPublications::next_deadline() const {
    return leaving_ ? std::nullopt : core_.next_deadline();
}

}  // namespace grapevine::node
