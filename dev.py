#!/usr/bin/env python3
"""The commands of this repository, each doing its own set-up in `.venv` (or in the virtual environment it runs in).

python3 dev.py demo             audit the wheels that the repository ships
python3 dev.py test             style, types, import contracts, then all tests but the long ones
python3 dev.py test -k NAME     arguments after `test` go to pytest, and the other checks are left out
python3 dev.py corpus DIR       fetch the corpus of real wheels into DIR, and compare it with the judged list
python3 dev.py oracles DIR      compare the facts of that corpus with LIEF, pyelftools and pefile
python3 dev.py loaders DIR      load the modules of the wheels in DIR, whole and broken, as predicted (a minute)
python3 dev.py wine DIR         fetch CPython for Windows into DIR, and import wheels under Wine (8 minutes)
python3 dev.py docs             build the pages into build/docs; a warning is an error
python3 dev.py bench DIR        measure speed and memory over the wheels in DIR
python3 dev.py fixtures         rebuild the fixture wheels for all systems and compare their facts (10 minutes)
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST_PIP = (25, 1)
"""The first pip that installs dependency groups."""


def environment() -> Path:
    """The Python of the virtual environment to work in, which is made first where there is none."""
    if sys.prefix != sys.base_prefix:
        return Path(sys.executable)
    folder = ROOT / ".venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print("making .venv", flush=True)
        run([sys.executable, "-m", "venv", str(folder)])
    return python


def install(python: Path, *what: str) -> None:
    """Install into the environment, quietly; pip itself first where it is too old."""
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    shown = subprocess.run([*pip, "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(int(part) for part in shown.split()[1].split(".")[:2]) < OLDEST_PIP:
        run([*pip, "install", "--upgrade", f"pip>={'.'.join(map(str, OLDEST_PIP))}"])
    run([*pip, "install", *what])


def run(command: list[str]) -> None:
    """Run a command in the repository; end with its status where it fails."""
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status:
        sys.exit(status)


def demo() -> None:
    """Audit the shipped wheels: three that were spoilt on purpose, and the good ones."""
    python = environment()
    install(python, "--editable", ".")
    command = [str(python), "-m", "auditor", "tests/wheels/bad", "tests/wheels/good"]
    print("$ wheel-audit tests/wheels/bad tests/wheels/good", flush=True)
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(f"exit status {status}" + (": a gate would be red, as it should" if status == 1 else ""))
    sys.exit(0 if status == 1 else 1)


def test(arguments: list[str]) -> None:
    """Every check, the tests last; with arguments, pytest alone."""
    python = environment()
    install(python, "--editable", ".", "--group", "dev")
    module = [str(python), "-m"]
    if not arguments:
        run([*module, "ruff", "check", "."])
        run([*module, "ruff", "format", "--check", "."])
        run([*module, "mypy"])
        run([str(python), "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"])
    run([*module, "pytest", *arguments])


def corpus(arguments: list[str]) -> None:
    """Fetch the corpus and re-check the judged list."""
    python = environment()
    install(python, "--editable", ".", "--group", "dev")
    folder = arguments[0] if arguments else sys.exit("usage: python3 dev.py corpus DIR [--short]")
    run([str(python), "-m", "tests.corpus.fetch", *arguments])
    run([str(python), "-m", "tests.corpus.check", folder, *arguments[1:]])


def oracles(arguments: list[str]) -> None:
    """Fetch the corpus and compare the facts with what other programs read."""
    python = environment()
    install(python, "--editable", ".", "--group", "dev")
    folder = arguments[0] if arguments else sys.exit("usage: python3 dev.py oracles DIR [--short]")
    run([str(python), "-m", "tests.corpus.fetch", folder, *(["--short"] if "--short" in arguments else [])])
    run([str(python), "-m", "tests.oracles", *arguments])


def loaders(arguments: list[str]) -> None:
    """Hold the simulated loader against this machine's, over all wheels of a folder."""
    python = environment()
    install(python, "--editable", ".", "--group", "dev")
    folder = arguments[0] if arguments else sys.exit("usage: python3 dev.py loaders DIR [--verbose]")
    run([str(python), "-m", "tests.loaders.dlopen", folder, *arguments[1:]])


def wine(arguments: list[str]) -> None:
    """Fetch CPython for Windows and run the tests that need it."""
    python = environment()
    install(python, "--editable", ".", "--group", "dev")
    folder = arguments[0] if arguments else sys.exit("usage: python3 dev.py wine DIR")
    run([str(python), "-m", "tests.loaders.fetch", folder, "--windows"])
    os.environ["WHEEL_AUDIT_LOADERS"] = str(Path(folder).resolve())
    run([str(python), "-m", "pytest", "-m", "wine", "tests/loaders"])


def docs() -> None:
    """Build the pages."""
    python = environment()
    install(python, "--editable", ".", "--group", "docs")
    run([str(python), "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-b", "html", "docs", "build/docs"])
    print("build/docs/index.html")


def bench(arguments: list[str]) -> None:
    """Measure."""
    python = environment()
    install(python, "--editable", ".")
    run([str(python), "benchmarks/audit.py", *arguments])


def fixtures() -> None:
    """Rebuild the fixture wheels and compare their facts with the committed ones."""
    test(["-m", "slow", "tests/test_rebuild.py", "tests/test_defects.py"])


def main() -> None:
    """Run the command that was named."""
    command, arguments = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("", [])
    match command:
        case "demo":
            demo()
        case "test":
            test(arguments)
        case "corpus":
            corpus(arguments)
        case "oracles":
            oracles(arguments)
        case "loaders":
            loaders(arguments)
        case "wine":
            wine(arguments)
        case "docs":
            docs()
        case "bench":
            bench(arguments)
        case "fixtures":
            fixtures()
        case _:
            print(__doc__)
            sys.exit(2)


if __name__ == "__main__":
    main()
