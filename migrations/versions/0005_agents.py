"""what agents keep of their conversations; budgets of tokens

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

from storage.clock import Instant

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('checkpoints',
    sa.Column('job_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('vertex_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('visit', sa.Integer(), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('created_at', Instant(), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('job_id', 'vertex_id', 'visit', 'name')
    )
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('tokens', sa.BigInteger(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('max_tokens', sa.BigInteger(), nullable=True))
    with op.batch_alter_table('flows', schema=None) as batch_op:
        batch_op.add_column(sa.Column('max_tokens', sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('flows', schema=None) as batch_op:
        batch_op.drop_column('max_tokens')
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.drop_column('max_tokens')
        batch_op.drop_column('tokens')
    op.drop_table('checkpoints')
