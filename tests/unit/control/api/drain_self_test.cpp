// This gateway's own way out, as the API tells it: begun once, and how far it is (outside.md A12).

#include "tests/unit/control/api/api_bench.hpp"

#include <gtest/gtest.h>

namespace control {
namespace {

using control_test::api_bench;

struct leaving_bench : api_bench {
    leaving_bench()
    {
        service->set_way_out({.begin = [this] { ++begun; }, .now = [this] { return now; }});
    }
    int begun = 0;
    way_out_state now{way_out_stage::serving, 7};
};

TEST(ApiDrainSelf, A12_IsBegunAndAuditedWithWhoAsked)
{
    leaving_bench bench;
    const auto before = bench.ask("GET", "/v1/drain");
    EXPECT_EQ(before.status, 200u);
    EXPECT_EQ(before.body, "{\"stage\":\"serving\",\"clients\":7}\n");
    EXPECT_EQ(bench.begun, 0) << "GET changes nothing";
    bench.service->set_way_out(
        {.begin =
             [&] {
                 ++bench.begun;
                 bench.now = {way_out_stage::lame_duck, 7};
             },
         .now = [&] { return bench.now; }});
    const auto response = bench.ask("POST", "/v1/drain");
    EXPECT_EQ(response.status, 202u);
    EXPECT_EQ(response.body, "{\"stage\":\"lame_duck\",\"clients\":7}\n");
    EXPECT_EQ(bench.begun, 1);
    EXPECT_EQ(
        bench.log.back(),
        "audit who=\"local 127.0.0.1:5\" what=drain_self from=serving to=lame_duck epoch=4 "
        "clients=7 result=accepted");
}

TEST(ApiDrainSelf, A12_OnceItIsDrainedTheAnswerIs200)
{
    leaving_bench bench;
    bench.now = {way_out_stage::leaving, 3};
    EXPECT_EQ(bench.ask("POST", "/v1/drain").status, 202u);
    bench.now = {way_out_stage::drained, 0};
    const auto response = bench.ask("POST", "/v1/drain");
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(response.body, "{\"stage\":\"drained\",\"clients\":0}\n");
}

} // namespace
} // namespace control
