#pragma once

// `serve --exec`: each message is answered by a process of its own.
//
// Rules:
// 1. The command is given to /bin/sh. The payload is its stdin, its stdout is the reply. $GRAPEVINE_FROM is the
// sender's
//    id, $GRAPEVINE_NAME the name as addressed, $GRAPEVINE_KIND `send` or `request`.
// 2. Exit code 0 is `done`. Anything else is `handler_failed`, with the last line of stderr as the text, or how it
// ended
//    if that is empty. So is a command that reads or says nothing: what it did not read is thrown away.
// 3. It is killed when `time_max`, or the message's own time, has passed, and when it has said more than `output_max`.
// 4. With the shell its whole process group is killed, at the end as well: what it left running in the background goes
//    with it. If this process is killed, the kernel kills the shell; what the shell had started sees its pipes close.
// 5. The process ignores SIGPIPE: a command may end before it has read its stdin.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include <grapevine/node.hpp>

#include "base/time.hpp"
#include "io/runtime.hpp"

namespace grapevine::apps {

struct ExecOptions {
    std::string command;
    base::Duration time_max = std::chrono::seconds(10);
    std::size_t output_max = std::size_t{60} << 10U;  // Bytes: the largest reply.
    std::size_t jobs_max = 4;                         // Beyond that messages are refused.
};

class ExecJobs {
public:
    ExecJobs(io::Runtime& runtime, ExecOptions options);
    // Kills what still runs; those messages are not answered.
    ~ExecJobs();
    ExecJobs(const ExecJobs&) = delete;
    ExecJobs& operator=(const ExecJobs&) = delete;

    void run(const Incoming& incoming, Answerer answer);
    [[nodiscard]] std::size_t running() const { return jobs_.size(); }

private:
    class Job;

    io::Runtime& runtime_;
    ExecOptions options_;
    std::uint64_t last_id_ = 0;
    std::map<std::uint64_t, std::unique_ptr<Job>> jobs_;
};

}  // namespace grapevine::apps
