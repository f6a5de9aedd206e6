"""A RESP client that keeps each reply's exact bytes, for tests. Standard library only."""

import socket


def encode(words):
    """The multibulk form of a command; words are str, bytes or int."""
    out = [b"*%d\r\n" % len(words)]
    for word in words:
        if isinstance(word, int):
            word = str(word)
        if isinstance(word, str):
            word = word.encode("utf-8", "surrogateescape")
        out.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(out)


class ReplyError(Exception):
    """An error reply, raised by call()."""


class Connection:
    """One blocking connection. `timeout` seconds bound every wait, so that a hang is a failure."""

    def __init__(self, port=None, host="127.0.0.1", path=None, timeout=60):
        if path is not None:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(path)
        else:
            self.socket = socket.create_connection((host, port), timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.at = 0

    def close(self):
        self.socket.close()

    def send(self, *words):
        self.socket.sendall(encode(words))

    def send_bytes(self, data):
        self.socket.sendall(data)

    def _fill(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError("the server closed the connection")
        self.buffer = self.buffer[self.at:] + data
        self.at = 0

    def _line(self):
        while True:
            end = self.buffer.find(b"\r\n", self.at)
            if end >= 0:
                line = self.buffer[self.at:end]
                self.at = end + 2
                return line
            self._fill()

    def _exactly(self, size):
        while len(self.buffer) - self.at < size:
            self._fill()
        data = self.buffer[self.at:self.at + size]
        self.at += size
        return data

    def read_raw(self):
        """The exact bytes of the next reply."""
        line = self._line()
        kind, out = line[:1], line + b"\r\n"
        if kind in (b"$", b"=", b"!"):
            size = int(line[1:])
            return out if size < 0 else out + self._exactly(size + 2)
        if kind in (b"*", b"~", b">", b"%"):
            count = max(int(line[1:]), 0) * (2 if kind == b"%" else 1)
            return out + b"".join(self.read_raw() for _ in range(count))
        return out

    def read(self):
        return decode(self.read_raw())

    def call(self, *words):
        """Sends one command and returns its decoded reply; raises ReplyError on an error."""
        self.send(*words)
        reply = self.read()
        if isinstance(reply, ReplyError):
            raise reply
        return reply

    def raw(self, *words):
        self.send(*words)
        return self.read_raw()

    def at_end(self):
        """Whether the server has closed: waits for bytes or the end."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def decode(raw):
    """The Python value of one reply: bytes, int, None, list, dict, float, bool, ReplyError."""
    value, end = _decode(raw, 0)
    assert end == len(raw), "bytes left over after a reply"
    return value


def _decode(raw, at):
    end = raw.index(b"\r\n", at)
    kind, line, at = raw[at:at + 1], raw[at + 1:end], end + 2
    if kind == b"+":
        return line, at
    if kind == b"-":
        return ReplyError(line.decode("utf-8", "replace")), at
    if kind in (b":", b"("):
        return int(line), at
    if kind == b"_":
        return None, at
    if kind == b",":
        return float(line), at
    if kind == b"#":
        return line == b"t", at
    if kind in (b"$", b"=", b"!"):
        size = int(line)
        if size < 0:
            return None, at
        data = raw[at:at + size]
        return (data[4:] if kind == b"=" else data), at + size + 2
    if kind == b"%":
        pairs = {}
        for _ in range(int(line)):
            key, at = _decode(raw, at)
            value, at = _decode(raw, at)
            pairs[key if isinstance(key, (bytes, int)) else repr(key)] = value
        return pairs, at
    if kind in (b"*", b"~", b">"):
        count = int(line)
        if count < 0:
            return None, at
        items = []
        for _ in range(count):
            item, at = _decode(raw, at)
            items.append(item)
        return items, at
    raise ValueError(f"not a RESP type: {kind!r}")
