"""Plants a violation of each rule and shows that it is found, and that what is allowed is not."""

import unittest

import rules


def messages(check, path, text):
    return [message for _, message in check(path, text)]


def lines(check, path, text):
    return [line for line, _ in check(path, text)]


def machine(text, path="store/types/string.cc"):
    return messages(rules.check_machine, path, text)


class IncludesTest(unittest.TestCase):
    def found(self, path, *includes):
        text = "".join(f"#include {include}\n" for include in includes)
        return messages(rules.check_includes, path, text)

    def test_upward_and_sideways_includes_are_found(self):
        for path, include in [
                ("store/base/hash.cc", '"store/op/op.h"'),
                ("store/op/op.h", '"store/table/table.h"'),
                ("store/table/table.cc", '"store/types/string.h"'),
                ("store/table/table.cc", '"store/env/clock.h"'),
                ("store/types/string.cc", '"store/node/shard.h"'),
                ("store/types/string.cc", '"redis_compat/resp/limits.h"'),
                ("store/ring/hash_ring.cc", '"store/table/table.h"'),
                ("store/image/rdb_reader.cc", '"store/types/string.h"'),
                ("store/types/string.cc", '"store/image/rdb_reader.h"'),
                ("store/node/shard.cc", '"store/uv/uv_clock.h"'),
                ("store/uv/uv_clock.cc", '"store/op/op.h"'),
                ("redis_compat/resp/reply_writer.cc", '"store/op/op.h"'),
                ("redis_compat/command/dispatcher.cc", '"store/node/status.h"'),
                ("redis_compat/command/dispatcher.cc", '"store/types/string.h"'),
                ("redis_compat/modules/strings.cc", '"store/node/shard.h"'),
                ("redis_compat/modules/strings.cc", '"redis_compat/server/server.h"'),
                ("redis_compat/migrate/shard_target.cc", '"redis_compat/modules/versions.h"'),
                ("redis_compat/migrate/follower_link.cc", '"redis_compat/server/server.h"'),
                ("redis_compat/server/server.cc", '"store/uv/uv_loop.h"'),
                ("redis_compat/server/server.cc", '"redis_compat/modules/all_modules.h"'),
                ("client/main.cc", '"store/node/shard.h"'),
        ]:
            self.assertEqual(len(self.found(path, include)), 1, f"{path} includes {include}")

    def test_what_the_table_allows_is_not_found(self):
        for path, include in [
                ("store/table/table.cc", '"store/table/table.h"'),
                ("store/table/table.cc", '"store/base/check.h"'),
                ("store/types/string.cc", '"store/table/table.h"'),
                ("redis_compat/command/context.h", '"store/node/shard.h"'),
                ("redis_compat/modules/info.cc", '"store/node/shard.h"'),
                ("redis_compat/modules/info_activity.cc", '"store/node/shard.h"'),
                ("redis_compat/main.cc", '"store/uv/uv_loop.h"'),
                ("redis_compat/main.cc", "<uv.h>"),
                ("client/link.h", "<hiredis/hiredis.h>"),
                ("store/uv/uv_loop.cc", "<uv.h>"),
                ("store/table/table.cc", "<vector>"),
        ]:
            self.assertEqual(self.found(path, include), [], f"{path} includes {include}")

    def test_libraries_have_a_home(self):
        for path, include in [
                ("redis_compat/server/server.cc", "<uv.h>"),
                ("store/table/table.cc", "<hiredis/read.h>"),
                ("redis_compat/server/config.cc", "<CLI/CLI.hpp>"),
                ("store/node/shard.cc", "<raft.h>"),
                ("store/node/shard.cc", "<thread>"),
                ("store/node/shard.cc", "<mutex>"),
        ]:
            self.assertEqual(len(self.found(path, include)), 1, f"{path} includes {include}")

    def test_spelling_does_not_hide_an_include(self):
        text = ('int x;\n  #  include "store/types/string.h" // why\n'
                '/*\n#include "store/uv/uv.h"*/\n')
        self.assertEqual(lines(rules.check_includes, "store/op/op.cc", text), [2])

    def test_a_folder_outside_the_table_is_found(self):
        self.assertEqual(len(self.found("store/other/a.cc")), 1)
        self.assertEqual(self.found("redis_compat/log_file.cc"), [])


class MachineTest(unittest.TestCase):
    def test_each_way_to_the_machine_is_found(self):
        for text in [
                "auto t = std::chrono::steady_clock::now();",
                "using C = std::chrono::system_clock;",
                "gettimeofday(&tv, nullptr);", "clock_gettime(CLOCK_MONOTONIC, &ts);",
                "time_t t = time(nullptr);", "time_t t = time( NULL );", "auto t = std::time(0);",
                "std::random_device seed;", "int r = rand();", "srand(7);", "int r = ::rand ();",
                "getrandom(buffer, 16, 0);", "arc4random_buf(b, 16);", "RAND_bytes(b, 16);",
                'open("/dev/urandom", O_RDONLY);',
                "std::thread worker(Run);", "std::jthread worker(Run);", "std::mutex m;",
                "std::shared_mutex m;", "std::condition_variable_any c;", "pthread_create(&t);",
                "thread_local int x;", "auto f = std::async(Run);",
                "std::this_thread::sleep_for(1ms);", "usleep(10);", "sleep(1);", "::sleep (1);",
                "nanosleep(&ts, nullptr);", "uv_sleep(5);", "uv_hrtime();"]:
            self.assertGreaterEqual(len(machine(text)), 1, text)

    def test_words_that_only_look_like_it_are_not(self):
        for text in [
                "// std::thread and time(nullptr) are not for us", "/* sleep(1)\n rand() */",
                "TimeMs time() const;", "clock.WallMs();", "random.Below(7);", "operand(1);",
                "SeededRandom random(7);", "entry.rand();", "log->sleep();", "int sleep_ms = 1;",
                "std::chrono::milliseconds{5};", "lifetime(0);", "std::mt19937_64 engine(seed);",
                "const int n = 1'000'000;  // 'tis a sleep(1)",
                'f("POSIX clock_gettime, sleep(1)");', '#include "store/uv/uv_random.h"']:
            self.assertEqual(machine(text), [], text)

    def test_a_string_does_not_hide_what_follows(self):
        self.assertEqual(len(machine('f("// not a comment"); usleep(1);')), 1)
        self.assertEqual(len(machine("f('\"'); usleep(1); g('\"');")), 1)
        self.assertEqual(len(machine('f(R"(")"); usleep(1);')), 1)

    def test_uv_may(self):
        self.assertEqual(machine("clock_gettime(a, b);", "store/uv/uv_clock.cc"), [])

    def test_the_line_is_named(self):
        text = "// one\n/* two\nthree */ int x;\nusleep(1);\n"
        self.assertEqual(lines(rules.check_machine, "store/op/op.cc", text), [4])


class ShapeTest(unittest.TestCase):
    def found(self, path, text):
        return messages(rules.check_shape, path, text)

    def test_long_files_pages_and_lines_are_found(self):
        self.assertEqual(self.found("store/op/op.cc", "x\n" * 450), [])
        self.assertEqual(len(self.found("store/op/op.cc", "x\n" * 451)), 1)
        self.assertEqual(self.found("store/op/README.md", "x\n" * 60), [])
        self.assertEqual(len(self.found("store/op/README.md", "x\n" * 61)), 1)
        self.assertEqual(self.found("store/op/op.cc", "x" * 100), [])
        self.assertEqual(len(self.found("store/op/op.cc", "x" * 101)), 1)
        self.assertEqual(self.found("store/op/op.cc", "\u00e4" * 100), [])

    def test_what_is_left_undone_is_found(self):
        for word in ("TO" "DO", "FIX" "ME"):
            self.assertEqual(len(self.found("a.cc", f"// {word}: later\n")), 1)
            self.assertEqual(len(self.found("README.md", f"{word}\n")), 1)
            self.assertEqual(self.found("a.cc", f"// {word}S\n"), [])

    def test_a_header_is_included_once(self):
        self.assertEqual(len(self.found("a.h", "int x;\n")), 1)
        self.assertEqual(self.found("a.h", "#pragma once\n"), [])


class FoldersTest(unittest.TestCase):
    def test_a_folder_says_what_it_is_and_lists_its_sources(self):
        files = {"store/op/op.h": "", "store/op/op.cc": "", "store/op/README.md": "",
                 "store/op/CMakeLists.txt": "cloakroom_library(op SOURCES op.cc)"}
        self.assertEqual(list(rules.check_folders(files)), [])
        del files["store/op/README.md"]
        self.assertEqual([m for _, _, m in rules.check_folders(files)], ["no README.md"])
        files["store/op/README.md"] = ""
        files["store/op/CMakeLists.txt"] = "cloakroom_library(op SOURCES stop.cc op.cc.in)"
        self.assertEqual([p for p, _, _ in rules.check_folders(files)], ["store/op/op.cc"])


if __name__ == "__main__":
    unittest.main()
