// Nobody waits for who reads the log: a reader that stalls, one that goes away, a full device, no
// descriptor at all. The pipes here are read, or not, by the test itself.

#include "gateway/telemetry/log_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

namespace gateway::log {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using clock = std::chrono::steady_clock;

struct stalled_pipe {
    stalled_pipe() { EXPECT_EQ(::pipe(ends.data()), 0); }
    ~stalled_pipe()
    {
        for (const int end : ends) {
            ::close(end);
        }
    }
    std::array<int, 2> ends{};
};

bool within(seconds most, auto holds)
{
    for (const auto end = clock::now() + most; clock::now() < end;) {
        if (holds()) {
            return true;
        }
        std::this_thread::sleep_for(milliseconds{1});
    }
    return holds();
}

TEST(LogWriter, L6_WritesLineByLineInOrder)
{
    stalled_pipe pipe;
    writer out{{.descriptor = pipe.ends[1]}};
    out.put("one", false);
    out.put("two", true);
    out.flush(seconds{5});
    std::array<char, 64> read{};
    EXPECT_EQ(::read(pipe.ends[0], read.data(), read.size()), 8);
    EXPECT_EQ(std::string(read.data(), 8), "one\ntwo\n");
    EXPECT_EQ(out.dropped(), 0U);
    EXPECT_EQ(out.bytes(), 0U);
}

TEST(LogWriter, L6_AReaderThatStallsHoldsNobodyUpAndAuditLinesComeWhenItGoesOn)
{
    stalled_pipe pipe;
    auto out = std::make_unique<writer>(
        writer::settings{.descriptor = pipe.ends[1], .bytes_max = 64 * 1024});
    const auto before = clock::now();
    out->put("audit first", true);
    for (int i = 0; i < 20'000; ++i) {
        out->put(std::string(200, 'x'), false);
    }
    EXPECT_LT(clock::now() - before, seconds{5});
    EXPECT_LE(out->bytes(), 65U * 1024);
    EXPECT_TRUE(within(seconds{5}, [&] {
        out->put("more", false);
        return out->bytes() > 0;
    }));
    out->put("audit last", true);

    std::string all;
    std::thread reader{[&] {
        std::array<char, 65536> some;
        for (ssize_t n; (n = ::read(pipe.ends[0], some.data(), some.size())) > 0;) {
            all.append(some.data(), static_cast<std::size_t>(n));
            if (all.find("audit last\n") != all.npos) {
                return;
            }
        }
    }};
    out->flush(seconds{10});
    reader.join();
    EXPECT_GT(out->dropped(), 10'000U);
    EXPECT_TRUE(all.starts_with("audit first\n"));
}

TEST(LogWriter, L6_StopsAlthoughItsReaderStalls)
{
    stalled_pipe pipe;
    auto* out = new writer{{.descriptor = pipe.ends[1]}};
    for (int i = 0; i < 2000; ++i) {
        out->put(std::string(200, 'x'), false);
    }
    const auto before = clock::now();
    out->stop(milliseconds{50});
    EXPECT_LT(clock::now() - before, seconds{5});
    out->put("nobody writes this", false); // and nobody waits
    delete out;
    // Its thread ends once the pipe lets it.
    std::array<char, 65536> some;
    ::fcntl(pipe.ends[0], F_SETFL, O_NONBLOCK);
    within(seconds{1}, [&] { return ::read(pipe.ends[0], some.data(), some.size()) < 0; });
}

TEST(LogWriter, L6_AReaderThatIsGoneIsNoSignalAndIsCounted)
{
    stalled_pipe pipe;
    const auto before = std::signal(SIGPIPE, SIG_DFL);
    writer out{{.descriptor = pipe.ends[1]}};
    ::close(pipe.ends[0]);
    pipe.ends[0] = -1;
    out.put("x", false);
    out.put("y", false);
    EXPECT_TRUE(within(seconds{5}, [&] { return out.dropped() == 2; }));
    std::signal(SIGPIPE, before);
}

TEST(LogWriter, L6_AFullDeviceIsCountedAndTriedAgain)
{
    const int full = ::open("/dev/full", O_WRONLY);
    if (full < 0) {
        GTEST_SKIP() << "no /dev/full";
    }
    writer out{{.descriptor = full}};
    out.put("x", false);
    EXPECT_TRUE(within(seconds{5}, [&] { return out.dropped() == 1; }));
    out.put("y", false);
    EXPECT_TRUE(within(seconds{5}, [&] { return out.dropped() == 2; }));
    ::close(full);
}

TEST(LogWriter, L6_WithoutADescriptorAllIsDropped)
{
    writer out{{.descriptor = -1}};
    out.put("x", false);
    EXPECT_TRUE(within(seconds{5}, [&] { return out.dropped() == 1; }));
}

TEST(LogWriter, L6_ADescriptorThatDoesNotBlockIsWaitedFor)
{
    stalled_pipe pipe;
    ::fcntl(pipe.ends[1], F_SETFL, O_NONBLOCK);
    writer out{{.descriptor = pipe.ends[1]}};
    for (int i = 0; i < 1000; ++i) {
        out.put(std::string(199, 'x'), false);
    }
    std::size_t read = 0;
    std::array<char, 65536> some;
    while (read < 200'000) {
        const ssize_t n = ::read(pipe.ends[0], some.data(), some.size());
        ASSERT_GT(n, 0);
        read += static_cast<std::size_t>(n);
    }
    EXPECT_EQ(out.dropped(), 0U);
}

} // namespace
} // namespace gateway::log
