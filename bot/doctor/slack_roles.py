"""The people and groups that the configuration names, and whether roles have enough of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bot.app import slack_commands
from bot.config.access import ANYONE, RUNBOOK, runbook_rule
from bot.config.settings import Settings
from bot.config.words import nearest
from bot.doctor.model import Finding, beware, well, wrong
from bot.slack import directory, survey
from bot.slack.client import SlackClient
from bot.slack.installation import Identity
from bot.words import count, join

AREA = "Slack"
_MEMBER_ID = "in Slack, open their profile, ⋮, Copy member ID"


@dataclass
class _Seen:
    """What Slack said of every entry: group ID → members, user ID → standing (None: unknown)."""

    handles: Mapping[str, str] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    people: dict[str, survey.PersonSeen | None] = field(default_factory=dict)

    def holders(self, entry: str) -> set[str]:
        """The full members whom an entry means."""
        if entry[0] not in "@S":
            return {entry} if (seen := self.people[entry]) and not seen.standing else set()
        return set(self.groups.get(self.handles.get(entry, entry)) or ())


async def findings(settings: Settings, client: SlackClient, identity: Identity) -> list[Finding]:
    """What is wrong with each entry, then with each role as a whole."""
    entries = dict(_entries(settings))
    seen = await _look(client, entries, identity)
    found = [
        finding
        for entry, place in entries.items()
        if (finding := await _trouble(client, entry, place, seen, identity))
    ]
    for role, members in settings.roles.items():
        holders = set().union(*(seen.holders(each) for each in members))
        if holders:
            found.append(well(AREA, f"roles.{role}", f"{count(len(holders), 'person', 'people')}."))
        found += await _approvals(settings, role, holders, seen)
    return found


def _entries(settings: Settings) -> Iterator[tuple[str, str]]:
    """Each person or group → the first place that names it."""
    named: dict[str, str] = {}
    for role, members in settings.roles.items():
        for member in members:
            named.setdefault(member, f"roles.{role}")
    for title, checklist in settings.checklists.items():
        for number, item in enumerate(checklist.items):
            if item.who:
                named.setdefault(item.who, f"checklists.{title}.items[{number}].who")
    if settings.oncall.rotation:
        for user in settings.oncall.rotation.people:
            named.setdefault(user, "oncall.rotation.people")
    for number, step in enumerate(settings.oncall.escalation):
        if step.notify not in ("oncall", "secondary"):
            named.setdefault(step.notify, f"oncall.escalation[{number}].notify")
    yield from named.items()


async def _look(client: SlackClient, entries: Mapping[str, str], identity: Identity) -> _Seen:
    seen = _Seen()
    if any(entry.startswith("@") for entry in entries):
        seen.handles = await survey.group_handles(client)
    groups = {seen.handles.get(entry, entry) for entry in entries if entry[0] in "@S"}
    for group in sorted(each for each in groups if not each.startswith("@")):
        seen.groups[group] = await survey.group_members(client, group)
    users = [entry for entry in entries if entry[0] not in "@S"]
    asked = (survey.person(client, user, identity.team_id) for user in users)
    seen.people.update(zip(users, await asyncio.gather(*asked), strict=True))
    return seen


async def _trouble(
    client: SlackClient, entry: str, place: str, seen: _Seen, identity: Identity
) -> Finding | None:
    """What is wrong with one entry, None where nothing is."""
    if entry.startswith("@") and entry not in seen.handles:
        return wrong(AREA, place, *await _unknown_handle(client, entry, seen))
    if entry[0] in "@S":
        members = seen.groups[seen.handles.get(entry, entry)]
        if members is None:
            says = f"There is no user group {entry}."
            return wrong(AREA, place, says, "Write a group's handle (@ops) or its ID (S…).")
        if not members:
            says = f"The user group {entry} has no members."
            return wrong(
                AREA, place, says, "Add people to it in Slack, under People & user groups."
            )
        return None
    person = seen.people[entry]
    if person is None:
        says = f"{identity.team} has no person {entry}."
        return wrong(AREA, place, says, f"Copy the ID again: {_MEMBER_ID}.")
    if person.standing:
        says = f"{entry} (@{person.handle}) is {person.standing}."
        todo = "Roles are for full members: name another person."
        return wrong(AREA, place, says, todo)
    return None


async def _unknown_handle(client: SlackClient, entry: str, seen: _Seen) -> tuple[str, str]:
    """A handle that is no group's: often it is a person's."""
    if people := await directory.people_called(client, entry):
        says = f"{entry} is a person, and only groups are named by handle."
        return says, f"Write {join([each.id for each in people], 'or')} instead."
    if not seen.handles:
        says = f"There is no user group {entry}: this workspace has none."
        return says, f"Name people by their member IDs ({_MEMBER_ID})."
    says = f"There is no user group {entry}{nearest(entry, seen.handles)}."
    return says, f"Correct the handle, or name people by their member IDs ({_MEMBER_ID})."


async def _approvals(
    settings: Settings, role: str, holders: set[str], seen: _Seen
) -> list[Finding]:
    """Commands whose approvals nobody but the asker could give."""
    commands = {each.name for each in await slack_commands(settings)} | settings.access.keys()
    commands |= {runbook_rule(name) for name in settings.runbooks}
    short = [
        (command, rule.approvals)
        for command in sorted(commands)
        if (rule := settings.rule(command)).role == role != ANYONE
        and 0 < len(holders) <= rule.approvals
    ]
    return [
        beware(
            AREA,
            _place(settings, command),
            f"/{command} asks for {count(approvals, 'approval')} by others with the role {role},"
            f" which {count(len(holders), 'person has', 'people have')}.",
            f"Add people to roles.{role}, or lower {_place(settings, command)}.approvals.",
        )
        for command, approvals in short
    ]


def _place(settings: Settings, command: str) -> str:
    """Where the approvals of a command or a runbook are configured."""
    if command in (runbook_rule(name) for name in settings.runbooks):
        restores = settings.rule(command).approvals > settings.rule(RUNBOOK).approvals
        return "access.restore" if restores else f"access.{RUNBOOK}"
    return f"access.{command}"
