// Proves which frame an ERROR is taken for, without the link (switch.md E1 to E5): one that it
// quotes, the only one, one between two answers; never a neighbour's by a guess; and that memory is
// bounded and what was forgotten is never ruled out.

#include "broker/error_search.hpp"

#include <gtest/gtest.h>

namespace {

using namespace broker;
using namespace std::chrono_literals;

const net::time_point t0 = net::time_point{} + 1h;

// Of a link that many sessions share.
class ErrorSearch : public testing::Test {
protected:
    // A SEND of that session; with a receipt it is owed until answered().
    std::uint64_t sends(
        unsigned session, const std::string& destination, bool asks = false, std::string more = {})
    {
        written_frame f{.what = frame_kind::send, .session = session_id{session}};
        f.receipt = asks ? owed.add({.session = f.session, .client_receipt = "r"}) : 0;
        search.wrote(f, "SEND\ndestination:" + destination + "\n" + more, owed);
        return f.receipt;
    }
    std::uint64_t barrier()
    {
        const written_frame f{
            .what = frame_kind::ours, .receipt = owed.add({.kind = owed_kind::barrier})};
        search.wrote(f, {}, owed);
        return f.receipt;
    }
    void answered(std::uint64_t receipt)
    {
        owed.take(receipt);
        search.on_answer(owed);
        search.on_barrier(receipt);
    }
    static std::string say(const std::optional<finding>& found)
    {
        if (!found) {
            return "not yet";
        }
        const auto whose = std::to_string(static_cast<std::uint64_t>(found->frame.session));
        switch (found->what) {
        case finding::kind::named: return "frame of " + whose;
        case finding::kind::session: return "session " + whose;
        case finding::kind::ours: return "ours";
        case finding::kind::nobody: return "nobody";
        case finding::kind::ended: return "ended";
        }
        return "?";
    }
    std::string error(const std::string& text = "Bad frame")
    {
        return say(search.on_error({.head = {}, .body = {}, .text = text}, std::nullopt, owed, t0));
    }
    std::string ends()
    {
        std::string all;
        for (const finding& one : search.on_end(0, owed)) {
            all += (all.empty() ? "" : ", ") + say(one);
        }
        return all;
    }
    // The link lives on behind them.
    std::string lives_on(std::size_t count = 1)
    {
        std::string all;
        for (const finding& one : search.on_alive(count, owed, t0)) {
            all += (all.empty() ? "" : ", ") + say(one);
        }
        return all;
    }

    const broker_error forced{.head = {}, .body = "CONNECTION_FORCED - shutdown", .text = {}};
    owed_answers owed;
    error_search search{true};
};

TEST_F(ErrorSearch, E2_TheOnlyFrameThatItMayMeanIsNamedAtOnce)
{
    sends(1, "/topic/a");
    EXPECT_EQ(error(), "frame of 1");
    EXPECT_EQ(lives_on(), "");
    EXPECT_FALSE(search.open());
}

// An operator closes RabbitMQ's connections: a frame that is under way then is answered with an
// ERROR that says nothing, before the reason, or without it.
TEST_F(ErrorSearch, E2_AnErrorThatSaysNothingNamesTheOnlyFrameWhereTheLinkLivesOn)
{
    sends(1, "/topic/a");
    EXPECT_EQ(error("Processing error"), "not yet");
    EXPECT_EQ(lives_on(), "frame of 1");
}

TEST_F(ErrorSearch, E5_TheOnlyFrameIsNotAtFaultWhereTheBrokerEndsTheLinkForItsOwnReason)
{
    sends(1, "/topic/a");
    EXPECT_EQ(error("Processing error: Processing error"), "not yet");
    EXPECT_EQ(say(search.on_error(forced, std::nullopt, owed, t0)), "nobody");
    EXPECT_EQ(ends(), "");
}

TEST_F(ErrorSearch, E5_WhatWasToldBeforeTheBrokersOwnReasonDidNotEndTheLink)
{
    sends(1, "/exchange/nosuch/k");
    EXPECT_EQ(error("not_found: no exchange 'nosuch'"), "frame of 1");
    search.on_error(forced, std::nullopt, owed, t0);
    EXPECT_EQ(ends(), ""); // its client is not closed
}

TEST_F(ErrorSearch, E5_AnErrorThatSaysNothingEndsNoSession)
{
    sends(1, "/topic/a");
    EXPECT_EQ(error("Processing error"), "not yet");
    EXPECT_EQ(ends(), "");
}

TEST_F(ErrorSearch, E2_OfSeveralTheOneThatItQuotes)
{
    sends(1, "/queue/a");
    sends(2, "/queue/b");
    EXPECT_EQ(error("not_found: no queue '/queue/b'"), "frame of 2");
    sends(3, "/queue/b");
    EXPECT_EQ(error("not_found: no queue '/queue/b'"), "frame of 3"); // the other one was named
}

TEST_F(ErrorSearch, E2_ANeighbourIsNeverNamedByAGuess)
{
    sends(1, "/queue/a");
    sends(2, "/queue/b");
    EXPECT_EQ(error(), "not yet");
    EXPECT_TRUE(search.open());
    EXPECT_EQ(lives_on(), "nobody");
}

TEST_F(ErrorSearch, E2_WhatABarrierProvedIsNoCandidate)
{
    sends(1, "/queue/a");
    const auto proof = barrier();
    sends(2, "/queue/b");
    answered(proof);
    EXPECT_EQ(error(), "frame of 2");
}

TEST_F(ErrorSearch, E2_WhatWasAnsweredIsNoCandidate)
{
    const auto first = sends(1, "/queue/a", true);
    sends(2, "/queue/b", true);
    answered(first);
    EXPECT_EQ(error(), "frame of 2");
}

TEST_F(ErrorSearch, E2_WhatIsWrittenBehindAnErrorIsNotMeantByIt)
{
    sends(1, "/queue/a");
    sends(2, "/queue/b");
    EXPECT_EQ(error(), "not yet");
    sends(3, "/queue/c");
    EXPECT_EQ(error("no queue '/queue/c'"), "frame of 3");
    EXPECT_EQ(lives_on(2), "nobody");
}

TEST_F(ErrorSearch, E2_AsManyErrorsAsCandidatesMeanAllOfThem)
{
    sends(1, "/queue/a");
    sends(2, "/queue/b");
    EXPECT_EQ(error(), "not yet");
    EXPECT_EQ(error(), "not yet");
    EXPECT_EQ(lives_on(2), "frame of 1, frame of 2");
}

TEST_F(ErrorSearch, E2_OneSessionsFramesNameTheSession)
{
    sends(1, "/queue/a");
    sends(1, "/queue/b");
    EXPECT_EQ(error(), "not yet");
    EXPECT_EQ(lives_on(), "session 1");
}

TEST_F(ErrorSearch, E2_AFrameThatTheErrorNamesIsThatOne)
{
    sends(1, "/queue/a");
    const auto receipt = sends(2, "/queue/b", true);
    const written_frame named{
        .what = frame_kind::send, .session = session_id{2}, .receipt = receipt};
    EXPECT_EQ(say(search.on_error({}, named, owed, t0)), "frame of 2");
}

// AMQP 320: it is being stopped. That is nobody's frame.
TEST_F(ErrorSearch, E5_WhatTheBrokerSaysOfItselfIsNobodys)
{
    sends(1, "/queue/a");
    EXPECT_EQ(say(search.on_error(forced, std::nullopt, owed, t0)), "nobody");
    EXPECT_EQ(error(), "frame of 1"); // of another reason
}

// For a minute each session's run of SENDs ends with BEGIN + ABORT, and an ERROR between the
// answers of two is of that run.
TEST_F(ErrorSearch, E2_ByOrderItIsTheRunBetweenTwoAnswers)
{
    sends(1, "/queue/a");
    sends(2, "/queue/b");
    EXPECT_EQ(error(), "not yet");
    EXPECT_EQ(lives_on(), "nobody");
    ASSERT_TRUE(search.run_ends(session_id{1}, t0)); // the first one is due
    const auto first = search.end_run();
    sends(1, "/queue/c");
    ASSERT_FALSE(search.run_ends(session_id{1}, t0));
    ASSERT_TRUE(search.run_ends(session_id{2}, t0));
    const auto second = search.end_run();
    sends(2, "/queue/d");
    search.on_run_end(first);
    EXPECT_EQ(error(), "not yet");
    EXPECT_EQ(lives_on(), "frame of 1");
    search.on_run_end(second);
    EXPECT_EQ(error(), "not yet");
    EXPECT_EQ(lives_on(), "frame of 2");
    EXPECT_FALSE(search.run_ends(session_id{1}, t0 + error_search::order_time));
}

TEST_F(ErrorSearch, E5_ItsLastErrorSaysWhatEndedTheLinkAndWhichLinesMayHave)
{
    sends(1, "/queue/a", false, "expiration:soon\n");
    sends(2, "/queue/b", false, "expiration:soon\n");
    EXPECT_EQ(error("invalid expiration 'soon'"), "not yet");
    const auto found = search.on_end(0, owed);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].what, finding::kind::ended);
    EXPECT_EQ(found[0].lines, (std::vector<header_line>{{"expiration", "soon"}}));
    EXPECT_FALSE(found[0].told);
    EXPECT_TRUE(search.on_end(0, owed).empty());
}

// E1: RabbitMQ answers a failed SUBSCRIBE with ERROR, then RECEIPT, then the end.
TEST_F(ErrorSearch, E1_ASubscribeThatWasAnsweredBehindTheErrorWasRefusedIfTheLinkEnds)
{
    sends(1, "/queue/a");
    written_frame f{.what = frame_kind::subscribe, .session = session_id{2}};
    f.receipt = owed.add({.kind = owed_kind::subscribe, .session = f.session});
    search.wrote(f, "SUBSCRIBE\ndestination:/exchange/no\n", owed);
    EXPECT_EQ(error(), "not yet");
    const auto found = search.on_end(f.receipt, owed);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(say(found[0]), "frame of 2");
    EXPECT_EQ(say(found[1]), "ended");
}

TEST_F(ErrorSearch, E3_ACommitWhoseSendMayBeMeantIsSuspectedAndThenInDoubt)
{
    const auto commit = owed.add({.kind = owed_kind::commit, .client_receipt = "c"});
    search.wrote(
        {.what = frame_kind::in_transaction, .session = session_id{1}},
        "SEND\ndestination:/queue/a\n", owed);
    search.committed(session_id{1}, commit);
    sends(2, "/queue/b");
    EXPECT_FALSE(search.suspects(commit));
    EXPECT_EQ(error(), "not yet");
    EXPECT_TRUE(search.suspects(commit));
    EXPECT_EQ(lives_on(), "nobody");
    EXPECT_FALSE(search.suspects(commit));
    EXPECT_TRUE(search.doubts(commit));
}

TEST_F(ErrorSearch, E2_AFrameThatIsRememberedNoMoreIsNeverRuledOut)
{
    for (int n = 0; n < 4096; ++n) {
        sends(1, "/queue/a");
    }
    EXPECT_TRUE(search.wants_barrier());
    sends(2, "/queue/b"); // the first one of session 1 is forgotten
    EXPECT_EQ(error("no queue '/queue/b'"), "not yet");
    EXPECT_EQ(lives_on(), "nobody");
    EXPECT_LT(search.bytes(), 1024u * 1024u);
}

TEST_F(ErrorSearch, NoMoreErrorsThanAllowedAreKept)
{
    sends(1, "/queue/a");
    sends(2, "/queue/b");
    for (std::size_t n = 0; n < error_search::errors_max; ++n) {
        EXPECT_EQ(error(), "not yet");
    }
    EXPECT_EQ(error(), "nobody");
    EXPECT_EQ(search.kept(), error_search::errors_max);
}

TEST_F(ErrorSearch, AnIdleLinkKeepsNoMemory)
{
    for (int n = 0; n < 1000; ++n) {
        sends(1, "/queue/a");
    }
    answered(barrier());
    EXPECT_LT(search.bytes(), 8u * 1024u);
}

} // namespace
