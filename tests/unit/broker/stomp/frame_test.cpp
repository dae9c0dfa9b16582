// Proves the escapes of each version, the look-up of headers and that the owning copy is faithful.

#include "broker/stomp/frame.hpp"

#include <gtest/gtest.h>

#include <string>

namespace stomp {
namespace {

using namespace std::string_literals;

TEST(Escape, EachVersionEscapesWhatItDefines)
{
    const std::string text = "a:b\\c\nd\re";
    EXPECT_EQ(escape(text, version::v12), "a\\cb\\\\c\\nd\\re");
    EXPECT_EQ(escape(text, version::v11), "a\\cb\\\\c\\nd\re");
    EXPECT_EQ(escape("a:b\\c", version::v10), "a:b\\c");
}

TEST(Escape, WhatCannotBeExpressedBecomesABlank)
{
    EXPECT_EQ(escape("a\0b"s, version::v12), "a b");
    EXPECT_EQ(escape("a\0b"s, version::v11), "a b");
    EXPECT_EQ(escape("a\0b\nc\rd"s, version::v10), "a b c d");
}

TEST(Escape, UnescapeGivesTheTextBack)
{
    const std::string text = ":\\\n\r::\\n\\c plain";
    EXPECT_EQ(unescape(escape(text, version::v12), version::v12), text);
    EXPECT_EQ(unescape(escape(text, version::v11), version::v11), text);
    EXPECT_EQ(unescape("a\\c\\x\\", version::v10), "a\\c\\x\\");
}

TEST(Escape, UnescapeRefusesWhatTheVersionDoesNotDefine)
{
    EXPECT_EQ(unescape("a\\rb", version::v12), "a\rb");
    EXPECT_EQ(unescape("a\\rb", version::v11), std::nullopt);
    for (const version v : {version::v11, version::v12}) {
        EXPECT_EQ(unescape("a\\tb", v), std::nullopt);
        EXPECT_EQ(unescape("a\\", v), std::nullopt);
        EXPECT_EQ(unescape("\\\\\\", v), std::nullopt);
        EXPECT_EQ(unescape("\\N", v), std::nullopt);
    }
}

TEST(FrameView, FindsTheFirstOfRepeatedHeaders)
{
    frame_view view;
    view.headers = {{"foo", "World"}, {"bar", ""}, {"foo", "Hello"}};
    EXPECT_EQ(view.find("foo"), "World");
    EXPECT_EQ(view.find("bar"), "");
    EXPECT_EQ(view.find("Foo"), std::nullopt);
    EXPECT_TRUE(view.has("bar"));
    EXPECT_FALSE(view.has("fo"));
}

TEST(Frame, CopiesAViewAndGivesItBack)
{
    frame copy;
    {
        std::string buffer = "namevaluebody";
        frame_view view;
        view.command = command::message;
        view.headers = {
            {std::string_view{buffer}.substr(0, 4), std::string_view{buffer}.substr(4, 5)}};
        view.body = std::string_view{buffer}.substr(9);
        view.has_content_length = true;
        copy = frame{view};
        buffer.assign(buffer.size(), '!');
    }
    EXPECT_EQ(copy.find("name"), "value");
    EXPECT_EQ(copy.find("value"), std::nullopt);
    EXPECT_EQ(copy.body, "body");
    EXPECT_EQ(frame{copy.view()}, copy);
    frame other = copy;
    other.has_content_length = false;
    EXPECT_NE(other, copy);
}

TEST(Command, ClientCommandsComeFirst)
{
    EXPECT_TRUE(is_client_command(command::connect));
    EXPECT_TRUE(is_client_command(command::disconnect));
    EXPECT_FALSE(is_client_command(command::connected));
    EXPECT_FALSE(is_client_command(command::error));
    EXPECT_EQ(to_string(version::v11), "1.1");
}

} // namespace
} // namespace stomp
