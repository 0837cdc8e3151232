// SPDX-License-Identifier: Apache-2.0
// Preloaded into a tool, it kills the process at one of the places where its state or its peer's may change: before and
// after each connect, fsync and rename, and before, in the middle of and after each send. CDC_CUT is the number of the
// place, counted from 1; a process that ends by itself had fewer. CDC_CUT_LOG is a file that gets the place's name.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_long passed;

static void place(const char* name) {
  const char* wanted = getenv("CDC_CUT");
  if (!wanted || atomic_fetch_add(&passed, 1) + 1 != atol(wanted)) return;
  const char* log = getenv("CDC_CUT_LOG");
  const int fd = log ? open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
  if (fd >= 0 && write(fd, name, strlen(name)) < 0) perror("cut_points");
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

#define ORIGINAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fsync(int fd) {
  place("before fsync");
  const int result = ORIGINAL(fsync)(fd);
  place("after fsync");
  return result;
}

int rename(const char* from, const char* to) {
  place("before rename");
  const int result = ORIGINAL(rename)(from, to);
  place("after rename");
  return result;
}

int connect(int fd, const struct sockaddr* address, socklen_t length) {
  place("before connect");
  const int result = ORIGINAL(connect)(fd, address, length);
  place("after connect");
  return result;
}

ssize_t send(int fd, const void* data, size_t length, int flags) {
  place("before send");
  ssize_t sent = 0;
  if (length > 1) {
    sent = ORIGINAL(send)(fd, data, length / 2, flags);
    if (sent < 0) return sent;
    place("in send");
  }
  const ssize_t rest = ORIGINAL(send)(fd, (const char*)data + sent, length - (size_t)sent, flags);
  place("after send");
  return rest < 0 && sent > 0 ? sent : rest < 0 ? rest : sent + rest;
}
