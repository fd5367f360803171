"""Benchmarks: `python -m benchmarks` lists them, `python -m benchmarks NAME ...` runs one."""

import subprocess
import sys

from benchmarks.support.command import load, names, run


def main() -> None:
    """List the benchmarks, or run one of them, or all that need no argument."""
    match sys.argv[1:]:
        case []:
            _list()
        case ["all"]:
            sys.exit(_run_all())
        case [name, *arguments] if name in names():
            run(name, arguments)
        case [name, *_]:
            sys.exit(f"There is no benchmark {name}. Choose one of: all, {', '.join(names())}.")


def _list() -> None:
    for name in names():
        benchmark, parser = load(name)
        usage = " ".join(parser.format_usage().split()).removeprefix("usage: ").replace("[-h] ", "")
        print(f"{usage}\n    {(benchmark.__doc__ or '').splitlines()[0]}")
    print("python -m benchmarks all\n    All of them that need no argument.")


def _run_all() -> int:
    """Return 1 if one of them failed."""
    wanted = [name for name in names() if load(name)[1].is_optional]
    status = 0
    for name in wanted:
        print(f"\n== {name}", flush=True)
        # In a process of its own: the peak memory of one is not that of the next.
        done = subprocess.run([sys.executable, "-m", "benchmarks", name], check=False)
        status |= done.returncode
    return status


if __name__ == "__main__":
    main()
