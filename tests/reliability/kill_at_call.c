/*
 * Counts the calls of a process that outlive it: writes, syncs, renames and removals of files in a
 * folder, and bytes sent to sockets. Loaded with LD_PRELOAD.
 *
 * KILL_UNDER  the folder; the runtime's own caches lie elsewhere
 * KILL_COUNT  file with a 64-bit number, which each counted call raises by one, over all threads
 * KILL_AT     number of the call at which the process is killed, before the call is made; 0: none
 * DISK_SIZE   bytes that may be written to files in the folder, as if it were a disk of its own; 0: any number.
 *             Then KILL_COUNT has the number of bytes, and nothing is killed
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
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
/* -1: calls are counted, not bytes. */
static long disk_size = -1;
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
  const char *size = getenv("DISK_SIZE");
  if (size != NULL) disk_size = atol(size);
  count = shared;
  /* Programs that this one starts are not counted. */
  unsetenv("LD_PRELOAD");
}

static void step(void) {
  if (count == NULL || disk_size >= 0) return;
  if (atomic_fetch_add(count, 1) + 1 == kill_at) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
}

static int is_under(const char *path) {
  return under == NULL || path[0] != '/' || strncmp(path, under, strlen(under)) == 0;
}

static int is_file_under(int fd) {
  char link[32], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_under(path);
}

static void step_at(int fd) {
  struct stat stat;
  if (count == NULL || disk_size >= 0 || fstat(fd, &stat) != 0) return;
  if (S_ISSOCK(stat.st_mode)) return step();
  if (S_ISREG(stat.st_mode) && is_file_under(fd)) step();
}

/* How many of these bytes the disk has room for: as on a real one, the last write is a short one. */
static size_t take_room(int fd, size_t size) {
  struct stat stat;
  if (count == NULL || disk_size < 0 || size == 0 || fstat(fd, &stat) != 0) return size;
  if (!S_ISREG(stat.st_mode) || !is_file_under(fd)) return size;
  long before = atomic_fetch_add(count, size);
  if (disk_size == 0 || before + (long) size <= disk_size) return size;
  size_t room = before < disk_size ? disk_size - before : 0;
  atomic_fetch_sub(count, size - room);
  return room;
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

#define AT_WRITE(name, parameters, ...)             \
  ssize_t name parameters {                         \
    static __typeof__(&name) real;                  \
    if (real == NULL) real = REAL(name);            \
    step_at(fd);                                    \
    size_t room = take_room(fd, size);              \
    if (room == 0 && size > 0) {                    \
      errno = ENOSPC;                               \
      return -1;                                    \
    }                                               \
    size = room;                                    \
    return real(__VA_ARGS__);                       \
  }

AT_WRITE(write, (int fd, const void *bytes, size_t size), fd, bytes, size)
AT_WRITE(pwrite, (int fd, const void *bytes, size_t size, off_t at), fd, bytes, size, at)
AT_WRITE(pwrite64, (int fd, const void *bytes, size_t size, off64_t at), fd, bytes, size, at)

ssize_t writev(int fd, const struct iovec *parts, int n) {
  static __typeof__(&writev) real;
  if (real == NULL) real = REAL(writev);
  if (disk_size < 0) {
    step_at(fd);
    return real(fd, parts, n);
  }
  /* A caller has to go on after a short write in any case. */
  for (int i = 0; i < n; i++) {
    if (parts[i].iov_len > 0) return write(fd, parts[i].iov_base, parts[i].iov_len);
  }
  return 0;
}

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
