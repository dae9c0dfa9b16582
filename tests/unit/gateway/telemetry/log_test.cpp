// Proves that a line of the log is one line in both formats, whatever peers put into it, that
// levels decide what is written, and that lines of several threads do not mix.

#include "gateway/telemetry/log.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gateway {
namespace {

constexpr std::string_view when = "2026-01-02T03:04:05.006Z";

// Takes the log's lines for one test.
class captured {
public:
    captured()
    {
        log::set_sink(
            [](void* self, log_level, std::string_view line) {
                static_cast<captured*>(self)->lines.emplace_back(line);
            },
            this);
    }
    ~captured()
    {
        log::set_sink(nullptr, nullptr);
        log::set_up({});
    }
    captured(const captured&) = delete;
    captured& operator=(const captured&) = delete;
    std::vector<std::string> lines; // the log calls its sink under a lock
};

TEST(Log, TextLineHasTimeLevelTextAndFields)
{
    EXPECT_EQ(
        log::render(
            log_format::text, when, "info", "client connected",
            {{"session", "s-1"}, {"login", "a b"}, {"n", 3}}),
        "2026-01-02T03:04:05.006Z info client connected session=s-1 login=\"a b\" n=3");
}

TEST(Log, JsonLineIsOneObject)
{
    EXPECT_EQ(
        log::render(
            log_format::json, when, "audit", "switch",
            {{"to", "green"}, {"epoch", 4}, {"dry_run", false}}),
        R"({"time":"2026-01-02T03:04:05.006Z","level":"audit","text":"switch","to":"green","epoch":4,"dry_run":false})");
}

TEST(Log, ControlCharactersCannotForgeALine)
{
    const std::string hostile = "x\r\n2026 error y\t\x1b[31m\x7f\xc2\x9b";
    for (const auto format : {log_format::text, log_format::json}) {
        const auto line = log::render(format, when, "info", hostile, {{"login", hostile}});
        for (const char c : line) {
            EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7F) << line;
        }
        EXPECT_EQ(line.find("\xc2\x9b"), std::string::npos);
        EXPECT_NE(line.find(R"(x\r\n2026 error y\t\u001b[31m\u007f\u009b)"), std::string::npos)
            << line;
    }
}

TEST(Log, QuotesCannotEndAValue)
{
    EXPECT_EQ(
        log::render(log_format::text, when, "info", "t", {{"login", "a\" admin=\"b"}}),
        R"(2026-01-02T03:04:05.006Z info t login="a\" admin=\"b")");
}

TEST(Log, BytesThatAreNoUtf8AreReplaced)
{
    const std::string bad = "a\xff\x9b\xc0\x80\xed\xa0\x80z\xf0\x9f\x98\x80";
    const auto line = log::render(log_format::json, when, "info", bad, {});
    EXPECT_EQ(line.find('\xff'), std::string::npos);
    EXPECT_EQ(line.find('\xed'), std::string::npos);
    EXPECT_NE(line.find("\xef\xbf\xbd"), std::string::npos);
    EXPECT_NE(line.find("z\xf0\x9f\x98\x80"), std::string::npos);
}

TEST(Log, LevelDecidesWhatIsWritten)
{
    captured out;
    const auto before = log::counts();
    log::set_up({log_level::warning, log_format::text});
    EXPECT_FALSE(log::enabled(log_level::info));
    log::line(log_level::info, "not this");
    log::line(log_level::warning, "this");
    log::line(log_level::error, "and this");
    log::audit("always", {{"who", "admin"}});
    ASSERT_EQ(out.lines.size(), 3U);
    EXPECT_NE(out.lines[0].find(" warning this"), std::string::npos);
    EXPECT_NE(out.lines[1].find(" error and this"), std::string::npos);
    EXPECT_NE(out.lines[2].find(" info always who=admin"), std::string::npos);
    EXPECT_EQ(log::counts()[2], before[2] + 1);
    EXPECT_EQ(log::counts()[3], before[3] + 1);
}

TEST(Log, FormatChangesWhileRunning)
{
    captured out;
    log::set_up({log_level::info, log_format::json});
    log::line(log_level::info, "a");
    log::set_up({log_level::info, log_format::text});
    log::line(log_level::info, "a");
    ASSERT_EQ(out.lines.size(), 2U);
    EXPECT_EQ(out.lines[0].front(), '{');
    EXPECT_NE(out.lines[1].front(), '{');
}

TEST(Log, ThreadsWriteWholeLines)
{
    captured out;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([] {
            for (int i = 0; i < 100; ++i) {
                log::line(log_level::info, "one line", {{"n", i}});
            }
        });
    }
    for (auto& t : threads) {
        t.join();
    }
    EXPECT_EQ(out.lines.size(), 400U);
    for (const auto& line : out.lines) {
        EXPECT_NE(line.find(" info one line n="), std::string::npos);
    }
}

} // namespace
} // namespace gateway
