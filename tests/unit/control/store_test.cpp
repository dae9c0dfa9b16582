// The state file: what is written is found after a restart, and what cannot be read is a start-up
// error that names it.

#include "control/store.hpp"

#include <gtest/gtest.h>

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
          "{\"epoch\":1,\"live\":\"blue\",\"previous\":7,\"last_switch\":0}"}) {
        std::ofstream(path) << bad;
        auto opened = open_file_store(path, broker::color::blue);
        ASSERT_TRUE(std::holds_alternative<std::string>(opened)) << bad;
        EXPECT_NE(std::get<std::string>(opened).find(path), std::string::npos);
        EXPECT_EQ(text(), bad); // never overwritten
    }
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
