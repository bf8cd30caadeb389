"""opsbell.example.yaml is the whole GrandVPS profile and works as it is shipped."""

from pathlib import Path

import psycopg
import pytest

from bot.config import Settings, load
from bot.config.checks import SqlCheck

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "tests" / "parts" / "grandvps" / "schema.sql"

GUIDE = {
    "daily": [
        "Monitor application logs for errors",
        "Check system resource usage (CPU, memory, disk)",
        "Review failed payment transactions",
        "Monitor VPS instance statuses",
        "Check backup completion status",
    ],
    "weekly": [
        "Review user support tickets",
        "Analyze application performance metrics",
        "Check SSL certificate expiration",
        "Review security logs for suspicious activity",
        "Update system packages (if safe)",
    ],
    "monthly": [
        "Generate monthly financial reports",
        "Review user account statuses",
        "Analyze system performance trends",
        "Update documentation",
        "Plan for upcoming features",
    ],
    "security": [
        "Review user permissions",
        "Check for vulnerable packages",
        "Monitor failed login attempts",
        "Review firewall rules",
        "Audit database access logs",
    ],
    "quarterly": [
        "Review user feedback monthly",
        "Prioritize based on impact and effort",
        "Plan releases quarterly",
        "Test thoroughly before deployment",
    ],
    "release": [
        "Requirement gathering",
        "Design and planning",
        "Implementation",
        "Testing (unit, integration, e2e)",
        "Code review",
        "Staging deployment",
        "Production deployment",
        "Monitoring and optimization",
    ],
}


@pytest.fixture(scope="module")
def example() -> Settings:
    return load(ROOT / "opsbell.example.yaml", {})


def test_every_checklist_of_the_guide_is_there_word_for_word(example: Settings) -> None:
    lists = {name: [item.text for item in c.items] for name, c in example.checklists.items()}
    assert lists == GUIDE


def test_all_lists_come_by_the_clock_but_the_release(example: Settings) -> None:
    by_hand = [name for name, c in example.checklists.items() if c.schedule is None]
    assert by_hand == ["release"]
    assert all(c.due for c in example.checklists.values() if c.schedule)


def test_evidence_stands_where_a_check_can_give_it(example: Settings) -> None:
    used = {item.check for c in example.checklists.values() for item in c.items if item.check}
    assert used == set(example.checks)
    assert all(item.check for item in example.checklists["daily"].items)


def test_the_guides_procedures_and_contacts_are_there(example: Settings) -> None:
    assert set(example.runbooks) == {
        "db-optimize",
        "cache-clear",
        "static-files",
        "ssl-renew",
        "ssl-setup",
        "system-packages",
        "docker-images",
    }
    assert [step.sql for step in example.runbooks["db-optimize"].steps] == ["ANALYZE", "VACUUM"]
    roles = [contact.role for contact in example.contacts]
    assert roles == ["Primary contact", "Secondary contact", "Hosting provider"]
    assert example.backups["grandvps"].include == ("database", "media", "logs", "config")


def test_the_examples_queries_run_on_the_sample_database(
    example: Settings, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        # Without its role, which would outlive this database.
        lines = SCHEMA.read_text(encoding="utf-8").splitlines()
        schema = "\n".join(line for line in lines if "grandvps_readonly" not in line)
        connection.execute(schema.encode())
        queries = [check.query for check in example.checks.values() if isinstance(check, SqlCheck)]
        assert len(queries) == 5
        for query in queries:
            row = connection.execute(query.encode()).fetchone()
            assert row is not None
            assert float(row[0]) >= 0
