// What answers is no gateway, or another one than this tealctl knows: exit status 3 with a sentence,
// never an empty table with 0.

#include "control/cli/tealctl.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <sstream>
#include <thread>

namespace cli {
namespace {

namespace asio = boost::asio;

// Gives each connection the same bytes and closes.
class liar {
public:
    explicit liar(std::string answer) : answer_(std::move(answer))
    {
        thread_ = std::thread([this] {
            for (;;) {
                asio::ip::tcp::socket peer(context_);
                boost::system::error_code error;
                acceptor_.accept(peer, error);
                if (error || done_) {
                    return;
                }
                std::string request;
                asio::read_until(peer, asio::dynamic_buffer(request), "\r\n\r\n", error);
                asio::write(peer, asio::buffer(answer_), error);
                peer.shutdown(asio::socket_base::shutdown_send, error);
                asio::read(peer, asio::dynamic_buffer(request), error); // until it has gone
            }
        });
    }
    ~liar()
    {
        done_ = true;
        asio::ip::tcp::socket last(context_);
        boost::system::error_code ignored;
        last.connect(acceptor_.local_endpoint(), ignored);
        thread_.join();
    }
    std::string endpoint() const
    {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    }

private:
    std::string answer_;
    asio::io_context context_;
    asio::ip::tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
    std::atomic<bool> done_ = false;
    std::thread thread_;
};

std::string http(const std::string& status, const std::string& body)
{
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n\r\n" + body;
}

struct outcome {
    int status;
    std::string out, err;
};
outcome call(const std::string& answer, std::vector<std::string> arguments)
{
    const liar gateway(answer);
    std::ostringstream out;
    std::ostringstream err;
    arguments.insert(arguments.begin(), {"--endpoint", gateway.endpoint()});
    const int status = run(arguments, {out, err});
    return {status, out.str(), err.str()};
}

const std::vector<std::vector<std::string>> all_commands{
    {"status"},
    {"switch", "green"},
    {"switch", "green", "--if-epoch", "4"},
    {"switch", "green", "--if-epoch", "4", "--no-wait"},
    {"switch", "green", "--dry-run"},
    {"rollback"},
    {"abort"},
    {"watch"},
    {"history"},
    {"pools"},
    {"sessions"},
    {"sessions", "--sort", "age"},
    {"drain", "blue/b1"},
    {"drain", "blue/b1", "--no-wait"},
    {"undrain", "blue/b1"},
    {"drain", "--self"},
    {"sessions", "--all"},
    {"disconnect", "--login", "anna"},
    {"go"},
    {"reload"},
    {"config", "show"},
};

void expect_status_3(const std::string& answer, const std::vector<std::string>& arguments)
{
    for (const bool json : {false, true}) {
        auto words = arguments;
        if (json) {
            words.insert(words.begin(), {"-o", "json"});
        }
        const auto got = call(answer, words);
        EXPECT_EQ(got.status, 3) << testing::PrintToString(words) << answer << got.err;
        EXPECT_TRUE(got.err.starts_with(json ? "{\"error\":\"" : "tealctl: ")) << got.err;
        EXPECT_EQ(got.out, "") << testing::PrintToString(words);
    }
}

TEST(TealctlAgainstALiar, A3_WhatIsNoJsonObjectIsStatus3ForEveryCommand)
{
    for (const auto& command : all_commands) {
        for (const std::string body :
             {"", "<html>", "[]", "{\"sessions\":[{\"login\":\"caf\xE9\"}]}", "{\"epoch\":4",
              "{}"}) {
            for (const auto* status : {"200 OK", "202 Accepted"}) {
                if (std::string(status) == "202 Accepted" && body == "{}") {
                    continue; // a refusal of a kind that a GET does not know
                }
                expect_status_3(http(status, body), command);
            }
        }
        expect_status_3("SSH-2.0-OpenSSH_9.2\r\n", command);
    }
}

TEST(TealctlAgainstALiar, A3_FieldsOfAnotherTypeAreStatus3)
{
    const auto wrong = [](const std::string& body, std::vector<std::string> command) {
        expect_status_3(http("200 OK", body), command);
    };
    wrong(R"({"sessions":"none","total":0})", {"sessions"});
    wrong(R"({"sessions":[7],"total":1})", {"sessions"});
    wrong(R"({"switches":{}})", {"history"});
    wrong(R"({"switches":[7]})", {"history"});
    wrong(R"({"switches":[7]})", {"watch"});
    wrong(R"({"blue":{"endpoints":[7]}})", {"pools"});
    wrong(R"({"blue":{"endpoints":7}})", {"pools"});
}

TEST(TealctlAgainstALiar, A3_AnErrorOfSomethingElseIsStatus3)
{
    for (const auto& command : all_commands) {
        expect_status_3(http("502 Bad Gateway", "<html>"), command);
        expect_status_3(http("404 Not Found", "no such page"), command);
    }
}

TEST(TealctlAgainstALiar, A3_EventsThatAreNoneAreStatus3)
{
    // The same bytes as an answer to the POST and as a stream of events.
    for (const std::string data : {"nonsense", "[]", "{}", "{\"phase\":\"done\",\"final\":true}"}) {
        const auto got = call(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            "id: 1\nevent: report\ndata: " + data + "\n\n",
            {"watch", "7"});
        EXPECT_EQ(got.status, 3) << data << got.err;
        EXPECT_NE(got.err.find("cannot be understood"), std::string::npos) << got.err;
    }
}

TEST(TealctlAgainstALiar, A9_ItsProblemsDoNotDriveTheTerminal)
{
    const auto got = call(
        http("409 Conflict", R"({"title":"x\u009b2J","detail":"\u202egnp.exe","field":"\u001b[1m"})"),
        {"switch", "green", "--if-epoch", "4"});
    EXPECT_EQ(got.status, 4);
    EXPECT_EQ(got.err, "tealctl: x\\u009b2J (\\u001b[1m): \\u202egnp.exe\n");
}

} // namespace
} // namespace cli
