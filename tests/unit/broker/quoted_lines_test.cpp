// Proves which header line the text of an ERROR quotes, in the words of RabbitMQ 3.10.8
// (docs/brokers.md), and that a value made to look like a neighbour's counts as quoted itself
// (switch.md E2).

#include "broker/quoted_lines.hpp"

#include <gtest/gtest.h>

namespace {

using broker::header_line;
using broker::quoted_lines;

std::string head(const std::string& lines)
{
    return "SEND\n" + lines + "receipt:r7\n\n";
}

std::string said(const std::string& text, const std::string& lines)
{
    const auto line = quoted_lines{text}.value_in(head(lines));
    return line ? line->name + ":" + line->value + (line->prefix ? "/*" : "") : "";
}

TEST(QuotedLines, E2_ADestinationWithAndWithoutItsType)
{
    const std::string topic = "Invalid destination\n'/a/b' is not a valid topic destination\n";
    EXPECT_EQ(said(topic, "destination:/topic/a/b\n"), "destination:/topic/a/b");
    EXPECT_EQ(said(topic, "destination:/topic/a\n"), "");
    EXPECT_EQ(said(topic, "destination:/topic/x/a/b\n"), "");
    EXPECT_EQ(said(topic, "destination:/queue/a/b\n"), "");
    const std::string whole = "'/nosuch/x' is not a valid destination.\nValid types are: /topic";
    EXPECT_EQ(said(whole, "destination:/nosuch/x\n"), "destination:/nosuch/x");
    EXPECT_EQ(said(whole, "destination:/topic/x\n"), "");
    EXPECT_EQ(
        said("'/' is not a valid topic destination", "destination:/topic/\n"),
        "destination:/topic/");
}

TEST(QuotedLines, E2_AnExchangeAQueueOrAHeadersValue)
{
    EXPECT_EQ(
        said("NOT_FOUND - no exchange 'nosuch' in vhost '/'", "destination:/exchange/nosuch/k\n"),
        "destination:/exchange/nosuch/*");
    EXPECT_EQ(
        said("no queue 'q' in vhost '/'", "destination:/amq/queue/q\n"),
        "destination:/amq/queue/q");
    EXPECT_EQ(
        said(
            "PRECONDITION_FAILED - invalid expiration 'soon': no_integer",
            "destination:/topic/a\nexpiration:soon\n"),
        "expiration:soon");
    EXPECT_EQ(
        said("type \"unsupported queue type 'nosuch'\"", "x-queue-type:nosuch\n"),
        "x-queue-type:nosuch");
}

TEST(QuotedLines, E2_NotWhatIsTheBrokersOwn)
{
    EXPECT_EQ(said("no exchange 'nosuch' in vhost '/'", "path:/\n"), "");
    EXPECT_EQ(
        said("user_id property set to 'other' but authenticated user was 'guest'", "user-id:guest\n"),
        "");
    EXPECT_EQ(
        said("user_id property set to 'other' but authenticated user was 'guest'", "user-id:other\n"),
        "user-id:other");
    EXPECT_EQ(said("no 'r7' here", ""), ""); // the gateway's own receipt
    EXPECT_EQ(said("Processing error\nProcessing error", "destination:/topic/error\n"), "");
}

TEST(QuotedLines, E2_ANameSaysLess)
{
    const quoted_lines text{"'message-id' is not allowed on 'SEND'."};
    EXPECT_FALSE(text.value_in(head("message-id:m\n")));
    EXPECT_EQ(text.name_in(head("message-id:m\n")), (header_line{"message-id", "m"}));
    EXPECT_FALSE(text.name_in(head("destination:/topic/a\n")));
}

TEST(QuotedLines, E2_AValueThatABrokerMayPrintOtherwiseCountsWithAnyPart)
{
    const std::string text = "invalid expiration 'x'/topic/innocent'y': no_integer";
    EXPECT_NE(said(text, "expiration:x'/topic/innocent'y\n"), "");
    EXPECT_NE(said(text, "expiration:x\\c/topic/innocent\n"), "");
    EXPECT_NE(said(text, "expiration:%78/topic/innocent\n"), "");
    EXPECT_EQ(said(text, "meta:{\"a\":\"topics\"}\n"), "");
}

} // namespace
