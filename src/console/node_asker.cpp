#include "console/node_asker.hpp"

#include <utility>

#include "io/control.hpp"
#include "io/json.hpp"

namespace grapevine::console {
namespace {

// The answer without its `ok`; null if it is an error.
boost::json::value answer_of(const base::Result<std::string>& line) {
    auto object = line ? io::parse_json_object("answer", *line) : base::Result<boost::json::object>(base::fail(""));
    const boost::json::value* ok = object ? object->if_contains("ok") : nullptr;
    if (ok == nullptr || !ok->is_bool() || !ok->get_bool()) {
        return nullptr;
    }
    object->erase("ok");
    return std::move(*object);
}

}  // namespace

base::Status NodeAsker::ask(const std::filesystem::path& data_dir, const std::vector<Question>& questions, Done done) {
    if (jobs_.size() >= kAsksMax || questions.size() > kQuestionsMax) {
        return base::fail(base::ErrorCode::busy, "too much is asked at once");
    }
    const std::uint64_t id = next_++;
    Job& job = jobs_[id];
    job.done = std::move(done);
    job.open = questions.size();
    for (const Question& question : questions) {
        job.answers[question.member] = nullptr;
        auto client = io::ControlClient::connect(data_dir, io::ControlAsk::kSendDeadline);
        auto ask =
            client ? io::ControlAsk::start(runtime_, std::move(*client), question.request, kDeadline,
                                           [this, id, member = question.member](const base::Result<std::string>& line) {
                                               jobs_.at(id).answers[member] = answer_of(line);
                                               finish_one(id);
                                           })
                   : base::Result<std::unique_ptr<io::ControlAsk>>(tl::unexpected(client.error()));
        if (ask) {
            job.asks.push_back(std::move(*ask));
        } else {
            runtime_.post([this, id] { finish_one(id); });
        }
    }
    return {};
}

// An ask may be destroyed by its own answer.
void NodeAsker::finish_one(std::uint64_t id) {
    Job& job = jobs_.at(id);
    if (--job.open > 0) {
        return;
    }
    const Done done = std::move(job.done);
    boost::json::object answers = std::move(job.answers);
    jobs_.erase(id);
    done(std::move(answers));
}

}  // namespace grapevine::console
