// tealctl without a gateway: the command line, exit statuses, addresses, completion scripts and
// tables.

#include "control/cli/commands.hpp"
#include "control/cli/completion.hpp"
#include "control/cli/nearest.hpp"
#include "control/cli/tables.hpp"
#include "control/cli/tealctl.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <sstream>

namespace cli {
namespace {

struct outcome {
    int status;
    std::string out, err;
};
outcome call(std::vector<std::string> arguments)
{
    std::ostringstream out;
    std::ostringstream err;
    const int status = run(arguments, {out, err});
    return {status, out.str(), err.str()};
}

// As each shell's script writes a command: between blanks, quotes or a colon, not as a part of an
// option.
bool has_word(const std::string& text, const std::string& word)
{
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        const bool begins = at > 0 && std::string(" \"'").find(text[at - 1]) != std::string::npos;
        const auto end = at + word.size();
        if (begins && end < text.size() &&
            std::string(" \":").find(text[end]) != std::string::npos) {
            return true;
        }
    }
    return false;
}

TEST(Tealctl, SaysUsageErrorsWithStatus2)
{
    const std::vector<std::vector<std::string>> wrong{
        {},
        {"nonsense"},
        {"switch"},
        {"switch", "red"},
        {"status", "--what"},
        {"-o", "yaml", "status"},
        {"switch", "blue", "--if-epoch", "x"},
        {"sessions", "--sort", "name"},
        {"switch", "blue", "--timeout", "5"},
        {"--endpoint", "https://h:1", "status"},
        {"--endpoint", "h:1", "status"},
        {"--cacert", "x", "status"},
        {"--token-file", "/nowhere/at/all", "status"},
        {"drain"},
        {"drain", "b1"},
        {"drain", "red/b1"},
        {"drain", "blue/"},
        {"undrain"},
        {"undrain", "red/b1"},
        {"drain", "blue/b1", "--timeout", "5"},
        {"config"},
        {"disconnect"},
        {"disconnect", "0-1", "--login", "anna"},
        {"disconnect", "--login", "anna", "--pace", "5"},
        {"disconnect", "--login", "anna", "--pace", "0/s"},
        {"switch", "green", "--pause", "--dry-run"},
        {"help", "swich"},
        {"reload", "now"},
        {"drain", "--self", "blue/b1"},
        {"drain", "blue/b1", "--wait"},
        {"completion", "tcsh"}};
    for (const auto& arguments : wrong) {
        const auto got = call(arguments);
        EXPECT_EQ(got.status, 2) << testing::PrintToString(arguments);
        EXPECT_FALSE(got.err.empty()) << testing::PrintToString(arguments);
        EXPECT_EQ(got.out, "") << testing::PrintToString(arguments);
    }
    EXPECT_EQ(
        call({"drain", "--self", "blue/b1"}).err,
        "tealctl: drain: an endpoint or --self, not both\n");
    EXPECT_EQ(call({"drain", "b1"}).err, "tealctl: drain: expected COLOR/NAME, as in blue/b1\n");
}

TEST(Tealctl, HelpAndVersionAreNoErrors)
{
    EXPECT_EQ(call({"--help"}).status, 0);
    EXPECT_NE(call({"--help"}).out.find("Exit status: 0 done"), std::string::npos);
    EXPECT_EQ(call({"version"}).out, "tealctl " TEAL_VERSION "\n");
}

TEST(Tealctl, SaysWhatWasMeant)
{
    EXPECT_EQ(
        call({"swich", "green"}).err,
        "tealctl: unknown command 'swich'; did you mean switch?; `tealctl help` lists them\n");
    EXPECT_EQ(
        call({"--endpoint", "http://h:1", "-o", "json", "frobnicate"}).err,
        "tealctl: unknown command 'frobnicate'; `tealctl help` lists them\n");
    const auto color = call({"switch", "gren"});
    EXPECT_EQ(color.status, 2);
    EXPECT_NE(
        color.err.find("'gren' is no color: blue or green; did you mean green?"), color.err.npos)
        << color.err;
    EXPECT_EQ(nearest("dran", {"drain", "undrain"}), "drain");
    EXPECT_EQ(nearest("rollbakc", {"rollback"}), "rollback");
    EXPECT_EQ(nearest("x", {"go"}), "");
    EXPECT_EQ(nearest(std::string(1000, 'a'), {"abort"}), "");
}

TEST(Tealctl, HelpOfACommandIsThatOfItsOption)
{
    const auto all = call({"help"});
    EXPECT_EQ(all.status, 0);
    EXPECT_NE(all.out.find("Exit status: 0 done"), std::string::npos);
    const auto one = call({"help", "switch"});
    EXPECT_EQ(one.status, 0);
    EXPECT_NE(one.out.find("--pause"), std::string::npos) << one.out;
    EXPECT_EQ(call({"--version"}).out, "tealctl " TEAL_VERSION "\n");
    EXPECT_EQ(call({"--version"}).status, 0);
}

TEST(Tealctl, WithJsonAnErrorIsAnObject)
{
    const auto got = call({"-o", "json", "--endpoint", "unix:/nowhere/at/all", "status"});
    EXPECT_EQ(got.status, 3);
    EXPECT_EQ(got.out, "");
    EXPECT_EQ(
        got.err, "{\"error\":\"gateway not reachable at unix:/nowhere/at/all: No such file or "
                 "directory\",\"exit\":3}\n");
}

TEST(Tealctl, AGatewayThatIsNotThereIsStatus3)
{
    const auto got = call({"--endpoint", "unix:/nowhere/at/all", "status"});
    EXPECT_EQ(got.status, 3);
    EXPECT_NE(got.err.find("not reachable"), std::string::npos);
}

TEST(Tealctl, EveryCommandIsInEveryCompletionScript)
{
    const auto names = command_names();
    EXPECT_EQ(names.size(), 18u);
    for (const auto* shell : {"bash", "zsh", "fish"}) {
        const auto got = call({"completion", shell});
        EXPECT_EQ(got.status, 0);
        for (const auto& name : names) {
            const bool there = has_word(got.out, name);
            EXPECT_TRUE(there) << shell << " " << name;
        }
    }
    EXPECT_EQ(completion_for("tcsh"), std::nullopt);
}

TEST(Tealctl, TheReportDecidesTheExitStatus)
{
    const auto status = [](const char* json) {
        return status_of(boost::json::parse(json).as_object());
    };
    EXPECT_EQ(status(R"({"result":"switched","counted":[]})"), 0);
    EXPECT_EQ(status(R"({"result":"switched","counted":["1 seam forced"]})"), 6);
    EXPECT_EQ(status(R"({"result":"aborted","counted":[]})"), 1);
    EXPECT_EQ(status(R"({"result":"refused","counted":[]})"), 4);
    EXPECT_EQ(status(R"({"result":"would_switch","counted":[]})"), 0);
    EXPECT_EQ(status(R"({"result":"would_fail","counted":[]})"), 1);
}

TEST(Address, ReadsHttpAndUnix)
{
    const auto read = [](const char* text) {
        const auto got = address_from(text);
        const auto* where = std::get_if<address>(&got);
        return where == nullptr ? "wrong"
               : where->local   ? "unix " + where->host
                                : where->host + " " + where->port;
    };
    EXPECT_EQ(read("http://127.0.0.1:8081"), "127.0.0.1 8081");
    EXPECT_EQ(read("http://localhost:1/"), "localhost 1");
    EXPECT_EQ(read("http://[::1]:8081"), "::1 8081");
    EXPECT_EQ(read("http://h"), "h 80");
    EXPECT_EQ(read("unix:/run/teal.sock"), "unix /run/teal.sock");
    for (const auto* bad :
         {"", "127.0.0.1:1", "https://h:1", "http://", "http://h:x", "http://h:1/path",
          "http://:1"}) {
        EXPECT_EQ(read(bad), "wrong") << bad;
    }
}

TEST(Tables, AlignColumnsAndLetNoControlCharacterThrough)
{
    std::ostringstream out;
    print_columns(out, {{"A", "LONG"}, {"xyz", "1"}}, false);
    EXPECT_EQ(out.str(), "A    LONG\nxyz  1\n");
    const auto object =
        boost::json::parse(R"({"a":{"b":"x\u001b[2Jy"},"n":null,"t":true})").as_object();
    EXPECT_EQ(text_at(object, "a.b"), "x\\u001b[2Jy");
    EXPECT_EQ(text_at(object, "n"), "");
    EXPECT_EQ(text_at(object, "t"), "true");
    EXPECT_EQ(text_at(object, "a.c.d"), "");
}

TEST(Tables, A9_AlignByCharactersAndEscapeNamesOfColorsAndStates)
{
    std::ostringstream out;
    print_columns(out, {{"A", "B"}, {"\xC3\xBC\xC3\xBC", "1"}}, false);
    EXPECT_EQ(out.str(), "A   B\n\xC3\xBC\xC3\xBC  1\n");
    std::ostringstream status;
    print_status(
        status,
        boost::json::parse(
            "{\"live\":\"blue\\u009b\",\"sessions\":{\"a\\u202e\":\"\\u009b1\"},"
            "\"pools\":{\"red\\u009b\":{\"endpoints\":[{\"name\":\"n\\u2066\"}]}}}")
            .as_object(),
        false);
    EXPECT_EQ(status.str().find("\xC2\x9B"), std::string::npos) << status.str();
    EXPECT_EQ(status.str().find("\xE2"), std::string::npos) << status.str();
    EXPECT_NE(status.str().find("red\\u009b"), std::string::npos) << status.str();
}

TEST(Tables, ShowWhatIsCountedAndWhoFailed)
{
    std::ostringstream out;
    print_report(
        out,
        boost::json::parse(
            R"({"id":7,"from":"blue","to":"green","result":"switched","epoch":5,"duration_ms":412,
        "counted":["1 seam forced by seam_timeout"],"failures":[{"session":"s1","endpoint":"green/g1","error":"refused"}]})")
            .as_object(),
        false);
    EXPECT_NE(
        out.str().find("switch 7  blue -> green  switched  epoch 5  412 ms\n"), std::string::npos);
    EXPECT_NE(out.str().find("  counted   1 seam forced by seam_timeout\n"), std::string::npos);
    EXPECT_NE(out.str().find("  failed    s1  green/g1  refused\n"), std::string::npos);
    EXPECT_EQ(out.str().find('\x1b'), std::string::npos);
}

TEST(Tables, AReportFitsEightyColumnsAndSumsUpItsFailures)
{
    std::ostringstream out;
    print_report(
        out,
        boost::json::parse(
            R"({"id":7,"from":"blue","to":"green","result":"aborted","epoch":4,"duration_ms":412,
        "detail":"max_failed: 400 sessions cannot move, 0 may","started":"2026-11-30T03:09:13.000Z",
        "who":"operator token of line 2, 10.0.0.7:5555","reason":"release 7",
        "sends":{"accepted":123456,"confirmed":123456,"unconfirmed":123456,"open":123456,"held":123456,"refused":123456,"in_doubt":0},
        "causes":[{"error":"green/g1 refused: the token of the session has expired a long time ago, come back with another one",
                   "sessions":400,"first":["0-1","0-4","0-9"]}],
        "failures":[{"session":"0-1","endpoint":"green/g1","error":"refused"}]})")
            .as_object(),
        false);
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);) {
        EXPECT_LE(line.size(), 80u) << line;
    }
    EXPECT_NE(
        out.str().find(
            "  cause     400 sessions: green/g1 refused: the token of the session has expired\n"
            "            a long time ago, come back with another one (0-1, 0-4, 0-9)\n"),
        std::string::npos)
        << out.str();
    EXPECT_NE(out.str().find("  who       operator token of line 2, 10.0.0.7:5555\n"), std::string::npos);
    EXPECT_EQ(out.str().find("\n  failed  "), std::string::npos) << out.str();
}

} // namespace
} // namespace cli
