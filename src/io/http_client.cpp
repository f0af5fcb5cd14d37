#include "io/http_client.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>

#include "base/assert.hpp"
#include "io/http_client_connection.hpp"

namespace grapevine::io {

namespace {

bool is_token(std::string_view text) {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";  // RFC 9110, section 5.6.2.
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               kOthers.find(c) != std::string_view::npos;
    });
}

bool is_printable(std::string_view text, char lowest) {
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return static_cast<signed char>(c) < 0 || (c >= lowest && c != 0x7f) || (lowest == ' ' && c == '\t');
    });
}

std::string authority(const HttpServer& server) {
    const bool v6 = server.host.find(':') != std::string::npos;
    std::string text = v6 ? '[' + server.host + ']' : server.host;
    if (server.port != (server.https ? 443 : 80)) text += ':' + std::to_string(server.port);
    return text;
}

// The head of a request, or why there is none.
tl::expected<std::string, std::string> make_head(const HttpServer& server, const HttpRequest& request) {
    if (!is_token(request.method)) return tl::unexpected<std::string>("the method is no token");
    if (!request.path.starts_with('/') || !is_printable(request.path, '!'))
        return tl::unexpected<std::string>("the path does not begin with / or has a blank or control character");
    if (!is_printable(server.host, '!')) return tl::unexpected<std::string>("the host has a control character");
    std::string head = request.method + ' ' + request.path + " HTTP/1.1\r\nHost: " + authority(server) + "\r\n";
    for (const auto& [key, value] : request.headers) {
        if (!is_http_header(key, value) || is_http_client_header(key))
            return tl::unexpected<std::string>(
                "a header has a control character, a name that is no token, or is the client's own");
        head.append(key).append(": ").append(value).append("\r\n");
    }
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
        head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    head += "\r\n";
    if (head.size() > HttpClient::kHeadBytesMax) return tl::unexpected<std::string>("the headers are too long");
    return head;
}

}  // namespace

std::string_view name(HttpFailure failure) {
    switch (failure) {
        case HttpFailure::invalid: return "invalid";
        case HttpFailure::busy: return "busy";
        case HttpFailure::resolve: return "resolve";
        case HttpFailure::connect: return "connect";
        case HttpFailure::tls: return "tls";
        case HttpFailure::closed: return "closed";
        case HttpFailure::timeout: return "timeout";
        case HttpFailure::broken: return "broken";
        case HttpFailure::too_large: return "too_large";
    }
    return "unknown";
}

bool is_http_header(std::string_view key, std::string_view value) {
    return is_token(key) && is_printable(value, ' ');
}

bool is_http_client_header(std::string_view key) {
    constexpr std::array<std::string_view, 4> kOwn{"host", "content-length", "transfer-encoding", "connection"};
    std::string lower(key);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return std::find(kOwn.begin(), kOwn.end(), lower) != kOwn.end();
}

class HttpClient::Impl {
public:
    Impl(Runtime& runtime, HttpServer server, const ResolverOptions& options)
        : runtime_(runtime),
          server_(std::move(server)),
          connection_(runtime, server_, options, counters_, [this](HttpResult result) { on_done(std::move(result)); }) {
    }
    ~Impl() {
        runtime_.cancel(next_);
        runtime_.cancel(timeout_);
        runtime_.cancel(refusal_);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    HttpRequestId request(HttpRequest request, Done done);
    void cancel(HttpRequestId id);
    [[nodiscard]] bool connected() const { return connection_.open(); }

private:
    struct Waiting {
        HttpRequestId id;
        HttpRequest request;
        Done done;
    };
    friend class HttpClient;

    void schedule();
    void schedule_refusals();
    void start_next();
    void begin();
    void on_done(HttpResult result);
    void finish(HttpResult result);
    HttpError explain(HttpError error) const;

    Runtime& runtime_;
    const HttpServer server_;
    HttpClientCounters counters_;
    HttpConnection connection_;
    std::deque<Waiting> queue_;  // The first one is under way if `busy_`.
    std::deque<Waiting> refused_;
    bool busy_ = false;
    bool again_ = false;  // Rule 2 was used for this request.
    base::TimePoint deadline_;
    TaskId next_;
    bool scheduled_ = false;
    TaskId timeout_;
    TaskId refusal_;
    std::uint64_t last_id_ = 0;
};

HttpRequestId HttpClient::Impl::request(HttpRequest request, Done done) {
    const HttpRequestId id{++last_id_};
    Waiting waiting{id, std::move(request), std::move(done)};
    if (queue_.size() >= kQueueMax) {
        refused_.push_back(std::move(waiting));
        schedule_refusals();
    } else {
        queue_.push_back(std::move(waiting));
        schedule();
    }
    return id;
}

void HttpClient::Impl::cancel(HttpRequestId id) {
    std::erase_if(refused_, [&](const Waiting& one) { return one.id == id; });
    const auto it = std::find_if(queue_.begin(), queue_.end(), [&](const Waiting& one) { return one.id == id; });
    if (it == queue_.end()) return;
    if (busy_ && it == queue_.begin()) {
        busy_ = false;
        runtime_.cancel(timeout_);
        connection_.close();
    }
    queue_.erase(it);
    schedule();
}

// In a turn of its own, so that no caller is called back from within its call.
void HttpClient::Impl::schedule() {
    if (busy_ || scheduled_ || queue_.empty()) return;
    scheduled_ = true;
    next_ = runtime_.at(runtime_.now(), base::Duration(0), [this] {
        scheduled_ = false;
        start_next();
    });
}

void HttpClient::Impl::schedule_refusals() {
    runtime_.cancel(refusal_);
    refusal_ = runtime_.at(runtime_.now(), base::Duration(0), [this] {
        if (refused_.empty()) return;
        const Done done = std::move(refused_.front().done);
        refused_.pop_front();
        if (!refused_.empty()) schedule_refusals();
        done(tl::unexpected(explain({HttpFailure::busy, "too many requests wait"})));
    });
}

void HttpClient::Impl::start_next() {
    if (busy_ || queue_.empty()) return;
    busy_ = true;
    again_ = false;
    Waiting& waiting = queue_.front();
    deadline_ = runtime_.now() + waiting.request.timeout;
    timeout_ =
        runtime_.at(deadline_, std::min<base::Duration>(waiting.request.timeout / 8, std::chrono::seconds(1)), [this] {
            connection_.close();
            finish(tl::unexpected(explain({HttpFailure::timeout, "no answer in time"})));
        });
    begin();
}

void HttpClient::Impl::begin() {
    const HttpRequest& request = queue_.front().request;
    auto head = make_head(server_, request);
    if (!head) return finish(tl::unexpected(explain({HttpFailure::invalid, head.error()})));
    using Expect = HttpAnswerParser::Expect;
    connection_.start({std::move(*head), request.body, deadline_, request.answer_bytes_max,
                       request.method == "HEAD" ? Expect::no_body : Expect::body});
}

void HttpClient::Impl::on_done(HttpResult result) {
    if (!result && connection_.failed_stale() && !again_) {
        again_ = true;
        ++counters_.reconnects;
        return begin();
    }
    if (!result) result = tl::unexpected(explain(std::move(result.error())));
    finish(std::move(result));
}

// Its caller may destroy this client: nothing is touched after `done`.
void HttpClient::Impl::finish(HttpResult result) {
    runtime_.cancel(timeout_);
    busy_ = false;
    const Done done = std::move(queue_.front().done);
    queue_.pop_front();
    schedule();
    done(std::move(result));
}

HttpError HttpClient::Impl::explain(HttpError error) const {
    error.message = (server_.https ? "https://" : "http://") + authority(server_) + ": " + error.message;
    return error;
}

HttpClient::HttpClient(Runtime& runtime, HttpServer server, ResolverOptions options)
    : impl_(std::make_unique<Impl>(runtime, std::move(server), options)) {}
HttpClient::~HttpClient() = default;

HttpRequestId HttpClient::request(HttpRequest request, Done done) {
    return impl_->request(std::move(request), std::move(done));
}
void HttpClient::cancel(HttpRequestId id) {
    impl_->cancel(id);
}
bool HttpClient::connected() const {
    return impl_->connected();
}
const HttpServer& HttpClient::server() const {
    return impl_->server_;
}
const HttpClientCounters& HttpClient::counters() const {
    return impl_->counters_;
}

}  // namespace grapevine::io
