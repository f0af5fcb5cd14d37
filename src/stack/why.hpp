#pragma once

// What a stack can tell of one subject: where it stands, how it is connected, which addresses were tried, and its story
// (stories.hpp).

#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/socket_addr.hpp"
#include "base/time.hpp"
#include "fabric/types.hpp"
#include "paths/address_book.hpp"
#include "stack/stories.hpp"
#include "stack/types.hpp"

namespace grapevine::stack {

enum class Acquaintance : std::uint8_t {
    self,
    member,     // Of the own mesh, by the directory.
    elsewhere,  // Of another mesh, by what a gateway answered.
    gone,       // Was a member.
    met,        // There were dealings with it; it was never a member.
    several,    // The name stands for several.
    unknown,
};
std::string_view name(Acquaintance acquaintance);

struct WhyConnection {
    StoryConnection seen;
    base::SocketAddr remote;
    base::Duration rtt{};
    base::Duration silence{};  // Since the last authenticated packet.
    std::uint64_t bytes_sent = 0, bytes_received = 0, packets_lost = 0;
};

struct WhyAddress {
    paths::Candidate candidate;
    std::optional<TriedAddress> tried;
};

struct Why {
    std::string asked;
    Acquaintance acquaintance = Acquaintance::unknown;
    std::optional<base::EndpointId> id;  // Of whom this is told; absent of several, and of a mere name.
    std::string name;
    std::optional<DirectoryRow> row;        // Of a member, and of this node itself.
    std::optional<fabric::CacheRow> cache;  // Of one elsewhere, or how a question for the name ended.
    std::optional<Story> story;
    bool is_neighbor = false;
    bool is_eager = false;
    std::vector<WhyConnection> connections;
    std::vector<WhyAddress> addresses;
    std::vector<base::EndpointId> fits;  // Whom it may mean.
};

}  // namespace grapevine::stack
