"""`adversity data`: data sets looked at before anything rests on them, and their versions."""

from __future__ import annotations

import click

from adversity_flows.cli.data.add import add
from adversity_flows.cli.data.check import check
from adversity_flows.cli.data.pin import pin
from adversity_flows.cli.data.versions import diff, list_

__all__ = ["data"]


@click.group()
def data() -> None:
    """Look at data sets before anything rests on them, and at their versions.

    \b
    Example:
      adversity data check pipelines/first_look.yaml
      adversity data add ~/photos --name photos --as v1
      adversity data list
      adversity data diff pipelines/nightly.yaml:photos v1
    """


for command in (add, check, list_, diff, pin):
    data.add_command(command)
