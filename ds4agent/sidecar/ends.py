"""Whether the other end of a connection has been closed, as the kernel knows that has not told us yet.

When a receiver has no room, the end of a connection waits in the sender's kernel behind the data, for ever if
need be. On Linux both ends of a connection within this machine are in the same table, and `sock_diag`
(netlink, see sock_diag(7)) tells the state of the other one. A query takes some 12 microseconds. For a client
on another machine, and on other systems, the answer is always no.
"""

import socket
import struct
import sys

CAN_ASK = sys.platform == "linux"
_BY_FAMILY, _REQUEST = 20, 1
_NETLINK_SOCK_DIAG = 4
_ALL_STATES = 0xFFFFFFFF
_NO_COOKIE = b"\xff" * 8
# FIN_WAIT1, FIN_WAIT2, CLOSE and CLOSING of the kernel's enum: its owner sends no more.
_CLOSED = (4, 5, 7, 11)


def _query(sock: socket.socket) -> bytes:
    """About the socket that has our address for its peer. Raises OSError."""
    family = sock.family
    (peer, peer_port), (own, own_port) = sock.getpeername()[:2], sock.getsockname()[:2]
    addresses = [socket.inet_pton(family, host).ljust(16, b"\0") for host in (peer, own)]
    about = struct.pack("=BBBxI", family, socket.IPPROTO_TCP, 0, _ALL_STATES)
    about += struct.pack(">HH", peer_port, own_port) + b"".join(addresses) + bytes(4) + _NO_COOKIE
    return struct.pack("=IHHII", 16 + len(about), _BY_FAMILY, _REQUEST, 0, 0) + about


def has_closed(sock: socket.socket) -> bool:
    if sys.platform != "linux" or sock.family == socket.AF_UNIX:
        return False
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as asked:
            asked.send(_query(sock))
            reply = asked.recv(4096, socket.MSG_DONTWAIT)
    except OSError:
        return False
    kind = struct.unpack_from("=H", reply, 4)[0]
    return kind == _BY_FAMILY and reply[17] in _CLOSED
