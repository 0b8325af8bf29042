"""``logagent`` with short pauses between attempts to deliver, so that a test need not wait for long ones."""

from __future__ import annotations

import sys

from logagent.cli import main
from logagent.exporters import drain

drain.BACKOFF_BASE_SECONDS = 0.05  # type: ignore[misc]  # it is Final for the program, not for this test
drain.BACKOFF_CAP_SECONDS = 0.2  # type: ignore[misc]  # the same

sys.exit(main())
