"""`tutelage verify`: what it prints, for people and for machines, and how it ends."""

from __future__ import annotations

import json

from tutelage.algorithms import functional


def test_a_line_for_each_claim(tutelage) -> None:
    code, out, err = tutelage("verify", "--only", "G17")
    assert (code, err) == (0, "")
    heading, *lines, last = out.splitlines()
    assert heading.split() == ["expected", "got", "off", "by", "at", "most", "claim"]
    assert [line[:5] for line in lines] == ["✓ G17"] * len(lines)
    said = "1           1        0    1e-15  Advantages with lambda 0 are TD(0) errors."
    assert lines[1].endswith(said)
    assert last.startswith(f"All {len(lines)} claims hold, ")


def test_json_is_one_document_with_every_claim(tutelage) -> None:
    code, out, err = tutelage("verify", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["hold"] is True
    assert document["seconds"] > 0
    names = [claim["name"] for claim in document["claims"]]
    wanted = [*range(1, 13), *range(15, 20)]
    assert set(names) == {"PPO", *(f"G{number}" for number in wanted)}
    for claim in document["claims"]:
        assert claim["holds"] is True
        assert claim["error"] <= claim["tolerance"]
        assert claim["statement"].endswith(".")
        assert set(claim) == {
            "name", "statement", "expected", "got", "error", "tolerance", "holds", "seconds"
        }  # fmt: skip


def broken(tutelage, monkeypatch, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(functional, "kl_k2", lambda x, y: (x - y).square())
    return tutelage("verify", "--only", "G7", "G17", *words)


def test_a_claim_that_fails_is_the_last_line_and_exit_1(tutelage, monkeypatch) -> None:
    code, out, err = broken(tutelage, monkeypatch)
    assert (code, err) == (1, "1 of 9 claims did not hold: G7.\n")
    failed = [line for line in out.splitlines() if line.startswith("✗")]
    assert len(failed) == 1
    assert failed[0].endswith("k2 as a loss pushes as KL(π‖ref) does.")
    assert "claims hold" not in out


def test_json_of_a_failure(tutelage, monkeypatch) -> None:
    code, out, err = broken(tutelage, monkeypatch, "--json")
    assert (code, err) == (1, "1 of 9 claims did not hold: G7.\n")
    document = json.loads(out)
    assert document["hold"] is False
    assert [claim["name"] for claim in document["claims"] if not claim["holds"]] == ["G7"]


def test_what_is_not_a_number_fails_and_is_null(tutelage, monkeypatch) -> None:
    monkeypatch.setattr(functional, "kl_k2", lambda x, y: (x - y) * float("nan"))
    code, out, _ = tutelage("verify", "--only", "G7", "--json")
    assert code == 1
    (failed,) = [claim for claim in json.loads(out)["claims"] if not claim["holds"]]
    assert (failed["got"], failed["error"]) == (None, None)


def test_unknown_claim_is_one_sentence_and_exit_2(tutelage) -> None:
    names = ", ".join(f"G{n}" for n in (*range(1, 13), *range(15, 20))) + " and PPO"
    said = f"There is no claim 'G99'; there are {names}.\n"
    assert tutelage("verify", "--only", "G99") == (2, "", said)
