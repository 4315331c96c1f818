"""`enclave releases`, over custody's socket with the real policy server and ledger beside it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from enclave import app
from enclave.adapters import custody_client
from enclave.cli import cli
from enclave.core.refusal import Refused
from tests.contract import test_custody_service
from tests.contract.test_custody_service import CUSTODIAN, Running, refused
from tests.fakes.custody_site import a_small_database

policy = test_custody_service.policy
running = test_custody_service.running


@pytest.fixture
def public(tmp_path: Path) -> list[str]:
    """The arguments that enter a table of three numbers, one of them hidden."""
    (tmp_path / "sexes.csv").write_text('sex,persons\nT,"1,200"\nf,1191\nm,<10\n', encoding="utf-8")
    (tmp_path / "spec.yaml").write_text("dimensions: {sex: {total: T}}\ncount: persons\n", encoding="utf-8")
    return [str(tmp_path / "sexes.csv"), "--spec", str(tmp_path / "spec.yaml"), "--database", "small"]


def told(*arguments: str) -> Any:
    done = CliRunner().invoke(cli, ["releases", *arguments, "--json"], catch_exceptions=False)
    return json.loads(done.stdout)


def test_a_public_table_is_entered_once_and_listed(
    running: Running, tmp_path: Path, public: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The custodian enters it with the operator's command, the log has it, and what was entered stays as it is."""
    monkeypatch.setattr(custody_client, "custody_of", lambda _site, caller: running.client(caller))
    monkeypatch.setattr(app, "custodian_of", lambda _site, _person: "yamamoto")
    running.client("operator").register(a_small_database(tmp_path / "files"), CUSTODIAN)
    entered = told("enter", *public, "--name", "edition 9")
    assert (entered["numbers"], entered["intervals"], entered["persons_known"]) == (3, 1, False)
    (listed,) = told("list", "--database", "small")["releases"]
    assert (listed["release"], listed["project"], listed["numbers"]) == ("edition 9", None, 3)
    assert refused("custody.release_known", lambda: told("enter", *public, "--name", "edition 9"))
    assert refused("operation.site_unknown", lambda: told("list", "--database", "small", "--site", "none"))
    assert refused("catalogue.database_unknown", lambda: told("list", "--database", "nobody"))
    from enclave.audit.ledger import Sought

    leaves = [one.leaf for one in running.ledger.client("auditor").search(Sought()).entries]
    assert "release.entered" in [leaf["action"] for leaf in leaves]


def test_nobody_else_enters_or_lists_releases(running: Running) -> None:
    """No other service may ask, and the operator's command not for another role."""
    body = {"database": "small", "release": "r", "cells": [{"table": "t", "keys": [], "low": 1, "high": 1}]}
    for service in ("gateway", "portal", "hub"):
        for target in ("", "/listed"):
            refused(
                "custody.caller_not_allowed",
                lambda s=service, t=target: running.client(s).publications(t, body, CUSTODIAN),
            )
    for role in ("operator", "checker", "handler"):
        actor = {"person": "kobayashi", "role": role}
        with pytest.raises(Refused) as no:
            running.client("operator").publications("", body, actor)
        assert no.value.code == "custody.not_allowed"
