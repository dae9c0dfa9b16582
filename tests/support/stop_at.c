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
#include <pthread.h>
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

// The log has a thread of its own, which is not the one to stop: it notes that it wrote the words.
static volatile int words_written;

ssize_t write(int file, const void *bytes, size_t size)
{
    ssize_t (*const real)(int, const void *, size_t) =
        (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    const ssize_t result = real(file, bytes, size);
    const char *wanted = getenv("TEAL_STOP_AT");
    const char *armed = getenv("TEAL_STOP_AT_FILE");
    if (file == STDERR_FILENO && wanted != NULL && armed != NULL && access(armed, F_OK) == 0 &&
        memmem(bytes, size, wanted, strlen(wanted)) != NULL) {
        words_written = 1;
    }
    return result;
}

// What the main thread, which leads a switch, does behind each line that it hands to that thread.
// It waits here until the line is written, and stops where that was the one.
int pthread_cond_signal(pthread_cond_t *which)
{
    int (*real)(pthread_cond_t *) =
        (int (*)(pthread_cond_t *))dlvsym(RTLD_NEXT, "pthread_cond_signal", "GLIBC_2.3.2");
    if (real == NULL) {
        real = (int (*)(pthread_cond_t *))dlsym(RTLD_NEXT, "pthread_cond_signal");
    }
    const int result = real(which);
    const char *armed = getenv("TEAL_STOP_AT_FILE");
    if (armed != NULL && gettid() == getpid() && access(armed, F_OK) == 0) {
        for (int i = 0; i < 50 && !words_written; ++i) {
            usleep(200);
        }
        if (words_written) {
            words_written = 0;
            reached(getenv("TEAL_STOP_AT"));
        }
    }
    return result;
}
