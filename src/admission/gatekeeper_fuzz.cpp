// Random questions, lists, policies and clocks against a naive twin, which knows tickets and lists as they were before
// they were signed and judges by the rules written out one after the other. Compared after each step: the verdict with
// its cause, the effects, who holds a grant, the counters, and that deadlines lie ahead.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "admission/admission_testing.hpp"
#include "admission/gatekeeper.hpp"
#include "base/assert.hpp"

namespace {

using namespace grapevine;
using namespace grapevine::admission;
using namespace grapevine::admission::testing;

constexpr std::uint8_t kNodes = 4;  // Beside the node itself, which is number 1.
constexpr std::size_t kStepsMax = 200;
constexpr std::size_t kMembersMax = 3;
constexpr std::size_t kVisitorsMax = 2;

const base::EndpointId& node_id(std::uint8_t n) {
    static const std::vector<base::EndpointId> all = [] {
        std::vector<base::EndpointId> made;
        made.reserve(kNodes + 2);
        for (std::uint8_t i = 0; i < kNodes + 2; ++i)
            made.push_back(id(i));
        return made;
    }();
    return all[n];
}
const base::SecretKey& authority_of(std::uint8_t n) {
    return n == 0 ? authority() : other_authority();
}

// A ticket as it was meant, with what was done to it on its way.
struct Shown {
    bool there = false;
    bool damaged = false;  // Its signature.
    std::uint8_t authority = 0;
    wire::AdmissionTicket fields;
    base::Bytes bytes;
};

struct List {
    std::uint8_t authority = 0;
    std::uint64_t version = 0;
    std::set<std::uint64_t> serials;
    friend bool operator==(const List&, const List&) = default;
};

struct Twin {
    struct Held {
        Shown shown;
        std::string type;
        std::optional<std::uint64_t> expires;
        std::optional<std::uint64_t> serial;
    };
    std::optional<std::uint8_t> authority;
    std::uint64_t own_serial = 0;
    std::uint64_t own_expires = 0;
    bool own_lost = false;
    std::optional<List> list;
    std::map<Holder, Held> held;

    [[nodiscard]] std::optional<Cause> objection(const base::EndpointId& who, Use wanted, const std::string& type,
                                                 const Shown& shown, std::uint64_t wall_s) const {
        if (!authority) return std::nullopt;
        if (!shown.there) return Cause::no_ticket;
        const wire::AdmissionTicket& t = shown.fields;
        if (t.mesh != "mesh1") return Cause::other_mesh;
        if (t.node != who) return Cause::other_node;
        if (wanted == Use::member && t.use == Use::visitor) return Cause::wrong_use;
        if (wanted == Use::member && !t.types.empty() && std::count(t.types.begin(), t.types.end(), type) == 0)
            return Cause::wrong_type;
        if (t.expires_unix_s <= wall_s) return Cause::expired;
        if (list && list->authority == *authority && list->serials.contains(t.serial)) return Cause::revoked;
        if (shown.authority != *authority) return Cause::foreign_authority;
        if (shown.damaged) return Cause::bad_signature;
        return std::nullopt;
    }

    [[nodiscard]] std::size_t count(Use use) const {
        return static_cast<std::size_t>(
            std::count_if(held.begin(), held.end(), [&](const auto& one) { return one.first.use == use; }));
    }

    // The cause of a denial.
    std::optional<Cause> judge(const Holder& holder, const std::string& type, const Shown& shown,
                               std::uint64_t wall_s) {
        if (const auto cause = objection(holder.id, holder.use, type, shown, wall_s)) return cause;
        const std::size_t limit = holder.use == Use::member ? kMembersMax : kVisitorsMax;
        if (!held.contains(holder) && count(holder.use) >= limit)
            return authority ? std::optional(Cause::holders_full) : std::nullopt;
        held[holder] = {shown, type, {}, {}};
        bind(held[holder]);
        return std::nullopt;
    }

    void bind(Held& one) const {
        one.expires = authority ? std::optional(one.shown.fields.expires_unix_s) : std::nullopt;
        one.serial = authority ? std::optional(one.shown.fields.serial) : std::nullopt;
    }
};

class Session {
public:
    Session(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {
        Config config;
        config.members_max = kMembersMax;
        config.visitors_max = kVisitorsMax;
        config.verified_max = 4;
        auto made = Gatekeeper::make(node_id(1), open_policy(), config, now_, wall());
        GRAPEVINE_ASSERT(made.has_value(), "an open mesh is good");
        gate_.emplace(*std::move(made));
    }

    void run() {
        for (std::size_t step = 0; step < kStepsMax && at_ < size_; ++step) {
            out_.clear();
            expected_.clear();
            switch (byte() % 8) {
                case 0: wait(); break;
                case 1: set_policy(); break;
                case 2: hear_list(); break;
                case 3: hear_garbage(); break;
                case 4: release(); break;
                default: ask(); break;
            }
            check();
        }
    }

private:
    std::uint8_t byte() { return at_ < size_ ? data_[at_++] : 0; }
    [[nodiscard]] std::uint64_t wall_s() const { return wall_ms_ / 1000; }
    [[nodiscard]] base::WallTime wall() const { return {wall_ms_}; }
    base::EndpointId somebody() { return node_id(static_cast<std::uint8_t>(2 + byte() % kNodes)); }

    Shown show(const base::EndpointId& who) {
        Shown shown;
        const std::uint8_t how = byte();
        if (how % 16 == 0) return shown;
        shown.there = true;
        shown.authority = how / 16 % 8 == 0 ? 1 : 0;
        wire::AdmissionTicket& fields = shown.fields;
        const std::uint8_t what = byte();
        fields.mesh = what % 16 == 0 ? "mesh2" : "mesh1";
        fields.node = what % 16 == 1 ? somebody() : who;
        fields.use = what / 16 % 2 == 0 ? Use::member : Use::visitor;
        if (fields.use == Use::member && what / 32 % 2 == 1) fields.types = {what / 64 % 2 == 0 ? "broker" : "gateway"};
        fields.expires_unix_s = kStartS + byte();
        fields.serial = byte() % 16;
        shown.bytes = bytes_of(fields, authority_of(shown.authority));
        shown.damaged = how % 16 == 1;
        if (shown.damaged) shown.bytes.back() ^= 1U;
        return shown;
    }

    void ask() {
        const Holder holder{somebody(), byte() % 3 == 0 ? Use::visitor : Use::member};
        const std::string type = byte() % 2 == 0 ? "broker" : "gateway";
        const Shown shown = show(holder.id);
        const Counters before = gate_->counters();
        const Verdict verdict = gate_->judge({holder.id, holder.use, type, shown.bytes}, now_, wall());
        const auto cause = twin_.judge(holder, type, shown, wall_s());
        const auto* denial = std::get_if<Denial>(&verdict);
        GRAPEVINE_ASSERT((denial != nullptr) == cause.has_value(), "both say yes or no");
        if (denial != nullptr) {
            GRAPEVINE_ASSERT(denial->cause == *cause && !denial->message.empty(), "for one reason");
            GRAPEVINE_ASSERT(gate_->counters()[*cause] == before[*cause] + 1, "which is counted");
        } else {
            GRAPEVINE_ASSERT(gate_->counters().granted == before.granted + 1, "so is a grant");
        }
    }

    void release() {
        const Holder holder{somebody(), byte() % 2 == 0 ? Use::visitor : Use::member};
        gate_->release(holder);
        twin_.held.erase(holder);
    }

    void hear_list() {
        List list;
        const std::uint8_t how = byte();
        list.authority = how % 8 == 0 ? 1 : 0;
        list.version = 1 + byte() % 8;
        for (std::uint8_t n = how / 8 % 4; n > 0; --n)
            list.serials.insert(byte() % 16);
        const bool other_mesh = how / 32 == 1;
        const bool damaged = how / 32 == 2;
        base::Bytes bytes = list_of(list.version, {list.serials.begin(), list.serials.end()},
                                    authority_of(list.authority), other_mesh ? "mesh2" : "mesh1");
        if (damaged) bytes.back() ^= 1U;
        gate_->on_revocations(bytes, out_);
        expect_list(list, bytes, other_mesh, damaged);
    }

    void expect_list(const List& list, const base::Bytes& bytes, bool other_mesh, bool damaged) {
        const auto refused = [&](ListRefusal refusal) { expected_.emplace_back(RevocationsRefused{refusal}); };
        if (!twin_.authority) return refused(ListRefusal::open_mesh);
        if (other_mesh) return refused(ListRefusal::other_mesh);
        if (list.authority != *twin_.authority) return refused(ListRefusal::foreign_authority);
        if (twin_.list && list.version < twin_.list->version) return;
        if (twin_.list && list == *twin_.list) return;
        if (damaged) return refused(ListRefusal::bad_signature);
        if (twin_.list && list.version == twin_.list->version) return refused(ListRefusal::conflicting);
        twin_.list = list;
        expected_.emplace_back(RevocationsChanged{bytes});
        std::vector<Holder> gone;
        for (const auto& [holder, held] : twin_.held)
            if (list.serials.contains(held.shown.fields.serial)) gone.push_back(holder);
        for (const Holder& holder : gone)
            twin_.held.erase(holder);
        if (!gone.empty()) expected_.emplace_back(Revoked{gone});
        if (list.serials.contains(twin_.own_serial)) lose_own(Cause::revoked);
    }

    void lose_own(Cause cause) {
        if (twin_.own_lost) return;
        twin_.own_lost = true;
        expected_.emplace_back(OwnTicketLost{cause});
    }

    void hear_garbage() {
        base::Bytes bytes = list_of(9, {1});
        const std::uint8_t cut = byte();
        bytes.resize(std::min<std::size_t>(cut, bytes.size() - 1));
        gate_->on_revocations(bytes, out_);
        expected_.emplace_back(RevocationsRefused{twin_.authority ? ListRefusal::malformed : ListRefusal::open_mesh});
    }

    void set_policy() {
        const std::uint8_t how = byte();
        Policy policy = open_policy();
        std::optional<std::uint8_t> new_authority;
        wire::AdmissionTicket own = ticket(1);
        if (how % 4 != 0) {
            new_authority = static_cast<std::uint8_t>(how % 4 == 1 ? 1 : 0);
            own.serial = how / 4 % 16;
            own.expires_unix_s = kStartS + 4U * byte();
            policy.authority = authority_of(*new_authority).id();
            policy.own_ticket = bytes_of(own, authority_of(*new_authority));
        }
        const bool revoked = new_authority && twin_.list && twin_.list->authority == *new_authority &&
                             twin_.list->serials.contains(own.serial);
        const bool usable = !new_authority || (own.expires_unix_s > wall_s() && !revoked);
        const bool taken = gate_->set_policy(policy, now_, wall(), out_).has_value();
        GRAPEVINE_ASSERT(taken == usable, "a policy is as good as the own ticket");
        if (taken) follow_policy(new_authority, own);
    }

    void follow_policy(std::optional<std::uint8_t> new_authority, const wire::AdmissionTicket& own) {
        const bool other = twin_.authority != new_authority;
        twin_.authority = new_authority;
        twin_.own_lost = false;
        twin_.own_serial = own.serial;
        twin_.own_expires = own.expires_unix_s;
        if (new_authority && twin_.list && twin_.list->authority != *new_authority) twin_.list.reset();
        if (!other) return;
        for (auto it = twin_.held.begin(); it != twin_.held.end();) {
            const auto cause =
                twin_.objection(it->first.id, it->first.use, it->second.type, it->second.shown, wall_s());
            if (cause) expected_.emplace_back(GrantWithdrawn{it->first, *cause});
            if (!cause) twin_.bind(it->second);
            it = cause ? twin_.held.erase(it) : std::next(it);
        }
    }

    // The wall clock goes with the other one, jumps, or stands still; deadlines are kept, as a driver would.
    void wait() {
        const std::uint8_t how = byte();
        const base::Duration step = 137ms * (1 + byte());
        const auto step_ms = static_cast<std::uint64_t>(step / 1ms);
        now_ += step;
        if (how % 4 != 0) wall_ms_ += step_ms;
        if (how % 16 == 1) wall_ms_ += 100'000;
        if (how % 16 == 2) wall_ms_ -= std::min<std::uint64_t>(wall_ms_ - (kStartS - 500) * 1000, 100'000);
        const auto due = gate_->next_deadline();
        gate_->on_deadline(now_, wall(), out_);
        const auto next = gate_->next_deadline();
        GRAPEVINE_ASSERT(!next || *next > now_, "the next deadline lies ahead");
        GRAPEVINE_ASSERT(!next || *next <= now_ + 60s || (due && *due > now_), "and at most a minute");
        if (!due || *due > now_) return;
        for (auto it = twin_.held.begin(); it != twin_.held.end();) {
            const bool over = it->second.expires && *it->second.expires <= wall_s();
            if (over) expected_.emplace_back(GrantExpired{it->first});
            it = over ? twin_.held.erase(it) : std::next(it);
        }
        if (twin_.authority && twin_.own_expires <= wall_s()) lose_own(Cause::expired);
    }

    void check() {
        GRAPEVINE_ASSERT(out_ == expected_, "both have the same to say");
        GRAPEVINE_ASSERT(gate_->holders().size() == twin_.held.size(), "both know as many holders");
        bool expires = twin_.authority && !twin_.own_lost;
        for (const auto& [holder, held] : twin_.held) {
            const Grant* grant = gate_->find(holder);
            GRAPEVINE_ASSERT(grant != nullptr && grant->use == holder.use, "the same");
            GRAPEVINE_ASSERT(grant->expires_unix_s == held.expires && grant->serial == held.serial, "by one ticket");
            expires = expires || held.expires;
        }
        GRAPEVINE_ASSERT(!expires || gate_->next_deadline(), "whatever expires has a deadline");
        const auto* list = gate_->revocations();
        GRAPEVINE_ASSERT((list != nullptr) == (twin_.authority && twin_.list), "both know a list");
        GRAPEVINE_ASSERT(list == nullptr || list->value.list_version == twin_.list->version, "of one version");
    }

    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t at_ = 0;
    base::TimePoint now_{1h};
    std::uint64_t wall_ms_ = kStartS * 1000;
    std::optional<Gatekeeper> gate_;
    Twin twin_;
    Effects out_;
    Effects expected_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Session(data, size).run();
    return 0;
}
