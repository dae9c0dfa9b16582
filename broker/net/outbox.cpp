#include "broker/net/outbox.hpp"

#include "broker/net/outbox_pool.hpp"

#include "broker/net/fifo.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

namespace net {

namespace {

constexpr std::size_t copied_max = 1024; // payloads up to here are copied
constexpr std::size_t block_min = 512;
constexpr std::size_t block_max = 16 * 1024;
constexpr std::size_t block_classes = 6;       // 512 B, 1 KiB .. 16 KiB
constexpr std::size_t pooled_max = 128 * 1024; // bytes kept per class and thread
constexpr std::size_t pooled_states_max = 512; // per thread
constexpr std::size_t kept_capacity_max = 16;  // entries of a pooled state: at most 1 KiB of it

static_assert(block_min << (block_classes - 1) == block_max);

std::size_t class_of(std::size_t block_size) noexcept
{
    return static_cast<std::size_t>(std::countr_zero(block_size) - std::countr_zero(block_min));
}

// Bytes of this outbox's own. Only the last block of a queue is appended to.
struct block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
    std::size_t used = 0;  // appended
    std::size_t taken = 0; // written to the socket
};

// What one iovec will name: a stretch of a block, or of a payload.
struct range {
    const char* data = nullptr;
    std::size_t size = 0;
    payload_ref shared; // null: bytes of a block
};

} // namespace

// Set by a thread's pool, which nobody else can name.
static thread_local void (*release_pool)() noexcept = nullptr;

struct outbox::state {
    void append(std::string_view bytes);
    void append(const payload_ref& shared, std::size_t offset);
    void consume(std::size_t count) noexcept;
    void clear() noexcept;

    std::size_t held() const noexcept
    {
        return block_bytes + ranges.capacity() * sizeof(range) + blocks.capacity() * sizeof(block);
    }

    fifo<range> ranges;
    fifo<block> blocks;
    std::size_t block_bytes = 0; // of all blocks, used or not

    struct pool;
};

// Blocks that outboxes of this thread no longer use, so that a busy connection does not call malloc
// every turn.
struct outbox::state::pool {
    pool()
    {
        for (std::size_t i = 0; i < block_classes; ++i) {
            blocks[i].reserve(pooled_max / (block_min << i));
        }
        states.reserve(pooled_states_max);
        release_pool = []() noexcept { mine().release(); };
    }
    ~pool()
    {
        gone = true;
        release_pool = nullptr;
    }
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;

    block take_block(std::size_t size)
    {
        auto& free_blocks = blocks[class_of(size)];
        if (free_blocks.empty()) {
            return {std::make_unique_for_overwrite<char[]>(size), size, 0, 0};
        }
        block taken{std::move(free_blocks.back()), size, 0, 0};
        free_blocks.pop_back();
        return taken;
    }
    static void give_back(block& left) noexcept
    {
        if (gone) {
            return;
        }
        auto& free_blocks = mine().blocks[class_of(left.size)];
        if (free_blocks.size() < pooled_max / left.size) { // within what was reserved: cannot throw
            free_blocks.push_back(std::move(left.bytes));
        }
    }
    std::unique_ptr<state> take_state()
    {
        if (states.empty()) {
            return std::make_unique<state>();
        }
        auto taken = std::move(states.back());
        states.pop_back();
        return taken;
    }
    static void give_back(std::unique_ptr<state> left) noexcept
    {
        left->clear();
        const bool small = left->ranges.capacity() <= kept_capacity_max &&
                           left->blocks.capacity() <= kept_capacity_max;
        if (!gone && small && mine().states.size() < pooled_states_max) {
            mine().states.push_back(std::move(left));
        }
    }
    void release() noexcept
    {
        states.clear();
        for (auto& of_class : blocks) {
            of_class.clear();
        }
    }
    static pool& mine()
    {
        static thread_local pool instance;
        return instance;
    }

    std::array<std::vector<std::unique_ptr<char[]>>, block_classes> blocks;
    std::vector<std::unique_ptr<state>> states;
    // An outbox may be destroyed after its thread's pool, at the thread's end.
    static inline thread_local bool gone = false;
};

void outbox::state::append(std::string_view bytes)
{
    while (!bytes.empty()) {
        if (blocks.empty() || blocks.back().used == blocks.back().size) {
            const std::size_t grown = blocks.empty() ? block_min : blocks.back().size * 2;
            const std::size_t wanted =
                std::bit_ceil(std::clamp(bytes.size(), block_min, block_max));
            blocks.push_back(pool::mine().take_block(std::min(std::max(grown, wanted), block_max)));
            block_bytes += blocks.back().size;
        }
        block& into = blocks.back();
        const std::size_t count = std::min(bytes.size(), into.size - into.used);
        char* const at = into.bytes.get() + into.used;
        std::memcpy(at, bytes.data(), count);
        const bool continues = into.used > 0 && !ranges.empty() && !ranges.back().shared &&
                               ranges.back().data + ranges.back().size == at;
        if (continues) {
            ranges.back().size += count;
        } else {
            ranges.push_back({at, count, nullptr});
        }
        into.used += count;
        bytes.remove_prefix(count);
    }
}

void outbox::state::append(const payload_ref& shared, std::size_t offset)
{
    const std::string_view bytes = shared->bytes().substr(offset);
    ranges.push_back({bytes.data(), bytes.size(), shared});
}

void outbox::state::consume(std::size_t count) noexcept
{
    while (count > 0) {
        range& first = ranges.front();
        const std::size_t taken = std::min(count, first.size);
        first.data += taken;
        first.size -= taken;
        count -= taken;
        if (!first.shared) {
            block& from = blocks.front();
            from.taken += taken;
            if (from.taken == from.used && blocks.size() > 1) {
                block_bytes -= from.size;
                pool::give_back(from);
                blocks.pop_front();
            } else if (from.taken == from.used) { // no range names it any more: start over in it
                from.taken = from.used = 0;
            }
        }
        if (first.size == 0) {
            ranges.pop_front();
        }
    }
}

void outbox::state::clear() noexcept
{
    ranges.clear();
    for (; !blocks.empty(); blocks.pop_front()) {
        pool::give_back(blocks.front());
    }
    block_bytes = 0;
}

void release_pooled_outboxes() noexcept
{
    if (release_pool != nullptr) {
        release_pool();
    }
}

outbox::outbox() noexcept = default;

outbox::outbox(outbox&& other) noexcept
    : state_(std::move(other.state_)), appended_(other.appended_), written_(other.written_)
{
    other.written_ = other.appended_;
}

outbox& outbox::operator=(outbox&& other) noexcept
{
    if (this != &other) {
        clear();
        state_ = std::move(other.state_);
        appended_ = other.appended_;
        written_ = other.written_;
        other.written_ = other.appended_;
    }
    return *this;
}

outbox::~outbox()
{
    clear();
}

void outbox::append(std::string_view bytes)
{
    if (bytes.empty()) {
        return;
    }
    if (!state_) {
        state_ = state::pool::mine().take_state();
    }
    state_->append(bytes);
    appended_ += bytes.size();
}

void outbox::append(const payload_ref& shared, std::size_t offset)
{
    BOOST_ASSERT_MSG(offset <= shared->size(), "offset is behind the payload");
    const std::size_t count = shared->size() - offset;
    if (count <= copied_max) {
        append(shared->bytes().substr(offset));
        return;
    }
    if (!state_) {
        state_ = state::pool::mine().take_state();
    }
    state_->append(shared, offset);
    appended_ += count;
}

std::size_t outbox::size() const noexcept
{
    return static_cast<std::size_t>(appended_ - written_);
}

std::size_t outbox::held() const noexcept
{
    return state_ ? state_->held() : 0;
}

std::uint64_t outbox::appended() const noexcept
{
    return appended_;
}

std::uint64_t outbox::written() const noexcept
{
    return written_;
}

std::size_t outbox::gather(std::span<iovec> into) const noexcept
{
    std::size_t used = 0;
    if (state_) {
        for (const range& from : state_->ranges) {
            if (used == into.size()) {
                break;
            }
            // writev does not write to what iov_base points to.
            into[used++] = {const_cast<char*>(from.data), from.size};
        }
    }
    return used;
}

void outbox::consume(std::size_t count) noexcept
{
    BOOST_ASSERT_MSG(count <= size(), "more was written than was queued");
    if (count == size()) {
        clear();
        return;
    }
    written_ += count;
    state_->consume(count);
}

void outbox::clear() noexcept
{
    written_ = appended_;
    if (state_) {
        state::pool::give_back(std::move(state_));
    }
}

std::string outbox::text() const
{
    std::string joined;
    if (state_) {
        for (const range& from : state_->ranges) {
            joined.append(from.data, from.size);
        }
    }
    return joined;
}

} // namespace net
