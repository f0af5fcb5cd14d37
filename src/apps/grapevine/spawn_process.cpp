#include "apps/grapevine/spawn_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

namespace grapevine::apps {
namespace {

constexpr int kExecFailed = 127;  // As shells say it.

struct Pipe {
    io::Fd read_end;
    io::Fd write_end;
};

base::Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return tl::unexpected(io::system_error("pipe", "create", errno));
    }
    return Pipe{io::Fd(ends[0]), io::Fd(ends[1])};
}

base::Result<Pipe> open_nothing() {
    io::Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!null.valid()) {
        return tl::unexpected(io::system_error("/dev/null", "open", errno));
    }
    return Pipe{std::move(null), {}};
}

// By number: the header of glibc 2.36 declares it without C linkage.
int open_pidfd(pid_t pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts) {
        out.push_back(text.data());
    }
    out.push_back(nullptr);
    return out;
}

std::vector<std::string> child_environment() {
    std::vector<std::string> out;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        if (!text.starts_with("MESH_") || text.starts_with("MESH_LOG=") || text.starts_with("MESH_LOG_FORMAT=")) {
            out.emplace_back(text);
        }
    }
    return out;
}

// From here to exec only what POSIX allows after fork. The signals are blocked until the parent's handlers are gone.
[[noreturn]] void become(char** command, char** environment, pid_t parent, int in, int out, int err,
                         const sigset_t& mask) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(kExecFailed);  // The parent died before the line above: nobody would send the signal.
    }
    ::setpgid(0, 0);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGWINCH, SIGCHLD}) {
        ::signal(signal, SIG_DFL);
    }
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    ::execve(command[0], command, environment);
    constexpr std::string_view kWords = "grapevine: the program cannot be executed\n";
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, kWords.data(), kWords.size());
    ::_exit(kExecFailed);
}

}  // namespace

base::Result<SpawnedProcess> spawn_process(const std::vector<std::string>& command, ChildInput input,
                                           const std::vector<std::string>& extra) {
    std::vector<std::string> words = command;
    std::vector<std::string> environment = child_environment();
    environment.insert(environment.end(), extra.begin(), extra.end());
    const std::vector<char*> word_pointers = pointers(words);
    const std::vector<char*> environment_pointers = pointers(environment);
    auto out = make_pipe();
    auto err = make_pipe();
    auto in = input == ChildInput::pipe ? make_pipe() : open_nothing();
    if (!out || !err || !in) {
        return tl::unexpected(!out ? out.error() : !err ? err.error() : in.error());
    }
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        become(const_cast<char**>(word_pointers.data()), const_cast<char**>(environment_pointers.data()), parent,
               in->read_end.get(), out->write_end.get(), err->write_end.get(), before);
    }
    const int fork_error = errno;
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) {
        return tl::unexpected(io::system_error(command[0], "fork", fork_error));
    }
    SpawnedProcess child{pid, io::Fd(open_pidfd(pid)), std::move(in->write_end), std::move(out->read_end),
                         std::move(err->read_end)};
    if (!child.pidfd.valid()) {
        const base::Error error = io::system_error(command[0], "pidfd_open", errno);
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return tl::unexpected(error);
    }
    return child;
}

}  // namespace grapevine::apps
