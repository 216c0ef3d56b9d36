# SPDX-License-Identifier: Apache-2.0
"""One of the five web applications that sessions_test.go knows.

    app.py HOST PORT        with sessions.py of docs/sessions.md beside it
"""
import sys

from flask import Flask, request, session

from sessions import keep_sessions

app = Flask(__name__)
keep_sessions(app)


@app.get("/")
def ready():
    return "ready"


@app.get("/login")
def login():
    session.clear()
    session["user"], session["count"] = request.args["user"], 0
    return "hello " + session["user"]


@app.get("/count")
def count():
    if "user" not in session:
        return "", 401
    session["count"] += 1
    return f"{session['user']} {session['count']}"


@app.get("/logout")
def logout():
    session.clear()
    return "bye"


app.run(sys.argv[1], int(sys.argv[2]))
