"""Whether a store is still in the machine that it was made on: a copied card is another hotspot."""

import msgspec


class Binding(msgspec.Struct, frozen=True):
    """What a store keeps of whose it is.

    `machine`: the id of its machine, None while that is not known. `spent_token`: the hash of the
    server's token that another machine has as well, so that this one must not use it.
    """

    machine: str | None = None
    spent_token: str | None = None


def rebind(kept: Binding, machine: str | None, token_hash: str | None) -> tuple[Binding, bool]:
    """What is kept from now on, and whether this is another hotspot than before.

    `machine`: where the store is now, None where that cannot be told. `token_hash`: of the token
    that the settings have, which came along with the store.
    """
    if machine is None or machine == kept.machine:
        return kept, False
    if kept.machine is None:
        return Binding(machine, kept.spent_token), False
    return Binding(machine, token_hash or kept.spent_token), True


def is_spent(kept: Binding, token_hash: str) -> bool:
    """Whether a token is one that this hotspot must not use."""
    return token_hash == kept.spent_token
