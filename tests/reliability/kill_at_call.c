/*
 * Counts the calls of a process that outlive it: writes, syncs, renames and removals of files in a
 * folder, and bytes sent to sockets. Loaded with LD_PRELOAD.
 *
 * KILL_UNDER  the folder; the runtime's own caches lie elsewhere
 * KILL_COUNT  file with a 64-bit number, which each counted call raises by one, over all threads
 * KILL_AT     number of the call at which the process is killed, before the call is made; 0: none
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic long *count;
static long kill_at;
static const char *under;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("KILL_COUNT");
  const char *at = getenv("KILL_AT");
  if (path == NULL) return;
  int file = open(path, O_RDWR);
  if (file < 0) return;
  void *shared = mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (shared == MAP_FAILED) return;
  under = getenv("KILL_UNDER");
  kill_at = at == NULL ? 0 : atol(at);
  count = shared;
  /* Programs that this one starts are not counted. */
  unsetenv("LD_PRELOAD");
}

static void step(void) {
  if (count == NULL) return;
  if (atomic_fetch_add(count, 1) + 1 == kill_at) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
}

static int is_under(const char *path) {
  return under == NULL || path[0] != '/' || strncmp(path, under, strlen(under)) == 0;
}

static void step_at(int fd) {
  struct stat stat;
  if (count == NULL || fstat(fd, &stat) != 0) return;
  if (S_ISSOCK(stat.st_mode)) return step();
  if (!S_ISREG(stat.st_mode)) return;
  char link[32], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return;
  path[length] = 0;
  if (is_under(path)) step();
}

static void step_path(const char *path) {
  if (count != NULL && is_under(path)) step();
}

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

#define AT_FILE(result, name, parameters, ...)      \
  result name parameters {                          \
    static __typeof__(&name) real;                  \
    if (real == NULL) real = REAL(name);            \
    step_at(fd);                                    \
    return real(__VA_ARGS__);                       \
  }

#define AT_PATH(name, parameters, path, ...)        \
  int name parameters {                             \
    static __typeof__(&name) real;                  \
    if (real == NULL) real = REAL(name);            \
    step_path(path);                                       \
    return real(__VA_ARGS__);                       \
  }

AT_FILE(ssize_t, write, (int fd, const void *bytes, size_t size), fd, bytes, size)
AT_FILE(ssize_t, writev, (int fd, const struct iovec *parts, int n), fd, parts, n)
AT_FILE(ssize_t, pwrite, (int fd, const void *bytes, size_t size, off_t at), fd, bytes, size, at)
AT_FILE(ssize_t, pwrite64, (int fd, const void *bytes, size_t size, off64_t at), fd, bytes, size, at)
AT_FILE(ssize_t, send, (int fd, const void *bytes, size_t size, int flags), fd, bytes, size, flags)
AT_FILE(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), fd, message, flags)
AT_FILE(int, fsync, (int fd), fd)
AT_FILE(int, fdatasync, (int fd), fd)
AT_FILE(int, ftruncate, (int fd, off_t size), fd, size)
AT_FILE(int, ftruncate64, (int fd, off64_t size), fd, size)
AT_PATH(rename, (const char *from, const char *to), to, from, to)
AT_PATH(renameat, (int in, const char *from, int out, const char *to), to, in, from, out, to)
AT_PATH(link, (const char *from, const char *to), to, from, to)
AT_PATH(unlink, (const char *path), path, path)
AT_PATH(unlinkat, (int in, const char *path, int flags), path, in, path, flags)
AT_PATH(rmdir, (const char *path), path, path)
AT_PATH(mkdir, (const char *path, mode_t mode), path, path, mode)
