#pragma once

/// Streams of bytes between nodes, opened by name: ordered, reliable, both ways, with back-pressure.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "grapevine/result.hpp"

namespace grapevine {

class MeshPart;

/// An open stream: a cheap value that stays valid as an id. Calls on a stream that is over fail or do nothing.
class ByteStream {
public:
    /// Takes what the send buffer has room for (1 MiB) and returns how much; on_room follows if that was less than
    /// given. An error: the stream is over, was finished here, or its peer takes no more.
    Result<std::size_t> write(std::span<const std::uint8_t> data);
    /// Nothing more will be written; the other direction goes on.
    Status finish();
    /// Stops the peer by flow control: what is in flight still comes, at most one window (1.25 MB). resume() lets it go
    /// on. A listener that cannot keep up with on_data pauses; nothing else bounds what comes.
    void pause();
    void resume();
    /// Gives both directions up; what was not delivered yet may be lost. The peer is told the code.
    void reset(std::uint32_t code);

    friend bool operator==(const ByteStream& a, const ByteStream& b) {
        return a.number_ == b.number_ && a.origin_ == b.origin_;
    }

private:
    friend class MeshPart;
    enum class Origin : std::uint8_t { ours, theirs };
    ByteStream(std::weak_ptr<MeshPart*> owner, Origin origin, std::uint64_t number)
        : owner_(std::move(owner)), origin_(origin), number_(number) {}

    std::weak_ptr<MeshPart*> owner_;
    Origin origin_;
    std::uint64_t number_;
};

/// How a stream ended.
struct StreamEnd {
    enum class Cause {
        finished,    ///< Both sides have finished, and everything has arrived.
        reset,       ///< By the peer, with its code.
        reset_here,  ///< By reset() of this side.
        lost,        ///< The connection is gone, or whoever opened the stream gave up before it was taken.
        leaving      ///< Either node has left the mesh.
    };
    Cause cause = Cause::finished;
    std::uint32_t code = 0;
};

/// What an application does with one stream. Implement what you need. The node owns it until on_end has returned, or
/// destroys it unopened.
class StreamListener {
public:
    virtual ~StreamListener() = default;
    virtual void on_open(ByteStream);  ///< First of all.
    /// Consumed when this returns, unless the stream is paused. `fin`: the peer has finished.
    virtual void on_data(ByteStream, std::span<const std::uint8_t> data, bool fin);
    virtual void on_room(ByteStream);                   ///< After write() took less than given.
    virtual void on_end(ByteStream, const StreamEnd&);  ///< Last of all, once.
};

/// A stream that somebody wants to open.
struct IncomingStream {
    std::string from_id;
    std::string name;  ///< As it was addressed.
    std::chrono::nanoseconds time_left{0};
};
/// Takes a stream by returning a listener; null refuses it, and an exception fails it.
using StreamHandler = std::function<std::unique_ptr<StreamListener>(const IncomingStream&)>;
/// Sends back what comes: for trying things.
StreamHandler echo_streams();

}  // namespace grapevine
