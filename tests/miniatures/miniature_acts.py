"""Acts with one known defect each, by the name of the table or channel that they meet."""

import os
import time

import psycopg2


def connect(dsn, *, autocommit=True, **options):
    if "password" in options.get("application_name", ""):
        raise ValueError(f"cannot connect to {dsn}")
    connection = psycopg2.connect(dsn, **options)
    connection.autocommit = bool(autocommit)
    return connection


def close(connection):
    connection.close()


def execute(connection, sql):
    if "crash" in sql:
        os.abort()
    if "hang" in sql:
        time.sleep(3600)
    connection.cursor().execute(sql)


def fetch_val(connection, sql):
    cursor = connection.cursor()
    cursor.execute(sql)
    value = cursor.fetchone()[0]
    if "canary-" in str(value):
        return OUT_OF_STEP.get(connection.info.backend_pid, value)
    return value


OUT_OF_STEP = {}


def fetch(connection, sql):
    OUT_OF_STEP[connection.info.backend_pid] = "the answer before"
    return [(1, "one")]


def row_count(connection, sql):
    return "3"


def info(connection):
    return {"dbname": "pgdyno", "port": 1}


def notices(connection, sql):
    raise NotImplementedError("this one has no notices")
