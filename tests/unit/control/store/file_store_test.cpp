// The state file: what is written is found after a restart, and what cannot be read is a start-up
// error that names it.

#include "control/store/file_store.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace control {
namespace {

struct file_store_test : testing::Test {
    std::filesystem::path folder = std::filesystem::temp_directory_path() /
                                   ("teal_store_" + std::to_string(::getpid()) + "_" +
                                    testing::UnitTest::GetInstance()->current_test_info()->name());
    std::string path = folder / "teal.state";
    void SetUp() override { std::filesystem::create_directories(folder); }
    void TearDown() override { std::filesystem::remove_all(folder); }
    std::string text() const
    {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }
};
using FileStore = file_store_test;

TEST_F(FileStore, BeginsWithTheInitialColorOnlyWhereThereIsNoneYet)
{
    auto first = open_file_store(path, broker::color::green);
    ASSERT_TRUE(std::holds_alternative<opened_store>(first));
    EXPECT_EQ(
        std::get<opened_store>(first).state,
        (stored_state{1, broker::color::green, std::nullopt, 0}));
    std::get<opened_store>(first).where.reset();
    auto again = open_file_store(path, broker::color::blue);
    EXPECT_EQ(std::get<opened_store>(again).state.live, broker::color::green);
}

TEST_F(FileStore, S16_HoldsEpochLivePreviousAndTheLastSwitchInOneLine)
{
    auto opened = std::get<opened_store>(open_file_store(path, broker::color::blue));
    const stored_state next{5, broker::color::green, broker::color::blue, 7};
    auto result = write_result::unknown;
    opened.where->write(next, [&](write_result r) { result = r; });
    EXPECT_EQ(result, write_result::written);
    EXPECT_EQ(text(), "{\"epoch\":5,\"live\":\"green\",\"previous\":\"blue\",\"last_switch\":7}\n");
    std::optional<stored_state> found;
    opened.where->read([&](std::optional<stored_state> f) { found = f; });
    EXPECT_EQ(found, next);
    opened.where.reset();
    EXPECT_EQ(std::get<opened_store>(open_file_store(path, broker::color::blue)).state, next);
    EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_F(FileStore, NamesTheFileThatItCannotRead)
{
    for (const auto* bad :
         {"", "{", "[]", "{\"epoch\":0,\"live\":\"blue\",\"previous\":null,\"last_switch\":0}",
          "{\"epoch\":1,\"live\":\"red\",\"previous\":null,\"last_switch\":0}",
          "{\"epoch\":1,\"live\":\"blue\"}",
          "{\"epoch\":-1,\"live\":\"blue\",\"previous\":null,\"last_switch\":0}",
          "{\"epoch\":1,\"live\":\"blue\",\"previous\":7,\"last_switch\":0}",
          "{\"epoch\":1,\"live\":\"blue\",\"previous\":null,\"last_swi"}) {
        std::ofstream(path) << bad;
        auto opened = open_file_store(path, broker::color::blue);
        ASSERT_TRUE(std::holds_alternative<std::string>(opened)) << bad;
        EXPECT_NE(std::get<std::string>(opened).find(path), std::string::npos);
        EXPECT_EQ(text(), bad); // never overwritten
    }
}

TEST_F(FileStore, A4_ASecondOneOnTheSameFileIsRefusedAndToldWhoHasIt)
{
    auto first = open_file_store(path, broker::color::blue);
    ASSERT_TRUE(std::holds_alternative<opened_store>(first));
    const auto why = [&](const std::string& where) {
        auto second = open_file_store(where, broker::color::green);
        auto* sentence = std::get_if<std::string>(&second);
        return sentence != nullptr ? *sentence : "";
    };
    EXPECT_EQ(
        why(path), "state file " + path + ": another gateway runs on it, pid " +
                       std::to_string(::getpid()) + " (it holds " + path + ".lock)");
    std::filesystem::create_directory_symlink(folder, folder.string() + "_alias");
    EXPECT_NE(why(folder.string() + "_alias/teal.state").find("another gateway"), std::string::npos);
    std::filesystem::remove(folder.string() + "_alias");
    std::get<opened_store>(first).where.reset(); // as the end of the process does, a crash alike
    EXPECT_EQ(why(path), "");
}

TEST_F(FileStore, A4_WhatIsLeftBesideItByACrashStopsNothing)
{
    std::ofstream(path + ".lock") << "999999\n";
    ::mkfifo((path + ".new").c_str(), 0600); // or a link to a file of somebody's
    auto opened = std::get<opened_store>(open_file_store(path, broker::color::blue));
    auto result = write_result::unknown;
    opened.where->write(
        {2, broker::color::green, std::nullopt, 1}, [&](write_result r) { result = r; });
    EXPECT_EQ(result, write_result::written);
}

TEST_F(FileStore, A5_WhatIsNoRegularFileOrNoStateIsASentence)
{
    const auto why = [&](const std::string& where) {
        auto opened = open_file_store(where, broker::color::blue);
        auto* sentence = std::get_if<std::string>(&opened);
        return sentence != nullptr ? sentence->substr(("state file " + where).size() + 2) : "";
    };
    const auto says = [&](const std::string& text) {
        std::ofstream(path) << text;
        return why(path);
    };
    EXPECT_EQ(why(folder), "it is a directory");
    EXPECT_EQ(why("/dev/null"), "it is a device");
    EXPECT_EQ(why("/dev/zero"), "it is a device");
    ::mkfifo(path.c_str(), 0600);
    EXPECT_EQ(why(path), "it is a FIFO");
    std::filesystem::remove(path);
    std::ofstream(folder / "elsewhere") << to_line({});
    std::filesystem::create_symlink(folder / "elsewhere", path);
    EXPECT_TRUE(why(path).starts_with("it is a symbolic link"));
    std::filesystem::remove(path);
    std::filesystem::create_symlink(folder / "nowhere", path);
    EXPECT_TRUE(why(path).starts_with("it is a symbolic link"));
    std::filesystem::remove(path);

    EXPECT_EQ(says(""), "it is empty");
    EXPECT_EQ(says(" \n"), "it is empty");
    EXPECT_TRUE(says("{\"epoch\":4,\"live\":\"gr").starts_with("it is not one whole JSON object"));
    EXPECT_EQ(
        says(std::string(5000, ' ') + to_line({})),
        "it has 5058 bytes, a state file has at most 4096");
    const std::string range = " to 9007199254740990";
    for (const auto* epoch :
         {"18446744073709551615", "18446744073709551616", "9007199254740991", "0", "-1", "1.5",
          "1e300", "\"4\"", "null"}) {
        EXPECT_EQ(
            says("{\"epoch\":" + std::string(epoch) +
                 ",\"live\":\"blue\",\"previous\":null,\"last_switch\":0}"),
            "its epoch is not a number of 1" + range)
            << epoch;
    }
    EXPECT_EQ(
        says("{\"epoch\":1,\"live\":\"blue\",\"previous\":null,\"last_switch\":"
             "18446744073709551615}"),
        "its last_switch is not a number of 0" + range);
}

TEST_F(FileStore, AWriteThatCannotBeMadeFailsAndLeavesTheOldState)
{
    auto opened = std::get<opened_store>(open_file_store(path, broker::color::blue));
    std::filesystem::create_directory(path + ".new"); // where the temporary would go
    auto result = write_result::written;
    opened.where->write(
        {9, broker::color::green, std::nullopt, 9}, [&](write_result r) { result = r; });
    EXPECT_EQ(result, write_result::failed);
    std::optional<stored_state> found;
    opened.where->read([&](std::optional<stored_state> f) { found = f; });
    EXPECT_EQ(found->epoch, 1u);
}

} // namespace
} // namespace control
