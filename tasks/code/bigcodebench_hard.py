"""BigCodeBench: the packages that a row's programs may import, and its unittest class as tests.

A package that the row's solution or tests import must be installed: without it the sample is unscored. Others of
BigCodeBench's own list may be imported where they are installed, since other solutions may want them.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
import warnings
from typing import Any

# Modules of BigCodeBench's Requirements/requirements-eval.txt, by the name of the package where it differs
PACKAGES = {
    "bs4": "beautifulsoup4", "cv2": "opencv-python-headless", "Crypto": "pycryptodome", "docx": "python-docx",
    "PIL": "Pillow", "sklearn": "scikit-learn", "skimage": "scikit-image", "yaml": "PyYAML", "dateutil":
    "python-dateutil", "Levenshtein": "Levenshtein", "faker": "Faker", "flask_mail": "Flask-Mail", "flask_login":
    "Flask-Login", "flask_wtf": "Flask-WTF", "flask_restful": "Flask-RESTful", "wtforms": "WTForms",
} | {
    name: name
    for name in (
        *("blake3", "chardet", "cryptography", "django", "dns", "docxtpl", "flask", "folium", "gensim", "geopandas"),
        *("geopy", "holidays", "keras", "librosa", "lxml", "matplotlib", "mechanize", "natsort", "networkx", "nltk"),
        *("numba", "numpy", "openpyxl", "pandas", "prettytable", "psutil", "pyfakefs", "pyquery", "pytesseract"),
        *("pytest", "pytz", "regex", "requests", "requests_mock", "rsa", "scipy", "seaborn", "selenium", "sendgrid"),
        *("shapely", "soundfile", "statsmodels", "sympy", "tensorflow", "textblob", "texttable", "werkzeug"),
        *("wikipedia", "wordcloud", "wordninja", "xlrd", "xlwt", "xmltodict"),
    )
}  # fmt: skip
RUN = """

import unittest as bigcodebench_unittest

bigcodebench_result = bigcodebench_unittest.TestResult()
bigcodebench_unittest.TestLoader().loadTestsFromTestCase(TestCases).run(bigcodebench_result)
bigcodebench_faults = bigcodebench_result.failures + bigcodebench_result.errors
assert bigcodebench_result.testsRun > 0, "no test ran"
assert not bigcodebench_faults, (
    f"{len(bigcodebench_faults)} of {bigcodebench_result.testsRun} tests failed; {bigcodebench_faults[0][0]}: "
    + bigcodebench_faults[0][1].strip().splitlines()[-1]
)
"""


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `packages` and `tests`. Raises SyntaxError for a row that is no Python."""
    needed = imported(row["code_prompt"] + row["canonical_solution"]) | imported(row["test"])
    here = {name for name in PACKAGES if importlib.util.find_spec(name) is not None}
    packages = sorted(name if name in here else PACKAGES.get(name, name) for name in needed | here)
    return {**row, "packages": packages, "tests": row["test"] + RUN}


def imported(source: str) -> set[str]:
    """Return the top-level modules that a program imports and that are not Python's own."""
    names: set[str] = set()
    with warnings.catch_warnings():
        # Rows have escapes such as `\W` in plain strings
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names)
