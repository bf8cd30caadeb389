"""Who may do what with an operation, and who can approve it."""

from __future__ import annotations

from collections.abc import Callable

from bot.config.access import ANYONE, AccessRule
from bot.errors import Refused, Unavailable
from bot.slack.people import Decision, People, decide
from bot.words import count, join


class Approvers:
    """Asks the rules of the configuration and Slack's groups. Who uses the terminal may do all."""

    def __init__(self, rule: Callable[[str], AccessRule], people: People) -> None:
        self._rule = rule
        self._people = people

    def needed(self, access: str, actor: str) -> int:
        """How many others must approve what this actor asks for; none for what the clock does."""
        return self._rule(access).approvals if _is_person(actor) else 0

    def needed_in_words(self, access: str, actor: str) -> str:
        """The same as a sentence: `Needs 1 approval by admin.`; "" where nobody must."""
        needed = self.needed(access, actor)
        if not needed:
            return ""
        role = self._rule(access).role
        whom = "anyone else who may do this" if role == ANYONE else role
        return f"Needs {count(needed, 'approval')} by {whom}."

    async def others(self, access: str, actor: str) -> tuple[str, ...] | None:
        """Those beside the actor who may approve, as actors; None where Slack does not say, or
        where everybody in the workspace may."""
        rule = self._rule(access)
        if rule.role == ANYONE:
            return None
        roles = await self._people.roles_for(_user(actor) or "")
        holders = roles.holders.get(rule.role, frozenset())
        if rule.role in roles.unknown:
            return None
        return tuple(sorted(f"slack:{user}" for user in holders if f"slack:{user}" != actor))

    async def check(self, access: str, actor: str) -> None:
        """Raises Refused where the actor may not do what the rule guards, Unavailable where Slack
        does not say."""
        await self._check(self._rule(access), access, actor)

    async def check_role(self, role: str, actor: str) -> None:
        """The same for a role."""
        await self._check(AccessRule(role=role), "", actor)

    async def _check(self, rule: AccessRule, access: str, actor: str) -> None:
        user = _user(actor)
        if user is None:
            return
        decision = decide(rule, await self._people.roles_for(user), user)
        if not decision.known:
            raise Unavailable("Slack does not say who has the role.", hint="Try again in a minute.")
        if not decision.allowed:
            raise Refused(_refused(decision, access))


def _refused(decision: Decision, access: str) -> str:
    what = f"/{access} takes" if access else "this takes"
    who = [f"<@{user}>" for user in decision.holders[:5]]
    have = "has" if len(who) == 1 else "have"
    return f"Not done: {what} the role {decision.role}" + (
        f", which {join(who)} {have}." if who else "."
    )


def _user(actor: str) -> str | None:
    """The Slack user ID of an actor; None for everyone else."""
    kind, _, name = actor.partition(":")
    return name if kind == "slack" else None


def _is_person(actor: str) -> bool:
    return actor.startswith(("slack:", "os:"))
