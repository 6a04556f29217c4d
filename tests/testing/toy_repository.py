"""A small repository: its files, and the groups of tests in it."""

from __future__ import annotations

ONE, TWO, EVERY = (f"tests/{name}.py" for name in ("plugins/test_one", "a/test_two", "a/test_all"))
PAGE = "tests/docs/test_doc_pages.py::test_a_page[guide]"
LINKS = "tests/docs/test_links.py"
BROUGHT = "tests/thirdparty/test_acme.py"
SERVER = "tests/flows/prefect/"
GROUPS = {ONE, TWO, EVERY, PAGE, LINKS, BROUGHT, SERVER}
FILES = {
    "pyproject.toml": '[project]\ndependencies = ["numpy>=2"]\n[tool.pytest]\nxfail_strict = true\n',
    ".gitignore": "made/\n",
    "constraints.txt": "",
    "README.md": "",
    "CHANGELOG.md": "",
    "dvc.yaml": "",
    "made/report.json": "",
    "docs/guide.md": "lime\n```sh\nadversity run\n```\n",
    "docs/other.md": "",
    "docs/site/conf.py": "",
    "benchmarks/attacks.py": "",
    "integrations/adversity-x/README.md": "",
    "pipelines/smoke.yaml": "uses: metric/smoke\n",
    "core/adversity/engine.py": "X = 1  # lime\n",
    "flows/adversity_flows/templates/first.yaml": "uses: digits\n",
    "flows/adversity_flows/templates/README.md": "",
    "plugins/adversity_plugins/py.typed": "",
    "plugins/adversity_plugins/__init__.py": "",
    "plugins/adversity_plugins/metric/__init__.py": "",
    "plugins/adversity_plugins/metric/one.py": "from ._sum import total\n",
    "plugins/adversity_plugins/metric/_sum.py": "total = sum\n",
    "plugins/adversity_plugins/metric/file_of_two.py": 'class Two:\n    name: str = "two"\n',
    "plugins/adversity_plugins/metric/lime.py": "",
    "plugins/adversity_plugins/metric/smoke.py": "",
    "plugins/adversity_plugins/metric/digits.py": "",
    "tests/conftest.py": "",
    "tests/kit.lock": "{}",
    "tests/suite.lock": "{}",
    "tests/groups.py": "",
    "tests/warm/server.py": "",
    "tests/a/conftest.py": "",
    "tests/a/toys.py": "",
    "tests/a/test_fast.py": "",
    "tests/b/test_named.py": "",
    "tests/b/conftest.py": "",
    "tests/plugins/test_one.py": '"""one, docs, --all: words of a docstring name, and say no more."""\nimport idna\n',
    "tests/a/test_two.py": 'USES = "two"\nLIKE = "tests/b/test_named.py"\nIN = "pipelines", "benchmarks"\n',
    "tests/a/test_all.py": "for entry in registry.entries(kind): read('kit.lock', 'pyproject')\n",
    "tests/docs/test_doc_pages.py": 'PAGES = __file__.parents[2] / "docs", "README.md"\n',
    "tests/docs/test_links.py": 'PAGES = __file__.parents[2] / "docs", "CHANGELOG.md"\n',
    "tests/flows/prefect/test_x.py": "",
    "tests/flows/prefect/test_y.py": "",
    "tests/thirdparty/test_acme.py": "",
    "tests/thirdparty/acme/src/acme.py": "",
    "tests/thirdparty/acme/README.md": "",
}
