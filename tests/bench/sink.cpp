// SPDX-License-Identifier: Apache-2.0
// A StarRocks that only reads: takes every load, counts its rows and forgets them. The limit that cdc-load is
// measured against is `curl -T FILE` to the same sink. Serves until it is killed, on two ports of 127.0.0.1 that
// it prints in one line: the FE's, which redirects loads, and the BE's.
//     bench-sink
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

int listen_somewhere(int& port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || bind(fd, name, size) != 0 || listen(fd, 64) != 0 || getsockname(fd, name, &size) != 0) {
    std::perror("bench-sink");
    std::exit(1);
  }
  port = ntohs(address.sin_port);
  return fd;
}

void say(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void answer(int fd, std::string_view status, std::string_view more, const std::string& body) {
  std::string text = "HTTP/1.1 ";
  text.append(status).append("\r\n").append(more);
  say(fd, text + "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body);
}

// The header's value, "" without it; names as curl writes them.
std::string header(const std::string& head, std::string_view name) {
  const std::size_t at = head.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 4;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

// Where one object of an array ends and the next begins. The benchmark's texts hold no "},{".
std::size_t count_ends(const char* text, std::size_t size) {
  std::size_t count = 0;
  for (std::size_t i = 0; i + 2 < size; ++i)
    count += static_cast<std::size_t>((text[i] == '}') & (text[i + 1] == ',') & (text[i + 2] == '{'));
  return count;
}

// Reads `left` bytes of body, of which `begun` are there, and returns how many rows they are.
std::size_t drain(int fd, std::string_view begun, std::size_t left) {
  constexpr std::size_t kKept = 2;  // of the bytes before, for an end that two reads share
  std::vector<char> buffer(kKept + (1 << 20));
  std::memcpy(buffer.data() + kKept, begun.data(), begun.size());
  std::size_t rows = left > 2 ? 1 : 0, got = begun.size();
  for (;;) {
    rows += count_ends(buffer.data(), kKept + got);
    left -= got;
    if (left == 0) return rows;
    std::memmove(buffer.data(), buffer.data() + got, kKept);
    const ssize_t more = read(fd, buffer.data() + kKept, std::min(buffer.size() - kKept, left));
    if (more <= 0) return rows;
    got = static_cast<std::size_t>(more);
  }
}

void serve(int fd, int be_port) {
  std::string head;
  std::size_t end = std::string::npos;
  char piece[1 << 14];
  while ((end = head.find("\r\n\r\n")) == std::string::npos) {
    const ssize_t got = read(fd, piece, sizeof piece);
    if (got <= 0) return;
    head.append(piece, static_cast<std::size_t>(got));
  }
  const std::string begun = head.substr(end + 4);
  const std::string path = head.substr(head.find(' ') + 1, head.find(" HTTP") - head.find(' ') - 1);
  if (head.rfind("PUT", 0) != 0) {
    answer(fd, "200 OK", "", R"({"status":"OK","msg":"Success","state":"UNKNOWN"})");
  } else if (be_port != 0) {
    const std::string place = "Location: http://127.0.0.1:" + std::to_string(be_port) + path + "\r\n";
    answer(fd, "307 Temporary Redirect", place, "");
  } else {
    if (!header(head, "Expect").empty()) say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    const std::string rows =
        std::to_string(drain(fd, begun, std::strtoull(header(head, "Content-Length").c_str(), nullptr, 10)));
    answer(fd, "200 OK", "",
           R"({"TxnId":1,"Status":"Success","Message":"OK","NumberFilteredRows":0,"NumberUnselectedRows":0,)"
           R"("NumberTotalRows":)" + rows + R"(,"NumberLoadedRows":)" + rows + "}");
  }
}

// be_port 0: this is the BE.
void accept_all(int listening, int be_port) {
  for (;;) {
    const int fd = accept(listening, nullptr, nullptr);
    if (fd < 0) continue;
    std::thread([fd, be_port] {
      serve(fd, be_port);
      close(fd);
    }).detach();
  }
}

}  // namespace

int main() {
  int fe_port = 0, be_port = 0;
  const int fe = listen_somewhere(fe_port), be = listen_somewhere(be_port);
  std::printf("%d %d\n", fe_port, be_port);
  std::fflush(stdout);
  std::thread(accept_all, fe, be_port).detach();
  accept_all(be, 0);
}
