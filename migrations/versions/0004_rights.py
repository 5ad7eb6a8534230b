"""who may do what: passwords, logins, shares, trust, end users, files, the audit log

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

from storage.clock import Instant, now

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

NAMES = {'uq': '%(table_name)s_%(column_0_name)s_key'}
"""What PostgreSQL calls a constraint without a name, and SQLite nothing."""


def only(condition):
    return {name: sa.text(condition) for name in ('postgresql_where', 'sqlite_where')}


def upgrade() -> None:
    add_identities()
    add_shares()
    add_trust()
    add_files()
    add_audit_log()


def add_identities() -> None:
    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.add_column(sa.Column('password', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('is_active', sa.Boolean(), nullable=False, server_default=sa.true()))

    with op.batch_alter_table('api_keys', schema=None) as batch_op:
        batch_op.add_column(sa.Column('expires_at', Instant(), nullable=True))
        batch_op.add_column(sa.Column('last_used_at', Instant(), nullable=True))

    op.create_table('logins',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('user_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('key_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('digest', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('created_at', Instant(), nullable=False),
    sa.Column('expires_at', Instant(), nullable=False),
    sa.Column('ended_at', Instant(), nullable=True),
    sa.ForeignKeyConstraint(['key_id'], ['api_keys.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('digest')
    )
    with op.batch_alter_table('logins', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_logins_key_id'), ['key_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_logins_user_id'), ['user_id'], unique=False)

    op.create_table('hash_keys',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )


def add_shares() -> None:
    with op.batch_alter_table('flows', schema=None, naming_convention=NAMES) as batch_op:
        batch_op.add_column(sa.Column('is_public', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.drop_constraint('flows_endpoint_name_key', type_='unique')
        batch_op.create_index('flows_endpoint_name', ['user_id', 'endpoint_name'], unique=True)

    op.create_table('flow_shares',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('flow_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('user_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('level', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('created_at', Instant(), nullable=False),
    sa.Column('created_by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.CheckConstraint("level IN ('read', 'execute', 'write')", name='flow_shares_level'),
    sa.ForeignKeyConstraint(['flow_id'], ['flows.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('flow_shares', schema=None) as batch_op:
        batch_op.create_index('flow_shares_of_flow', ['flow_id'], unique=False)
        batch_op.create_index('flow_shares_of_public', ['flow_id'], unique=True, **only('user_id IS NULL'))
        batch_op.create_index('flow_shares_of_user', ['user_id', 'flow_id'], unique=True, **only('user_id IS NOT NULL'))


def add_trust() -> None:
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('trust', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default='full'))
        batch_op.add_column(sa.Column('end_user', sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.create_check_constraint('jobs_trust', "trust IN ('full', 'confined', 'public')")


def add_files() -> None:
    op.create_table('files',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('user_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('end_user', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('flow_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('path', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('media_type', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('created_at', Instant(), nullable=False),
    sa.ForeignKeyConstraint(['flow_id'], ['flows.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('path')
    )
    with op.batch_alter_table('files', schema=None) as batch_op:
        batch_op.create_index('files_of_user', ['user_id', 'created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_files_flow_id'), ['flow_id'], unique=False)


def add_audit_log() -> None:
    op.create_table('audit_log',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', Instant(), nullable=False),
    sa.Column('user_id', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('user_name', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('action', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('subject', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('address', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('audit_log', schema=None) as batch_op:
        batch_op.create_index('audit_log_of_user', ['user_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_log_at'), ['at'], unique=False)


def downgrade() -> None:
    """Gives nobody more than they had, so what the release before cannot hold back must be over, or goes."""
    live = op.get_bind().execute(sa.text(
        "SELECT id FROM jobs WHERE trust <> 'full' AND status IN ('queued', 'in_progress', 'suspended') LIMIT 10"
    )).scalars().all()
    if live:
        raise RuntimeError(
            'Jobs of the public or of shared flows live, which the release before would trust with everything of '
            f'their user. Stop them first: {", ".join(live)}'
        )
    op.drop_table('audit_log')
    op.drop_table('files')
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.drop_constraint('jobs_trust', type_='check')
        batch_op.drop_column('end_user')
        batch_op.drop_column('trust')
    op.drop_table('flow_shares')
    op.execute(
        "UPDATE flows SET endpoint_name = NULL WHERE endpoint_name IN"
        " (SELECT endpoint_name FROM flows GROUP BY endpoint_name HAVING count(*) > 1)"
    )
    with op.batch_alter_table('flows', schema=None) as batch_op:
        batch_op.drop_index('flows_endpoint_name')
        batch_op.create_unique_constraint('flows_endpoint_name_key', ['endpoint_name'])
        batch_op.drop_column('is_public')
    op.drop_table('hash_keys')
    op.drop_table('logins')
    keys = sa.table('api_keys', sa.column('user_id'), sa.column('expires_at', Instant()))
    users = sa.table('users', sa.column('id'), sa.column('is_active', sa.Boolean()))
    inactive = sa.select(users.c.id).where(sa.not_(users.c.is_active))
    op.execute(sa.delete(keys).where(sa.or_(keys.c.expires_at <= now(), keys.c.user_id.in_(inactive))))
    with op.batch_alter_table('api_keys', schema=None) as batch_op:
        batch_op.drop_column('last_used_at')
        batch_op.drop_column('expires_at')
    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.drop_column('is_active')
        batch_op.drop_column('password')
