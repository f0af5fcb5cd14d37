#include "node/delivery_spans.hpp"

namespace grapevine::node {

namespace spans = telemetry::spans;

namespace {

std::string_view name_of(delivery::MessageKind kind) {
    switch (kind) {
        case delivery::MessageKind::send: return "send";
        case delivery::MessageKind::request: return "request";
        case delivery::MessageKind::stream: return "stream";
    }
    return "send";
}

std::string_view name_of(delivery::Verdict verdict) {
    switch (verdict) {
        case delivery::Verdict::done: return "done";
        case delivery::Verdict::failed: return "failed";
        case delivery::Verdict::refused: return "refused";
    }
    return "done";
}

}  // namespace

bool DeliverySpans::may_begin(base::TimePoint now) {
    return begun_.take(kBegun, now);
}

template <typename Key>
void DeliverySpans::end(std::map<Key, Named>& open, const Key& key, std::string_view error) {
    const auto it = open.find(key);
    if (it == open.end()) return;
    if (!error.empty()) it->second.span.fail(error);
    recorder_->end(std::move(it->second.span));
    open.erase(it);
}

void DeliverySpans::submitting(delivery::Submission& submission, base::TimePoint now) {
    if (!wants(spans::kDeliver) || messages_.size() >= kOpenMax || !may_begin(now)) return;
    submitting_ = Named{submission.target.name, recorder_->begin(spans::kDeliver)};
    submitting_->span.set("name", submission.target.name)
        .set("kind", name_of(submission.kind))
        .set("size_bytes", static_cast<std::int64_t>(submission.payload.size()));
    submission.context = recorder_->outgoing(submitting_->span);
}

void DeliverySpans::submitted(delivery::MessageSequence message) {
    if (!submitting_) return;
    messages_.insert_or_assign(message, *std::exchange(submitting_, std::nullopt));
    const auto early = std::exchange(early_, std::nullopt);
    if (early && early->message == message) finished(*early);
}

void DeliverySpans::refused(delivery::SubmitRefusal why) {
    if (!submitting_) return;
    submitting_->span.fail(delivery::name(why));
    recorder_->end(std::move(submitting_->span));
    submitting_.reset();
    early_.reset();
}

void DeliverySpans::answer_came(delivery::MessageSequence message, const base::TraceContext& context) {
    const auto it = messages_.find(message);
    if (it != messages_.end() && context.is_valid()) it->second.span.link(context);
}

void DeliverySpans::finished(const delivery::Finished& finished) {
    const auto it = messages_.find(finished.message);
    if (it == messages_.end()) {
        if (submitting_) early_ = finished;  // Perhaps the one that is being submitted.
        return;
    }
    telemetry::OpenSpan& span = it->second.span;
    span.set("outcome", delivery::name(finished.ending))
        .set("handled", delivery::name(finished.handled))
        .set("attempts", static_cast<std::int64_t>(finished.attempts));
    if (finished.peer) {
        narrator_.describe(span, *finished.peer);
        if (const auto address = address_of_ ? address_of_(*finished.peer) : std::nullopt)
            span.set("path", "direct " + address->text());
    }
    end(messages_, finished.message,
        finished.ending == delivery::Ending::acknowledged ? std::string_view() : delivery::name(finished.ending));
}

void DeliverySpans::handed_over(const delivery::Handle& handle, base::TimePoint now) {
    if (!handle.context.is_valid() || !wants(spans::kHandle) || handles_.size() >= kOpenMax) return;
    const auto offset = narrator_.offset_of(handle.from, handle.context, now);
    Named& named = handles_[handle.handle];
    named = {handle.name, recorder_->begin_remote(spans::kHandle, handle.context, offset)};
    named.span.set("name", handle.name)
        .set("kind", name_of(handle.kind))
        .set("size_bytes", static_cast<std::int64_t>(handle.payload.size()));
    narrator_.describe(named.span, handle.from);
}

void DeliverySpans::answering(delivery::HandleId handle, delivery::Answer& answer) {
    const auto it = handles_.find(handle);
    if (it == handles_.end()) return;
    it->second.span.set("verdict", name_of(answer.verdict));
    answer.context = recorder_->outgoing(it->second.span);
    end(handles_, handle, answer.verdict == delivery::Verdict::done ? std::string_view() : name_of(answer.verdict));
}

void DeliverySpans::late(delivery::HandleId handle) {
    end(handles_, handle, "the message's time was over");
}

// A child of the message that waits for the answer, if that is told.
void DeliverySpans::asked(fabric::QuestionId question, std::string_view name, base::TimePoint now) {
    if (!wants(spans::kResolve) || questions_.size() >= kOpenMax) return;
    const telemetry::OpenSpan* cause = submitting_ && submitting_->name == name ? &submitting_->span : nullptr;
    for (const auto& [sequence, message] : messages_)
        if (cause == nullptr && message.name == name) cause = &message.span;
    if (cause == nullptr && !may_begin(now)) return;
    Named& named = questions_[question];
    named = {std::string(name),
             cause != nullptr ? recorder_->begin(spans::kResolve, *cause) : recorder_->begin(spans::kResolve)};
    named.span.set("name", name);
}

void DeliverySpans::done(const fabric::Done& done) {
    const auto it = questions_.find(done.question);
    if (it == questions_.end()) return;
    it->second.span.set("verdict", fabric::name(done.outcome.verdict))
        .set("origin", fabric::name(done.outcome.origin))
        .set("candidates", static_cast<std::int64_t>(done.outcome.candidates.size()));
    end(questions_, done.question,
        done.outcome.verdict == fabric::Verdict::found ? std::string_view() : fabric::name(done.outcome.verdict));
}

base::TraceContext DeliverySpans::asking(std::string_view name) const {
    for (const auto& [question, named] : questions_)
        if (named.name == name) return recorder_->outgoing(named.span);
    for (const auto& [ref, named] : answers_)
        if (named.name == name) return recorder_->outgoing(named.span);
    return {};
}

void DeliverySpans::question_came(const base::EndpointId& peer, fabric::AskRef ref, const wire::Resolve& question,
                                  base::TimePoint now) {
    if (!question.context.is_valid() || !wants(spans::kResolveAnswered) || answers_.size() >= kOpenMax) return;
    const auto offset = narrator_.offset_of(peer, question.context, now);
    Named& named = answers_[ref];
    named = {question.name, recorder_->begin_remote(spans::kResolveAnswered, question.context, offset)};
    named.span.set("name", question.name).set("hops", static_cast<std::int64_t>(question.hops));
    narrator_.describe(named.span, peer);
}

void DeliverySpans::question_answered(fabric::AskRef ref, wire::Resolved& answer) {
    const auto it = answers_.find(ref);
    if (it == answers_.end()) return;
    it->second.span.set("verdict", wire::name(answer.code))
        .set("candidates", static_cast<std::int64_t>(answer.digests.size()));
    answer.context = recorder_->outgoing(it->second.span);
    end(answers_, ref, {});
}

void DeliverySpans::asker_gone(fabric::AskRef ref) {
    end(answers_, ref, "the asker has gone");
}

base::TraceContext DeliverySpans::published(const delivery::Announcement& what, base::TimePoint now) {
    if (!wants(spans::kPublish) || !may_begin(now)) return {};
    telemetry::OpenSpan span = recorder_->begin(spans::kPublish);
    span.set("number", static_cast<std::int64_t>(what.number)).set("size_bytes", static_cast<std::int64_t>(what.size));
    const base::TraceContext context = recorder_->outgoing(span);
    recorder_->end(std::move(span));
    return context;
}

void DeliverySpans::announced(const delivery::Announcement& what, const base::TraceContext& context,
                              base::TimePoint now) {
    if (!context.is_valid() || !wants(spans::kPublishFetch) || fetches_.size() >= kOpenMax) return;
    const auto offset = narrator_.offset_of(what.author, context, now);
    Named& named = fetches_[what];
    named = {{}, recorder_->begin_remote(spans::kPublishFetch, context, offset)};
    named.span.set("number", static_cast<std::int64_t>(what.number))
        .set("size_bytes", static_cast<std::int64_t>(what.size));
    narrator_.describe(named.span, what.author);
}

void DeliverySpans::fetched(const delivery::Announcement& what, std::string_view error) {
    end(fetches_, what, error);
}

void DeliverySpans::end_all(std::string_view why) {
    const auto end_each = [&](auto& open) {
        while (!open.empty())
            end(open, typename std::decay_t<decltype(open)>::key_type(open.begin()->first), why);
    };
    end_each(messages_);
    end_each(handles_);
    end_each(questions_);
    end_each(answers_);
    end_each(fetches_);
}

}  // namespace grapevine::node
