"""Each rule of check_layers.py, broken once."""

import pathlib
import tempfile
import unittest

from check_layers import LayerCheck

CMAKE = """
# module(commented_out)
module(base LIBRARIES fmt::fmt)
module(ledger/jobs USES base)
module(ports USES ledger/jobs)
module(fakes USES ports)
module(controller USES ports
       TEST_USES fakes
       LIBRARIES fmt::fmt CLI11::CLI11)
module(adapters/sql USES ports LIBRARIES SOCI)
module(adapters/beast USES ports)
module_test(tests/contract USES fakes adapters/sql)
"""


class LayersTest(unittest.TestCase):
    def check(self, file, text, cmake=CMAKE, more=None):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, content in {"CMakeLists.txt": cmake, file: text, **(more or {})}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(content, encoding="utf-8")
            return LayerCheck(root).run()

    def assert_caught(self, file, text, expected, **tree):
        errors = self.check(file, text, **tree)
        self.assertEqual(len(errors), 1, errors)
        self.assertTrue(errors[0].startswith(expected[0]), errors)
        self.assertIn(expected[1], errors[0])

    def assert_fine(self, file, text, **tree):
        self.assertEqual(self.check(file, text, **tree), [])

    def test_an_include_follows_the_arrows(self):
        self.assert_fine("src/controller/a.cc", '#include "ledger/jobs/job.h"\n')
        self.assert_fine("src/controller/a.cc", '#include "controller/b.h"\n')
        self.assert_caught("src/ports/a.h", '#pragma once\n#include "controller/b.h"\n',
                           ("src/ports/a.h:2:", "must not include controller"))
        self.assert_caught("src/ledger/jobs/a.cc", '#include "adapters/sql/log.h"\n',
                           ("src/ledger/jobs/a.cc:1:", "must not include adapters/sql"))
        self.assert_caught("src/controller/a.cc", '#include "b.h"\n',
                           ("src/controller/a.cc:1:", "whole path"))

    def test_only_tests_reach_what_test_uses_names(self):
        self.assert_fine("src/controller/a_test.cc", '#include "fakes/clock.h"\n')
        self.assert_caught("src/controller/a.cc", '#include "fakes/clock.h"\n',
                           ("src/controller/a.cc:1:", "must not include fakes"))
        self.assert_caught("src/ports/a_test.cc", '#include "fakes/clock.h"\n',
                           ("src/ports/a_test.cc:1:", "must not include fakes"))

    def test_a_module_test_reaches_what_its_line_names(self):
        self.assert_fine("tests/contract/a_test.cc", '#include "adapters/sql/log.h"\n')
        self.assert_caught("tests/contract/a_test.cc", '#include "controller/controller.h"\n',
                           ("tests/contract/a_test.cc:1:", "must not include controller"))

    def test_module_lines_point_upwards_and_exist(self):
        self.assert_caught("src/base/a.cc", "", ("CMakeLists.txt:1:", "stands below it"),
                           cmake="module(base USES domain)\nmodule(domain)\n")
        self.assert_caught("src/base/a.cc", "", ("CMakeLists.txt:1:", "is no module"),
                           cmake="module(base USES nothing)\n")
        self.assert_caught("src/base/a.cc", "", ("CMakeLists.txt:3:", "must not use ports"),
                           cmake="module(base)\nmodule(ports)\nmodule(era USES ports)\n")

    def test_every_folder_has_a_module_line(self):
        self.assert_caught("src/controller/inner/a.cc", "",
                           ("src/controller/inner/a.cc:1:", "no module line"))
        self.assert_fine("src/apps/berth/main.cc", '#include "adapters/sql/log.h"\n')
        self.assert_fine("src/shim/a.cc", '#include "base/b.h"\n',
                         cmake="module(base)\nadd_executable(berth-shim src/shim/a.cc)\n")

    def test_pure_modules_do_not_touch_the_world(self):
        for bad in ("auto t = std::chrono::system_clock::now();", "auto t = time(nullptr);",
                    "std::unordered_map<int, int> m;", "std::random_device d;", "float f;",
                    "#include <mutex>", "#include <iostream>", 'auto p = std::getenv("PATH");'):
            self.assert_caught("src/ledger/jobs/a.cc", bad + "\n",
                               ("src/ledger/jobs/a.cc:1:", "not allowed in a pure module"))
            self.assert_fine("src/controller/a.cc", bad + "\n")
        for fine in ("// time(now) and float", 'auto s = "float time(x)";', "window.time();",
                     'auto s = R"(std::random_device\n float f;)";', "int lifetime(int x);"):
            self.assert_fine("src/ledger/jobs/a.cc", fine + "\n")

    def test_third_party_headers_stay_in_adapters(self):
        self.assert_caught("src/ports/a.h", "#include <soci/soci.h>\n",
                           ("src/ports/a.h:1:", "third-party"))
        self.assert_caught("src/ports/a.h", "#include <boost/asio/post.hpp>\n",
                           ("src/ports/a.h:1:", "belongs into a .cc"))
        self.assert_caught("src/controller/a.cc", "#include <boost/asio/post.hpp>\n",
                           ("src/controller/a.cc:1:", "belongs into a .cc"))
        self.assert_caught("src/ports/a.h", "#include <unistd.h>\n",
                           ("src/ports/a.h:1:", "operating system"))
        self.assert_caught("src/ports/a.cc", "#include <CLI/CLI.hpp>\n",
                           ("src/ports/a.cc:1:", "third-party"))
        self.assert_caught("src/ports/a.cc", '#include "agent.pb.h"\n',
                           ("src/ports/a.cc:1:", "generated"))
        self.assert_fine("src/ports/a.h", "#include <vector>\n#include <fmt/format.h>\n"
                         "#include <boost/describe/enum.hpp>\n#include <boost/json.hpp>\n")
        self.assert_fine("src/controller/a.cc", "#include <CLI/CLI.hpp>\n#include <unistd.h>\n")
        self.assert_fine("src/controller/a_test.cc", "#include <gtest/gtest.h>\n")
        self.assert_fine("src/adapters/sql/a.cc", "#include <soci/soci.h>\n")

    def test_an_inner_header_of_an_adapter_stays_there(self):
        inner = {"src/adapters/beast/session.h": "#include <boost/beast/http.hpp>\n"}
        self.assert_fine("src/adapters/beast/server.cc", '#include "adapters/beast/session.h"\n',
                         more=inner)
        self.assert_caught("src/apps/berth/main.cc", '#include "adapters/beast/session.h"\n',
                           ("src/apps/berth/main.cc:1:", "for adapters/beast alone"), more=inner)

    def test_our_headers_are_included_with_quotes(self):
        self.assert_caught("src/controller/a.cc", "#include <ports/clock.h>\n",
                           ("src/controller/a.cc:1:", "with \"quotes\""))


if __name__ == "__main__":
    unittest.main()
