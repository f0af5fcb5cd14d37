#pragma once

// Tells of messages and of questions where somebody is, as spans: one trace from who sends through whoever was asked to
// the handler, and back.
//
// Rules
//  1. mesh.deliver lasts from a message's submission to its outcome; its context travels with the message. mesh.handle,
//     its child at the other end, lasts from the hand-over to the answer, whose context is linked here.
//  2. mesh.resolve lasts from a question to its outcome; it is a child of the message that waits for the answer. Who is
//     asked answers within mesh.resolve.answer, and whom it asks in its turn is part of that.
//  3. A node may send ten thousand messages a second: no more of them begin a trace than kBegun says, so that tracing
//     costs nothing where it matters. At the other ends only what carries a context is told. Spans that are open are
//     bounded by kOpenMax of each kind; what is more is not told.
//  4. mesh.publish is the moment of an own announcement, whose context travels with it; mesh.publish.fetch lasts at
//     each receiver from the announcement until the content is here, or missed.
//  5. Without a recorder, or where the filter refuses, each call costs a branch or two.

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/ids.hpp"
#include "base/socket_addr.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "delivery/publication_types.hpp"
#include "delivery/types.hpp"
#include "fabric/question.hpp"
#include "node/narrator.hpp"
#include "telemetry/recorder.hpp"
#include "wire/resolve.hpp"

namespace grapevine::node {

class DeliverySpans {
public:
    static constexpr std::size_t kOpenMax = 64;
    static constexpr base::RateLimit kBegun{10, 20};  // Traces a second, and at once.

    using AddressOf = std::function<std::optional<base::SocketAddr>(const base::EndpointId&)>;

    // `recorder` may be null; both outlive this. `address_of` may be empty.
    DeliverySpans(telemetry::Recorder* recorder, Narrator& narrator, AddressOf address_of)
        : recorder_(recorder), narrator_(narrator), address_of_(std::move(address_of)) {}
    ~DeliverySpans() { end_all("the node is gone"); }
    DeliverySpans(const DeliverySpans&) = delete;
    DeliverySpans& operator=(const DeliverySpans&) = delete;

    // Rule 1, the sender. submitting() gives the message its context; then comes submitted() or refused().
    void submitting(delivery::Submission& submission, base::TimePoint now);
    void submitted(delivery::MessageSequence message);
    void refused(delivery::SubmitRefusal why);
    void answer_came(delivery::MessageSequence message, const base::TraceContext& context);
    void finished(const delivery::Finished& finished);
    // The receiver.
    void handed_over(const delivery::Handle& handle, base::TimePoint now);
    void answering(delivery::HandleId handle, delivery::Answer& answer);
    void late(delivery::HandleId handle);

    // Rule 2, who asks: for a message, or by itself.
    void asked(fabric::QuestionId question, std::string_view name, base::TimePoint now);
    void done(const fabric::Done& done);
    // The context for a question that goes to a gateway.
    [[nodiscard]] base::TraceContext asking(std::string_view name) const;
    // Who is asked.
    void question_came(const base::EndpointId& peer, fabric::AskRef ref, const wire::Resolve& question,
                       base::TimePoint now);
    void question_answered(fabric::AskRef ref, wire::Resolved& answer);
    void asker_gone(fabric::AskRef ref);

    // Rule 4. The context for the announcement; and the receiver's side, with nothing wrong or what was.
    base::TraceContext published(const delivery::Announcement& what, base::TimePoint now);
    void announced(const delivery::Announcement& what, const base::TraceContext& context, base::TimePoint now);
    void fetched(const delivery::Announcement& what, std::string_view error);

    void end_all(std::string_view why);

private:
    struct Named {  // A span about a name.
        std::string name;
        telemetry::OpenSpan span;
    };

    [[nodiscard]] bool wants(const telemetry::SpanSpec& spec) const {
        return recorder_ != nullptr && recorder_->wants(spec);
    }
    [[nodiscard]] bool may_begin(base::TimePoint now);
    template <typename Key>
    void end(std::map<Key, Named>& open, const Key& key, std::string_view error);

    telemetry::Recorder* recorder_;
    Narrator& narrator_;
    AddressOf address_of_;
    base::TokenBucket begun_;
    std::optional<Named> submitting_;
    std::optional<delivery::Finished> early_;  // The last message that ended meanwhile.
    std::map<delivery::MessageSequence, Named> messages_;
    std::map<delivery::HandleId, Named> handles_;
    std::map<fabric::QuestionId, Named> questions_;
    std::map<fabric::AskRef, Named> answers_;
    std::map<delivery::Announcement, Named> fetches_;
};

}  // namespace grapevine::node
