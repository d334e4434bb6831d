"""Each rule of check_style.py, broken once."""

import pathlib
import tempfile
import unittest

from check_style import StyleCheck, function_lengths

MACHINE_FOLDER = "/" + "work/x"


class StyleTest(unittest.TestCase):
    def check(self, file, text, readme="What it is for.\n"):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            tree = {"CMakeLists.txt": "module(base)\n", "src/base/README.md": readme, file: text}
            for name, content in tree.items():
                if content is not None:
                    (root / name).parent.mkdir(parents=True, exist_ok=True)
                    (root / name).write_text(content, encoding="utf-8")
            return StyleCheck(root).run()

    def assert_caught(self, file, text, where, message, **tree):
        errors = self.check(file, text, **tree)
        self.assertEqual(len(errors), 1, errors)
        self.assertTrue(errors[0].startswith(where), errors)
        self.assertIn(message, errors[0])

    def assert_fine(self, file, text):
        self.assertEqual(self.check(file, text), [])

    def test_lines_have_100_columns(self):
        self.assert_fine("src/base/a.cc", "// " + "x" * 97 + "\n")
        self.assert_caught("src/base/a.cc", "int a;\n// " + "x" * 98 + "\n", "src/base/a.cc:2:",
                           "101 columns")

    def test_files_and_tests_have_their_length(self):
        self.assert_fine("src/base/a.cc", "int a;\n" * 400)
        self.assert_caught("src/base/a.cc", "int a;\n" * 401, "src/base/a.cc:401:", "401 lines")
        self.assert_fine("src/base/a_test.cc", "int a;\n" * 800)
        self.assert_caught("src/base/a_test.cc", "int a;\n" * 801, "src/base/a_test.cc:801:",
                           "801 lines")

    def test_functions_have_60_lines(self):
        self.assert_fine("src/base/a.cc", "void f() {\n" + "  g();\n" * 58 + "}\n")
        self.assert_caught("src/base/a.cc", "\nvoid f() {\n" + "  g();\n" * 59 + "}\n",
                           "src/base/a.cc:2:", "f has 61 lines")

    def test_functions_are_found_in_every_form(self):
        text = """#pragma once
namespace a {
struct S : T {
  explicit S(int a) : a_{a}, b_(a) {
    f({1, 2});
  }
  int get() const noexcept override { return a_; }
  int a_ = 0;
  std::map<int, int> table{{1, 2}};
};
enum class E { one, two };
template <class T>
auto S::run(T t = {}) -> Result<int>
    requires Good<T> {
  auto inner = [](int x) {
    return "}{";
  };
  if (t) {
    return 1;
  }
}
constexpr Row kRows[] = {{"a", 1}};
TEST(Quote, Waits) {
}
}  // namespace a
"""
        self.assertEqual([(line, length) for line, _, length in function_lengths(text)],
                         [(4, 3), (7, 1), (12, 10), (23, 2)])
        self.assertEqual(function_lengths(text)[3][1], "TEST(Quote, Waits)")

    def test_type_names_say_something(self):
        for bad in ("class JobManager {};", "struct NodeInfo;", "enum class X { a }; struct Data;",
                    "using RunHelper = int;", "class LogImpl final {};"):
            self.assert_caught("src/base/a.cc", bad + "\n", "src/base/a.cc:1:", "says nothing")
        self.assert_fine("src/base/a.cc", "// class JobManager\nstruct Dataset; struct Database;\n")
        self.assert_caught("src/base/string_util.cc", "", "src/base/string_util.cc:1:",
                           "says nothing")

    def test_a_todo_has_a_number(self):
        self.assert_caught("src/base/a.cc", "// TO" + "DO: later\n", "src/base/a.cc:1:", "issue")
        self.assert_fine("src/base/a.cc", "// TO" + "DO(#12): later\n")

    def test_headers_begin_with_pragma_once(self):
        self.assert_fine("src/base/a.h", "// Why.\n#pragma once\n")
        self.assert_caught("src/base/a.h", "int a;\n", "src/base/a.h:1:", "#pragma once")

    def test_code_is_ascii_outside_the_catalogs(self):
        self.assert_caught("src/base/a.cc", 'auto s = "\u4e2d";\n', "src/base/a.cc:1:",
                           "catalog")
        self.assert_fine("src/base/page_zh.cc", 'auto s = "\u4e2d";\n')
        self.assert_fine("src/cli/text/verbs.cc", 'auto s = "\u4e2d";\n')
        self.assert_fine("README.zh-CN.md", "\u4e2d\n")

    def test_no_path_of_one_machine(self):
        self.assert_caught("src/base/a.cc", f'auto s = "{MACHINE_FOLDER}";\n', "src/base/a.cc:1:",
                           "machine")
        self.assert_caught("docs/a.md", f"See {MACHINE_FOLDER}.\n", "docs/a.md:1:", "machine")
        self.assert_fine("docs/a.md", "See frame" + MACHINE_FOLDER + "\n")

    def test_folders_have_a_short_readme(self):
        self.assert_caught("src/base/a.cc", "", "src/base/README.md:1:", "missing", readme=None)
        self.assert_caught("src/base/a.cc", "", "src/base/README.md:41:", "at most 40",
                           readme="x\n" * 41)


if __name__ == "__main__":
    unittest.main()
