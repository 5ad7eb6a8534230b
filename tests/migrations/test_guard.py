from collections.abc import Mapping
from pathlib import Path

import pytest
from alembic.script import Script, ScriptDirectory

from storage.schema import MIGRATIONS
from tests.migrations.guard import faults

SCRIPTS = ScriptDirectory(str(MIGRATIONS))
REVISIONS: Mapping[str, Script] = {script.revision: script for script in SCRIPTS.walk_revisions()}

REFUSED = {
    "op.drop_table('jobs')": "drops a table",
    "drop_table('jobs')": "drops a table",
    "op.drop_column('jobs', 'worker')": "drops a column",
    "batch_op.drop_column('worker')": "drops a column",
    "op.rename_table('jobs', 'runs')": "renames a table",
    "op.alter_column('jobs', 'worker', new_column_name='owner')": "renames a column",
    "batch_op.alter_column('worker', type_=sa.String(8))": "changes the type of a column",
    "batch_op.alter_column('worker', existing_type=sa.String(), nullable=False)": "makes a column NOT NULL",
    "batch_op.alter_column('worker', nullable=strict)": "makes a column NOT NULL",
    "op.add_column('jobs', sa.Column('a', sa.Text(), nullable=False))": "adds a NOT NULL column without server_default",
    "batch_op.add_column(sa.Column('a', sa.Text(), nullable=False, server_default=None))": "without server_default",
    "batch_op.add_column(column=Column('a', Text(), nullable=False))": "adds a NOT NULL column without server_default",
    "op.add_column('jobs', column)": "adds a column that cannot be read here",
    "op.execute('ALTER TABLE jobs DROP COLUMN worker')": "executes SQL with DROP COLUMN",
    "op.execute(sa.text('alter table jobs rename to runs'))": "executes SQL with RENAME",
    "op.get_bind().execute(sa.text(f'DROP TABLE {name}'))": "executes SQL with DROP TABLE",
    "op.execute('ALTER TABLE jobs ALTER COLUMN worker SET NOT NULL')": "executes SQL with ALTER COLUMN",
    "op.execute(statement)": "executes SQL that cannot be read here",
}
ALLOWED = (
    "op.create_table('runs', sa.Column('id', sa.Text(), nullable=False))",
    "op.create_index('jobs_new', 'jobs', ['worker'])",
    "op.drop_index('jobs_newest')",
    "batch_op.drop_constraint('jobs_status', type_='check')",
    "batch_op.add_column(sa.Column('a', sa.Text(), nullable=True))",
    "op.add_column('jobs', sa.Column('a', sa.Text()))",
    "op.add_column('jobs', sa.Column('a', sa.Integer(), nullable=False, server_default='0'))",
    "batch_op.alter_column('worker', existing_type=sa.String(), nullable=True)",
    "op.alter_column('jobs', 'worker', server_default='nobody')",
    "op.execute(\"UPDATE jobs SET worker = 'nobody' WHERE worker IS NULL\")",
)


def migration(step: str, head: str = "") -> str:
    """The source of a migration with one step inside a batch."""
    return f"{head}\ndef upgrade():\n    with op.batch_alter_table('jobs') as batch_op:\n        {step}\n"


def earlier_than(script: Script) -> set[str]:
    """All revisions before one, the nearest and those they follow."""
    return {found.revision for found in SCRIPTS.iterate_revisions(script.revision, "base")} - {script.revision}


@pytest.mark.parametrize("revision", sorted(REVISIONS))
def test_a_migration_takes_nothing_away_from_the_release_that_still_runs(revision: str) -> None:
    """E9."""
    script = REVISIONS[revision]
    assert faults(Path(script.path).read_text(), earlier_than(script)) == []


def test_every_file_of_a_migration_is_looked_at() -> None:
    files = {path for path in (MIGRATIONS / "versions").glob("*.py") if path.name != "__init__.py"}
    assert {Path(script.path) for script in REVISIONS.values()} == files
    assert files


@pytest.mark.parametrize(("step", "fault"), REFUSED.items())
def test_a_step_that_takes_away_is_refused(step: str, fault: str) -> None:
    [found] = faults(migration(step), {"0001"})
    assert found.startswith("line 4 ")
    assert found.endswith(fault)


@pytest.mark.parametrize("step", ALLOWED)
def test_a_step_that_only_adds_is_allowed(step: str) -> None:
    assert faults(migration(step), {"0001"}) == []


@pytest.mark.parametrize("step", REFUSED)
def test_a_contraction_that_names_an_earlier_revision_is_allowed(step: str) -> None:
    assert faults(migration(step, 'contract_of = "0001"'), {"0001"}) == []
    assert faults(migration(step, 'contract_of: str = "0001"'), {"0001", "0002"}) == []


@pytest.mark.parametrize("head", ['contract_of = "0002"', 'contract_of = "nowhere"', "contract_of = None"])
def test_a_contraction_of_no_earlier_revision_is_refused(head: str) -> None:
    [found] = faults(migration("op.drop_table('jobs')", head), {"0001"})
    assert "no earlier revision" in found


def test_every_fault_of_a_migration_is_told() -> None:
    both = "batch_op.alter_column('worker', new_column_name='owner', type_=sa.Text(), nullable=False)"
    assert len(faults(migration(both), set())) == 3


def test_what_stands_in_a_helper_is_found_and_what_stands_in_downgrade_is_never_run() -> None:
    source = "def _shrink():\n    op.drop_table('jobs')\n"
    assert len(faults(source, set())) == 1
    assert faults(source.replace("_shrink", "downgrade"), set()) == []
