// Proves, row by row, what each version accepts as a frame and which fault it finds in all else.

#include "tests/unit/broker/stomp/feed.hpp"

#include <gtest/gtest.h>

namespace stomp {
namespace {

using header_list = std::vector<std::pair<std::string, std::string>>;

constexpr version every_version[] = {version::v10, version::v11, version::v12};

// One frame, in all versions the same.
struct good_row {
    std::string stream;
    command expected_command;
    header_list headers;
    std::string body;
    bool has_content_length = false;
};

TEST(Parser, AcceptsFramesOfEveryVersion)
{
    const good_row rows[] = {
        {bytes("SEND\ndestination:/queue/a\n\nhello\0"),
         command::send,
         {{"destination", "/queue/a"}},
         "hello"},
        {bytes("SEND\n\n\0"), command::send, {}, ""},
        {bytes("SEND\n\nline\r\nline\n\n\0"), command::send, {}, "line\r\nline\n\n"},
        {bytes("SEND\na:\n\n\0"), command::send, {{"a", ""}}, ""},
        {bytes("SEND\na:b:c:\n\n\0"), command::send, {{"a", "b:c:"}}, ""},
        {bytes("SEND\n a : b \n\n\0"), command::send, {{" a ", " b "}}, ""},
        {bytes("SEND\na:1\na:2\nb:3\na:1\n\n\0"),
         command::send,
         {{"a", "1"}, {"a", "2"}, {"b", "3"}, {"a", "1"}},
         ""},
        {bytes("SEND\na:\t\x01\xff\n\n\xff\xfe\x80\0"),
         command::send,
         {{"a", "\t\x01\xff"}},
         "\xff\xfe\x80"},
        {bytes("SEND\ncontent-length:5\n\na\0\0\nb\0"),
         command::send,
         {{"content-length", "5"}},
         bytes("a\0\0\nb"),
         true},
        {bytes("SEND\ncontent-length:0\n\n\0"), command::send, {{"content-length", "0"}}, "", true},
        {bytes("SEND\ncontent-length:1\ncontent-length:01\n\n\0\0"),
         command::send,
         {{"content-length", "1"}, {"content-length", "1"}},
         bytes("\0"),
         true},
        {bytes("SEND\nContent-Length:9\n\nab\0"), command::send, {{"Content-Length", "9"}}, "ab"},
        {bytes("MESSAGE\ncontent-length:2\n\n\0x\0"),
         command::message,
         {{"content-length", "2"}},
         bytes("\0x"),
         true},
        {bytes("ERROR\ncontent-length:1\n\n\0\0"),
         command::error,
         {{"content-length", "1"}},
         bytes("\0"),
         true},
        {bytes("ERROR\nmessage:no\n\nbecause\0"), command::error, {{"message", "no"}}, "because"},
        {bytes("CONNECT\npasscode:a\\b\\\n\n\0"), command::connect, {{"passcode", "a\\b\\"}}, ""},
        {bytes("STOMP\nhost:\\x\n\n\0"), command::stomp, {{"host", "\\x"}}, ""},
        {bytes("CONNECTED\nserver:a\\t\n\n\0"), command::connected, {{"server", "a\\t"}}, ""},
        {bytes("RECEIPT\nreceipt-id:1\ncontent-length:0\n\n\0"),
         command::receipt,
         {{"receipt-id", "1"}, {"content-length", "0"}},
         ""},
        {bytes("BEGIN\ncontent-length:x\n\n\0"), command::begin, {{"content-length", "x"}}, ""},
    };
    for (const good_row& row : rows) {
        outcome expected;
        frame& f = expected.frames.emplace_back();
        f.command = row.expected_command;
        f.headers = row.headers;
        f.body = row.body;
        f.has_content_length = row.has_content_length;
        for (const version v : every_version) {
            EXPECT_EQ(feed_whole(row.stream, {.version = v}), expected) << to_string(v);
            EXPECT_EQ(feed_in_steps(row.stream, 1, {.version = v}), expected) << to_string(v);
        }
    }
}

TEST(Parser, KnowsEveryCommandAndNoOther)
{
    for (auto c = command::connect; c <= command::error;
         c = static_cast<command>(static_cast<int>(c) + 1)) {
        const std::string name{to_string(c)};
        const outcome parsed = feed_whole(name + bytes("\n\n\0"));
        ASSERT_EQ(parsed.frames.size(), 1U) << name;
        EXPECT_EQ(parsed.frames[0].command, c);
        // Every prefix may still become it, nothing that goes on differently may.
        for (std::size_t n = 1; n <= name.size(); ++n) {
            EXPECT_EQ(feed_whole(name.substr(0, n)).fault, std::nullopt) << name;
            EXPECT_EQ(feed_whole(name.substr(0, n) + "~").fault, errc::unknown_command) << name;
        }
    }
    for (const char* other :
         {"send\n", "X", " SEND\n", "SEND \n", "SENDS\n", "CONNECTE\n", "SEN\n", "ACKN", "SEN\r",
          "SEND\rX", "GET / HTTP/1.1\r\n", ":", "\\"}) {
        EXPECT_EQ(feed_whole(other).fault, errc::unknown_command) << other;
    }
}

// RabbitMQ takes CR LF in every version. No CR is passed on, so no broker can read it as a value's.
TEST(Parser, CrLfIsAnEolInEveryVersion)
{
    const std::string stream = bytes("SEND\r\na:1\r\nb:2\n\r\nbody\r\n\0\r\n");
    for (const version v : every_version) {
        const outcome parsed = feed_whole(stream, {.version = v});
        ASSERT_EQ(parsed.frames.size(), 1U) << parsed;
        EXPECT_EQ(parsed.frames[0].headers, (header_list{{"a", "1"}, {"b", "2"}}));
        EXPECT_EQ(parsed.frames[0].body, "body\r\n");
        EXPECT_EQ(parsed.eol_bytes, 2U);
    }
}

TEST(Parser, BeforeNegotiationItReadsBy12)
{
    parser p;
    frame_view out;
    const std::string connect = bytes("CONNECT\r\naccept-version:1.0\r\n\r\n\0");
    ASSERT_EQ(p.parse(connect, {}, out).status, parse_status::frame);
    EXPECT_EQ(out.find("accept-version"), "1.0");
    EXPECT_FALSE(out.trims_values);
    p.set_version(version::v10);
    const std::string send = bytes("SEND\na:\\x\n\n\0");
    ASSERT_EQ(p.parse(send, {}, out).status, parse_status::frame);
    EXPECT_EQ(out.find("a"), "\\x");
    EXPECT_TRUE(out.trims_values);
}

// 1.0's own examples have a blank behind the colon.
TEST(Parser, ValuesOf10AreFoundWithoutBlanksAndStayAsTheyCame)
{
    const std::string stream = bytes("SEND\ndestination: /topic/x \n\n\0");
    for (const version v : every_version) {
        const outcome parsed = feed_whole(stream, {.version = v});
        ASSERT_EQ(parsed.frames.size(), 1U) << parsed;
        EXPECT_EQ(parsed.frames[0].headers, (header_list{{"destination", " /topic/x "}}));
        const std::string_view found = v == version::v10 ? "/topic/x" : " /topic/x ";
        EXPECT_EQ(parsed.frames[0].find("destination"), found);
        EXPECT_EQ(parsed.frames[0].view().find("destination"), found);
        EXPECT_EQ(frame{parsed.frames[0].view()}.find("destination"), found);
    }
}

// Blanks around a length and zeros in front of it are taken, and not passed on.
TEST(Parser, ALengthIsGivenInItsStrictForm)
{
    for (const char* loose : {" 2", "2 ", "\t2\t", "002", " 02 "}) {
        const std::string stream =
            "SEND\ncontent-length:" + std::string{loose} + bytes("\nb:1\n\n\0x\0");
        for (const version v : every_version) {
            const outcome parsed = feed_whole(stream, {.version = v});
            ASSERT_EQ(parsed.frames.size(), 1U) << parsed;
            EXPECT_EQ(parsed.frames[0].headers, (header_list{{"content-length", "2"}, {"b", "1"}}));
            EXPECT_EQ(parsed.frames[0].body, bytes("\0x"));
            EXPECT_EQ(feed_in_steps(stream, 1, {.version = v}), parsed);
        }
    }
    EXPECT_EQ(
        feed_whole(bytes("SEND\ncontent-length: 000\n\n\0")).frames[0].headers,
        (header_list{{"content-length", "0"}}));
}

TEST(Parser, NulsBetweenFramesArePassedOver)
{
    const std::string stream = bytes("\0\0BEGIN\n\n\0\0\n\0\r\nBEGIN\n\n\0\0");
    for (const version v : every_version) {
        const outcome parsed = feed_whole(stream, {.version = v});
        EXPECT_EQ(parsed.frames.size(), 2U) << parsed;
        EXPECT_EQ(parsed.fault, std::nullopt);
        EXPECT_EQ(parsed.eol_bytes, 8U);
        EXPECT_EQ(feed_in_steps(stream, 1, {.version = v}), parsed);
    }
}

// RabbitMQ ends the link of who sends one, in every version.
TEST(Parser, RefusesABareCrInALine)
{
    for (const std::string& stream :
         {bytes("SEND\na:1\r2\n\n\0"), bytes("SEND\na:1\r\r\n\n\0"), bytes("SEND\na\r:1\n\n\0"),
          bytes("SEND\n\ra:1\n\n\0"), bytes("CONNECT\na:1\r2\n\n\0")}) {
        for (const version v : every_version) {
            EXPECT_EQ(feed_whole(stream, {.version = v}).fault, errc::bad_header);
            EXPECT_EQ(feed_in_steps(stream, 1, {.version = v}).fault, errc::bad_header);
        }
    }
}

TEST(Parser, EscapesAreThoseOfTheVersion)
{
    const auto fault = [](const std::string& line, version v) {
        return feed_whole("SEND\n" + line + bytes("\n\n\0"), {.version = v}).fault;
    };
    for (const char* fine : {"a:\\n\\c\\\\", "\\c\\n:1", "a:\\\\n\\\\", "a:\\\\t"}) {
        for (const version v : every_version) {
            EXPECT_EQ(fault(fine, v), std::nullopt) << fine;
        }
    }
    for (const char* bad : {"a:\\t", "a:\\", "a\\:b", "\\x:1", "a:\\\\\\", "a:\\N", "a:\\\\\\x"}) {
        EXPECT_EQ(fault(bad, version::v10), std::nullopt) << bad;
        EXPECT_EQ(fault(bad, version::v11), errc::bad_escape) << bad;
        EXPECT_EQ(fault(bad, version::v12), errc::bad_escape) << bad;
    }
    EXPECT_EQ(fault("a:\\r", version::v11), errc::bad_escape);
    EXPECT_EQ(fault("a:\\r", version::v12), std::nullopt);
    EXPECT_EQ(fault("a:\\\r", version::v12), errc::bad_escape); // the CR is the line's end
    // A frame's backslash does not make the next frame's head be looked at by the wrong rules.
    EXPECT_EQ(feed_whole(bytes("CONNECT\na:\\x\n\n\0SEND\na:1\n\n\\x\0")).frames.size(), 2U);
}

TEST(Parser, HeadersStayRaw)
{
    const outcome parsed = feed_whole(bytes("MESSAGE\na\\cb:\\n\\\\\n\n\0"));
    ASSERT_EQ(parsed.frames.size(), 1U);
    EXPECT_EQ(parsed.frames[0].headers, (header_list{{"a\\cb", "\\n\\\\"}}));
}

TEST(Parser, FindsTheFaultInEveryVersion)
{
    const std::pair<std::string, errc> rows[] = {
        {bytes("SEND\nno colon\n\n\0"), errc::bad_header},
        {bytes("SEND\n:empty name\n\n\0"), errc::bad_header},
        {bytes("SEND\n:\n\n\0"), errc::bad_header},
        {bytes("SEND\na:1\nbody without blank line\0"), errc::bad_header},
        {bytes("SEND\na:\0\n\n\0"), errc::bad_header},
        {bytes("SEND\n\0"), errc::bad_header},
        {bytes("SEND\ncontent-length:\n\n\0"), errc::bad_content_length},
        {bytes("SEND\ncontent-length:-1\n\n\0"), errc::bad_content_length},
        {bytes("SEND\ncontent-length:+1\n\nx\0"), errc::bad_content_length},
        {bytes("SEND\ncontent-length: \n\nx\0"), errc::bad_content_length},
        {bytes("SEND\ncontent-length:1 1\n\nx\0"), errc::bad_content_length},
        {bytes("SEND\ncontent-length :1\n\nx\0"), errc::bad_content_length},
        {bytes("SUBSCRIBE\n content-length:1\n\n\0"), errc::bad_content_length},
        {bytes("SEND\ncontent-length:0x1\n\nx\0"), errc::bad_content_length},
        {bytes("SEND\ncontent-length:1\ncontent-length:2\n\nx\0"), errc::bad_content_length},
        {bytes("SEND\ncontent-length:1\ncontent-length:x\n\nx\0"), errc::bad_content_length},
        {bytes("SEND\ncontent-length:1\n\nxy\0"), errc::missing_nul},
        {bytes("SEND\ncontent-length:0\n\ny\0"), errc::missing_nul},
        {bytes("SUBSCRIBE\nid:0\n\nx\0"), errc::unexpected_body},
        {bytes("CONNECT\n\n\n\0"), errc::unexpected_body},
        {bytes("RECEIPT\n\nx\0"), errc::unexpected_body},
        {bytes("CONNECTED\ncontent-length:1\n\nx\0"), errc::unexpected_body},
        {bytes("\rSEND\n\n\0"), errc::stray_bytes},
        {bytes("\n\r\r\n"), errc::stray_bytes},
    };
    for (const auto& [stream, fault] : rows) {
        for (const version v : every_version) {
            EXPECT_EQ(feed_whole(stream, {.version = v}).fault, fault) << stream;
            EXPECT_EQ(feed_in_steps(stream, 1, {.version = v}).fault, fault) << stream;
        }
    }
}

// RabbitMQ ignores content-length but on SEND: the UNSUBSCRIBE would run on a shared link with the
// ids of a neighbour.
TEST(Parser, H9_FrameHiddenInTheBodyOfABeginIsNeverDelivered)
{
    const std::string hidden = bytes("\0UNSUBSCRIBE\nid:7\n\n\0");
    const std::string begin =
        "BEGIN\ntransaction:t\ncontent-length:" + std::to_string(hidden.size()) + "\n\n";
    const outcome parsed = feed_whole(begin + hidden + bytes("\0"));
    // Read as the broker reads it: what is hidden is a frame like any other, with the sender's ids.
    ASSERT_EQ(parsed.frames.size(), 2U) << parsed;
    EXPECT_EQ(parsed.frames[0].body, "");
    EXPECT_FALSE(parsed.frames[0].has_content_length);
    EXPECT_EQ(parsed.frames[1].command, command::unsubscribe);
    EXPECT_EQ(parsed.fault, std::nullopt); // the second NUL stands between frames
    // With a byte before its NUL the body is seen, and nothing is delivered.
    const outcome refused = feed_whole(begin + "x" + hidden + bytes("\0"));
    EXPECT_TRUE(refused.frames.empty());
    EXPECT_EQ(refused.fault, errc::unexpected_body);
}

TEST(Parser, SendKeepsAFrameInItsBodyAsBytes)
{
    const std::string hidden = bytes("\0UNSUBSCRIBE\nid:7\n\n\0");
    const outcome parsed = feed_whole(
        "SEND\ncontent-length:" + std::to_string(hidden.size()) + "\n\n" + hidden + bytes("\0"));
    ASSERT_EQ(parsed.frames.size(), 1U) << parsed;
    EXPECT_EQ(parsed.frames[0].body, hidden);
    EXPECT_EQ(parsed.fault, std::nullopt);
}

TEST(Parser, AfterAFaultTheSameFrontFailsAgain)
{
    parser p;
    frame_view out;
    const std::string stream = bytes("SEND\na:\\x\n\nbody\0");
    EXPECT_EQ(p.parse(stream, {}, out).error, errc::bad_escape);
    EXPECT_EQ(p.parse(stream, {}, out).error, errc::bad_escape);
}

TEST(Parser, ViewsPointIntoTheBytesGiven)
{
    parser p;
    frame_view out;
    const std::string stream = bytes("SEND\nname:value\n\nbody\0");
    ASSERT_EQ(p.parse(stream, {}, out).status, parse_status::frame);
    EXPECT_EQ(out.headers[0].name.data(), stream.data() + 5);
    EXPECT_EQ(out.headers[0].value.data(), stream.data() + 10);
    EXPECT_EQ(out.body.data(), stream.data() + 17);
}

} // namespace
} // namespace stomp
