"""Build the compiled half of the express lane: python -m scp.express.build

With the C compiler that is there, else with the one in the ziglang package, if that is installed. Where there
is none, nothing is built, and that is no failure: the receive lane stores everything, only slower.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from scp.express.library import FLAGS, SOURCES, Library, LibraryUnusable, is_platform_served, library_path

EXIT_NOT_BUILT = 1


def compilers() -> Iterator[list[str]]:
    """The commands that may compile, the likeliest first."""
    yield from ([found] for name in ("cc", "gcc", "clang") if (found := shutil.which(name)))
    if importlib.util.find_spec("ziglang") is not None:
        yield [sys.executable, "-m", "ziglang", "cc"]


def build(compiler: list[str], path: Path) -> str:
    """Compile, load, and put the library in its place; return what the compiler said.

    Raises CalledProcessError, LibraryUnusable.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        made = Path(scratch, path.name)
        sources = map(str, sorted(SOURCES.glob("*.c")))
        compiled = subprocess.run(
            [*compiler, *FLAGS, *sources, "-o", str(made)], check=True, capture_output=True, text=True
        )
        Library(made)
        made.replace(path)
    return compiled.stderr


def main() -> int:
    if not is_platform_served():
        print("The express lane is for Linux: not built.")  # noqa: T201 - for a person at a terminal
        return 0
    if library_path().exists():
        return 0
    for compiler in compilers():
        try:
            build(compiler, library_path())
        except subprocess.CalledProcessError as error:
            print(f"{compiler[0]} cannot build the express lane:\n{error.stderr}", file=sys.stderr)  # noqa: T201
        except (LibraryUnusable, OSError) as error:
            print(f"{compiler[0]} cannot build the express lane: {error}", file=sys.stderr)  # noqa: T201
        else:
            return 0
    print("No C compiler: the express lane is not built, the receive lane does its work.")  # noqa: T201
    return EXIT_NOT_BUILT


if __name__ == "__main__":
    sys.exit(main())
