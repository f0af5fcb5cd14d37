#include "console/message_tap.hpp"

#include <algorithm>
#include <charconv>

#include "telemetry/catalogue.hpp"

namespace grapevine::console {
namespace {

std::string value_of(const otlp::SpanRow& span, std::string_view key) {
    const auto found = std::find_if(span.attributes.begin(), span.attributes.end(),
                                    [&](const otlp::RowAttribute& attribute) { return attribute.key == key; });
    return found == span.attributes.end() ? std::string{} : found->value;
}

std::optional<std::uint64_t> number_of(const otlp::SpanRow& span, std::string_view key) {
    const std::string text = value_of(span, key);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

void MessageTap::on_spans(const otlp::Decoded<otlp::SpanRow>& spans, base::TimePoint now, Messages& out) {
    for (const otlp::SpanRow& span : spans.rows) {
        const bool sent = span.name == telemetry::spans::kDeliver.name;
        if (!sent && (span.name != telemetry::spans::kHandle.name || span.parent_span_id.empty())) {
            continue;
        }
        const std::string node(spans.resources.at(span.resource).find("service.instance.id"));
        const Key key{span.trace_id, sent ? span.span_id : span.parent_span_id};
        const auto [it, fresh] = halves_.try_emplace(key);
        if (fresh) {
            order_.emplace_back(now, key);
        }
        Half& half = it->second;
        if (sent) {
            half.sent = true;
            half.message.unix_ms = span.start_unix_ns / 1'000'000;
            half.message.from = node;
            half.message.name = value_of(span, "name");
            half.message.latency_us = (span.end_unix_ns - span.start_unix_ns) / 1000;
            half.message.outcome = value_of(span, "outcome");
            half.message.bytes = number_of(span, "size_bytes");
            half.message.path = value_of(span, "path");
            half.message.trace_id = span.trace_id;
        } else {
            half.handled = true;
            half.message.to = node;
        }
        merge(key, now, out);
    }
    while (halves_.size() > kHalvesMax || order_.size() > 2 * kHalvesMax) {
        give_up_oldest(out);
    }
}

void MessageTap::merge(const Key& key, base::TimePoint, Messages& out) {
    const auto it = halves_.find(key);
    if (it->second.sent && it->second.handled) {
        out.push_back(std::move(it->second.message));
        halves_.erase(it);
    }
}

// Those that were told already are in the order only.
void MessageTap::give_up_oldest(Messages& out) {
    const auto it = halves_.find(order_.front().second);
    order_.pop_front();
    if (it == halves_.end()) {
        return;
    }
    if (it->second.sent) {
        out.push_back(std::move(it->second.message));
    }
    halves_.erase(it);
}

void MessageTap::on_deadline(base::TimePoint now, Messages& out) {
    while (!order_.empty() && order_.front().first + kPatience <= now) {
        give_up_oldest(out);
    }
}

std::optional<base::TimePoint> MessageTap::next_deadline() const {
    return order_.empty() ? std::nullopt : std::optional(order_.front().first + kPatience);
}

}  // namespace grapevine::console
