"""amendments of permits, and the opinions on them

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('amendments',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('permit_id', sa.String(length=40), nullable=False),
    sa.Column('revises', sa.Integer(), nullable=False),
    sa.Column('project', sa.String(length=30), nullable=False),
    sa.Column('applicant', sa.String(length=30), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('body', sa.JSON(), nullable=False),
    sa.Column('reason', sa.String(length=100), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('waiting_for', sa.String(length=40), nullable=True),
    sa.Column('submitted_at', sa.String(length=40), nullable=False),
    sa.Column('decided_at', sa.String(length=40), nullable=True),
    sa.Column('brought', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['applicant'], ['persons.id'], name=op.f('fk_amendments_applicant_persons')),
    sa.ForeignKeyConstraint(['permit_id', 'revises'], ['permits.permit_id', 'permits.revision'], name=op.f('fk_amendments_permit_id_permits')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_amendments')),
    sa.UniqueConstraint('waiting_for', name=op.f('uq_amendments_waiting_for'))
    )
    with op.batch_alter_table('amendments', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_amendments_project'), ['project'], unique=False)

    op.create_table('amendment_opinions',
    sa.Column('amendment', sa.String(length=40), nullable=False),
    sa.Column('reviewer', sa.String(length=30), nullable=False),
    sa.Column('opinion', sa.String(length=10), nullable=False),
    sa.Column('comment', sa.String(length=100), nullable=True),
    sa.Column('given_at', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['amendment'], ['amendments.id'], name=op.f('fk_amendment_opinions_amendment_amendments')),
    sa.ForeignKeyConstraint(['reviewer'], ['persons.id'], name=op.f('fk_amendment_opinions_reviewer_persons')),
    sa.PrimaryKeyConstraint('amendment', 'reviewer', name=op.f('pk_amendment_opinions'))
    )


def downgrade() -> None:
    op.drop_table('amendment_opinions')
    with op.batch_alter_table('amendments', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_amendments_project'))

    op.drop_table('amendments')
