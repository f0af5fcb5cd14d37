#include "quic/tickets.hpp"

#include <algorithm>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/assert.hpp"

namespace grapevine::quic {
namespace {

constexpr unsigned kAlpnExtension = 16;
constexpr unsigned kPreSharedKeyExtension = 41;

// Reads from the front of a view; anything missing makes it bad for good, and what is read then is empty or zero.
class Reader {
public:
    explicit Reader(base::ByteView view) : view_(view) {}
    base::ByteView bytes(std::size_t count) {
        if (count > view_.size()) {
            good_ = false;
            view_ = {};
            return {};
        }
        const base::ByteView out = view_.first(count);
        view_ = view_.subspan(count);
        return out;
    }
    std::size_t number(std::size_t width) {
        std::size_t value = 0;
        for (const std::uint8_t byte : bytes(width)) {
            value = (value << 8U) | byte;
        }
        return value;
    }
    // A vector with a length of `width` bytes before it.
    base::ByteView vector(std::size_t width) { return bytes(number(width)); }
    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] bool at_end() const { return good_ && view_.empty(); }

private:
    base::ByteView view_;
    bool good_ = true;
};

struct Extensions {
    std::vector<base::ByteView> tickets;
    std::vector<base::ByteView> alpns;
    bool good = true;
};

void read_tickets(base::ByteView body, Extensions& out) {
    Reader extension(body);
    Reader list(extension.vector(2));
    while (list.good() && !list.at_end()) {
        out.tickets.push_back(list.vector(2));
        static_cast<void>(list.number(4));  // The ticket's age is GnuTLS's business.
    }
    out.good = out.good && extension.good() && list.good();
}

void read_alpns(base::ByteView body, Extensions& out) {
    Reader extension(body);
    Reader list(extension.vector(2));
    while (list.good() && !list.at_end()) {
        out.alpns.push_back(list.vector(1));
    }
    out.good = out.good && extension.good() && list.good();
}

}  // namespace

std::optional<ResumptionOffer> parse_offer(base::ByteView hello) {
    Reader reader(hello);
    static_cast<void>(reader.bytes(2 + 32));  // Version and random.
    static_cast<void>(reader.vector(1));      // Session id.
    static_cast<void>(reader.vector(2));      // Cipher suites.
    static_cast<void>(reader.vector(1));      // Compression methods.
    Reader list(reader.vector(2));
    Extensions found;
    while (list.good() && !list.at_end()) {
        const std::size_t type = list.number(2);
        const base::ByteView body = list.vector(2);
        if (type == kPreSharedKeyExtension) {
            read_tickets(body, found);
        } else if (type == kAlpnExtension) {
            read_alpns(body, found);
        }
    }
    if (!reader.good() || !list.good() || !found.good || found.tickets.size() != 1 || found.alpns.size() != 1) {
        return std::nullopt;
    }
    const base::ByteView ticket = found.tickets.front();
    return ResumptionOffer{{ticket.begin(), ticket.end()}, std::string(base::as_text(found.alpns.front()))};
}

base::ByteView ticket_of(base::ByteView message) {
    Reader reader(message);
    static_cast<void>(reader.bytes(4 + 4));  // Lifetime and age_add.
    static_cast<void>(reader.vector(1));     // Nonce.
    return reader.vector(2);
}

Dropped RememberedTickets::put(const base::EndpointId& peer, SessionTicket ticket) {
    if (ticket.session.size() > kSessionBytesMax) {
        return 1;
    }
    const auto it = std::find_if(peers_.begin(), peers_.end(), [&](const Peer& known) { return known.id == peer; });
    Peer entry{peer, {}};
    if (it != peers_.end()) {
        entry = std::move(*it);
        peers_.erase(it);
    }
    Dropped dropped = 0;
    entry.tickets.push_back(std::move(ticket));
    if (entry.tickets.size() > kTicketsPerPeerMax) {
        entry.tickets.pop_front();
        ++dropped;
    }
    peers_.push_back(std::move(entry));
    if (peers_.size() > kTicketPeersMax) {
        dropped += peers_.front().tickets.size();
        peers_.pop_front();
    }
    return dropped;
}

std::optional<SessionTicket> RememberedTickets::take(const base::EndpointId& peer, std::string_view alpn) {
    const auto it = std::find_if(peers_.begin(), peers_.end(), [&](const Peer& known) { return known.id == peer; });
    if (it == peers_.end()) {
        return std::nullopt;
    }
    auto& tickets = it->tickets;
    const auto newest = std::find_if(tickets.rbegin(), tickets.rend(),
                                     [&](const SessionTicket& ticket) { return ticket.alpn == alpn; });
    if (newest == tickets.rend()) {
        return std::nullopt;
    }
    std::optional<SessionTicket> out(std::move(*newest));
    tickets.erase(std::next(newest).base());
    if (tickets.empty()) {
        peers_.erase(it);
    }
    return out;
}

std::size_t RememberedTickets::size() const {
    std::size_t count = 0;
    for (const Peer& peer : peers_) {
        count += peer.tickets.size();
    }
    return count;
}

IssuedTickets::Digest IssuedTickets::digest_of(base::ByteView ticket) {
    Digest digest{};
    GRAPEVINE_ASSERT(gnutls_hash_fast(GNUTLS_DIG_SHA256, ticket.data(), ticket.size(), digest.data()) == 0,
                     "GnuTLS lacks SHA-256");
    return digest;
}

Dropped IssuedTickets::issue(base::ByteView ticket, std::string_view alpn) {
    issued_.push_back({digest_of(ticket), std::string(alpn)});
    if (issued_.size() <= kTicketsIssuedMax) {
        return 0;
    }
    issued_.pop_front();
    return 1;
}

std::optional<std::string> IssuedTickets::redeem(base::ByteView ticket) {
    const Digest digest = digest_of(ticket);
    const auto it =
        std::find_if(issued_.begin(), issued_.end(), [&](const Issued& issued) { return issued.digest == digest; });
    if (it == issued_.end()) {
        return std::nullopt;
    }
    std::optional<std::string> alpn(std::move(it->alpn));
    issued_.erase(it);
    return alpn;
}

}  // namespace grapevine::quic
