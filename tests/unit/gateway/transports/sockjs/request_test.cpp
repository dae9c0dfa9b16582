// Requests in every split; what is refused; bodies that promise more than they bring.

#include "gateway/transports/sockjs/request.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gateway::sockjs {
namespace {

constexpr std::size_t head_max = 1024;

request head_of(const std::string& text)
{
    auto came = read_head(text, 0, head_max);
    EXPECT_TRUE(came.done) << text;
    return came.done ? std::move(*came.done) : request{};
}

int refusal(const std::string& text)
{
    const auto came = read_head(text, 0, head_max);
    return came.failed ? came.failed->status : 0;
}

TEST(Request, N11_AHeadInEverySplit)
{
    const std::string text =
        "POST /ws/0/1/xhr_send?t=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    for (std::size_t size = 0; size < text.size() - 5; ++size) {
        const auto part = read_head(text.substr(0, size), size == 0 ? 0 : size - 1, head_max);
        EXPECT_FALSE(part.done || part.failed) << size;
    }
    const auto made = head_of(text);
    EXPECT_EQ(made.path, "/ws/0/1/xhr_send?t=1");
    EXPECT_EQ(made.head_bytes, text.size() - 5);
    EXPECT_EQ(made.content_length, 5U);
    EXPECT_TRUE(made.keep_alive);
}

TEST(Request, N11_Http10AndConnectionClose)
{
    const auto old = head_of("GET /ws HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_TRUE(old.head.http_1_0);
    EXPECT_FALSE(old.keep_alive);
    EXPECT_FALSE(head_of("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").keep_alive);
    EXPECT_EQ(head_of("GET http://a/ws HTTP/1.1\r\nHost: a\r\n\r\n").path, "/ws");
}

TEST(Request, N13_WhatTwoProgramsCouldReadDifferentlyIsRefused)
{
    const std::string begin = "POST /ws HTTP/1.1\r\nHost: a\r\n";
    EXPECT_EQ(refusal(begin + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), 400);
    EXPECT_EQ(refusal(begin + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
    EXPECT_EQ(refusal(begin + "Content-Length: +1\r\n\r\n"), 400);
    EXPECT_EQ(refusal(begin + "Content-Length: 99999999999999999999\r\n\r\n"), 400);
    EXPECT_EQ(refusal(begin + "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501);
    EXPECT_EQ(refusal(begin + "Host: b\r\n\r\n"), 400);
    EXPECT_EQ(refusal(begin + "Origin: a\r\nOrigin: b\r\n\r\n"), 400);
    EXPECT_EQ(refusal("POST /ws HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(refusal("POST /ws HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 501);
    EXPECT_EQ(refusal("POST ws HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(refusal("POST /ws HTTP/2.0\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(refusal(std::string(head_max + 1, 'x')), 431);
}

// Says `text` behind a head, one byte at a time.
body_reader::outcome one_by_one(body_reader& reader, const std::string& text, std::string& rest)
{
    auto came = body_reader::outcome::unfinished;
    for (std::size_t at = 0; at < text.size(); ++at) {
        rest += text[at];
        if (came == body_reader::outcome::unfinished) {
            came = reader.take(rest);
        }
    }
    return came;
}

TEST(Request, N11_ABodyWithALengthInEverySplit)
{
    body_reader reader{{.content_length = 5}, 100};
    std::string rest;
    EXPECT_EQ(one_by_one(reader, "helloNEXT", rest), body_reader::outcome::done);
    EXPECT_EQ(reader.body(), "hello");
    EXPECT_EQ(rest, "NEXT");
    body_reader none{{.content_length = 0}, 100};
    EXPECT_EQ(none.take(rest), body_reader::outcome::done);
    EXPECT_EQ(rest, "NEXT");
}

TEST(Request, N11_ABodyInChunksInEverySplit)
{
    body_reader reader{{.chunked = true}, 100};
    std::string rest;
    EXPECT_EQ(
        one_by_one(reader, "3;x=\"y\"\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: a\r\n\r\nNEXT", rest),
        body_reader::outcome::done);
    EXPECT_EQ(reader.body(), "hello");
    EXPECT_EQ(rest, "NEXT");
}

// Beast asserts that a last chunk it has begun never comes in less than five bytes.
TEST(Request, N11_AnEmptyBodyInChunksInEverySplit)
{
    body_reader reader{{.chunked = true}, 100};
    std::string rest;
    EXPECT_EQ(one_by_one(reader, "0\r\nT: x\r\n\r\nNEXT", rest), body_reader::outcome::done);
    EXPECT_EQ(reader.body(), "");
    EXPECT_EQ(rest, "NEXT");
    body_reader begun{{.chunked = true}, 100};
    std::string bytes = "0\r\n";
    EXPECT_EQ(begun.take(bytes), body_reader::outcome::unfinished);
    bytes += 'T';
    EXPECT_EQ(begun.take(bytes), body_reader::outcome::unfinished);
}

TEST(Request, N13_APromiseSetsNothingAside)
{
    body_reader large{{.content_length = 100'000'000}, 1'000};
    std::string rest = "x";
    EXPECT_EQ(large.take(rest), body_reader::outcome::too_large);
    body_reader promised{{.content_length = 100'000'000}, 100'000'000};
    EXPECT_EQ(promised.take(rest), body_reader::outcome::unfinished);
    EXPECT_LT(promised.held(), 1'000U);
    body_reader chunked{{.chunked = true}, 100'000'000};
    rest = "5f5e100\r\nx";
    EXPECT_EQ(chunked.take(rest), body_reader::outcome::unfinished);
    EXPECT_LT(chunked.held(), 8'000U);
}

TEST(Request, N13_ChunksAreBounded)
{
    body_reader many{{.chunked = true}, 10};
    std::string rest = "6\r\nhello \r\n6\r\nhello \r\n0\r\n\r\n";
    EXPECT_EQ(many.take(rest), body_reader::outcome::too_large);
    body_reader vast{{.chunked = true}, 10};
    rest = "fffffffffffffffff\r\nx";
    EXPECT_NE(vast.take(rest), body_reader::outcome::unfinished);
    body_reader head{{.chunked = true}, 10};
    rest = "1;" + std::string(5'000, 'x');
    EXPECT_EQ(head.take(rest), body_reader::outcome::failed);
    body_reader wrong{{.chunked = true}, 10};
    rest = "zz\r\n\r\n";
    EXPECT_EQ(wrong.take(rest), body_reader::outcome::failed);
}

} // namespace
} // namespace gateway::sockjs
