// Proves the program: its ready line, exit status 2 with a sentence for what it can not do, 0 after
// SIGTERM, and the planted death.

#include "server_fixture.hpp"

#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <vector>

namespace embedded::testing {
namespace {

// The program, with what it says on stdout and stderr in one pipe.
class process {
public:
    explicit process(std::vector<std::string> arguments)
    {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
        arguments.insert(arguments.begin(), TEAL_BROKER);
        std::vector<char*> argv;
        for (std::string& one : arguments) {
            argv.push_back(one.data());
        }
        argv.push_back(nullptr);
        EXPECT_EQ(::posix_spawn(&id_, TEAL_BROKER, &actions, nullptr, argv.data(), environ), 0);
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        output_ = ends[0];
    }
    process(const process&) = delete;
    process& operator=(const process&) = delete;
    ~process()
    {
        if (id_ != 0) {
            ::kill(id_, SIGKILL);
            wait();
        }
        ::close(output_);
    }

    std::string line()
    {
        std::string out;
        char c = 0;
        pollfd p{output_, POLLIN, 0};
        while (::poll(&p, 1, patience_ms) == 1 && ::read(output_, &c, 1) == 1 && c != '\n') {
            out += c;
        }
        return out;
    }
    int wait()
    {
        int status = 0;
        ::waitpid(id_, &status, 0);
        id_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    void signal(int number) { ::kill(id_, number); }

private:
    pid_t id_ = 0;
    int output_ = -1;
};

std::uint16_t port_in(const std::string& ready)
{
    return static_cast<std::uint16_t>(std::stoi(ready.substr(ready.rfind(':') + 1)));
}

TEST(TealBroker, SaysWhereItListensAndStopsOnSigterm)
{
    process p{{"--stomp", "127.0.0.1:0", "--name", "blue", "--user", "ann:x", "--memory", "64MiB"}};
    const std::string ready = p.line();
    EXPECT_TRUE(ready.starts_with("teal-broker blue listening on stomp://127.0.0.1:")) << ready;
    peer c{port_in(ready)};
    c.say("CONNECT\naccept-version:1.2\nlogin:ann\npasscode:x\n\n\0"sv);
    EXPECT_TRUE(c.frame().starts_with("CONNECTED\n"));
    p.signal(SIGTERM);
    EXPECT_EQ(p.wait(), 0);
    EXPECT_EQ(c.rest(), "");
}

TEST(TealBroker, NamesAPortThatIsInUse)
{
    process first{{"--stomp", "127.0.0.1:0"}};
    const std::string address = "127.0.0.1:" + std::to_string(port_in(first.line()));
    process second{{"--stomp", address}};
    EXPECT_NE(second.line().find(address), std::string::npos);
    EXPECT_EQ(second.wait(), 2);
}

TEST(TealBroker, RefusesOptionsThatItDoesNotUnderstand)
{
    const std::vector<std::vector<std::string>> all{
        {},
        {"--stomp", "nowhere"},
        {"--stomp", "127.0.0.1:0", "--user", "ann"},
        {"--stomp", "127.0.0.1:0", "--chaos", "x=1"},
        {"--stomp", "127.0.0.1:0", "--memory", "much"},
        {"--other"}};
    for (const auto& arguments : all) {
        process p{arguments};
        EXPECT_NE(p.line(), "");
        EXPECT_EQ(p.wait(), 2);
    }
    process help{{"--help"}};
    EXPECT_EQ(help.wait(), 0);
    process version{{"--version"}};
    EXPECT_EQ(version.line(), "teal-broker " TEAL_VERSION);
    EXPECT_EQ(version.wait(), 0);
}

TEST(TealBroker, DiesAfterSoManySendsWhenAsked)
{
    process p{{"--stomp", "127.0.0.1:0", "--chaos", "die_after=2"}};
    peer c{port_in(p.line())};
    c.say("CONNECT\naccept-version:1.2\n\n\0"sv);
    c.say("SEND\ndestination:/topic/a\n\n\0SEND\ndestination:/topic/a\n\n\0"sv);
    EXPECT_EQ(p.wait(), 137);
}

} // namespace
} // namespace embedded::testing
