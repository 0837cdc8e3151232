# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy in front of a server whose connections a test can cut, let fall silent, or slow down."""

import socket
import threading
import time


def shut(each):
    try:
        each.shutdown(socket.SHUT_RDWR)  # wakes up who waits in recv() or accept(), which close() does not
    except OSError:
        pass


class Proxy:
    """`.port` listens on 127.0.0.1. `cut_after(n)`: the next connections are cut n bytes of the server's later, once each."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.connections = 0
        self._limits = []
        self._silent = threading.Event()
        self._gates = []  # of each connection
        self._latency = 0
        self._lock = threading.Lock()
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Cuts all connections and takes no more."""
        with self._lock:
            for each in [self._listener, *self._sockets]:
                shut(each)
                each.close()
            for gate in self._gates:
                gate.set()

    def cut_after(self, *limits):
        """One number for each of the next connections: how many bytes of the server it lets through."""
        with self._lock:
            self._limits = list(limits)

    def fall_silent(self):
        """From now on nothing of the server comes through, and nobody is told: a half-open connection."""
        self._silent.set()

    def speak(self):
        self._silent.clear()

    def hold(self, number):
        """From now on what the server says on that connection (they count from 0) waits for let_go()."""
        self._gates[number].clear()

    def let_go(self, number):
        self._gates[number].set()

    def slow_down(self, seconds):
        """From now on all that is sent comes that much later."""
        self._latency = seconds

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target_port))
            with self._lock:
                self.connections += 1
                limit = self._limits.pop(0) if self._limits else None
                self._sockets += [client, server]
                self._gates.append(threading.Event())
                self._gates[-1].set()
            for source, sink, left in ((client, server, None), (server, client, limit)):
                threading.Thread(target=self._copy, args=(source, sink, left, self._gates[-1]), daemon=True).start()

    def _copy(self, source, sink, left, gate):
        try:
            while (data := source.recv(16384)) and left != 0:
                time.sleep(self._latency)
                if left is not None:
                    data = data[:left]
                    left -= len(data)
                of_server = source.getpeername()[1] == self.target_port
                if of_server:
                    gate.wait()
                if not (self._silent.is_set() and of_server):
                    sink.sendall(data)
        except OSError:
            pass
        shut(source)
        shut(sink)
