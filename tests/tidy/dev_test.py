#!/usr/bin/env python3
"""What ./dev asks apt for, with commands that only take note of their words."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class DevTest(unittest.TestCase):
    def installed(self, clang_version):
        """The packages that `./dev test all` installs where there are none."""
        with tempfile.TemporaryDirectory() as folder:
            stubs = {"dpkg-query": "exit 1", "sudo": '"$@"', "ccache": "", "cmake": "", "ctest": "",
                     "systemctl": "", "service": "", "clang": f"echo {clang_version}",
                     "env": '[ "$2" != apt-get ] || echo "$@" >>"$APT_LOG"'}
            stubs["apt-get"] = ""
            for name, body in stubs.items():
                path = pathlib.Path(folder, name)
                path.write_text(f"#!/bin/bash\n{body}\n")
                path.chmod(0o755)
            shutil.copy(ROOT / "dev", folder)
            for preset in ("release", "fuzz"):
                os.makedirs(f"{folder}/build/{preset}")
            log = pathlib.Path(folder, "apt.log")
            subprocess.run(["bash", "./dev", "test", "all"], cwd=folder, check=True, timeout=60,
                           capture_output=True,
                           env={"PATH": f"{folder}:/usr/bin:/bin", "APT_LOG": str(log)})
            return [word for line in log.read_text().splitlines() for word in line.split()]

    def test_the_fuzzer_s_runtime_is_of_the_version_of_clang(self):
        for version, number in (("14.0.6", 14), ("19.1.7", 19)):
            with self.subTest(version):
                runtimes = [word for word in self.installed(version) if "clang-rt" in word]
                self.assertEqual(runtimes, [f"libclang-rt-{number}-dev"])


if __name__ == "__main__":
    unittest.main()
