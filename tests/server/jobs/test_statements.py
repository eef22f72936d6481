"""Statements that are written once: they do what SQLAlchemy would, in each database that we support."""

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from gaia_server.jobs import engine as database
from gaia_server.jobs.rows import WORKS, read_work, write_work
from gaia_server.jobs.statements import Statement
from gaia_server.jobs.store import Store
from gaia_server.jobs.tables import works
from gaia_workers.contract import Words

ADD = Statement(insert(works))
CHANGE = Statement(update(works).where(works.c.id == bindparam("this_work"), works.c.state == "accepted"))
FIND = Statement(select(works.c.attempt, works.c.centre).where(works.c.centre == bindparam("centre")))


def test_values_stand_in_the_tables_as_if_sqlalchemy_had_put_them_there(store: Store, make_job) -> None:
    work = make_job(reason=Words(en="why", fr="pourquoi")).work
    with database.writing(store.engine) as connection:
        assert ADD.change(connection, write_work(work)) == 1
        assert read_work(connection.execute(WORKS.where(works.c.id == work.id)).one()) == work


def test_what_is_not_given_is_as_the_statement_says_and_each_set_of_names_is_a_change_of_its_own(
    store: Store, make_job
) -> None:
    work = make_job().work
    with database.writing(store.engine) as connection:
        ADD.change(connection, write_work(work))
        this = {"this_work": work.id}
        assert CHANGE.change(connection, this | {"centre": "theia"}) == 1
        assert CHANGE.change(connection, this | {"attempt": 2, "state": "running"}) == 1
        assert CHANGE.change(connection, this | {"centre": "pndb"}) == 0  # it is not accepted any more
        assert FIND.all(connection, {"centre": "theia"}) == [(2, "theia")]
        assert FIND.first(connection, {"centre": "pndb"}) is None


def test_an_error_of_the_driver_is_the_one_that_sqlalchemy_makes_of_it_and_tells_no_values(
    store: Store, make_job
) -> None:
    work = make_job().work
    with store.engine.begin() as connection:
        ADD.change(connection, write_work(work))
    with pytest.raises(IntegrityError) as raised, store.engine.begin() as connection:
        ADD.change(connection, write_work(work))
    assert work.id not in str(raised.value).partition("[SQL")[2]
