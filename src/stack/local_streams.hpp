#pragma once

// Streams that a node opened by a name that means itself: two ends in one process, without a session. For the
// application they are as those of byte_streams.hpp: asked for, answered, open, and over once at each end.
//
// An end takes at most kLocalWindow that its other end has not consumed. Pipes are bounded by kByteStreamsMax; what is
// more is lost as soon as it is answered.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "base/result.hpp"
#include "delivery/types.hpp"
#include "stack/delivery_effects.hpp"
#include "stack/types.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::stack {

inline constexpr std::size_t kLocalWindow = 256U * 1024U;

class LocalStreams {
public:
    explicit LocalStreams(telemetry::Ledger& ledger) : ledger_(ledger) {}  // Outlives this.

    void on_handle(const delivery::Handle& handle);  // From this node itself.
    void on_finished(delivery::MessageSequence message, delivery::Ending ending, DeliveryEffects& out);
    void on_answered(delivery::HandleId handle, delivery::Verdict verdict, DeliveryEffects& out);
    void on_late(delivery::HandleId handle) { handles_.erase(handle); }

    base::Result<std::size_t> write(const ByteStreamRef& stream, base::ByteView data, node::Last last,
                                    DeliveryEffects& out);
    void consume(const ByteStreamRef& stream, std::size_t bytes, DeliveryEffects& out);
    void reset(const ByteStreamRef& stream, std::uint32_t code, DeliveryEffects& out);
    void leave(DeliveryEffects& out);

    [[nodiscard]] bool owns(const ByteStreamRef& stream) const { return ends_.contains(stream); }
    [[nodiscard]] std::size_t live() const { return pipes_.size(); }

private:
    struct End {
        ByteStreamRef ref;
        std::size_t unconsumed = 0;  // Of what came to it.
        bool wants_room = false;
        bool finished = false;  // It writes no more.
    };
    struct Pipe {
        std::array<End, 2> ends;  // Ours, theirs.
        bool open = false;
        telemetry::Life life;
    };
    struct Place {
        Pipe* pipe = nullptr;
        End* own = nullptr;
        End* other = nullptr;
    };
    // Nothing unless the stream is open.
    [[nodiscard]] std::optional<Place> find(const ByteStreamRef& stream);
    void forget(delivery::MessageSequence message);
    void end(Pipe& pipe, const ByteStreamRef& first, const StreamOver& how, const StreamOver& how_other,
             DeliveryEffects& out);

    telemetry::Ledger& ledger_;
    std::map<delivery::MessageSequence, Pipe> pipes_;
    std::map<ByteStreamRef, delivery::MessageSequence> ends_;
    std::set<delivery::HandleId> handles_;  // Unanswered; as many as the inbox has open.
};

}  // namespace grapevine::stack
