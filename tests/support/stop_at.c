// LD_PRELOAD for tests that strike a program at one step of its work: the thread that comes to the
// step stops there, and says so by a file. Which step: $TEAL_STOP_AT, armed by the file
// $TEAL_STOP_AT_FILE, answered by the same name with ".hit" behind it. It goes on when the first
// file is gone.
//
//   written, synced, renamed, stored   of the state file: written and not synced; synced and not
//                                      renamed; renamed; its folder synced, too
//   anything else                      a line of the log that contains these words was written

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void reached(const char *step)
{
    const char *wanted = getenv("TEAL_STOP_AT");
    const char *armed = getenv("TEAL_STOP_AT_FILE");
    if (wanted == NULL || armed == NULL || strcmp(wanted, step) != 0 || access(armed, F_OK) != 0) {
        return;
    }
    char hit[4096];
    snprintf(hit, sizeof hit, "%s.hit", armed);
    close(open(hit, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    while (access(armed, F_OK) == 0) {
        usleep(1000);
    }
}

int fsync(int file)
{
    int (*const real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    struct stat about;
    const int folder = fstat(file, &about) == 0 && S_ISDIR(about.st_mode);
    if (!folder) {
        reached("written");
    }
    const int result = real(file);
    if (folder) {
        reached("stored");
    }
    return result;
}

int rename(const char *from, const char *to)
{
    int (*const real)(const char *, const char *) =
        (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    reached("synced");
    const int result = real(from, to);
    reached("renamed");
    return result;
}

// What the log is written with.
size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file)
{
    size_t (*const real)(const void *, size_t, size_t, FILE *) =
        (size_t (*)(const void *, size_t, size_t, FILE *))dlsym(RTLD_NEXT, "fwrite");
    const size_t result = real(bytes, size, count, file);
    const char *wanted = getenv("TEAL_STOP_AT");
    if (file == stderr && wanted != NULL &&
        memmem(bytes, size * count, wanted, strlen(wanted)) != NULL) {
        reached(wanted);
    }
    return result;
}
