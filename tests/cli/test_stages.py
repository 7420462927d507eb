"""The stage commands one after the other, on a person's own files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import TEXT
from tutelage.commands.folders import find_model, read_prompts
from tutelage.errors import BadInput
from tutelage.model.checkpoint import load_model

SMALL = ["--steps", "2", "--width", "32", "--layers", "1", "--heads", "2", "--rows", "2",
         "--row-length", "16", "--vocabulary", "300"]  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text(TEXT)
    (tmp_path / "prompts.txt").write_text("count the lines\n\nsay plum\n")
    asked = [f"count the lines {number}" for number in range(16)]
    right, wrong = "wc -l plum.txt", "say there"
    write = {
        "shown": [{"prompt": prompt, "completion": right} for prompt in asked[:8]],
        "pairs": [{"prompt": prompt, "chosen": right, "rejected": wrong} for prompt in asked],
        "ratings": [
            {"prompt": prompt, "response": response, "overall": overall, "labeler": "Ann"}
            for prompt in asked[:8]
            for response, overall in ((right, 6), (wrong, 2))
        ],
    }
    for name, rows in write.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(text)
    return tmp_path


def test_a_person_raises_a_model_step_by_step(tutelage, files: Path) -> None:
    run = files / "run"

    def done(*words: object, mark: str) -> str:
        code, out, err = tutelage(*words, "--run", run)
        assert (code, err) == (0, "")
        assert mark in out
        return out

    done("pretrain", "--corpus", files / "text.txt", *SMALL, mark="✓ Pretrain")
    done(
        "sft",
        "--model",
        run,
        "--demonstrations",
        files / "shown.jsonl",
        "--epochs",
        "1",
        mark="✓ SFT",
    )
    reward = ["reward", "--model", run, "--comparisons", files / "pairs.jsonl", "--epochs", "20"]
    out = done(*reward, mark="✓ Reward model")
    assert "of 2 prompts, ranked alike: 100.0 % [1.2 to 100.0] (n = 2)" in out
    rated = ["reward", "--model", run, "--ratings", files / "ratings.jsonl", "--epochs", "20"]
    code, out, err = tutelage(*rated, "--run", files / "rated")
    assert (code, err) == (0, "")
    assert "two of a labeler ordered alike: 100.0 % [20.7 to 100.0] (n = 1)" in out
    assert (files / "rated" / "checkpoints" / "reward" / "raters.json").exists()
    out = done(
        "prefer", "--model", run, "--comparisons", files / "pairs.jsonl", mark="✓ Preferences"
    )
    assert f"Next      tutelage chat {run}\n" in out
    rl = ["rl", "--model", run, "--reward", run, "--prompts", files / "prompts.txt", "--steps", "1",
          "--prompts-per-step", "2", "--max-new-tokens", "4", "--algorithm"]  # fmt: skip
    out = done(*rl, "ppo", mark="✓ Reinforcement")
    assert "Next      tutelage chat" in out
    for stage in ("pretrain", "sft", "reward", "prefer", "rl"):
        load_model(run / "checkpoints" / stage)

    # The same command again has nothing to do; another one is refused.
    weights = (run / "checkpoints" / "rl" / "model.safetensors").read_bytes()
    done(*rl, "ppo", mark="Next")
    assert (run / "checkpoints" / "rl" / "model.safetensors").read_bytes() == weights
    code, _, err = tutelage(*rl, "rloo", "--run", run)
    assert code == 2
    assert "was begun with algorithm = ppo, not rloo" in err


@pytest.mark.parametrize("algorithm", ["ppo", "ppo_penalty", "trpo", "rloo", "grpo"])
def test_every_algorithm_can_be_chosen(tutelage, files: Path, run_folder: Path, algorithm) -> None:
    code, out, err = tutelage(
        "rl", "--model", run_folder, "--stage", "sft", "--reward", run_folder, "--prompts",
        files / "prompts.txt", "--run", files / "rl", "--steps", "1", "--prompts-per-step", "2",
        "--samples-per-prompt", "32", "--max-new-tokens", "40", "--algorithm", algorithm,
        "--kl-coefficient", "0.1",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "reward" in out
    before, after = (
        (folder / "model.safetensors").read_bytes()
        for folder in (run_folder / "checkpoints/sft", files / "rl/checkpoints/rl")
    )
    assert before != after


@pytest.mark.parametrize("loss", ["dpo", "ipo", "kto"])
@pytest.mark.parametrize("ranked_by", ["a person", "a judge"])
def test_every_preference_loss_can_be_chosen(
    tutelage, files: Path, run_folder: Path, loss: str, ranked_by: str
) -> None:
    person = ["--comparisons", files / "pairs.jsonl", "--epochs", "2"]
    judge = ["--prompts", files / "prompts.txt", "--reward", run_folder, "--steps", "1",
             "--prompts-per-step", "2", "--samples-per-prompt", "32",
             "--max-new-tokens", "40"]  # fmt: skip
    source = person if ranked_by == "a person" else judge
    prefer = ["prefer", "--model", run_folder, "--stage", "sft", "--loss", loss, "--run",
              files / "new"]  # fmt: skip
    code, out, err = tutelage(*prefer, *source)
    assert (code, err) == (0, "")
    assert "✓ Preferences" in out
    assert ("reward" in out) == (ranked_by == "a judge")
    weights = [
        (folder / "model.safetensors").read_bytes()
        for folder in (run_folder / "checkpoints/sft", files / "new/checkpoints/prefer")
    ]
    assert weights[0] != weights[1]
    assert find_model(files / "new") == files / "new/checkpoints/prefer"

    # The same command has nothing to do; with demonstrations beside it would be another one.
    assert tutelage(*prefer, *source)[0] == 0
    code, _, err = tutelage(*prefer, *source, "--demonstrations", files / "shown.jsonl")
    assert code == 2
    assert "demonstrations" in err


def test_a_stage_that_a_later_one_outspeaks_is_named(tutelage, files: Path, run_folder: Path):
    """Prefer is taught before PPO: the chat to go on with names it."""
    code, out, _ = tutelage(
        "prefer", "--model", run_folder, "--comparisons", files / "pairs.jsonl", "--run", run_folder
    )
    assert code == 0
    assert f"tutelage chat {run_folder} --stage prefer" in out
    record = (run_folder / "prefer.toml").read_text()
    assert 'loss = "dpo"' in record
    assert "beta = 0.1" in record


def test_demonstrations_are_imitated_beside(tutelage, files: Path, run_folder: Path) -> None:
    rl = ["rl", "--model", run_folder, "--stage", "sft", "--reward", run_folder, "--prompts",
          files / "prompts.txt", "--steps", "1", "--prompts-per-step", "2", "--max-new-tokens",
          "40", "--samples-per-prompt", "32"]  # fmt: skip
    shown = ["--demonstrations", files / "shown.jsonl"]
    weights = []
    for folder, more in [("alone", []), ("beside", shown)]:
        code, _, err = tutelage(*rl, *more, "--run", files / folder)
        assert (code, err) == (0, "")
        weights.append((files / folder / "checkpoints/rl/model.safetensors").read_bytes())
    assert weights[0] != weights[1]
    code, _, err = tutelage(*rl, "--run", files / "beside")
    assert code == 2
    assert "demonstrations" in err
    # What cannot be imitated is told before the folder is bound to it.
    long = {"prompt": "count " * 200, "completion": "wc"}
    (files / "long.jsonl").write_text(json.dumps(long) + "\n")
    rated = {"prompt": "count " * 200, "response": "wc", "overall": 3}
    (files / "rated.jsonl").write_text(json.dumps(rated) + "\n")
    code, _, err = tutelage(*rl, "--demonstrations", files / "long.jsonl", "--run", files / "new")
    assert code == 2
    assert "Demonstration 1 has" in err
    assert not (files / "new" / "rl.toml").exists()


def test_pretraining_goes_on_from_a_model(tutelage, files: Path, run_folder: Path) -> None:
    words = [
        "pretrain",
        "--corpus",
        files / "text.txt",
        "--from",
        run_folder,
        "--run",
        files / "more",
    ]
    code, _, err = tutelage(*words, *SMALL[:2], *SMALL[8:12])
    assert (code, err) == (0, "")
    assert 'from = "' in (files / "more" / "pretrain.toml").read_text()


SFT = "sft --model {r} --demonstrations"
RL = "rl --model {r} --reward"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("pretrain --corpus {d}/empty.txt --run {d}/new", "empty.txt is empty"),
        ("pretrain --corpus {d}/bytes.txt --run {d}/new", "cannot be read as UTF-8"),
        ("pretrain --corpus {d}/short.txt --run {d}/new --vocabulary 300", "at least 387"),
        (f"{SFT} {{d}}/bad.jsonl --run {{d}}/new", "bad.jsonl, line 2: expected"),
        (f"{SFT} {{d}}/shown.jsonl --run {{d}}/shown.jsonl", "is a file; give a folder"),
        (f"{SFT} {{d}}/shown.jsonl --run {{d}}/school", "belongs to `tutelage school`"),
        (
            f"{RL} {{r}}/checkpoints/sft --prompts {{d}}/prompts.txt --run {{d}}/new",
            "no reward model",
        ),
        (f"{RL} {{r}} --prompts {{d}}/empty.txt --run {{d}}/new", "is empty"),
        ("reward --model {r} --comparisons {d}/shown.jsonl --run {d}/new", "expected `prompt`"),
        ("prefer --model {r} --comparisons {d}/shown.jsonl --run {d}/new", "expected `prompt`"),
        (
            "prefer --model {r} --comparisons {d}/tied.jsonl --run {d}/new",
            "which response is better",
        ),
        ("evaluate {r} --count 0", "need count >= 1"),
        ("inspect {r} --demonstrations {d}/bad.jsonl", "line 2"),
    ],
)
def test_bad_files_are_one_sentence(
    tutelage, files: Path, run_folder: Path, words: str, said: str
) -> None:
    (files / "empty.txt").write_text("\n")
    (files / "bytes.txt").write_bytes(b"\xff\xfe\xff")
    (files / "short.txt").write_text("too short")
    (files / "bad.jsonl").write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "a"}\n')
    tied = {"prompt": "a", "responses": ["b", "c"], "ranking": [[0, 1]]}
    (files / "tied.jsonl").write_text(json.dumps(tied) + "\n")
    (files / "school").mkdir()
    (files / "school" / "config.toml").write_text("[school]\n")
    code, _, err = tutelage(*words.format(d=files, r=run_folder).split())
    assert code == 2
    assert said in err
    assert len(err.splitlines()) == 1
    assert not list((files / "new").rglob("*.partial"))


SHOWN = f"{SFT} {{d}}/shown.jsonl"
PROMPTED = f"{RL} {{r}} --prompts {{d}}/prompts.txt"
RANKED = "prefer --model {r} --comparisons {d}/pairs.jsonl"
JUDGED = "prefer --model {r} --prompts {d}/prompts.txt --reward {r}"
PAIRS = "reward --model {r} --comparisons {d}/pairs.jsonl"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (f"{SHOWN} --batch 0", "batch must be a number above 0, got 0"),
        (f"{SHOWN} --epochs inf", "epochs must be a number above 0, got inf"),
        (f"{SHOWN} --held-out 2", "held_out must be a number from 0 to 1, got 2.0"),
        ("reward --model {r}", "needs --comparisons FILE, or --ratings FILE, or both"),
        (f"{PAIRS} --rating-coefficient -1", "rating_coefficient must be a number at least 0"),
        (f"{PAIRS} --learning-rate nan", "learning_rate must be a number above 0, got nan"),
        (f"{PAIRS} --warmup -1", "warmup must be a number at least 0, got -1"),
        ("pretrain --corpus {d}/text.txt --evaluate-every 0", "evaluate_every must be a number"),
        ("pretrain --corpus {d}/text.txt --row-length 0", "row_length must be a number above 0"),
        ("pretrain --corpus {d}/text.txt --heads 0", "heads must be a number above 0, got 0"),
        (f"{PROMPTED} --prompts-per-step 0", "prompts_per_step must be a number above 0, got 0"),
        (f"{PROMPTED} --kl-coefficient -1", "kl_coefficient must be a number at least 0, got -1.0"),
        (f"{PROMPTED} --kl-coefficient -1 --algorithm grpo", "kl_coefficient must be a number at"),
        (f"{PROMPTED} --learning-rate -1", "learning_rate must be a number at least 0, got -1.0"),
        (f"{PROMPTED} --samples-per-prompt 1 --algorithm rloo", "must be at least 2, got 1"),
        (f"{PROMPTED} --missing-stop-penalty -1", "missing_stop_penalty must be a number"),
        (f"{JUDGED} --missing-stop-penalty nan", "missing_stop_penalty must be a number"),
        (f"{RANKED} --beta 0", "beta must be above 0, got 0"),
        (f"{RANKED} --loss ppo", "--loss: expected 'dpo', 'ipo', 'kto', got 'ppo'"),
        (f"{RANKED} --learning-rate nan", "learning_rate must be a number above 0, got nan"),
        (f"{RANKED} --epochs 0", "epochs must be a number above 0, got 0"),
        (f"{RANKED} --steps 3", "--steps goes with --prompts; with --comparisons give --epochs"),
        (f"{RANKED} --reward {{r}}", "give one of them"),
        ("prefer --model {r}", "needs --comparisons FILE, or --prompts FILE and --reward FOLDER"),
        ("prefer --model {r} --prompts {d}/prompts.txt", "--prompts FILE and --reward FOLDER"),
        (f"{JUDGED} --epochs 3", "--epochs goes with --comparisons; with --prompts give --steps"),
        (f"{JUDGED} --samples-per-prompt 1", "must be at least 2, or there is nothing to rank"),
    ],
)
def test_bad_numbers_are_one_sentence(
    tutelage, files: Path, run_folder: Path, words: str, said: str
) -> None:
    code, out, err = tutelage(*words.format(d=files, r=run_folder).split(), "--run", files / "new")
    assert (code, out) == (2, "")
    assert said in err
    assert err.endswith(f"; see `tutelage {words.split()[0]} --help`.\n")
    assert not (files / "new").exists()


TO_COMPARE = "compare --model {r}/checkpoints/sft --prompts"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("pretrain --corpus {d}/short.txt --vocabulary 300", "at least 387 are needed"),
        ("pretrain --corpus {d}/text.txt --vocabulary 10", "must hold at least"),
        (f"{SFT} {{d}}/long.jsonl", "Demonstration 1 has"),
        (f"{SFT} {{d}}/one.jsonl", "1 demonstration of 1 prompt would be kept for validation"),
        ("reward --model {r} --comparisons {d}/long.jsonl", "Comparison 1 has"),
        ("reward --model {r} --ratings {d}/rated.jsonl", "Rating 1 has"),
        ("prefer --model {r} --comparisons {d}/long.jsonl", "Comparison 1 has"),
        ("prefer --model {r} --prompts {d}/long.txt --reward {r}", "Prompt 2 has"),
        (
            "prefer --model {r} --prompts {d}/prompts.txt --reward {r}/checkpoints/sft "
            "--max-new-tokens 4",
            "holds no reward model",
        ),
        (
            f"{RANKED} --demonstrations {{d}}/long.jsonl",
            "Demonstration 1 has",
        ),
        (f"{RL} {{r}} --steps 1 --prompts {{d}}/long.txt", "Prompt 2 has"),
        (f"{PROMPTED} --steps 1 --prompts-per-step 2 --max-new-tokens 96", "Prompt 1 has"),
        (f"{RL} {{r}}/checkpoints/sft --prompts {{d}}/prompts.txt", "holds no reward model"),
        (f"{TO_COMPARE} {{d}}/long.txt", "Prompt 2 has"),
        (f"{TO_COMPARE} {{d}}/nowhere.txt", "There is no file"),
        (
            f"{TO_COMPARE} {{d}}/prompts.txt --judge {{r}}/checkpoints/sft",
            "sft holds no reward model",
        ),
    ],
)
def test_what_cannot_be_used_leaves_the_folder_free(
    tutelage, files: Path, run_folder: Path, words: str, said: str
) -> None:
    (files / "short.txt").write_text("too short")
    (files / "long.txt").write_text("count the lines\n" + "count " * 200)
    long = {"prompt": "count " * 200, "completion": "wc", "chosen": "a", "rejected": "b"}
    (files / "long.jsonl").write_text(json.dumps(long) + "\n")
    rated = {"prompt": "count " * 200, "response": "wc", "overall": 3}
    (files / "rated.jsonl").write_text(json.dumps(rated) + "\n")
    (files / "one.jsonl").write_text('{"prompt": "say", "completion": "plum"}\n')
    words = words.format(d=files, r=run_folder)
    code, out, err = tutelage(*words.split(), "--run", files / "new")
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (files / "new").exists()


def test_models_are_found_by_stage(run_folder: Path) -> None:
    at = run_folder / "checkpoints"
    assert find_model(run_folder) == at / "ppo_1"
    assert find_model(run_folder, grades=True) == at / "reward_1"
    assert find_model(run_folder, "sft") == at / "sft"
    assert find_model(at / "sft") == at / "sft"
    assert find_model(run_folder, making=(run_folder, "sft")) == at / "pretrain"
    (at / "ppo_1").rename(at / "ppo_10")
    (at / "pretrain").rename(at / "ppo_9")
    assert find_model(run_folder) == at / "ppo_10"
    with pytest.raises(BadInput, match="it has sft, reward_1, ppo_9, ppo_10"):
        find_model(run_folder, "ppo_2")


def test_prompts_are_lines_or_records(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(" one \n\ntwo\n")
    (tmp_path / "a.jsonl").write_text('{"prompt": "one"}\n{"prompt": "two"}\n')
    for name in ("a.txt", "a.jsonl"):
        assert [prompt[-1].content for prompt in read_prompts(tmp_path / name)] == ["one", "two"]
    for line, got in [
        ('{"text": "one"}', "only `text`"),
        ('{"prompt": 5}', "only `prompt` = 5"),
        ("{}", "an empty object"),
    ]:
        (tmp_path / "a.jsonl").write_text(line)
        with pytest.raises(BadInput, match=f"line 1: expected a string `prompt`, got {got}"):
            read_prompts(tmp_path / "a.jsonl")


def test_inspect_brackets_what_is_trained(tutelage, files: Path, run_folder: Path) -> None:
    code, out, _ = tutelage(
        "inspect", run_folder, "--demonstrations", files / "shown.jsonl", "--count", 2
    )
    assert code == 0
    lines = [line for line in out.splitlines() if "<|assistant|>" in line]
    assert len(lines) == 2
    for line in lines:
        said, _, rest = line.partition("[")
        assert said.endswith("<|assistant|>")
        assert rest.replace("·", "") == " wc -l plum.txt<|end|>]"


def test_inspect_shows_the_batch_as_augmented(tutelage, files: Path, run_folder: Path) -> None:
    words = "count", "the", "lines", "of"
    shown = {"prompt": " ".join((*words, "plum")), "completion": "wc plum"}
    (files / "shown.jsonl").write_text(json.dumps(shown) + "\n")
    inspect = ["inspect", run_folder, "--demonstrations", files / "shown.jsonl"]
    found = [tutelage(*inspect, *more)[1] for more in ([], ["--left-out", "1"])]
    assert all("plum<|end|>]" in out.replace("·", "") for out in found)
    assert [all(word in out.replace("·", "") for word in words) for out in found] == [True, False]
    assert tutelage(*inspect, "--swapped", "2")[0] == 2


def test_evaluate_gives_a_share_with_its_interval(tutelage, run_folder: Path) -> None:
    code, out, err = tutelage(
        "evaluate", run_folder, "--tasks", "new_names", "--count", 4, "--max-new-tokens", 4
    )
    assert (code, err) == (0, "")
    assert "new names         0.0 % [0.0 to 49.0] (n = 4)" in out


def test_evaluate_asks_what_the_curriculum_of_the_run_holds_out(tutelage, run_folder: Path) -> None:
    (run_folder / "config.toml").write_text('[school]\ncurriculum = "arithmetic"\n')
    code, out, err = tutelage("evaluate", run_folder, "--count", 4)
    assert (code, err) == (0, "")
    assert [line.split("  ")[0] for line in out.splitlines()[1:]] == [
        "new numbers",
        "new phrasings",
    ]
    code, _, err = tutelage("evaluate", run_folder, "--tasks", "new_names")
    assert code == 2
    assert "--tasks: expected one of new_numbers, new_phrasings, got new_names." in err
    code, out, _ = tutelage(
        "evaluate", run_folder, "--curriculum", "terminal", "--tasks", "new_names", "--count", 4
    )
    assert code == 0
    assert "new names" in out
