"""A group of commands that lists where nothing else is said."""

import click


class Listing(click.Group):
    """`GROUP` and `GROUP --json` are `GROUP list` and `GROUP list --json`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)
