/* Runs a program a number of times and prints the milliseconds of each life, one a line:
 *
 *     time-process COUNT PROGRAM [ARGUMENT...]
 *
 * A process as large as Node takes most of a millisecond to start another one; this one does not. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

int main(int count, char **words) {
  if (count < 3) return 2;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  for (int turn = atoi(words[1]); turn > 0; turn--) {
    pid_t child;
    int status;
    double start = now();
    if (posix_spawnp(&child, words[2], &files, NULL, words + 2, environ) != 0) return 1;
    if (waitpid(child, &status, 0) != child || status != 0) return 1;
    printf("%.6f\n", now() - start);
  }
  return 0;
}
