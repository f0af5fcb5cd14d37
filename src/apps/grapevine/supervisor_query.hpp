#pragma once

// Asking the supervisor of `grapevine up`: which one is meant, and its answer.

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "grapevine/node_main_flags.hpp"
#include "io/control.hpp"

namespace grapevine::apps {

// --up DIR, --timeout.
void append_supervisor_flags(std::vector<cli::Flag>& flags);

inline constexpr const char* kSupervisorCodes = "0 done, 1 failed, 2 usage, 4 not found, 5 denied, 124 timed out";

// A supervisor that answers, with the time that each answer may take.
class SupervisorClient {
public:
    // The one in --up, else the only one of this user. Errors: not_found, or invalid when there are several.
    static base::Result<SupervisorClient> connect(const cli::Parsed& parsed);

    // The answer to a request. One that says "ok": false becomes its error.
    base::Result<boost::json::object> ask(std::string_view request);
    // What comes after an answer, waiting as long as it takes.
    base::Result<std::string> next_line();
    [[nodiscard]] io::ControlClient& line() { return client_; }

private:
    SupervisorClient(io::ControlClient client, base::Duration timeout)
        : client_(std::move(client)), timeout_(timeout) {}

    io::ControlClient client_;
    base::Duration timeout_;
};

// `error` of an action on `name`, or more clearly that a node of this name runs without a supervisor.
base::Error explain_unsupervised(const base::Error& error, const std::string& name);

}  // namespace grapevine::apps
