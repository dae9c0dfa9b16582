// Proves that a listener without a descriptor to accept with rests instead of spinning, and that
// who waits meanwhile is accepted then.

#include "loop_fixture.hpp"

#include "broker/net/acceptor.hpp"

#include <boost/system/errc.hpp>
#include <gtest/gtest.h>

#include <sys/resource.h>
#include <vector>

namespace {

using namespace net_test;

class Acceptor : public Loop, public net::accept_handler {
protected:
    static raw_socket listening()
    {
        return raw_socket{net::listen_on({"127.0.0.1", 0, {}}, net::reuse_port::no).value()};
    }
    static raw_socket dial(const raw_socket& listener)
    {
        const auto at = net::resolve(net::local_address(listener.get()).value()).value();
        return raw_socket{net::start_connect(at.front()).value()};
    }
    void on_accepted(int descriptor) override { accepted.emplace_back(descriptor); }
    void on_accept_failed(boost::system::error_code why) override { failures.push_back(why); }

    std::vector<raw_socket> accepted;
    std::vector<boost::system::error_code> failures;
};

// The process's limit, so that the next descriptor is one too many.
class no_descriptor_left {
public:
    no_descriptor_left()
    {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        raw_socket probe{::dup(0)};
        EXPECT_GE(probe.get(), 0);
        const rlimit now{static_cast<rlim_t>(probe.get()), before_.rlim_max};
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &now), 0);
    }
    ~no_descriptor_left() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

TEST_F(Acceptor, N1_RestsWhileThereIsNoDescriptor)
{
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "the sanitizers look at an object through a pipe, for which there is no descriptor";
#endif
    raw_socket listener = listening();
    const raw_socket first = dial(listener), second = dial(listener);
    net::acceptor acceptor{loop, listener.release(), 64, *this};
    ASSERT_FALSE(acceptor.failed());
    {
        const no_descriptor_left limit;
        const auto before = loop.syscalls();
        run_until([&] { return failures.size() == 3; });
        EXPECT_EQ(loop.syscalls().accept - before.accept, 3U);
        EXPECT_LT(loop.syscalls().epoll_wait - before.epoll_wait, 30U);
        EXPECT_TRUE(accepted.empty());
    }
    EXPECT_EQ(failures.front(), boost::system::errc::too_many_files_open);
    run_until([&] { return accepted.size() == 2; });
}

TEST_F(Acceptor, TakesNoMoreThanABurstATurn)
{
    raw_socket listener = listening();
    std::vector<raw_socket> peers;
    for (int i = 0; i < 5; ++i) {
        peers.push_back(dial(listener));
    }
    net::acceptor acceptor{loop, listener.release(), 2, *this};
    run_until([&] { return !accepted.empty(); });
    EXPECT_EQ(accepted.size(), 2U);
    run_until([&] { return accepted.size() == 5; });
}

TEST_F(Acceptor, ClosedItAcceptsWhoWaitedAlready)
{
    raw_socket listener = listening();
    const raw_socket first = dial(listener), second = dial(listener);
    net::acceptor acceptor{loop, listener.release(), 64, *this};
    acceptor.close();
    EXPECT_EQ(accepted.size(), 2U);
    acceptor.close(); // again: nothing
    run_ready();
    EXPECT_EQ(accepted.size(), 2U);
}

TEST_F(Acceptor, N1_SaysThatTheLoopDoesNotWatchIt)
{
    net::acceptor acceptor{loop, -1, 64, *this};
    EXPECT_TRUE(acceptor.failed());
}

} // namespace
