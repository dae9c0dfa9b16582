// Proves that what a broker sends is read but not judged: odd bytes, lines and commands cost
// nothing, and a frame that is too large costs that one frame.

#include "tests/unit/broker/stomp/feed.hpp"

#include <gtest/gtest.h>

namespace stomp {
namespace {

using header_list = std::vector<std::pair<std::string, std::string>>;

constexpr version every_version[] = {version::v10, version::v11, version::v12};

outcome from_broker(const std::string& stream, version v = version::v12, limits bounds = {})
{
    const dialect d{.version = v, .bounds = bounds, .reads = peer::broker};
    const outcome whole = feed_whole(stream, d);
    for (std::size_t step = 1; step < 20; ++step) {
        EXPECT_EQ(feed_in_steps(stream, step, d), whole) << "in steps of " << step;
    }
    return whole;
}

TEST(BrokerPeer, HeadersArePassedOnAsTheyAre)
{
    const header_list rows[] = {
        {{"odd", "a\\rb"}},       // RabbitMQ escapes CR in every version
        {{"odd", "\\t\\x\\"}},    // no version defines these
        {{"odd\\x", "1"}},        //
        {{"odd", bytes("a\0b")}}, // 1.2 allows it, no client may send it here
        {{"odd", "a\rb"}},        // would end a client's stream
        {{"odd", "\xff\xfe"}},    // not UTF-8
        {{"", "no name"}},        //
        {{" name ", " value "}},  //
        {{"twice", "1"}, {"twice", "2"}},
        {{"odd", std::string(200'000, 'x')}}, // longer than a client's line may be
        header_list(1000, {"many", "1"}),     // more than a client's frame may have
    };
    for (const header_list& headers : rows) {
        for (const char* command : {"MESSAGE", "RECEIPT", "ERROR", "CONNECTED"}) {
            std::string stream = std::string{command} + "\nsubscription:s1\n";
            for (const auto& [name, value] : headers) {
                stream += name + ':' + value + '\n';
            }
            stream += bytes("\nbody\0\n");
            for (const version v : every_version) {
                const outcome parsed = feed_whole(
                    stream,
                    {.version = v, .bounds = {.header_count = 2000}, .reads = peer::broker});
                ASSERT_EQ(parsed.frames.size(), 1U) << parsed;
                header_list expected = headers;
                expected.insert(expected.begin(), {"subscription", "s1"});
                EXPECT_EQ(parsed.frames[0].headers, expected);
                EXPECT_EQ(parsed.frames[0].body, "body");
                EXPECT_EQ(parsed.left, 0U);
            }
        }
    }
}

TEST(BrokerPeer, LinesThatAreNoHeadersAreNotPassedOn)
{
    const outcome parsed = from_broker(bytes("MESSAGE\nno colon\na:1\nnor here\n\nx\0"));
    ASSERT_EQ(parsed.frames.size(), 1U) << parsed;
    EXPECT_EQ(parsed.frames[0].headers, (header_list{{"a", "1"}}));
}

TEST(BrokerPeer, CrLfIsAnEolInEveryVersion)
{
    for (const version v : every_version) {
        const outcome parsed = from_broker(bytes("MESSAGE\r\na:1\r\n\r\nb\r\n\0\r\n\r"), v);
        ASSERT_EQ(parsed.frames.size(), 1U) << parsed;
        EXPECT_EQ(parsed.frames[0].headers, (header_list{{"a", "1"}}));
        EXPECT_EQ(parsed.frames[0].body, "b\r\n");
    }
}

TEST(BrokerPeer, AnyFrameMayHaveABody)
{
    const outcome parsed =
        from_broker(bytes("RECEIPT\nreceipt-id:1\n\nbody\0RECEIPT\ncontent-length:3\n\na\0b\0"
                          "CONNECTED\nversion:1.2\n\nx\0"));
    ASSERT_EQ(parsed.frames.size(), 3U) << parsed;
    EXPECT_EQ(parsed.frames[1].body, bytes("a\0b"));
}

TEST(BrokerPeer, TheFirstLengthThatIsOneCounts)
{
    const outcome parsed = from_broker(
        bytes("MESSAGE\ncontent-length:x\ncontent-length: 03\ncontent-length:1\n\na\0b\0"
              "MESSAGE\ncontent-length:-1\na:1\n\nbody\0"));
    ASSERT_EQ(parsed.frames.size(), 2U) << parsed;
    EXPECT_EQ(parsed.frames[0].headers, (header_list{{"content-length", "3"}}));
    EXPECT_EQ(parsed.frames[0].body, bytes("a\0b"));
    EXPECT_EQ(parsed.frames[1].headers, (header_list{{"a", "1"}}));
    EXPECT_EQ(parsed.frames[1].body, "body");
    EXPECT_FALSE(parsed.frames[1].has_content_length);
}

TEST(BrokerPeer, CommandsThatStompDoesNotHaveArePassedOver)
{
    const outcome parsed = from_broker(bytes("INFO\na:1\n\nx\0\r\0MESSAGE\n\n\0"));
    ASSERT_EQ(parsed.frames.size(), 2U) << parsed;
    EXPECT_EQ(parsed.frames[0].command, command::unknown);
    EXPECT_EQ(parsed.frames[1].command, command::message);
    EXPECT_EQ(from_broker(std::string(100, 'X')).fault, errc::unknown_command);
    // What never said CONNECTED is no broker.
    parser p{peer::broker};
    frame_view out;
    EXPECT_EQ(p.parse("HTTP/1.1 400 Bad Request\r\n", {}, out).error, errc::unknown_command);
}

// ---- too large

constexpr limits small{.frame_bytes = 64, .header_count = 4};
const std::string next = bytes("MESSAGE\nsubscription:s2\n\nnext\0");

void expect_only_that_one(const outcome& parsed, const header_list& head)
{
    ASSERT_EQ(parsed.skipped.size(), 1U) << parsed;
    EXPECT_EQ(parsed.skipped[0].command, command::message);
    EXPECT_EQ(parsed.skipped[0].headers, head);
    EXPECT_EQ(parsed.skipped[0].body, "");
    ASSERT_EQ(parsed.frames.size(), 1U) << parsed;
    EXPECT_EQ(parsed.frames[0].body, "next");
    EXPECT_EQ(parsed.left, 0U);
    EXPECT_EQ(parsed.fault, std::nullopt);
}

TEST(BrokerPeer, AFrameThatIsTooLargeCostsThatOneFrame)
{
    const std::string head = "MESSAGE\nsubscription:s1\nack:a\n";
    const std::string body = std::string(30, 'x') + bytes("\0MESSAGE\n\n\0") + std::string(40, 'y');
    expect_only_that_one(
        from_broker(
            head + "content-length:" + std::to_string(body.size()) + "\n\n" + body + bytes("\0") +
                next,
            version::v12, small),
        {{"subscription", "s1"}, {"ack", "a"}});
    expect_only_that_one(
        from_broker(head + "\n" + std::string(100, 'x') + bytes("\0") + next, version::v12, small),
        {{"subscription", "s1"}, {"ack", "a"}});
}

// Its head is read on for what answers it, and for its length.
TEST(BrokerPeer, AHeadThatIsTooLargeCostsThatOneFrame)
{
    const std::string head = "MESSAGE\nsubscription:s1\nlong:" + std::string(9000, 'x') +
                             "\r\nack:a\r\ndestination:/topic/d\ncontent-length:3\n\n";
    const header_list noted{{"subscription", "s1"}, {"ack", "a"}, {"destination", "/topic/d"}};
    expect_only_that_one(from_broker(head + bytes("a\0b\0") + next, version::v12, small), noted);
    std::string many = "MESSAGE\nsubscription:s1\n";
    for (int i = 0; i < 50; ++i) {
        many += "a:1\n";
    }
    many += "ack:a\ndestination:/topic/d\n\nbody";
    expect_only_that_one(from_broker(many + bytes("\0") + next, version::v12, small), noted);
}

TEST(BrokerPeer, ALengthBeyondAllNumbersIsPassedOverForEver)
{
    const outcome parsed = from_broker(
        "MESSAGE\ncontent-length:99999999999999999999\n\n" + std::string(500, 'x'), version::v12,
        small);
    EXPECT_EQ(parsed.skipped.size(), 1U);
    EXPECT_EQ(parsed.left, 0U); // nothing is kept
}

TEST(BrokerPeer, ASkippedFrameThatDoesNotEndWhereItSaysEndsTheStream)
{
    EXPECT_EQ(
        from_broker("MESSAGE\ncontent-length:70\n\n" + std::string(80, 'x'), version::v12, small)
            .fault,
        errc::missing_nul);
}

} // namespace
} // namespace stomp
