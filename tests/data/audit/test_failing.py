"""What ``--fail-on`` understands and finds."""

from __future__ import annotations

import pytest

from fxdet.core.errors import ConfigError
from fxdet.data.audit.failing import FINDINGS, fail_codes, found_codes
from fxdet.data.audit.faults import FAULTS
from fxdet.data.audit.results import AuditResult


def test_every_finding_and_fault_can_be_asked_for():
    assert fail_codes(",".join([*FINDINGS, *FAULTS])) == (*FINDINGS, *FAULTS)


def test_codes_are_kept_once_in_order():
    assert fail_codes(" Truncated,leak,,leak ") == ("truncated", "leak")
    assert fail_codes("") == ()


def test_a_typing_mistake_is_answered():
    with pytest.raises(ConfigError, match=r"--fail-on: got 'truncted' – did you mean 'truncated'\?"):
        fail_codes("leak,truncted")


def test_found(made):
    assert found_codes(made, ("leak", "truncated", "undecodable", "conflict", "fault")) == {
        "leak": 1,
        "truncated": 4,
        "conflict": 1,
        "fault": 4,
    }
    assert found_codes(made, tuple(FINDINGS)) == dict.fromkeys(FINDINGS, 1) | {"duplicate": 2, "fault": 4}


def test_nothing_found_in_a_clean_set():
    assert found_codes(AuditResult((), ()), (*FINDINGS, *FAULTS)) == {}
