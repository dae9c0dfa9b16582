// Proves how text is checked by the case list that WebSocket implementations are commonly tested
// with, section 6: valid and invalid UTF-8 whole, in fragments and in reads, and that it fails at
// the first impossible byte. The byte sequences are the first, the last and the nearest wrong ones
// of the table in RFC 3629, section 4.

#include "tests/unit/broker/websocket/echo_peer.hpp"

namespace websocket::test {
namespace {

const std::string invalid = "close:1007:";
const std::string greek = "\xCE\xBA\xCF\x8C\xCF\x83\xCE\xBC\xCE\xB5";
const std::string mixed = "Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4\xC3\xBC\xC3\xA0\xC3\xA1-UTF-8!!";

// The payload whole, in one fragment per byte, and in two fragments at every place.
void expect_text(const std::string& payload, bool valid)
{
    const answers expected = valid ? answers{"text:" + payload} : answers{invalid};
    expect_answers(text(payload), expected);
    std::string bytewise;
    for (std::size_t i = 0; i < payload.size(); ++i)
        bytewise +=
            raw_frame(i == 0 ? 1 : 0, payload.substr(i, 1), {.fin = i + 1 == payload.size()});
    expect_answers(bytewise, expected);
    for (std::size_t i = 0; i <= payload.size(); ++i)
        expect_answers(text(payload.substr(0, i), false) + more(payload.substr(i)), expected);
}

// 6.1.1 - 6.1.3
TEST(WebSocketText, EmptyFragmentsAreEchoed)
{
    expect_answers(text(""), {"text:"});
    expect_answers(text("", false) + more("", false) + more(""), {"text:"});
    expect_answers(text("", false) + more("middle", false) + more(""), {"text:middle"});
}

// 6.2.1 - 6.2.4, 6.5.1 - 6.5.5
TEST(WebSocketText, ValidTextIsEchoedHoweverItIsCut)
{
    expect_text(mixed, true);
    expect_text(greek, true);
    expect_text("Hello \xC2\xA3 \xE2\x82\xAC \xF0\x9F\x98\x80", true);
}

// 6.3.1, 6.3.2
TEST(WebSocketText, InvalidTextFails)
{
    expect_text(
        greek + "\xED\xA0\x80"
                "edited",
        false);
}

// 6.4.1, 6.4.3: the end of the message is never sent.
TEST(WebSocketText, FailsBeforeTheMessageEnds)
{
    const std::string impossible = "\xF4\x90\x80\x80";
    echo_server by_fragments;
    by_fragments.send(text(greek, false));
    EXPECT_FALSE(by_fragments.closed());
    by_fragments.send(more(impossible, false));
    EXPECT_EQ(by_fragments.answers(), answers{invalid});

    const std::string frame = text(greek + impossible + "edited");
    echo_server by_reads;
    by_reads.send(std::string_view{frame}.substr(0, 6 + greek.size()));
    EXPECT_FALSE(by_reads.closed());
    by_reads.send(std::string_view{frame}.substr(6 + greek.size(), impossible.size()));
    EXPECT_EQ(by_reads.answers(), answers{invalid});
}

// 6.4.2, 6.4.4: F4 may be followed by 80..8F only, so the second byte decides.
TEST(WebSocketText, FailsAtTheFirstImpossibleByte)
{
    echo_server by_fragments;
    by_fragments.send(text(greek + "\xF4", false));
    EXPECT_FALSE(by_fragments.closed());
    by_fragments.send(more("\x90", false));
    EXPECT_EQ(by_fragments.answers(), answers{invalid});

    const std::string frame = text(greek + "\xF4\x90");
    echo_server by_reads;
    by_reads.send(std::string_view{frame}.substr(0, frame.size() - 1));
    EXPECT_FALSE(by_reads.closed());
    by_reads.send(std::string_view{frame}.substr(frame.size() - 1));
    EXPECT_EQ(by_reads.answers(), answers{invalid});
}

// 6.6.1 - 6.6.11
TEST(WebSocketText, IncompleteTextAtTheEndFails)
{
    for (std::size_t size = 1; size <= greek.size(); ++size)
        expect_text(greek.substr(0, size), size % 2 == 0);
}

// 6.7.1 - 6.7.4, 6.9.1 - 6.9.4, 6.11.1 - 6.11.4
TEST(WebSocketText, FirstAndLastOfEachLengthAreEchoed)
{
    const std::string nul(1, '\0');
    for (const std::string& valid :
         {nul, std::string{"\xC2\x80"}, std::string{"\xE0\xA0\x80"},
          std::string{"\xF0\x90\x80\x80"}, std::string{"\x7F"}, std::string{"\xDF\xBF"},
          std::string{"\xEF\xBF\xBF"}, std::string{"\xF4\x8F\xBF\xBF"}, std::string{"\xED\x9F\xBF"},
          std::string{"\xEE\x80\x80"}, std::string{"\xEF\xBF\xBD"}})
        expect_text(valid, true);
}

// 6.22.1 - 6.23.7: noncharacters are well-formed, and so are the specials.
TEST(WebSocketText, NoncharactersAreEchoed)
{
    for (unsigned plane = 0; plane <= 16; ++plane) {
        for (const unsigned low : {0xFFFEu, 0xFFFFu}) {
            const unsigned point = plane << 16 | low;
            std::string character;
            if (plane == 0) {
                character = {static_cast<char>(0xE0 | point >> 12)};
            } else {
                character = {
                    static_cast<char>(0xF0 | point >> 18),
                    static_cast<char>(0x80 | (point >> 12 & 0x3F))};
            }
            character += static_cast<char>(0x80 | (point >> 6 & 0x3F));
            character += static_cast<char>(0x80 | (point & 0x3F));
            expect_text(character, true);
        }
    }
    for (int last = 0xB9; last <= 0xBF; ++last)
        expect_text(std::string{"\xEF\xBF"} + static_cast<char>(last), true);
}

// 6.8, 6.10, 6.11.5
TEST(WebSocketText, SequencesAboveTheLastCharacterFail)
{
    for (const char* bytes :
         {"\xF8\x88\x80\x80\x80", "\xFC\x84\x80\x80\x80\x80", "\xF7\xBF\xBF\xBF",
          "\xFB\xBF\xBF\xBF\xBF", "\xFD\xBF\xBF\xBF\xBF\xBF", "\xF4\x90\x80\x80"})
        expect_text(bytes, false);
}

// 6.12.1 - 6.12.8
TEST(WebSocketText, ContinuationBytesAloneFail)
{
    std::string bytes;
    for (int byte = 0x80; byte <= 0xBF; ++byte) {
        expect_text(std::string(1, static_cast<char>(byte)), false);
        bytes += static_cast<char>(byte);
    }
    for (const std::size_t size : {2u, 3u, 4u, 5u, 6u, 7u, 64u})
        expect_text(bytes.substr(0, size), false);
}

// 6.13.1 - 6.14.10
TEST(WebSocketText, FirstBytesAloneOrCutShortFail)
{
    for (int first = 0xC0; first <= 0xFD; ++first)
        expect_text({static_cast<char>(first), ' '}, false);
    for (const char* bytes :
         {"\xC2", "\xE0\xA0", "\xF0\x90\x80", "\xDF", "\xEF\xBF", "\xF4\x8F\xBF"}) {
        expect_text(bytes, false);
        expect_text(std::string{bytes} + "a", false);
    }
}

// 6.15, 6.16
TEST(WebSocketText, ImpossibleBytesFail)
{
    expect_text("\xC2\xE0\xA0\xF0\x90\x80", false);
    for (const char* bytes :
         {"\xFE", "\xFF", "\xFE\xFE\xFF\xFF", "\xC0", "\xC1", "\xF5",
          "a\xFF"
          "b"})
        expect_text(bytes, false);
}

// 6.17 - 6.19
TEST(WebSocketText, OverlongFormsFail)
{
    for (const char* bytes :
         {"\xC0\xAF", "\xE0\x80\xAF", "\xF0\x80\x80\xAF", "\xF8\x80\x80\x80\xAF", "\xC1\xBF",
          "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xF8\x87\xBF\xBF\xBF", "\xC0\x80", "\xE0\x80\x80",
          "\xF0\x80\x80\x80", "\xFC\x80\x80\x80\x80\x80"})
        expect_text(bytes, false);
}

// 6.20, 6.21
TEST(WebSocketText, SurrogatesFail)
{
    for (const char* bytes :
         {"\xED\xA0\x80", "\xED\xAD\xBF", "\xED\xAE\x80", "\xED\xAF\xBF", "\xED\xB0\x80",
          "\xED\xBE\x80", "\xED\xBF\xBF", "\xED\xA0\x80\xED\xB0\x80", "\xED\xAF\xBF\xED\xBF\xBF"})
        expect_text(bytes, false);
}

TEST(WebSocketText, BinaryIsNotChecked)
{
    expect_answers(binary("\xFF\xFE", false) + more("\xC0"), {"binary:\xFF\xFE\xC0"});
}

TEST(WebSocketText, ControlFramesInsideACharacterLeaveItsCheckAlone)
{
    const std::string bytes = text("\xE2\x82", false) + ping("\xFF") + more("\xAC");
    expect_answers(bytes, {"pong:\xFF", "text:\xE2\x82\xAC"});
}

} // namespace
} // namespace websocket::test
