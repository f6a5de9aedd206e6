"""Payloads of DUMP made by hand, as they come from servers old and new, whole and damaged."""

import struct


def _table():
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ (0x95ac9329ac4bc9b5 if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _table()


def crc64(data):
    crc = 0
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xff] ^ crc >> 8
    return crc


def payload(kind, body, version=10):
    """A whole payload of type `kind`, with a right checksum."""
    data = bytes([kind]) + body + struct.pack("<H", version)
    return data + struct.pack("<Q", crc64(data))


def string(text):
    assert len(text) < 64
    return bytes([len(text)]) + text


def intset(width, numbers):
    packed = struct.pack("<II", width, len(numbers))
    return string(packed + b"".join(n.to_bytes(width, "little", signed=True) for n in numbers))


def listpack(*entries, count=None):
    """`entries` are encoded, without the size behind them."""
    body = b"".join(entry + bytes([len(entry)]) for entry in entries) + b"\xff"
    count = len(entries) if count is None else count
    return string(struct.pack("<IH", 6 + len(body), count) + body)


_ZIPLIST = bytes.fromhex("11000000 0d000000 0200 000166 030176 ff")
_PAIRS = bytes([2]) + string(b"f") + string(b"v") + string(b"g") + bytes([0xc0, 7])

WHOLE = [
    payload(0, string(b"hello")),
    payload(0, string(b"")),
    payload(0, string(b"\x00\xff\r\n")),
    payload(0, b"\xc0\x80"),
    payload(0, b"\xc1\x39\x30"),
    payload(0, b"\xc2\x00\x00\x00\x80"),
    payload(0, b"\xc3\x05\x14" + bytes.fromhex("0061e00a00")),
    payload(0, b"\x41\x00" + b"x" * 256),
    payload(0, b"\x80\x00\x00\x00\x03abc"),
    payload(0, b"\x81" + bytes(7) + b"\x03abc"),
    payload(0, string(b"from Redis 2.6"), 6),
    payload(4, _PAIRS),
    payload(9, string(bytes.fromhex("01 01 66 02 00 7677 ff"))),
    payload(13, string(_ZIPLIST)),
    payload(16, listpack(b"\x81f", b"\x81v", b"\x81n", b"\x7f", b"\xdf\xff", b"\xf1\x00\x80")),
    payload(2, bytes([3]) + string(b"a") + string(b"b") + bytes([0xc0, 5])),
    payload(2, bytes([2]) + bytes([0xc0, 5]) + bytes([0xc0, 6])),
    payload(11, intset(2, [-5, 0, 32767])),
    payload(11, intset(4, [-70000, 5])),
    payload(11, intset(8, [-1 << 63, 1 << 40])),
]

DAMAGED = [
    b"",
    b"abc",
    WHOLE[0][:-1],
    WHOLE[0][:-1] + b"x",
    b"x" + WHOLE[0][1:],
    payload(0, string(b"hello"), 65535),
    payload(99, string(b"hello")),
    payload(255, b""),
    payload(0, b"\x3fhi"),
    payload(0, b"\xc4"),
    payload(0, b"\x82abc"),
    payload(0, b"\xc3\x05\x15" + bytes.fromhex("0061e00a00")),
    payload(4, b"\x00"),
    payload(2, b"\x00"),
    payload(9, string(b"\x00\xff")),
    payload(13, string(_ZIPLIST[:-1])),
    payload(13, string(_ZIPLIST[:4] + b"\x0e" + _ZIPLIST[5:])),
    payload(16, string(bytes.fromhex("07000000 0000 ff"))),
    payload(16, string(b"abc")),
    payload(16, string(bytes.fromhex("08000000 0000 ffff"))[:-1]),
    payload(11, string(b"abc")),
    payload(11, intset(2, [])),
    payload(11, string(struct.pack("<II", 3, 1) + b"abc")),
    payload(11, string(struct.pack("<II", 2, 9) + b"ab")),
]


def draw(rng):
    """Mostly a whole one."""
    if rng.random() < 0.7:
        return rng.choice(WHOLE)
    if rng.random() < 0.8:
        return rng.choice(DAMAGED)
    damaged = bytearray(rng.choice(WHOLE))
    damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


assert crc64(b"123456789") == 0xe9c6d914c4b8d9ca
