"""The floor: what decoding every line costs and nothing else, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson


def main() -> None:
    """Decode each line of the file that the command line names."""
    loads = orjson.loads
    with Path(sys.argv[1]).open("rb") as file:
        for line in file:
            loads(line)


if __name__ == "__main__":
    main()
