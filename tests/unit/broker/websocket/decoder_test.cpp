// Proves what the conformance cases do not see: the exact events, where their payloads point,
// limits, both roles, and that how bytes are cut into reads changes nothing.

#include "tests/unit/broker/websocket/echo_peer.hpp"

#include <random>

namespace websocket::test {
namespace {

struct reader {
    explicit reader(std::string bytes_read, role local_role = role::server)
        : bytes(std::move(bytes_read)), left(bytes), codec(local_role)
    {
    }
    event next(std::size_t message_bytes_max = no_limit)
    {
        return codec.next(left, message_bytes_max);
    }
    bool points_into_bytes(std::span<const char> payload) const
    {
        return payload.data() >= bytes.data() &&
               payload.data() + payload.size() <= bytes.data() + bytes.size();
    }
    std::string bytes;
    std::span<char> left;
    decoder codec;
};

std::string as_string(std::span<const char> bytes)
{
    return {bytes.begin(), bytes.end()};
}

TEST(Decoder, IsSmall)
{
    EXPECT_LE(sizeof(decoder), 64u);
}

TEST(Decoder, UnmasksInPlace)
{
    reader read{text("Hello")};
    const event message = read.next();
    EXPECT_EQ(message.kind, event_kind::data);
    EXPECT_EQ(as_string(message.payload), "Hello");
    EXPECT_TRUE(read.points_into_bytes(message.payload));
    EXPECT_TRUE(message.message_end);
    EXPECT_FALSE(message.binary);
    EXPECT_EQ(read.next().kind, event_kind::need_more);
    EXPECT_TRUE(read.left.empty());
}

TEST(Decoder, DeliversPartsAsTheyCome)
{
    const std::string frame = binary("abcdefgh");
    decoder codec{role::server};
    std::string first = frame.substr(0, 9), second = frame.substr(9);
    std::span<char> left{first};
    const event part = codec.next(left, no_limit);
    EXPECT_EQ(as_string(part.payload), "abc");
    EXPECT_TRUE(part.binary);
    EXPECT_FALSE(part.message_end);
    EXPECT_EQ(codec.next(left, no_limit).kind, event_kind::need_more);
    left = second;
    const event rest = codec.next(left, no_limit);
    EXPECT_EQ(as_string(rest.payload), "defgh");
    EXPECT_TRUE(rest.binary);
    EXPECT_TRUE(rest.message_end);
}

TEST(Decoder, EmptyMessageIsAnEventWithItsEnd)
{
    reader read{text("")};
    const event message = read.next();
    EXPECT_EQ(message.kind, event_kind::data);
    EXPECT_TRUE(message.payload.empty());
    EXPECT_TRUE(message.message_end);
}

TEST(Decoder, EmptyLastFragmentEndsTheMessage)
{
    reader read{binary("a", false) + more("", false) + more("")};
    EXPECT_FALSE(read.next().message_end);
    const event end = read.next(); // the empty fragment between is no event
    EXPECT_EQ(end.kind, event_kind::data);
    EXPECT_TRUE(end.payload.empty());
    EXPECT_TRUE(end.message_end);
    EXPECT_TRUE(end.binary);
}

TEST(Decoder, WholeControlFramePointsIntoTheRead)
{
    reader read{ping("ping")};
    const event heard = read.next();
    EXPECT_EQ(heard.kind, event_kind::ping);
    EXPECT_TRUE(read.points_into_bytes(heard.payload));
}

TEST(Decoder, ControlFrameSplitOverReadsIsCollected)
{
    const std::string payload(125, 'p');
    const std::string frame = ping(payload);
    for (std::size_t cut = 1; cut < frame.size(); ++cut) {
        decoder codec{role::server};
        std::string first = frame.substr(0, cut), second = frame.substr(cut) + text("next");
        std::span<char> left{first};
        EXPECT_EQ(codec.next(left, no_limit).kind, event_kind::need_more);
        first.assign(first.size(), '?'); // the caller's buffer is used again
        left = second;
        const event heard = codec.next(left, no_limit);
        EXPECT_EQ(heard.kind, event_kind::ping);
        EXPECT_EQ(as_string(heard.payload), payload) << cut;
        EXPECT_EQ(as_string(codec.next(left, no_limit).payload), "next");
    }
}

TEST(Decoder, ControlFramesInsideAPayloadOfTheNextReadKeepTheMask)
{
    listener heard{role::server, no_limit};
    const std::string frame = binary("0123456789", false);
    for (const char byte : frame + ping("x") + more("abc"))
        heard.hear({&byte, 1});
    EXPECT_EQ(heard.said, (answers{"ping:x", "binary:0123456789abc"}));
}

TEST(Decoder, PeersCloseHasCodeAndReason)
{
    reader read{close(4001, "bye")};
    const event heard = read.next();
    EXPECT_EQ(heard.kind, event_kind::close);
    EXPECT_EQ(static_cast<int>(heard.code), 4001);
    EXPECT_EQ(as_string(heard.payload), "bye");
}

TEST(Decoder, ConsumesAndIgnoresWhatFollowsTheEnd)
{
    for (const std::string& end : {close(1000), raw_frame(3, "")}) {
        reader read{end + text("late")};
        EXPECT_NE(read.next().kind, event_kind::need_more);
        EXPECT_EQ(read.next().kind, event_kind::need_more);
        EXPECT_TRUE(read.left.empty());
        read.bytes = text("later");
        read.left = read.bytes;
        EXPECT_EQ(read.next().kind, event_kind::need_more);
        EXPECT_TRUE(read.left.empty());
    }
}

TEST(Decoder, FailsAtTheFirstByteThatIsWrong)
{
    listener reserved{role::server, no_limit};
    reserved.hear("\xC1");
    EXPECT_EQ(reserved.said, answers{"failed:1002"});
    listener unmasked{role::server, no_limit};
    unmasked.hear("\x81\x05");
    EXPECT_EQ(unmasked.said, answers{"failed:1002"});
}

TEST(Decoder, LengthWithTheTopBitFails)
{
    const std::string head = "\x82\xFF\x80" + std::string(7, '\0') + "mask";
    listener heard{role::server, std::numeric_limits<std::size_t>::max()};
    heard.hear(head);
    EXPECT_EQ(heard.said, answers{"failed:1002"});
}

TEST(Decoder, LengthInALongerFormThanNeededFails)
{
    for (const std::size_t size : {0, 1, 125}) {
        for (const unsigned form : {2u, 8u}) {
            listener heard{role::server, no_limit};
            heard.hear(raw_frame(2, std::string(size, 'x'), {.length_bytes = form}));
            EXPECT_EQ(heard.said, answers{"failed:1002"});
        }
    }
    for (const std::size_t size : {126, 65535}) {
        listener heard{role::server, no_limit};
        heard.hear(raw_frame(2, std::string(size, 'x'), {.length_bytes = 8}));
        EXPECT_EQ(heard.said, answers{"failed:1002"});
    }
}

TEST(Decoder, FrameAboveTheLimitFailsByItsHead)
{
    const std::string fits = binary(std::string(1000, 'x')), over = binary(std::string(1001, 'x'));
    listener heard{role::server, 1000};
    heard.hear(fits);
    heard.hear(fits); // the limit is for one message
    heard.hear(over.substr(0, 8));
    const std::string payload = "binary:" + std::string(1000, 'x');
    EXPECT_EQ(heard.said, (answers{payload, payload, "failed:1009"}));
}

TEST(Decoder, MessageAboveTheLimitFailsByTheHeadThatBreaksIt)
{
    listener heard{role::server, 1000};
    heard.hear(text(std::string(600, 'x'), false));
    heard.hear(more(std::string(400, 'x'), false));
    heard.hear(ping("control frames do not count"));
    EXPECT_EQ(heard.said, answers{"ping:control frames do not count"});
    heard.hear(more("x", false).substr(0, 6));
    EXPECT_EQ(heard.said.back(), "failed:1009");
}

TEST(Decoder, LimitMayChangeBetweenFrames)
{
    decoder codec{role::server};
    std::string bytes = binary("123456", false) + more("7", false) + more("8");
    std::span<char> left{bytes};
    EXPECT_EQ(codec.next(left, 6).kind, event_kind::data);
    EXPECT_EQ(codec.next(left, 7).kind, event_kind::data);
    const event heard = codec.next(left, 3);
    EXPECT_EQ(heard.kind, event_kind::failed);
    EXPECT_EQ(heard.code, close_code::message_too_big);
}

TEST(Decoder, HugeLengthsDoNotOverflowTheCount)
{
    const std::string head = "\x80\xFF\x7F" + std::string(7, '\xFF') + "mask";
    listener heard{role::server, std::numeric_limits<std::size_t>::max()};
    heard.hear(binary("ab", false) + head);
    heard.hear(more("ab"));
    EXPECT_EQ(heard.said, answers{}); // still inside the huge frame
    listener twice{role::server, std::numeric_limits<std::size_t>::max() / 2};
    twice.hear(binary("ab", false) + head);
    EXPECT_EQ(twice.said, answers{"failed:1009"});
}

TEST(Decoder, ClientTakesUnmaskedFramesOnly)
{
    listener heard{role::client, no_limit};
    heard.hear(raw_frame(1, "plain", {.masked = false}) + raw_frame(9, "", {.masked = false}));
    heard.hear(raw_frame(1, "masked"));
    EXPECT_EQ(heard.said, (answers{"text:plain", "ping:", "failed:1002"}));
}

TEST(Decoder, ClientTakesFramesInAnyCut)
{
    const std::string bytes = raw_frame(2, std::string(300, 'b'), {.fin = false, .masked = false}) +
                              raw_frame(10, "pong", {.masked = false}) +
                              raw_frame(0, std::string(70000, 'c'), {.masked = false});
    for (const std::size_t chop : chops) {
        listener heard{role::client, no_limit};
        const std::size_t step = chop == 0 ? bytes.size() : chop;
        for (std::size_t at = 0; at < bytes.size(); at += step)
            heard.hear(std::string_view{bytes}.substr(at, step));
        EXPECT_EQ(
            heard.said,
            (answers{"pong:pong", "binary:" + std::string(300, 'b') + std::string(70000, 'c')}));
    }
}

TEST(Decoder, EmptyReadIsNothing)
{
    reader read{""};
    EXPECT_EQ(read.next().kind, event_kind::need_more);
}

// Random conversations, right and wrong ones, in random reads: the answer is that of one read.
TEST(Decoder, RandomCutsChangeNothing)
{
    std::mt19937 random{20240229};
    const auto below = [&random](unsigned limit) {
        return static_cast<unsigned>(random() % limit);
    };
    for (int round = 0; round < 2000; ++round) {
        std::string bytes;
        for (unsigned frames = 1 + below(6); frames > 0; --frames) {
            constexpr unsigned opcodes[] = {0, 0, 1, 1, 2, 9, 10, 8, 3};
            std::string payload;
            for (unsigned size = below(300); size > 0; --size)
                payload += static_cast<char>(below(20) == 0 ? random() : 'a' + below(26));
            const unsigned op = opcodes[below(std::size(opcodes))];
            bytes += raw_frame(
                op, payload.substr(0, op >= 8 ? 100 : 300), {.fin = op >= 8 || below(2) == 0});
        }
        listener whole{role::server, 500}, cut{role::server, 500};
        whole.hear(bytes);
        std::string_view left{bytes};
        while (!left.empty()) {
            const std::size_t count = std::min<std::size_t>(1 + below(40), left.size());
            cut.hear(left.substr(0, count));
            left.remove_prefix(count);
        }
        ASSERT_EQ(cut.said, whole.said) << "round " << round;
    }
}

} // namespace
} // namespace websocket::test
