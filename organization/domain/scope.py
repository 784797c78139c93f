"""Whose rows a viewer may see. Selectors demand a `Scope`, so forgetting it is a type error."""

from dataclasses import dataclass, field, replace

from organization.domain.roles import ROLE_NAMES, Capability, Role, capabilities_of


@dataclass(frozen=True)
class Scope:
    """A viewer's reach at this request.

    `everything` reads all deals; otherwise a deal is visible when its owner is in `person_ids` (self and everybody
    below, by *today's* hierarchy), or, with `won_only_everywhere`, when it is won. `reason` names a system scope;
    `user_name` is copied into the audit trail. With `limits` a program asks, whose token grants no more than these.
    """

    user_id: int | None = None
    person_id: int | None = None
    roles: frozenset[Role] = frozenset()
    person_ids: frozenset[int] = field(default=frozenset())
    everything: bool = False
    won_only_everywhere: bool = False
    reason: str = ""
    user_name: str = ""
    limits: frozenset[Capability] | None = None

    @staticmethod
    def system(reason: str) -> "Scope":
        """The reach of batch work, said aloud: everything, with the reason why."""
        if not reason:
            raise ValueError("A system scope needs a reason.")
        return Scope(everything=True, reason=reason, roles=frozenset(Role))

    @property
    def reads_won_only(self) -> bool:
        """Whether beyond the own reach only won deals are visible, so that sums over everything are of won deals."""
        return self.won_only_everywhere and not self.everything

    @property
    def own_reach(self) -> "Scope":
        """The same viewer without the won deals of others: where every deal is seen, whatever became of it."""
        return replace(self, won_only_everywhere=False)

    @property
    def actor_name(self) -> str:
        """The name the audit trail copies: the person's, or the reason batch work gave."""
        return self.user_name or self.reason

    @property
    def may_configure(self) -> bool:
        """Whether the set-up of processes, stages and categories is open to the viewer."""
        return self.can(Capability.CONFIGURE_PROCESS)

    @property
    def may_change_deals(self) -> bool:
        """Whether any deal is the viewer's to change: the keys for it are shown to nobody else."""
        return self.can(Capability.EDIT_DEALS)

    @property
    def may_change_quotas(self) -> bool:
        """Whether the viewer sets quotas."""
        return self.can(Capability.EDIT_QUOTAS)

    @property
    def role_label(self) -> str:
        """The viewer's roles in words, for the account menu."""
        return ", ".join(name for role, name in ROLE_NAMES.items() if role in self.roles)

    def can(self, capability: Capability) -> bool:
        """Whether any of the viewer's roles grants the capability."""
        return capability in capabilities_of(self.roles) and (
            self.limits is None or capability in self.limits
        )

    def sees_person(self, person_id: int) -> bool:
        """Whether deals owned by this person are visible."""
        return self.everything or person_id in self.person_ids

    def may_edit_owner(self, owner_id: int | None) -> bool:
        """Whether deals of this owner may be changed: own and below, with the right to edit."""
        if self.reason:
            return True
        return self.can(Capability.EDIT_DEALS) and owner_id is not None and owner_id in self.person_ids
