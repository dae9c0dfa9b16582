// Proves T1 to T4: a stream's subscription goes on behind what its client was given, wherever it is
// made again; what cannot be known is counted; and who said how many jobs it takes at once never has
// those of two colors.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;

class RouterStreams : public RouterSwitch {
protected:
    explicit RouterStreams(gateway::shard_settings settings = one_world())
        : RouterSwitch(std::move(settings))
    {
    }
    static gateway::shard_settings one_world()
    {
        auto s = usual_settings();
        s.shared_backplane = true;
        return s;
    }
    std::uint64_t own(color c) const
    {
        return static_cast<std::uint64_t>(router.session(a)->bindings[c].own);
    }
    void reads_stream(const std::string& begins = " x-stream-offset:first")
    {
        client();
        says(
            a, "SUBSCRIBE id:q destination:/queue/s ack:client-individual prefetch-count:10 "
               "x-queue-type:stream" +
                   begins);
        skip_effects();
    }
    void stream_brings(color c, const std::string& wire, int offset)
    {
        const auto text = std::to_string(offset);
        brings(
            own(c), "MESSAGE subscription:" + wire + " message-id:m ack:A" + text +
                        " destination:/queue/s x-stream-offset:" + text + " | " + text);
    }
    // What the client was given since the last call, and acknowledges.
    std::string takes()
    {
        std::string bodies;
        for (const auto& line : told(a, log.take())) {
            if (line.find("MESSAGE") == line.npos) {
                continue;
            }
            bodies += line.substr(line.find("| ") + 2) + " ";
            const auto at = line.find("ack:") + 4;
            says(a, "ACK id:" + line.substr(at, line.find(' ', at) - at));
        }
        return bodies;
    }
    // Where the SUBSCRIBEs on that color begin, since the last call.
    std::string asked(color c)
    {
        std::string all;
        for (const auto& line : those("link " + std::to_string(own(c)) + " <- SUBSCRIBE")) {
            const auto at = line.find("x-stream-offset:");
            all += at == line.npos ? "none " : line.substr(at + 16, line.find(' ', at) - at - 16) + " ";
        }
        return all;
    }
};

TEST_F(RouterStreams, T1_ASwitchGoesOnBehindWhatWasGiven)
{
    reads_stream();
    stream_brings(color::blue, "s1", 0);
    stream_brings(color::blue, "s1", 1);
    EXPECT_EQ(takes(), "0 1 ");
    held();
    stream_brings(color::blue, "s1", 2); // given in the hold
    EXPECT_EQ(takes(), "2 ");
    commits();
    run(2s);
    EXPECT_EQ(asked(color::green), "offset=3 ");
    EXPECT_EQ(router.numbers().streams_anew, 0u);
    EXPECT_EQ(router.numbers().gaps, 0u);
    stream_brings(color::green, "s2", 3);
    EXPECT_EQ(takes(), "3 ");
    prepares(color::blue);
    holds();
    commits();
    run(2s);
    EXPECT_EQ(asked(color::blue), "offset=4 "); // and back
}

// What is read behind the commit is kept to go back, and a stream does not give it again by itself.
TEST_F(RouterStreams, T1_WhatWasReadAndNotGivenComesAgain)
{
    reads_stream();
    stream_brings(color::blue, "s1", 7);
    const auto first = told(a, log.take()); // not acknowledged yet: the old color lingers
    held();
    commits();
    skip_effects();
    stream_brings(color::blue, "s1", 8);
    stream_brings(color::blue, "s1", 9);
    EXPECT_EQ(takes(), "");
    const auto at = first.at(0).find("ack:") + 4;
    says(a, "ACK id:" + first[0].substr(at, first[0].find(' ', at) - at));
    run(200ms);
    EXPECT_EQ(asked(color::green), "offset=8 ");
}

// Who acknowledges by the dozen is fed from what was to go back: that was given.
TEST_F(RouterStreams, T1_WhatItIsFedFromThereWasGiven)
{
    client();
    says(
        a, "SUBSCRIBE id:q destination:/queue/s ack:client prefetch-count:10 x-queue-type:stream "
           "x-stream-offset:first");
    stream_brings(color::blue, "s1", 0);
    held();
    commits();
    stream_brings(color::blue, "s1", 1);
    stream_brings(color::blue, "s1", 2);
    skip_effects();
    run(1010ms); // linger, one sweep
    EXPECT_EQ(takes(), "1 ");
    run(200ms);
    EXPECT_EQ(asked(color::green), "offset=2 ");
}

TEST_F(RouterStreams, T1_ALostLinkIsBoundAgainBehindWhatWasGiven)
{
    reads_stream(" x-stream-offset:next");
    stream_brings(color::blue, "s1", 41);
    takes();
    loses(own(color::blue));
    run(100ms);
    EXPECT_EQ(asked(color::blue), "offset=42 ");
}

TEST_F(RouterStreams, T1_TheClientsOwnOffsetIsReplacedAndItsOtherHeadersStay)
{
    reads_stream(" x-stream-offset:offset=5");
    stream_brings(color::blue, "s1", 5);
    takes();
    loses(own(color::blue));
    run(100ms);
    const auto lines = those("link " + std::to_string(own(color::blue)) + " <- SUBSCRIBE");
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_TRUE(lines[0].ends_with("destination:/queue/s prefetch-count:10 x-queue-type:stream "
                                   "x-stream-offset:offset=6"))
        << lines[0];
}

// A classic queue closes the link for the header, and there a sender can forge it.
TEST_F(RouterStreams, T1_AStreamIsWhatItsSubscribeSaysIsOne)
{
    client();
    says(a, "SUBSCRIBE id:q destination:/queue/q ack:client-individual");
    skip_effects();
    stream_brings(color::blue, "s1", 7);
    takes();
    held();
    commits();
    run(2s);
    EXPECT_EQ(asked(color::green), "none ");
    EXPECT_EQ(router.numbers().streams_anew, 0u);
}

TEST_F(RouterStreams, T1_AnOffsetThatIsNoNumberMovesNothing)
{
    reads_stream();
    stream_brings(color::blue, "s1", 3);
    brings(
        own(color::blue), "MESSAGE subscription:s1 message-id:m ack:x destination:/queue/s "
                          "x-stream-offset:99999999999999999999999 | odd");
    takes();
    held();
    commits();
    run(2s);
    EXPECT_EQ(asked(color::green), "offset=4 ");
}

class RouterStreamsStart : public RouterStreams, public testing::WithParamInterface<const char*> {};
class RouterStreamsFixed : public RouterStreamsStart {};

TEST_P(RouterStreamsStart, T2_WhereNothingWasGivenYetAMovingStartIsCounted)
{
    reads_stream(GetParam());
    held();
    commits();
    EXPECT_EQ(router.numbers().streams_anew, 1u);
}
INSTANTIATE_TEST_SUITE_P(
    Starts, RouterStreamsStart,
    testing::Values(
        "", " x-stream-offset:next", " x-stream-offset:last",
        " x-stream-offset:timestamp=1700000000"));

TEST_P(RouterStreamsFixed, T2_AFixedOneFindsTheSamePlaceAgain)
{
    reads_stream(GetParam());
    held();
    commits();
    EXPECT_EQ(router.numbers().streams_anew, 0u);
    run(2s);
    EXPECT_EQ(" x-stream-offset:" + asked(color::green), std::string{GetParam()} + " ");
}
INSTANTIATE_TEST_SUITE_P(
    Starts, RouterStreamsFixed,
    testing::Values(" x-stream-offset:first", " x-stream-offset:offset=7"));

TEST_F(RouterStreams, T2_WhatWasReadAndNotGivenIsNotGiven)
{
    reads_stream(" x-stream-offset:next");
    held();
    commits();
    stream_brings(color::blue, "s1", 3); // kept to go back
    EXPECT_EQ(router.numbers().streams_anew, 1u);
}

// Deleted and made again, it begins at 0: an offset of before would never be reached.
TEST_F(RouterStreams, T3_AStreamThatItsBrokerEndedIsForgotten)
{
    reads_stream();
    stream_brings(color::blue, "s1", 500);
    takes();
    brings(own(color::blue), "ERROR message:Server cancelled subscription subscription:s1");
    run(100ms);
    EXPECT_EQ(asked(color::blue), "first ");
}

class RouterStreamsApart : public RouterStreams {
protected:
    RouterStreamsApart() : RouterStreams(usual_settings()) {}
};

TEST_F(RouterStreamsApart, T2_BetweenSeparateBrokersItIsCountedAndBeginsAsAsked)
{
    reads_stream();
    stream_brings(color::blue, "s1", 7);
    takes();
    held();
    commits();
    EXPECT_EQ(router.numbers().streams_anew, 1u);
    run(3s);
    EXPECT_EQ(asked(color::green), "first ");
    stream_brings(color::green, "s2", 2);
    takes();
    prepares(color::blue);
    holds();
    commits();
    run(3s);
    EXPECT_EQ(asked(color::blue), "offset=8 "); // each has its own place
    EXPECT_EQ(router.numbers().streams_anew, 1u);
}

// ---- T4

class RouterPrefetch : public RouterSwitch {
protected:
    explicit RouterPrefetch(gateway::shard_settings settings = usual_settings())
        : RouterSwitch(std::move(settings))
    {
    }
    void works(const std::string& more)
    {
        client();
        says(a, "SUBSCRIBE id:q destination:/queue/jobs ack:client-individual" + more);
        skip_effects();
    }
    std::uint64_t own(color c) const
    {
        return static_cast<std::uint64_t>(router.session(a)->bindings[c].own);
    }
    std::size_t asked(color c)
    {
        return those("link " + std::to_string(own(c)) + " <- SUBSCRIBE").size();
    }
    void job(const std::string& ack)
    {
        brings(
            own(color::blue), "MESSAGE subscription:s1 message-id:" + ack + " ack:" + ack +
                                  " destination:/queue/jobs | " + ack);
    }
};

TEST_F(RouterPrefetch, T4_TheNewColorIsAskedWhenTheOldOnesJobsAreDone)
{
    works(" prefetch-count:1");
    job("j1");
    switched();
    run(5s);
    EXPECT_EQ(asked(color::green), 0u);
    says(a, "ACK id:ab-1");
    run(900ms);
    job("j2"); // the old color has more, which only the ACK let it give: first that
    EXPECT_EQ(told(a, log.take()).size(), 1u);
    run(5s);
    EXPECT_EQ(asked(color::green), 0u);
    says(a, "ACK id:ab-2");
    run(2s);
    EXPECT_EQ(asked(color::green), 1u);
    EXPECT_EQ(router.numbers().handed_back, 0u);
    EXPECT_EQ(router.numbers().stored_left_behind, 0u);
}

TEST_F(RouterPrefetch, T4_AtDrainTimeoutItIsAskedAndCounted)
{
    works(" prefetch-count:3");
    job("j1");
    switched();
    run(29s);
    EXPECT_EQ(asked(color::green), 0u);
    run(2s);
    EXPECT_EQ(asked(color::green), 1u);
    EXPECT_EQ(router.numbers().handed_back, 1u);
    EXPECT_EQ(router.numbers().stored_left_behind, 1u);
}

class RouterPrefetchOneWorld : public RouterPrefetch {
protected:
    RouterPrefetchOneWorld() : RouterPrefetch(one_world()) {}
    static gateway::shard_settings one_world()
    {
        auto s = usual_settings();
        s.shared_backplane = true;
        return s;
    }
};

// A switch back that is aborted leaves the old link where it was: with its job.
TEST_F(RouterPrefetchOneWorld, T4_AnAbortedSwitchBackHandsNothingBack)
{
    works(" prefetch-count:1");
    job("j1");
    switched();
    prepares(color::blue);
    run(100ms);
    aborts();
    run(5s);
    EXPECT_EQ(asked(color::green), 0u);
    EXPECT_EQ(those("link " + std::to_string(own(color::blue)) + " <- DISCONNECT"), lines{});
    says(a, "ACK id:ab-1");
    run(100ms);
    EXPECT_EQ(asked(color::green), 1u);
    EXPECT_EQ(router.numbers().handed_back, 0u);
}

class RouterPrefetchNone : public RouterPrefetch, public testing::WithParamInterface<const char*> {};

TEST_P(RouterPrefetchNone, T4_OurOwnPrefetchIsNoSuchLimitNorIsNone)
{
    works(GetParam());
    job("j1");
    held();
    commits();
    EXPECT_EQ(asked(color::green), 1u);
}
INSTANTIATE_TEST_SUITE_P(Counts, RouterPrefetchNone, testing::Values("", " prefetch-count:0"));

TEST_F(RouterPrefetch, T4_ALostOldLinkEndsTheWait)
{
    works(" prefetch-count:1");
    job("j1");
    switched();
    loses(own(color::blue));
    run(100ms);
    EXPECT_EQ(asked(color::green), 1u);
}

// Without a job for `linger` it is the new color's turn, as it is with queue_order: strict.
TEST_F(RouterPrefetch, T4_WhoIsIdleIsAskedForAfterLinger)
{
    works(" prefetch-count:1");
    switched();
    run(1100ms);
    EXPECT_EQ(asked(color::green), 1u);
    EXPECT_EQ(router.numbers().stored_left_behind, 0u);
}

} // namespace
