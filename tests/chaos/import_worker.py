"""`python -m tests.chaos.import_worker JOB ROWS`: does one job, says when it begins, and may be killed at any time."""

from __future__ import annotations

import sys

import django


def main(job_id: int, chunk: int) -> None:
    """Does the job in chunks of so many deals, lest a small import be a single step."""
    django.setup()
    from opportunities.services import imports_apply, imports_deals
    from salesops.jobs import runner
    from salesops.wall.context import this_program_is

    this_program_is("a worker of the tests that kill it")
    imports_deals.CHUNK = imports_apply.CHUNK = chunk
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    runner.execute(job_id)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
