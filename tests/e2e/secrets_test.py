#!/usr/bin/env python3
"""No session token or password is ever seen in SLOWLOG, MONITOR, CLIENT LIST, INFO or log files."""

import os
import tempfile
import unittest

import servers
from resp import ReplyError
from login_test import as_map


class Secrets(unittest.TestCase):
    def test_tokens_and_passwords_stay_out_of_everything_that_is_shown(self):
        folder = tempfile.mkdtemp(prefix="cloakroom-test-")
        log_file = os.path.join(folder, "cloakroom.log")
        with servers.cloakroom("--logfile", log_file, "--loglevel", "debug",
                               "--slowlog-log-slower-than", 0, "--slowlog-max-len", 10000,
                               "--requirepass", "first-password", folder=folder) as server:
            client, watcher = server.connect(), server.connect()
            for connection in (client, watcher):
                connection.call("AUTH", "first-password")
            self.assertEqual(watcher.call("MONITOR"), b"OK")
            secrets = [b"first-password", b"second-password"]
            client.call("CONFIG", "SET", "requirepass", "second-password")
            client.call("HELLO", 3, "AUTH", "default", "second-password")
            client.call("CLIENT", "SETNAME", "web-1")
            secrets += self.use_sessions(client)
            client.call("CONFIG", "SET", "requirepass", "")
            shown = b"".join([client.raw("SLOWLOG", "GET", -1), client.raw("CLIENT", "LIST"),
                              client.raw("INFO", "everything")])
            client.call("ECHO", "the end")
            seen = b""
            while b"the end" not in seen:
                seen += watcher.read_raw()
            shown += seen
            self.assertIn(b"SESSION.GET".lower(), shown.lower())
        with open(log_file, "rb") as file:
            shown += file.read()
        shown += server_output(server)
        for secret in secrets:
            self.assertNotIn(secret, shown)
            self.assertNotIn(secret[:24] if len(secret) > 24 else secret, shown)

    def use_sessions(self, client):
        """Every command that takes or gives a token, in and out of MULTI, right and wrong."""
        token = as_map(client.call("SESSION.CREATE", "web", "ana", "FIELDS", 1, "a", "1"))[b"token"]
        anonymous = as_map(client.call("SESSION.ANON", "web"))[b"token"]
        own = b"a-token-that-a-framework-minted-0001"
        client.call("SESSION.PUT", "web", own, "ana", "FIELDS", 1, "a", "1")
        client.call("SESSION.GET", token)
        client.call("SESSION.SET", token, "FIELDS", 1, "a", "2")
        client.call("SESSION.INCR", token, "a", 1)
        client.call("SESSION.TOUCH", token)
        client.call("SESSION.LIST", "web", "ana", "CURRENT", token)
        client.call("COMMAND", "GETKEYS", "SESSION.GET", token)
        client.call("COMMAND", "GETKEYSANDFLAGS", "session.destroy", token, own)
        rotated = as_map(client.call("SESSION.ROTATE", token))[b"token"]
        user = as_map(client.call("SESSION.ROTATE", anonymous, "USER", "ana"))[b"token"]
        client.call("SESSION.REVOKE", "web", "ana", "ALL", "EXCEPT", rotated)
        client.call("MULTI")
        client.call("SESSION.GET", rotated)
        client.call("SESSION.DESTROY", rotated, user)
        client.call("EXEC")
        for wrong in (("SESSION.GET", rotated, "BOGUS"),
                      ("SESSION.TOUCH", rotated, rotated, rotated), ("SESSION.PUT", rotated),
                      ("SESSION.SET", "x", "IFVER", rotated),
                      ("SESSION.LIST", "web", "ana", rotated), ("SESSION.DESTROY", rotated),
                      ("SESSION.CREATE", "web", "ana", "MAX", rotated)):
            with self.subTest(wrong[0]):
                try:
                    client.call(*wrong)
                except ReplyError as error:
                    self.assertNotIn(rotated.decode(), str(error))
        return [token, anonymous, own, rotated, user]


def server_output(server):
    try:
        return server.log().encode()
    except OSError:
        return b""


if __name__ == "__main__":
    unittest.main()
