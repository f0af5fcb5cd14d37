#pragma once

// The inside of Node: who owns what, and how the cores' effects become each other's inputs. The mesh's part (directory,
// seeds, directory exchanges) is in node_mesh.cpp, that of other meshes in node_fabric.cpp, that of publications in
// node_publish.cpp, watching and being watched in node_watch.cpp, the rest in node.cpp.

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/token_bucket.hpp"
#include "directory/directory.hpp"
#include "directory/reconcile.hpp"
#include "node/delivery_spans.hpp"
#include "node/directory_teller.hpp"
#include "node/gossip.hpp"
#include "node/mesh_admission.hpp"
#include "node/mesh_delivery.hpp"
#include "node/mesh_fabric.hpp"
#include "node/mesh_publications.hpp"
#include "node/mesh_watches.hpp"
#include "node/narrator.hpp"
#include "node/node.hpp"
#include "paths/address_book.hpp"
#include "paths/link_monitor.hpp"
#include "paths/remembered.hpp"
#include "paths/seeds.hpp"

namespace grapevine::node {

// How a member is known, as users read it: whether an exchange was the first makes no difference to them.
inline std::string text_of(directory::Source source) {
    return source == directory::Source::bootstrap ? "sync" : std::string(name(source));
}

class Node::Impl {
public:
    Impl(const Config& config, const base::SecretKey& key, base::Rng& rng, telemetry::Ledger& ledger);

    void start(base::TimePoint now, Effects& out);
    void set_addrs(const std::vector<base::SocketAddr>& addrs, base::TimePoint now, Effects& out);
    void on_gossip(const base::EndpointId& from, const base::TopicId& topic, wire::TopicMessage message,
                   base::TimePoint now, Effects& out);
    void on_link_lost(const base::EndpointId& peer, LinkEnd end, std::string_view reason, base::TimePoint now,
                      Effects& out);
    void on_deadline(base::TimePoint now, Effects& out);
    [[nodiscard]] std::optional<base::TimePoint> next_deadline() const;
    void leave(base::TimePoint now, Effects& out);
    base::Status join_topic(const base::TopicId& topic, const std::vector<wire::EndpointAddr>& bootstrap,
                            base::TimePoint now, Effects& out);
    void leave_topic(const base::TopicId& topic, base::TimePoint now, Effects& out);

    // Cores' effects, carried out.
    void route(GossipEffects& effects, base::TimePoint now, Effects& out);
    void route(const paths::LinkEffects& effects, base::TimePoint now, Effects& out);
    void route(const directory::Effects& effects, base::TimePoint now, Effects& out);
    void route(admission::Effects& effects, base::TimePoint now, Effects& out);

    void on_sync_opened(SyncRef sync, const base::EndpointId& peer, base::TimePoint now, Effects& out);
    void on_sync_received(SyncRef sync, const wire::SyncTurn& turn, base::TimePoint now, Effects& out);
    void on_sync_ended(SyncRef sync, std::string_view error, base::TimePoint now, Effects& out);

    // node_fabric.cpp
    void route(const fabric::Effects& effects, base::TimePoint now, Effects& out);
    void route(fabric::ResolverEffects& effects, base::TimePoint now, Effects& out);
    // Runs `input(resolver, effects)` and carries out what it asks for.
    template <typename Input>
    void resolve(base::TimePoint now, Effects& out, Input input) {
        fabric::ResolverEffects effects;
        mesh_->admission.at(now);
        input(mesh_->fabric.resolver(), effects);
        route(effects, now, out);
    }

    // node_publish.cpp
    void route(delivery::PublicationEffects& effects, base::TimePoint now, Effects& out);
    // Runs `input(core, effects)` and carries out what it asks for.
    template <typename Input>
    void publications(base::TimePoint now, Effects& out, Input input) {
        delivery::PublicationEffects effects;
        input(mesh_->publications.core(), effects);
        route(effects, now, out);
        run_chunks(now, out);
    }
    void leave_publications(base::TimePoint now, Effects& out);

    [[nodiscard]] bool is_own_topic(const base::TopicId& topic) const {
        return is_mesh_topic(topic) || is_backbone(topic);
    }
    [[nodiscard]] bool is_backbone(const base::TopicId& topic) const { return mesh_ && mesh_->fabric.topic() == topic; }
    [[nodiscard]] bool is_mesh_topic(const base::TopicId& topic) const { return mesh_ && mesh_->topic == topic; }
    [[nodiscard]] std::vector<base::EndpointId> mesh_neighbors() const;
    [[nodiscard]] std::vector<Figure> figures() const;

    struct Sync {
        base::EndpointId peer;
        std::uint32_t attempt = 0;  // 0: the peer opened it.
        directory::SyncSession session;
    };
    // What only a mesh node has.
    struct MeshPart {
        MeshPart(const MeshConfig& config, delivery::Incarnation incarnation, const base::SecretKey& key,
                 base::Rng& rng, telemetry::Ledger& ledger, directory::Contexts* contexts, DeliverySpans& spans,
                 MeshDelivery::AskElsewhere ask_elsewhere, MeshDelivery::IsOwn is_own);
        MeshConfig config;
        base::SecretKey key;
        base::TopicId topic;
        MeshAdmission admission;
        DirectoryTeller teller;
        directory::Directory directory;
        MeshDelivery delivery;
        MeshFabric fabric;
        MeshPublications publications;
        MeshWatches watches;
        std::map<fabric::QuestionId, WatchKey> watch_questions;  // One a watch at most.
        std::set<delivery::MessageSequence> watch_messages;      // Without an outcome; the same.
        paths::SeedDialer seeds;
        paths::RememberedPeers remembered;
        std::map<SyncRef, Sync> syncs;
        std::uint64_t next_sync = 2;
        std::uint64_t syncs_opened = 0, syncs_refused = 0, syncs_failed = 0;
        base::TokenBucket denials_told;
        std::optional<base::EndpointId> told_by;  // Whose words are being handled.

        // Of another mesh, as the backbone says, else the ticket to visit it.
        [[nodiscard]] std::optional<base::EndpointId> authority_of(std::string_view mesh) const;
    };

    // node_watch.cpp
    void route(WatchEffects& effects, base::TimePoint now, Effects& out);
    // Runs `input(watches, effects)` and carries out what it asks for.
    template <typename Input>
    void watching(base::TimePoint now, Effects& out, Input input) {
        WatchEffects effects;
        input(mesh_->watches, effects);
        route(effects, now, out);
    }
    void leave_watches(Effects& out);

    // node_admission.cpp
    void on_session_began(const base::EndpointId& peer, Standing standing, Effects& out);
    void on_session_ended(const base::EndpointId& peer, Standing standing);
    void on_denied(const base::EndpointId& peer, std::string_view why, base::TimePoint now, Effects& out);
    void on_introduced(const base::EndpointId& peer, Effects& out);
    void on_introduction_failed(const base::EndpointId& peer, std::string_view reason, base::TimePoint now,
                                Effects& out);
    enum class ListSource : std::uint8_t { topic, newcomers_session, session, here };
    void on_revocations(ListSource source, base::ByteView envelope, base::TimePoint now, Effects& out);
    [[nodiscard]] ListSource list_source(const std::optional<base::EndpointId>& from) const;
    base::Status set_admission(const std::optional<base::EndpointId>& authority, base::Bytes ticket,
                               base::TimePoint now, Effects& out);

    base::EndpointId self_;
    Narrator narrator_;
    DeliverySpans delivery_spans_;
    telemetry::Histogram delivery_hops_;
    base::Rng& rng_;
    telemetry::Ledger& ledger_;
    Gossip gossip_;
    paths::AddressBook book_;
    paths::LinkMonitor monitor_;
    std::unique_ptr<MeshPart> mesh_;
    std::map<base::TopicId, paths::SeedDialer> topic_seeds_;    // The application's topics.
    std::map<base::EndpointId, base::TimePoint> silent_until_;  // Rule 3.
    bool left_ = false;
    bool running_chunks_ = false;

private:
    void on_effect(const base::TopicId& topic, TopicEffect& effect, base::TimePoint now, Effects& out);
    void on_neighbor_up(const base::TopicId& topic, const base::EndpointId& peer, base::TimePoint now, Effects& out);
    void on_neighbor_down(const base::TopicId& topic, const base::EndpointId& peer, membership::DownReason reason,
                          base::TimePoint now, Effects& out);
    void on_peer_data(const base::EndpointId& peer, const wire::PeerData& data, base::TimePoint now);
    void on_silent(const paths::Silent& silent, base::TimePoint now, Effects& out);
    void set_connectivity(const base::TopicId& topic, paths::Connectivity connectivity, base::TimePoint now,
                          Effects& out);
    void subscribe(const base::TopicId& topic, const wire::EndpointAddr* via, base::TimePoint now, Effects& out);
    void route(const base::TopicId& topic, paths::SeedEffects& effects, base::TimePoint now, Effects& out);
    void abandon(const base::EndpointId& peer, base::TimePoint now, Effects& out);
    [[nodiscard]] bool is_neighbor_anywhere(const base::EndpointId& peer) const;

    // node_admission.cpp
    [[nodiscard]] bool may_speak(const base::EndpointId& from, const base::TopicId& topic, base::TimePoint now,
                                 Effects& out);
    void say(const base::EndpointId& to, const base::TopicId& topic, wire::TopicMessage message, Effects& out);
    void let_go(const base::EndpointId& peer);
    void put_out(const admission::Holder& holder, std::string_view why, base::TimePoint now, Effects& out);
    void put_out_unadmitted(base::TimePoint now, Effects& out);
    void cut_off(const base::EndpointId& peer, base::TimePoint now, Effects& out);

    // node_mesh.cpp
    [[nodiscard]] Narrator::Label label_of(const base::EndpointId& id) const;
    void on_statement(const broadcast::Deliver& delivery, base::TimePoint now, Effects& out);
    void on_directory_effect(const directory::Effect& effect, base::TimePoint now, Effects& out);
    [[nodiscard]] DirectoryChanged joined(const directory::EntryAdded& added) const;
    void on_removed(const directory::EntryRemoved& removed, base::TimePoint now, Effects& out);
    void on_seed_doubted(const base::EndpointId& id, base::TimePoint now, Effects& out);
    void replace_neighbor(const base::EndpointId& lost, base::TimePoint now, Effects& out);
    void note_live_seeds();
    void on_known(const base::EndpointId& id, base::TimePoint now);
    void accuse(const base::EndpointId& peer, wire::AccusationReason reason, base::TimePoint now, Effects& out);
    void update_neighbors(base::TimePoint now, Effects& out);
    void open_sync(const base::EndpointId& peer, std::uint32_t attempt, Effects& out);
    void say_to_lazy(const directory::Effects& effects, Effects& out);
    void mesh_deadline(base::TimePoint now, Effects& out);

    // node_fabric.cpp
    void ask_elsewhere(delivery::QuestionId question, const std::string& name, base::TimePoint now, Effects& out);
    void refresh_fabric(base::TimePoint now, Effects& out);
    void fabric_deadline(base::TimePoint now, Effects& out);
    void join_backbone(const std::vector<wire::EndpointAddr>& peers, base::TimePoint now, Effects& out);
    void on_summary(const broadcast::Deliver& delivery, base::TimePoint now, Effects& out);
    void on_backbone_neighbor(const base::EndpointId& peer, NeighborChange change, base::TimePoint now, Effects& out);
    void on_done(fabric::Done& done, base::TimePoint now, Effects& out);

    // node_publish.cpp
    void on_announcement(const broadcast::Deliver& delivery, base::TimePoint now, Effects& out);
    void answer_held(const delivery::Announcement& what, base::TimePoint now, Effects& out);
    void ask_chunk(const delivery::AskChunk& ask, base::TimePoint now, Effects& out);
    // True if the message was one of the node itself.
    [[nodiscard]] bool on_own_message(delivery::Finished& finished, base::TimePoint now, Effects& out);
    void run_chunks(base::TimePoint now, Effects& out);

    // node_watch.cpp
    void seek_gateways(const WatchKey& watch, base::TimePoint now, Effects& out);
    void open_watch(const OpenWatch& open, base::TimePoint now, Effects& out);
    void close_watch(delivery::MessageSequence stream, base::TimePoint now, Effects& out);
    [[nodiscard]] bool on_watch_message(const delivery::Finished& finished, base::TimePoint now, Effects& out);
    [[nodiscard]] bool on_watch_question(const fabric::Done& done, base::TimePoint now, Effects& out);
    void watch_deadline(base::TimePoint now, Effects& out);
};

}  // namespace grapevine::node
