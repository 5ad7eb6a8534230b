"""fair turns, intents, and who works

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

from storage.clock import Instant

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

WAITING = {name: sa.text("status = 'queued'") for name in ('postgresql_where', 'sqlite_where')}


def upgrade() -> None:
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('turn', sa.BigInteger(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('taken_from', sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column('vertex_deadline_at', Instant(), nullable=True))
        batch_op.create_index('jobs_waiting', ['mode', 'turn', 'created_at'], unique=False, **WAITING)
        batch_op.create_index('jobs_waiting_of_user', ['user_id', 'turn'], unique=False, **WAITING)

    op.create_table('vertex_intents',
    sa.Column('job_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('vertex_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('visit', sa.Integer(), nullable=False),
    sa.Column('fence', sa.Integer(), nullable=False),
    sa.Column('created_at', Instant(), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('job_id', 'vertex_id', 'visit')
    )
    op.create_table('workers',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('threads', sa.Integer(), nullable=False),
    sa.Column('running', sa.Integer(), nullable=False),
    sa.Column('stuck', sa.Integer(), nullable=False),
    sa.Column('started_at', Instant(), nullable=False),
    sa.Column('seen_at', Instant(), nullable=False),
    sa.Column('claimed_at', Instant(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('sweeps',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('worker', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('begun_at', Instant(), nullable=False),
    sa.Column('finished_at', Instant(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )


def downgrade() -> None:
    op.drop_table('sweeps')
    op.drop_table('workers')
    op.drop_table('vertex_intents')
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.drop_index('jobs_waiting_of_user', **WAITING)
        batch_op.drop_index('jobs_waiting', **WAITING)
        batch_op.drop_column('vertex_deadline_at')
        batch_op.drop_column('taken_from')
        batch_op.drop_column('turn')
