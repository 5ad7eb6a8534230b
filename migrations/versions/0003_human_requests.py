"""human requests, and jobs that wait for people

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

from storage.clock import Instant

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

SUSPENDED = {name: sa.text("status = 'suspended'") for name in ('postgresql_where', 'sqlite_where')}
OPEN = {name: sa.text("state = 'open'") for name in ('postgresql_where', 'sqlite_where')}


def upgrade() -> None:
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('seconds_left', sa.Float(), nullable=True))
        batch_op.add_column(sa.Column('writes', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('asking', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('unapplied', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('is_paused', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_index('jobs_suspended', ['user_id', 'flow_id', 'session_id'], unique=False, **SUSPENDED)

    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.add_column(sa.Column('content_blocks', sa.Text(), nullable=False, server_default='[]'))

    op.create_table('human_requests',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('job_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('user_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('flow_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('vertex_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('visit', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('state', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('digest', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.Column('asked_at', Instant(), nullable=False),
    sa.Column('deadline_at', Instant(), nullable=True),
    sa.Column('due_at', Instant(), nullable=True),
    sa.Column('decision', sa.Text(), nullable=True),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('decided_at', Instant(), nullable=True),
    sa.Column('decided_from', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('is_late', sa.Boolean(), nullable=False),
    sa.Column('is_applied', sa.Boolean(), nullable=False),
    sa.CheckConstraint("state IN ('open', 'answered', 'expired', 'withdrawn')", name='human_requests_state'),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('human_requests', schema=None) as batch_op:
        batch_op.create_index('human_requests_of_job', ['job_id', 'number'], unique=False)
        batch_op.create_index('human_requests_open', ['user_id', 'asked_at', 'id'], unique=False, **OPEN)
        batch_op.create_index('human_requests_due', ['due_at'], unique=False, **OPEN)

    op.create_table('answerers',
    sa.Column('request_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('user_name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.ForeignKeyConstraint(['request_id'], ['human_requests.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('request_id', 'user_name')
    )
    with op.batch_alter_table('answerers', schema=None) as batch_op:
        batch_op.create_index('answerers_of_user', ['user_name', 'request_id'], unique=False)


def downgrade() -> None:
    op.drop_table('answerers')
    op.drop_table('human_requests')
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.drop_column('content_blocks')
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.drop_index('jobs_suspended', **SUSPENDED)
        batch_op.drop_column('is_paused')
        batch_op.drop_column('unapplied')
        batch_op.drop_column('asking')
        batch_op.drop_column('writes')
        batch_op.drop_column('seconds_left')
