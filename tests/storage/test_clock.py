from datetime import UTC, datetime, timedelta, timezone

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, literal, select

from storage.clock import Instant, after, now
from storage.database import Database

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=zones)
on_one_database = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def instant(moment: datetime) -> ColumnElement[datetime]:
    return literal(moment, Instant())


def test_time_goes_forwards_and_seconds_shift_it(database: Database) -> None:
    with database.read() as connection:
        statement = select(after(-5) < now(), now() < after(5), after(-0.5) < after(-0.25), after(86_400) > now())
        assert all(connection.execute(statement).one())


def test_the_time_is_told_with_its_zone(database: Database) -> None:
    with database.read() as connection:
        told, later = connection.execute(select(now(), after(3_600))).one()
    assert told.utcoffset() is not None
    assert abs(told - datetime.now(UTC)) < timedelta(minutes=1)
    assert abs(later - told - timedelta(hours=1)) < timedelta(minutes=1)


def test_the_clock_of_a_transaction_does_not_stand_still(database: Database) -> None:
    """Leases are measured at the statement, however long its transaction has been open."""
    with database.durable() as connection:
        first = connection.execute(select(now())).scalar_one()
        latest = first
        while latest == first:
            latest = connection.execute(select(now())).scalar_one()
    assert latest > first


@on_one_database
@given(moments)
def test_a_moment_comes_back_as_the_same_moment(database: Database, moment: datetime) -> None:
    with database.read() as connection:
        told = connection.execute(select(instant(moment))).scalar_one()
    assert told == moment
    assert told.utcoffset() is not None


@on_one_database
@given(moments, moments)
def test_the_database_orders_moments_as_time_does(database: Database, one: datetime, other: datetime) -> None:
    """E16: whatever the zones they are told in."""
    with database.read() as connection:
        assert connection.execute(select(instant(one) < instant(other))).scalar_one() == (one < other)


@on_one_database
@given(st.floats(-1e6, 1e6))
def test_any_shift_is_understood(database: Database, seconds: float) -> None:
    with database.read() as connection:
        told, shifted = connection.execute(select(now(), after(seconds))).one()
    assert abs((shifted - told).total_seconds() - seconds) < 1


def test_a_moment_of_the_program_compares_with_the_clock_of_the_database(database: Database) -> None:
    """SQLite compares texts: both must be written alike."""
    with database.read() as connection:
        told = connection.execute(select(now())).scalar_one()
        hour = timedelta(hours=1)
        statement = select(instant(told - hour) < now(), now() < instant(told + hour), instant(told) <= now())
        assert all(connection.execute(statement).one())
