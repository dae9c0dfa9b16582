// What waits for the log's reader is bounded: the oldest ordinary lines go, those of the audit stay.

#include "gateway/telemetry/log_queue.hpp"

#include <gtest/gtest.h>

namespace gateway::log {
namespace {

std::vector<std::string> all_of(line_queue& queue)
{
    std::vector<std::string> lines;
    while (auto line = queue.take()) {
        lines.push_back(*line);
    }
    return lines;
}

constexpr std::size_t room_for(std::size_t lines) // of one byte each
{
    return lines * (line_queue::overhead + 1);
}

TEST(LogQueue, L6_TheOldestGoAndAreCounted)
{
    line_queue queue{room_for(2), room_for(2)};
    for (const char* line : {"a", "b", "c", "d"}) {
        queue.put(line);
    }
    EXPECT_LE(queue.bytes(), room_for(2));
    EXPECT_EQ(queue.take_dropped(), 2U);
    EXPECT_EQ(queue.take_dropped(), 0U);
    EXPECT_EQ(all_of(queue), (std::vector<std::string>{"c", "d"}));
    EXPECT_EQ(queue.bytes(), 0U);
}

TEST(LogQueue, L6_LinesOfTheAuditStayWhateverElseIsSaidAndKeepTheirPlace)
{
    line_queue queue{room_for(2), room_for(2)};
    queue.put("a");
    queue.put_audit("X");
    queue.put("b");
    queue.put("c");
    queue.put_audit("Y");
    queue.put("d");
    EXPECT_EQ(all_of(queue), (std::vector<std::string>{"X", "c", "Y", "d"}));
    EXPECT_EQ(queue.take_dropped(), 2U);
}

TEST(LogQueue, L6_TheAuditHasItsEndToo)
{
    line_queue queue{room_for(1), room_for(2)};
    for (const char* line : {"X", "Y", "Z"}) {
        queue.put_audit(line);
    }
    EXPECT_EQ(queue.take_dropped(), 1U);
    EXPECT_EQ(all_of(queue), (std::vector<std::string>{"X", "Y"}));
}

TEST(LogQueue, L6_ALineThatIsTooLongIsDropped)
{
    line_queue queue{room_for(2), room_for(2)};
    queue.put("a");
    queue.put(std::string(room_for(2), 'x'));
    EXPECT_EQ(queue.take_dropped(), 2U);
    EXPECT_TRUE(queue.empty());
}

} // namespace
} // namespace gateway::log
