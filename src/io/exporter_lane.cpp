#include "io/exporter_lane.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <utility>

#include "io/exporter_gzip.hpp"
#include "otlp/encode.hpp"

namespace grapevine::io {

namespace {

bool is_retryable(unsigned status) {
    return status == 429 || status == 502 || status == 503 || status == 504;
}

base::Duration slack(base::Duration delay) {
    return std::min<base::Duration>(delay / 8, std::chrono::seconds(1));
}

// "Sun, 06 Nov 1994 08:49:37 GMT", the only form that may still be generated; -1 if it is not that.
std::time_t parse_http_date(const std::string& text) {
    constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
    std::array<char, 4> month{};
    std::tm tm{};
    int used = 0;
    if (text.size() > 40 || std::sscanf(text.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month.data(),
                                        &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6)
        return -1;
    const std::size_t at = kMonths.find(month.data());
    if (static_cast<std::size_t>(used) != text.size() || at == std::string_view::npos || at % 3 != 0) return -1;
    tm.tm_mon = static_cast<int>(at / 3);
    tm.tm_year -= 1900;
    return ::timegm(&tm);
}

}  // namespace

base::Duration parse_retry_after(std::string_view value, base::WallTime now) {
    constexpr std::uint64_t kFar = 24 * 3600;
    std::uint64_t seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error == std::errc::result_out_of_range) return std::chrono::seconds(kFar);
    if (error == std::errc() && end == value.data() + value.size())
        return std::chrono::seconds(std::min(seconds, kFar));
    const std::time_t date = parse_http_date(std::string(value));
    if (date < 0 || static_cast<std::uint64_t>(date) <= now.unix_ms / 1000) return base::Duration(0);
    return std::chrono::seconds(std::min(static_cast<std::uint64_t>(date) - now.unix_ms / 1000, kFar));
}

ExportLane::ExportLane(Runtime& runtime, HttpClient& client, base::Rng rng, Settings settings, Source source)
    : runtime_(runtime),
      client_(client),
      rng_(rng),
      settings_(settings),
      source_(std::move(source)),
      backoff_(kRetryFirst) {
    headers_ = settings_.target->headers;
    headers_.emplace_back("Content-Type", "application/x-protobuf");
    if (settings_.target->gzip) headers_.emplace_back("Content-Encoding", "gzip");
    headers_.emplace_back("User-Agent", "OTel-OTLP-Exporter-Grapevine");
    if (settings_.periodic) schedule(settings_.delay, State::scheduled);
}

ExportLane::~ExportLane() {
    abandon();
}

void ExportLane::poke() {
    if (settings_.periodic || (state_ != State::idle && state_ != State::scheduled)) return;
    const std::size_t waiting = source_.waiting();
    if (waiting == 0) return;
    const bool full = waiting >= settings_.batch_max;
    if (state_ == State::scheduled && (hurried_ || !full)) return;
    hurried_ = full;
    schedule(full ? base::Duration(0) : settings_.delay, State::scheduled);
}

void ExportLane::schedule(base::Duration delay, State state) {
    runtime_.cancel(timer_);
    state_ = state;
    timer_ = runtime_.at(runtime_.now() + delay, slack(delay), [this] { on_timer(); });
}

void ExportLane::on_timer() {
    hurried_ = false;
    if (settings_.periodic && holds_batch() && runtime_.now() - taken_at_ >= settings_.delay && !flushing())
        drop(counters_.dropped_superseded);
    if (holds_batch())
        ++counters_.retries;
    else
        take_batch();
    if (!holds_batch()) return next();
    send();
}

void ExportLane::take_batch() {
    last_due_ = false;
    batch_ = source_.take();
    if (batch_.items == 0) return;
    if (settings_.target->gzip) batch_.body = gzip(batch_.body);
    taken_at_ = runtime_.now();
}

void ExportLane::send() {
    state_ = State::sending;
    HttpRequest request;
    request.method = "POST";
    request.path = settings_.target->path;
    request.headers = headers_;
    request.body = batch_.body;
    request.timeout = settings_.target->timeout;
    request.answer_bytes_max = kAnswerBytesMax;
    request_ = client_.request(std::move(request), [this](const HttpResult& result) { on_result(result); });
}

void ExportLane::on_result(const HttpResult& result) {
    if (result && result->status >= 200 && result->status < 300) return on_accepted(*result);
    on_failed(result);
}

void ExportLane::on_accepted(const HttpAnswer& answer) {
    std::size_t rejected = 0;
    if (const auto response = otlp::decode_response(answer.body); response)
        rejected = static_cast<std::size_t>(std::min<std::uint64_t>(response->rejected, batch_.items));
    counters_.items_sent += batch_.items - rejected;
    counters_.dropped_rejected += rejected;
    counters_.bytes_sent += batch_.body.size();
    ++counters_.batches_sent;
    batch_ = {};
    backoff_ = kRetryFirst;
    if (failing_) runtime_.log().write(LogLevel::info, "telemetry.export", "%s arrive again", settings_.name);
    failing_ = false;
    next();
}

void ExportLane::on_failed(const HttpResult& result) {
    count_failure(result);
    report_failing(result
                       ? settings_.target->host + settings_.target->path + ": status " + std::to_string(result->status)
                       : result.error().message);
    const bool again = result ? is_retryable(result->status) : result.error().failure != HttpFailure::invalid;
    if (!again) {
        drop(counters_.dropped_refused);
        return next();
    }
    if (flushing() && !result) return end_flush();
    if (!settings_.periodic && runtime_.now() - taken_at_ >= kBatchAgeMax) drop(counters_.dropped_expired);
    const std::string_view header = result ? result->header("Retry-After") : std::string_view();
    back_off(std::min(parse_retry_after(header, runtime_.wall_now()), kRetryAfterMax));
}

void ExportLane::count_failure(const HttpResult& result) {
    if (result)
        ++counters_.failed_status;
    else if (result.error().failure == HttpFailure::timeout)
        ++counters_.failed_timeout;
    else
        ++counters_.failed_transport;
}

void ExportLane::report_failing(const std::string& why) {
    if (failing_) return;
    failing_ = true;
    runtime_.log().write(LogLevel::warn, "telemetry.export",
                         "%s do not arrive: %s (said once; later failures are counted)", settings_.name, why.c_str());
}

void ExportLane::drop(std::uint64_t& counter) {
    counter += batch_.items;
    batch_ = {};
}

void ExportLane::back_off(base::Duration at_least) {
    const base::Duration wait = std::max(rng_.jitter(backoff_, 0.25), at_least);
    backoff_ = std::min(backoff_ * 2, kRetryMax);
    schedule(wait, State::backing_off);
}

// After a batch, or when there was none.
void ExportLane::next() {
    state_ = State::idle;
    if (flushing()) {
        const bool more = settings_.periodic ? last_due_ : source_.waiting() > 0;
        return more ? schedule(base::Duration(0), State::scheduled) : end_flush();
    }
    if (settings_.periodic) return schedule(settings_.delay, State::scheduled);
    poke();
}

void ExportLane::flush(std::function<void()> done) {
    flushed_ = std::move(done);
    backoff_ = kFlushRetryFirst;
    last_due_ = settings_.periodic;
    if (settings_.periodic && holds_batch() && state_ != State::sending) drop(counters_.dropped_superseded);
    if (state_ == State::sending) return;  // Its answer leads on.
    if (!holds_batch()) return next();
    schedule(base::Duration(0), State::scheduled);
}

void ExportLane::end_flush() {
    const auto done = std::exchange(flushed_, nullptr);
    abandon();
    done();
}

void ExportLane::abandon() {
    runtime_.cancel(timer_);
    client_.cancel(request_);
    if (state_ == State::over) return;
    state_ = State::over;
    flushed_ = nullptr;
    drop(counters_.dropped_stopping);
    if (!settings_.periodic) counters_.dropped_stopping += source_.waiting();
}

}  // namespace grapevine::io
