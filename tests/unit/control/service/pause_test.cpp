// Proves that no timeout of a switch expires by a time in which this process did not run
// (switch.md C11; outside.md N3).

#include "tests/support/stop_process.hpp"
#include "tests/unit/control/fake_members.hpp"

#include <gtest/gtest.h>

namespace control {
namespace {

using namespace std::chrono_literals;
using control_test::control_bench;

TEST(ControlPause, C11_HoldTimeoutDoesNotExpireByIt)
{
    net::pulse pulse;
    control_settings settings;
    settings.hold_timeout = 700ms;
    control_bench bench(settings);
    bench.members[1]->stop_at = "hold";
    bool answered = false;
    switch_request request;
    request.to = broker::color::green;
    request.who = "test";
    bench.service->request_switch(std::move(request), [&](const switch_answer&) { answered = true; });
    ASSERT_TRUE(bench.run_until([&] {
        const auto* record = bench.service->find(7);
        return answered && record != nullptr && record->phase == switch_phase::holding;
    }));
    test_support::stop_process_for(1s);
    bench.settle();
    EXPECT_EQ(bench.service->find(7)->phase, switch_phase::holding);
    // It expires by the time that the process runs.
    ASSERT_TRUE(bench.run_until(
        [&] { return bench.service->find(7)->phase != switch_phase::holding; }));
    EXPECT_NE(bench.service->find(7)->detail.find("hold_timeout"), std::string::npos);
}

} // namespace
} // namespace control
