// Proves that an outbox yields exactly the bytes appended, in order, however the socket splits its
// writes; that large payloads are shared and small bytes joined; and that its totals agree with
// what happened.

#include "broker/net/outbox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <malloc.h>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace {

std::string numbered(std::size_t size, std::size_t from = 0)
{
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<char>('!' + (from + i) % 89);
    }
    return bytes;
}

// Takes `limit` bytes from the front through gather, as a socket would.
std::string take(net::outbox& from, std::size_t limit, std::size_t iovecs = 64)
{
    std::vector<iovec> pieces(iovecs);
    const std::size_t used = from.gather(pieces);
    std::string taken;
    for (std::size_t i = 0; i < used; ++i) {
        EXPECT_GT(pieces[i].iov_len, 0U);
        taken.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
    }
    taken.resize(std::min(taken.size(), limit));
    from.consume(taken.size());
    return taken;
}

TEST(Outbox, StartsEmpty)
{
    net::outbox out;
    out.append("");
    std::array<iovec, 4> pieces;
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(out.gather(pieces), 0U);
    EXPECT_EQ(out.appended(), 0U);
    out.consume(0);
    EXPECT_EQ(out.written(), 0U);
}

TEST(Outbox, JoinsSmallAppendsIntoOnePiece)
{
    net::outbox out;
    for (int i = 0; i < 20; ++i) {
        out.append("heart-beat ");
    }
    std::array<iovec, 4> pieces;
    EXPECT_EQ(out.gather(pieces), 1U);
    EXPECT_EQ(pieces[0].iov_len, 220U);
}

TEST(Outbox, GrowsItsBlocksSoThatABacklogNeedsFewPieces)
{
    net::outbox out;
    const std::string text = numbered(100);
    for (int i = 0; i < 10'000; ++i) {
        out.append(text);
    }
    std::array<iovec, 128> pieces;
    // 512 + 1 Ki .. 8 Ki, then 16 KiB each: 1 MB in 66 pieces.
    EXPECT_EQ(out.gather(pieces), 66U);
    EXPECT_EQ(out.size(), 1'000'000U);
}

TEST(Outbox, RefersToLargePayloadsAndCopiesSmallOnes)
{
    const auto large = net::payload::make({numbered(1025)});
    const auto small = net::payload::make({numbered(1024)});
    net::outbox out;
    out.append("head");
    out.append(large);
    out.append("tail");
    out.append(small);
    std::array<iovec, 8> pieces;
    const std::size_t used = out.gather(pieces);
    ASSERT_GE(used, 3U);
    EXPECT_EQ(pieces[1].iov_base, large->bytes().data());
    for (std::size_t i = 0; i < used; ++i) {
        EXPECT_NE(pieces[i].iov_base, small->bytes().data());
    }
    EXPECT_EQ(out.text(), "head" + numbered(1025) + "tail" + numbered(1024));
}

// A head of its own before each shared body must not cost a block each: 100 of them fit into a few.
TEST(Outbox, HeadsBetweenPayloadsShareABlock)
{
    const auto body = net::payload::make({numbered(2000)});
    net::outbox out;
    out.append("head 0");
    out.append(body);
    out.append("head 1");
    std::array<iovec, 8> pieces;
    ASSERT_EQ(out.gather(pieces), 3U);
    EXPECT_EQ(static_cast<char*>(pieces[0].iov_base) + 6, pieces[2].iov_base);
}

TEST(Outbox, AppendsFromAnOffset)
{
    const auto body = net::payload::make({numbered(3000)});
    for (const std::size_t offset : {0U, 1U, 1975U, 1976U, 2999U, 3000U}) {
        net::outbox out;
        out.append(body, offset);
        EXPECT_EQ(out.text(), numbered(3000).substr(offset));
        EXPECT_EQ(out.size(), 3000U - offset);
    }
}

TEST(Outbox, EverySplitOfTheWritesGivesTheSameBytes)
{
    const auto large = net::payload::make({numbered(1500, 7)});
    const std::string expected =
        numbered(700) + numbered(1500, 7) + "x" + numbered(1500, 7).substr(9);
    const auto fill = [&](net::outbox& out) {
        out.append(numbered(700));
        out.append(large);
        out.append("x");
        out.append(large, 9);
    };
    for (std::size_t step = 1; step <= expected.size();
         step = step < 40 ? step + 1 : step * 5 / 4) {
        net::outbox out;
        fill(out);
        std::string got;
        while (!out.empty()) {
            got += take(out, step, 1 + step % 3);
            ASSERT_EQ(out.text(), expected.substr(got.size()));
            ASSERT_EQ(out.written(), got.size());
        }
        ASSERT_EQ(got, expected) << "steps of " << step;
    }
}

TEST(Outbox, AgreesWithAStringOverRandomSteps)
{
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random(seed);
        const auto below = [&](std::size_t bound) { return random() % bound; };
        const auto large = net::payload::make({numbered(4000, seed)});
        net::outbox out;
        std::string model;
        std::uint64_t appended = 0;
        for (int step = 0; step < 300; ++step) {
            const std::size_t before = model.size();
            switch (below(5)) {
            case 0: {
                const std::string text = numbered(below(200), appended);
                out.append(text);
                model += text;
                break;
            }
            case 1: {
                const std::size_t offset = below(4001);
                out.append(large, offset);
                model += numbered(4000, seed).substr(offset);
                break;
            }
            case 2: {
                const std::string text = numbered(below(40'000), appended);
                out.append(text);
                model += text;
                break;
            }
            default: {
                const std::string taken = take(out, below(20'000), 1 + below(64));
                ASSERT_EQ(model.substr(0, taken.size()), taken) << "seed " << seed;
                model.erase(0, taken.size());
            }
            }
            appended += model.size() > before ? model.size() - before : 0;
            ASSERT_EQ(out.size(), model.size());
            ASSERT_EQ(out.appended(), appended);
            ASSERT_EQ(out.appended() - out.written(), model.size());
        }
        ASSERT_EQ(out.text(), model) << "seed " << seed;
    }
}

TEST(Outbox, ClearCountsWhatItDropsAsWritten)
{
    net::outbox out;
    out.append(numbered(100));
    out.consume(30);
    out.clear();
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(out.written(), 100U);
    out.append("again");
    EXPECT_EQ(out.text(), "again");
    EXPECT_EQ(out.appended(), 105U);
}

TEST(Outbox, MovesItsBytesAndItsTotals)
{
    net::outbox from;
    from.append(numbered(100));
    from.consume(40);
    net::outbox to;
    to.append("dropped");
    to = std::move(from);
    EXPECT_EQ(to.text(), numbered(100).substr(40));
    EXPECT_EQ(to.appended(), 100U);
    EXPECT_TRUE(from.empty()); // NOLINT(bugprone-use-after-move): emptiness is promised
    const net::outbox last{std::move(to)};
    EXPECT_EQ(last.written(), 40U);
    EXPECT_TRUE(to.empty()); // NOLINT(bugprone-use-after-move)
}

TEST(Outbox, DiesAfterTheCacheOfItsThread)
{
    // thread_local: the outbox is made before the thread's cache and therefore destroyed after it.
    std::thread([] {
        static thread_local net::outbox kept;
        kept.append(numbered(100'000));
        EXPECT_EQ(kept.size(), 100'000U);
    }).join();
}

TEST(Outbox, ManyAtOnceExceedTheCacheAndReturn)
{
    for (int round = 0; round < 2; ++round) {
        std::vector<net::outbox> many(2000);
        for (std::size_t i = 0; i < many.size(); ++i) {
            many[i].append(numbered(600, i));
        }
        for (std::size_t i = 0; i < many.size(); ++i) {
            ASSERT_EQ(many[i].text(), numbered(600, i));
        }
    }
}

// A connection that always has something queued must not keep the blocks that it wrote long ago.
TEST(Outbox, AQueueThatNeverEmptiesDoesNotGrow)
{
    net::outbox out;
    const auto large = net::payload::make({numbered(3000)});
    const std::string text = numbered(900);
    const auto pass = [&](int rounds) {
        for (int i = 0; i < rounds; ++i) {
            out.append(text);
            out.append(large);
            out.consume(3900);
        }
    };
    out.append(numbered(50'000));
    pass(100);
    const std::size_t before = ::mallinfo2().uordblks;
    pass(20'000); // 78 MB
    EXPECT_LT(::mallinfo2().uordblks, before + 500'000);
    EXPECT_EQ(out.size(), 50'000U);
}

TEST(OutboxDeathTest, MoreThanQueuedCannotHaveBeenWritten)
{
    net::outbox out;
    out.append("four");
    EXPECT_DEATH(out.consume(5), "more was written than was queued");
}

} // namespace
