// Preloaded into a program of one thread, gives small allocations addresses in a drawn order, so
// that what depends on the order of addresses shows: tests/sim/compare_traces. Larger ones are the
// C library's.

#define _DEFAULT_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

extern void* __libc_malloc(size_t);
extern void __libc_free(void*);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_calloc(size_t, size_t);

enum { step = 16, largest = 1024, classes = largest / step + 1, chunk = 64 * 1024 };
static const size_t room = (size_t)16 << 30; // reserved, not used
static char *region, *unused;
static uint16_t class_of[((size_t)16 << 30) / chunk];
static struct pool {
    void** free;
    size_t count, most;
} pools[classes];
static uint64_t state = 0x5eed;

static size_t below(size_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(state >> 33) % n;
}

static int is_ours(const void* p)
{
    return region != NULL && (const char*)p >= region && (const char*)p < region + room;
}

static size_t size_of(const void* p)
{
    return (size_t)class_of[(size_t)((const char*)p - region) / chunk] * step;
}

static void put(struct pool* into, void* p)
{
    if (into->count == into->most) {
        into->most = into->most == 0 ? chunk / step : into->most * 2;
        into->free = __libc_realloc(into->free, into->most * sizeof(void*));
        if (into->free == NULL) {
            __builtin_trap();
        }
    }
    into->free[into->count++] = p;
}

void* malloc(size_t size)
{
    if (size > largest) {
        return __libc_malloc(size);
    }
    if (region == NULL) {
        region = mmap(
            NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (region == MAP_FAILED) {
            __builtin_trap();
        }
        unused = region;
    }
    const size_t class = size == 0 ? 1 : (size + step - 1) / step;
    struct pool* from = &pools[class];
    if (from->count == 0) {
        if (unused == region + room) {
            return __libc_malloc(size);
        }
        class_of[(size_t)(unused - region) / chunk] = (uint16_t)class;
        for (size_t at = 0; at + class * step <= chunk; at += class * step) {
            put(from, unused + at);
        }
        unused += chunk;
    }
    const size_t chosen = below(from->count);
    void* p = from->free[chosen];
    from->free[chosen] = from->free[--from->count];
    memset(p, 0xa5, class * step);
    return p;
}

void free(void* p)
{
    if (is_ours(p)) {
        put(&pools[size_of(p) / step], p);
    } else {
        __libc_free(p);
    }
}

void* calloc(size_t count, size_t size)
{
    if (size != 0 && count > largest / size) {
        return __libc_calloc(count, size);
    }
    void* p = malloc(count * size);
    return p == NULL ? NULL : memset(p, 0, count * size);
}

void* realloc(void* p, size_t size)
{
    if (p == NULL) {
        return malloc(size);
    }
    if (!is_ours(p)) {
        return __libc_realloc(p, size);
    }
    void* moved = malloc(size);
    if (moved != NULL) {
        const size_t before = size_of(p);
        memcpy(moved, p, before < size ? before : size);
        free(p);
    }
    return moved;
}
