/*
 * Faults of system calls, for tests: preloaded into a process, it fails, shortens, delays, stops or ends chosen calls.
 *
 * FAULT_RULES names a file that is looked at before each call, so that a test can change the rules while the process
 * runs. One rule a line: OPERATION PATTERN NTH ACTION [NUMBER]
 *
 *   OPERATION  open pread write pwrite fsync rename link unlink mkdir ftruncate flock, and thread (the start of one)
 *   PATTERN    shell pattern for the path; `*` matches slashes too; a thread has the path "-"
 *   NTH        the call among those that match, from 1 since the rules changed; `2+` means from then on
 *   ACTION     errno NUMBER | short NUMBER (bytes) | delay NUMBER (milliseconds, before the call)
 *              | stop | kill (before the call) | die (after it)
 *
 * FAULT_LOG names a file that gets a line for each call on a file whose path matches FAULT_WATCH: OPERATION PATH.
 * FAULT_CLOCK names a file of eight bytes: nanoseconds that all clocks are ahead.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MOST_RULES 16

enum action { NONE, ERRNO, SHORT, DELAY, STOP, KILL, DIE };

struct rule {
  char operation[16], pattern[512];
  long nth, seen;
  int onwards;
  enum action action;
  long number;
};

static struct rule rules[MOST_RULES];
static int rule_count;
static char text[4096];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void parse(void) {
  char copy[sizeof text], *rest = copy, *line;
  memcpy(copy, text, sizeof copy);
  rule_count = 0;
  while ((line = strsep(&rest, "\n")) && rule_count < MOST_RULES) {
    struct rule *rule = &rules[rule_count];
    char nth[32], action[16];
    memset(rule, 0, sizeof *rule);
    if (sscanf(line, "%15s %511s %31s %15s %ld", rule->operation, rule->pattern, nth, action, &rule->number) < 4) continue;
    rule->nth = atol(nth);
    rule->onwards = strchr(nth, '+') != NULL;
    rule->action = !strcmp(action, "errno")   ? ERRNO
                   : !strcmp(action, "short") ? SHORT
                   : !strcmp(action, "delay") ? DELAY
                   : !strcmp(action, "stop")  ? STOP
                   : !strcmp(action, "kill")  ? KILL
                                              : DIE;
    rule_count++;
  }
}

static void refresh(void) {
  const char *path = getenv("FAULT_RULES");
  char now[sizeof text];
  memset(now, 0, sizeof now);
  if (path) {
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
      if (syscall(SYS_read, fd, now, sizeof now - 1) < 0) now[0] = 0;
      syscall(SYS_close, fd);
    }
  }
  if (memcmp(now, text, sizeof text)) {
    memcpy(text, now, sizeof text);
    parse();
  }
}

static void note(const char *operation, const char *path) {
  const char *log = getenv("FAULT_LOG"), *watch = getenv("FAULT_WATCH");
  char line[1024];
  if (!log || !watch || fnmatch(watch, path, 0)) return;
  int length = snprintf(line, sizeof line, "%s %s\n", operation, path);
  long fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  if (syscall(SYS_write, fd, line, length) < 0) abort();
  syscall(SYS_close, fd);
}

/* What to do about this call; `delay`, `stop` and `kill` are done here. */
static struct rule judge(const char *operation, const char *path) {
  struct rule verdict = {.action = NONE};
  int saved = errno;
  pthread_mutex_lock(&mutex);
  refresh();
  for (int i = 0; i < rule_count; i++) {
    struct rule *rule = &rules[i];
    if (strcmp(rule->operation, operation) || fnmatch(rule->pattern, path, 0)) continue;
    rule->seen++;
    if (verdict.action == NONE && (rule->seen == rule->nth || (rule->onwards && rule->seen > rule->nth))) verdict = *rule;
  }
  note(operation, path);
  pthread_mutex_unlock(&mutex);
  if (verdict.action == DELAY) usleep((useconds_t)verdict.number * 1000);
  if (verdict.action == STOP) kill(getpid(), SIGSTOP);
  if (verdict.action == KILL) kill(getpid(), SIGKILL);
  errno = saved;
  return verdict;
}

static const char *path_of(int fd, char *buffer, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, buffer, size - 1);
  buffer[length < 0 ? 0 : length] = 0;
  return buffer;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define GUARD(operation, path)                        \
  struct rule verdict = judge(operation, path);       \
  if (verdict.action == ERRNO) {                      \
    errno = (int)verdict.number;                      \
    return -1;                                        \
  }
#define DONE(result)                                        \
  do {                                                      \
    __typeof__(result) value = (result);                    \
    if (verdict.action == DIE) kill(getpid(), SIGKILL);     \
    return value;                                           \
  } while (0)

static mode_t mode_of(int flags, va_list arguments) {
  return flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name)                                          \
  int name(const char *path, int flags, ...) {              \
    va_list arguments;                                      \
    va_start(arguments, flags);                             \
    mode_t mode = mode_of(flags, arguments);                \
    va_end(arguments);                                      \
    GUARD("open", path)                                     \
    DONE(REAL(name)(path, flags, mode));                    \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                        \
  int name(int folder, const char *path, int flags, ...) {  \
    va_list arguments;                                      \
    va_start(arguments, flags);                             \
    mode_t mode = mode_of(flags, arguments);                \
    va_end(arguments);                                      \
    GUARD("open", path)                                     \
    DONE(REAL(name)(folder, path, flags, mode));            \
  }
OPENAT(openat)
OPENAT(openat64)

#define PREAD(name, offset_type)                                            \
  ssize_t name(int fd, void *bytes, size_t count, offset_type offset) {     \
    char buffer[4096];                                                      \
    GUARD("pread", path_of(fd, buffer, sizeof buffer))                      \
    if (verdict.action == SHORT && count > (size_t)verdict.number) count = (size_t)verdict.number; \
    DONE(REAL(name)(fd, bytes, count, offset));                             \
  }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

ssize_t write(int fd, const void *bytes, size_t count) {
  char buffer[4096];
  GUARD("write", path_of(fd, buffer, sizeof buffer))
  if (verdict.action == SHORT && count > (size_t)verdict.number) count = (size_t)verdict.number;
  DONE(REAL(write)(fd, bytes, count));
}

#define PWRITE(name, offset_type)                                                  \
  ssize_t name(int fd, const void *bytes, size_t count, offset_type offset) {      \
    char buffer[4096];                                                             \
    GUARD("pwrite", path_of(fd, buffer, sizeof buffer))                            \
    if (verdict.action == SHORT && count > (size_t)verdict.number) count = (size_t)verdict.number; \
    DONE(REAL(name)(fd, bytes, count, offset));                                    \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define BY_FD(name, operation)                              \
  int name(int fd) {                                        \
    char buffer[4096];                                      \
    GUARD(operation, path_of(fd, buffer, sizeof buffer))    \
    DONE(REAL(name)(fd));                                   \
  }
BY_FD(fsync, "fsync")
BY_FD(fdatasync, "fsync")

int flock(int fd, int how) {
  char buffer[4096];
  GUARD("flock", path_of(fd, buffer, sizeof buffer))
  DONE(((int (*)(int, int))dlsym(RTLD_NEXT, "flock"))(fd, how));
}

int rename(const char *from, const char *to) {
  GUARD("rename", to)
  DONE(REAL(rename)(from, to));
}

int link(const char *from, const char *to) {
  GUARD("link", to)
  DONE(REAL(link)(from, to));
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  GUARD("link", to)
  DONE(REAL(linkat)(from_folder, from, to_folder, to, flags));
}

int unlink(const char *path) {
  GUARD("unlink", path)
  DONE(REAL(unlink)(path));
}

int mkdir(const char *path, mode_t mode) {
  GUARD("mkdir", path)
  DONE(REAL(mkdir)(path, mode));
}

int ftruncate(int fd, off_t size) {
  char buffer[4096];
  GUARD("ftruncate", path_of(fd, buffer, sizeof buffer))
  DONE(REAL(ftruncate)(fd, size));
}

/* Tells its error by the result, not by errno. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
  struct rule verdict = judge("thread", "-");
  if (verdict.action == ERRNO) return (int)verdict.number;
  return REAL(pthread_create)(thread, attributes, body, argument);
}

static volatile int64_t *ahead;

__attribute__((constructor)) static void map_clock(void) {
  const char *path = getenv("FAULT_CLOCK");
  if (!path) return;
  long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  void *page = mmap(NULL, 8, PROT_READ, MAP_SHARED, (int)fd, 0);
  if (page != MAP_FAILED) ahead = page;
  syscall(SYS_close, fd);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = (int)syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && ahead && *ahead && clock != CLOCK_THREAD_CPUTIME_ID && clock != CLOCK_PROCESS_CPUTIME_ID) {
    int64_t nanoseconds = time->tv_nsec + *ahead;
    time->tv_sec += nanoseconds / 1000000000;
    time->tv_nsec = nanoseconds % 1000000000;
  }
  return result;
}

/* The Rust standard library waits by absolute time, which the kernel compares with clocks that nobody shifted. */
long syscall(long number, ...) {
  long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  long a[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(arguments, long);
  va_end(arguments);
  struct timespec deadline;
  const int wait_until = 9; /* FUTEX_WAIT_BITSET */
  if (number == SYS_futex && (a[1] & 127) == wait_until && a[3] && ahead && *ahead) {
    deadline = *(struct timespec *)a[3];
    int64_t nanoseconds = deadline.tv_nsec - *ahead % 1000000000;
    deadline.tv_sec -= *ahead / 1000000000 + (nanoseconds < 0);
    deadline.tv_nsec = nanoseconds < 0 ? nanoseconds + 1000000000 : nanoseconds;
    if (deadline.tv_sec < 0) deadline.tv_sec = 0;
    a[3] = (long)&deadline;
  }
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}
