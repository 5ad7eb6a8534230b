"""projects; what editors keep with a flow

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

from storage.clock import Instant

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('projects',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('user_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('created_at', Instant(), nullable=False),
    sa.Column('updated_at', Instant(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('projects', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_projects_user_id'), ['user_id'], unique=False)

    with op.batch_alter_table('flows', schema=None) as batch_op:
        batch_op.add_column(sa.Column('project_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column('icon', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('icon_bg_color', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('locked', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('mcp_enabled', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_foreign_key('flows_project', 'projects', ['project_id'], ['id'], ondelete='SET NULL')
        batch_op.create_index(batch_op.f('ix_flows_project_id'), ['project_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('flows', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_flows_project_id'))
        batch_op.drop_constraint('flows_project', type_='foreignkey')
        batch_op.drop_column('mcp_enabled')
        batch_op.drop_column('locked')
        batch_op.drop_column('icon_bg_color')
        batch_op.drop_column('icon')
        batch_op.drop_column('project_id')
    op.drop_table('projects')
