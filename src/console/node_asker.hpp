#pragma once

// Several questions to the control socket of one node that runs here, answered together: a node's page asks `status`,
// `why` and `ledger` at once. What is not answered within kDeadline is null, and so is all of it if no node answers.
//
// At most kAsksMax nodes are asked at a time, kQuestionsMax things each; beyond, the answer is busy.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "base/time.hpp"
#include "io/control_ask.hpp"
#include "io/process_ledger.hpp"
#include "io/runtime.hpp"

namespace grapevine::console {

class NodeAsker {
public:
    static constexpr base::Duration kDeadline = std::chrono::seconds(3);
    static constexpr std::size_t kAsksMax = 32;
    static constexpr std::size_t kQuestionsMax = 4;  // Of a node.

    struct Question {
        std::string member;   // Of the answer.
        std::string request;  // The line.
    };
    using Done = std::function<void(boost::json::object answers)>;

    explicit NodeAsker(io::Runtime& runtime) : runtime_(runtime) {}
    NodeAsker(const NodeAsker&) = delete;
    NodeAsker& operator=(const NodeAsker&) = delete;

    // `done` follows in a later turn, once. Error: busy; it is not called then.
    base::Status ask(const std::filesystem::path& data_dir, const std::vector<Question>& questions, Done done);

private:
    struct Job {
        std::size_t open = 0;
        boost::json::object answers;
        std::vector<std::unique_ptr<io::ControlAsk>> asks;
        Done done;
    };
    void finish_one(std::uint64_t job);

    io::Runtime& runtime_;
    io::ConnectionRoom room_{kAsksMax * kQuestionsMax};
    std::map<std::uint64_t, Job> jobs_;
    std::uint64_t next_ = 1;
};

}  // namespace grapevine::console
