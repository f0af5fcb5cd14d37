#pragma once

// The server side of the control socket: moves lines between local clients and a handler, within limits.
//
// What a line means is the handler's: a node's (ControlHandler), or another's with a decoder of its own (LineHandler).
//
// 1. Only processes of the server's own user or root are served (SO_PEERCRED).
// 2. At most kClientsMax at a time; the next one is told so and closed.
// 3. A line longer than kControlLineMax, or one that is no request, is answered by an error; an overlong one ends the
//    client, and so do more than kControlLineMax bytes of requests that wait.
// 4. One request at a time: the next line is read when the answer of the last was taken, so that a client that asks
//    without reading costs nothing.
// 5. A client that neither asks nor reads for kIdle is closed; one that watches may be silent, but must read.
// 6. A watcher whose backlog passes kWatchBacklogMax is closed and counted, never waited for.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "io/control.hpp"
#include "io/control_request.hpp"
#include "io/fd.hpp"
#include "io/runtime.hpp"
#include "telemetry/ledger.hpp"

namespace grapevine::io {

struct ClientId {
    std::uint64_t value = 0;
    friend auto operator<=>(const ClientId&, const ClientId&) = default;
};

class LineHandler {
public:
    virtual ~LineHandler() = default;
    // A request, without its newline. Answers now or later by ControlServer::answer(), exactly once; an error is
    // answered by the server.
    virtual base::Status on_line(ClientId client, std::string_view line) = 0;
    // A client that waits for an answer, or that has a feed of its own, is gone. Not called any more once the server
    // ends.
    virtual void on_gone(ClientId) {}
};

// Of a node's requests (control_request.hpp).
class ControlHandler : public LineHandler {
public:
    base::Status on_line(ClientId client, std::string_view line) final;
    // Answers as on_line() does.
    virtual void on_request(ClientId client, const ControlRequest& request) = 0;
};

// What a watcher gets: every published line, or lines of its own (tell()).
enum class Feed : std::uint8_t { published, own };

struct ControlCounters {
    std::uint64_t accepted = 0, requests = 0, refused_requests = 0;
    std::uint64_t refused_full = 0, refused_user = 0;
    std::uint64_t dropped_overlong = 0, dropped_idle = 0, dropped_slow = 0;
};

class ControlServer {
public:
    static constexpr std::size_t kClientsMax = 16;
    static constexpr std::size_t kWatchBacklogMax = 256U * 1024U;
    static constexpr base::Duration kIdle = base::Duration(std::chrono::seconds(30));

    // Errors name the socket. All references outlive the server. `idle` is kIdle but for tests.
    static base::Result<std::unique_ptr<ControlServer>> listen(Runtime& runtime, const std::filesystem::path& data_dir,
                                                               LineHandler& handler, telemetry::Ledger& ledger,
                                                               base::Duration idle = kIdle,
                                                               ControlPeer peer = ControlPeer::node);
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    // One line without its newline. An answer above kControlAnswerMax becomes an error. A client that is gone: nothing.
    void answer(ClientId client, std::string_view line);
    // A line ahead of the answer; left out where the client has not read the ones before (kWatchBacklogMax).
    void say(ClientId client, std::string_view line);
    // The first answer goes to the client, and then what its feed has.
    void start_watching(ClientId client, std::string_view line, Feed feed = Feed::published);
    void publish(std::string_view line);
    // A line to one watcher, within rule 6.
    void tell(ClientId client, std::string_view line);

    [[nodiscard]] std::size_t clients() const { return clients_.size(); }
    [[nodiscard]] std::size_t watchers() const;
    [[nodiscard]] const ControlCounters& counters() const { return counters_; }

private:
    struct Client {
        Fd socket;
        WatchId watch;
        std::string in;
        std::string out;
        bool asked = false;  // A request waits for its answer.
        std::optional<Feed> watching;
        bool ending = false;   // Closed as soon as `out` is written.
        bool blocked = false;  // Waits for the socket to become writable.
        TaskId idle_timer;
        TaskId resume;
        telemetry::Life life;
    };

    ControlServer(Runtime& runtime, LineHandler& handler, telemetry::Ledger& ledger, base::Duration idle, Fd socket,
                  std::filesystem::path path);
    base::Status begin();
    void on_acceptable();
    void admit(Fd socket);
    void on_readable(ClientId id);
    void take_requests(ClientId id);
    void serve(ClientId id, std::string_view line);
    void refuse(ClientId id, const base::Error& error);
    void append(ClientId id, Client& client, std::string_view line);
    void write(ClientId id);
    void restart_idle(ClientId id, Client& client);
    void drop(ClientId id);
    void forget(ClientId id);
    Client* find(ClientId id);

    Runtime& runtime_;
    LineHandler& handler_;
    telemetry::Ledger& ledger_;
    base::Duration idle_;
    Fd socket_;
    std::filesystem::path path_;
    WatchId watch_;
    std::optional<TaskId> retry_;
    std::uint64_t last_id_ = 0;
    std::map<ClientId, Client> clients_;
    ControlCounters counters_;
};

}  // namespace grapevine::io
