#pragma once

// Memory that the outboxes of this thread no longer use and that the next ones take: at most 128
// KiB of blocks of each size, and 512 states. (Old states lie scattered among the memory of a crowd
// that has left, and each of them would pin a page.)
//
// Threading:  each thread has its own pool.

namespace net {

// Frees it. For the moment behind a crowd's leaving, so that its pages go back.
void release_pooled_outboxes() noexcept;

} // namespace net
