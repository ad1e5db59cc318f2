// SPDX-License-Identifier: MIT
#include "cli/process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

namespace sennit::cli {

Result<Process> Process::start_self(const std::vector<std::string>& arguments,
                                    const std::string& log) {
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (output < 0)
        return Error{Errc::io, "cannot write log", Error::kNowhere,
                     log + ": " + std::strerror(errno)};
    std::vector<char*> argv{const_cast<char*>("sennit")};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const auto parent = ::getpid();
    const int child = ::fork();
    if (child == 0) {
        // Only what is safe between fork and exec.
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(1);
        ::dup2(output, STDOUT_FILENO);
        ::dup2(output, STDERR_FILENO);
        const int nothing = ::open("/dev/null", O_RDONLY);
        ::dup2(nothing, STDIN_FILENO);
        ::execv("/proc/self/exe", argv.data());
        ::_exit(127);
    }
    ::close(output);
    if (child < 0)
        return Error{Errc::io, "cannot start a process", Error::kNowhere, std::strerror(errno)};
    return Process{child};
}

Process::~Process() {
    if (id_ == 0) return;
    terminate();
    join(std::chrono::seconds{5});
}

bool Process::running() {
    if (id_ == 0) return false;
    if (::waitpid(id_, &status_, WNOHANG) == 0) return true;
    id_ = 0;
    return false;
}

void Process::terminate() {
    if (id_ != 0) ::kill(id_, SIGTERM);
}

bool Process::join(Duration patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (running()) {
        if (std::chrono::steady_clock::now() >= until) {
            ::kill(id_, SIGKILL);
            ::waitpid(id_, &status_, 0);
            id_ = 0;
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    return WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
}

}  // namespace sennit::cli
