"""`tutelage imitate`: from a policy or a file of episodes to a policy that acts alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tutelage.data.episodes import record, save_episodes
from tutelage.device import seeded
from tutelage.environments import make_environments
from tutelage.policies.control import new_policy
from tutelage.stages.control import PolicyShape, save_policy

QUICK = ["--env", "CartPole-v1", "--episodes", "4", "--evaluation-episodes", "4", "--hidden", "8"]
SHORT = {"bc": ["--updates", "10"], "dagger": ["--rounds", "1"], "gail": ["--steps", "1024"]}


@pytest.fixture
def expert(tmp_path: Path) -> Path:
    """A run whose stage `control` holds a policy."""
    folder = tmp_path / "expert" / "checkpoints" / "control"
    folder.mkdir(parents=True)
    shape = PolicyShape(environment="CartPole-v1", hidden=(8, 4), networks="actor_critic")
    policy = new_policy(make_environments("CartPole-v1", 1), (8, 4), seeded("expert"))
    save_policy(folder, policy, shape)
    return tmp_path / "expert"


@pytest.mark.parametrize("method", ["bc", "dagger", "gail"])
def test_every_method_makes_a_policy(tutelage, method: str, expert: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ["imitate", *QUICK, *SHORT[method], "--method", method, "--expert", expert]
    words += ["--run", run]
    code, out, err = tutelage(*words)
    assert (code, err) == (0, "")
    said = {line.split()[0]: line for line in out.splitlines() if not line.startswith("✓")}
    assert list(said) == ["Return", "Expert's", "Agrees", "Policy"]
    assert said["Return"].endswith("(n = 4)")
    assert "% of the expert's actions" in said["Agrees"]
    assert said["Policy"] == f"Policy    {run / 'checkpoints' / method}"
    policy = run / "checkpoints" / method / "policy.safetensors"
    assert (run / "expert.npz").exists()
    # The same command again has nothing to do; what it made is an expert itself.
    weights = policy.read_bytes()
    assert tutelage(*words)[:2] == (0, "\n".join(said.values()) + "\n")
    assert policy.read_bytes() == weights
    words = ["imitate", *QUICK, *SHORT["bc"], "--method", "bc", "--expert", run]
    words += ["--run", tmp_path / "next"]
    assert tutelage(*words)[0] == 0


def test_what_rl_made_is_an_expert_in_a_grid_world_too(tutelage, tmp_path: Path) -> None:
    world = ["--env", "MiniGrid-Empty-5x5-v0"]
    made = ["rl", *world, "--steps", "256", "--environments", "2", "--steps-per-update", "64"]
    made += ["--audits", "1", "--audit-episodes", "2", "--episodes", "2", "--run"]
    code, _, err = tutelage(*made, tmp_path / "expert", "--hidden", "8")
    assert (code, err[:45]) == (2, "hidden does nothing in MiniGrid-Empty-5x5-v0:")
    code, _, err = tutelage(*made, tmp_path / "expert")
    assert (code, err) == (0, "")
    alike = [*QUICK[2:6], *SHORT["bc"], *world, "--method", "bc", "--expert", tmp_path / "expert"]
    code, out, err = tutelage("imitate", *alike, "--run", tmp_path / "alike")
    assert (code, err) == (0, "")
    assert "Agrees" in out


def test_an_expert_of_another_environment(tutelage, expert: Path, tmp_path: Path) -> None:
    words = ["imitate", "--env", "Acrobot-v1", "--method", "bc", "--expert", expert]
    code, out, err = tutelage(*words, "--run", tmp_path / "run")
    assert (code, out) == (2, "")
    assert "holds a policy for CartPole-v1, not for Acrobot-v1." in err


def test_an_environment_with_options_of_its_own(tutelage, tmp_path: Path) -> None:
    lake = ["--env", "FrozenLake-v1", "--env-options", '{"is_slippery": false}']
    made = ["rl", *lake, "--steps", "256", "--environments", "2", "--steps-per-update", "64"]
    made += ["--audits", "1", "--audit-episodes", "2", "--episodes", "2", "--hidden", "4"]
    assert tutelage(*made, "--run", tmp_path / "expert")[0] == 0
    alike = ["imitate", *QUICK[2:], *SHORT["bc"], "--method", "bc", "--expert", tmp_path / "expert"]
    code, _, err = tutelage(*alike, *lake, "--run", tmp_path / "alike")
    assert (code, err) == (0, "")
    described = (tmp_path / "alike/checkpoints/bc/policy.json").read_text()
    assert json.loads(described)["environment_options"] == {"is_slippery": False}
    code, _, err = tutelage(*alike, *lake[:2], "--run", tmp_path / "other")
    assert code == 2
    theirs = '{"is_slippery": false}'
    assert f"FrozenLake-v1 with the options {theirs}, not with {{}}: give --env-options" in err
    assert not (tmp_path / "other").exists()


def test_a_reward_from_what_was_shown_and_learning_goes_on_from_a_clone(
    tutelage, tmp_path: Path
) -> None:
    lake = ["--env", "FrozenLake-v1", "--env-options", '{"is_slippery": false}']
    learn = ["rl", *lake, "--steps", "256", "--environments", "2", "--steps-per-update", "64"]
    learn += ["--audits", "1", "--audit-episodes", "2", "--episodes", "2", "--hidden", "8"]
    assert tutelage(*learn, "--run", tmp_path / "expert")[0] == 0
    few = ["imitate", *lake, *QUICK[2:6], "--expert", tmp_path / "expert"]
    words = [*few, "--method", "max_ent_irl", "--run", tmp_path / "reward"]
    code, out, err = tutelage(*words)
    assert (code, err) == (0, "")
    found = np.load(tmp_path / "reward/checkpoints/max_ent_irl/rewards.npz")
    assert found["rewards"].shape == found["policy"].shape == (16, 4)
    assert "Agrees" in out
    assert tutelage(*words)[0] == 0

    words = [*few, *SHORT["bc"], "--method", "bc", "--run", tmp_path / "clone"]
    assert tutelage(*words, "--hidden", "8")[0] == 0
    on = [*learn, "--start", tmp_path / "clone", "--learning-rate", "1e-12"]
    assert tutelage(*on, "--run", tmp_path / "on")[0] == 0
    begun, ended = (
        load_file(tmp_path / folder / "policy.safetensors")
        for folder in ("clone/checkpoints/bc", "on/seed_0/checkpoints/control")
    )
    for name, weights in begun.items():
        np.testing.assert_allclose(ended[name], weights, atol=1e-8)
    for given, said in (
        (["--hidden", "4"], "holds a policy with hidden layers of (8,), not (4,)."),
        (["--algorithm", "dqn", "--learning-starts", "64"], "of the networks actor_critic, not q"),
        (["--env-options", "{}"], 'with the options {"is_slippery": false}, not {}.'),
    ):
        code, _, err = tutelage(*on[:-2], *given, "--run", tmp_path / "other")
        assert (code, said in err) == (2, True), err


def test_the_bot_is_an_expert(tutelage, tmp_path: Path) -> None:
    level = ["imitate", "--env", "BabyAI-GoToLocal-v0", *QUICK[2:6], "--expert", "bot"]
    code, out, err = tutelage(*level, *SHORT["bc"], "--method", "bc", "--run", tmp_path / "run")
    assert (code, err) == (0, "")
    assert "Expert's" in out
    assert (tmp_path / "run" / "expert.npz").exists()
    for words, said in (
        (["--method", "dagger"], "and the bot is no policy: give a policy"),
        (["--method", "bc", "--sampled"], "sampled does nothing with the bot"),
        (["--method", "bc", "--env", "CartPole-v1"], "CartPole-v1 is no grid world"),
    ):
        code, _, err = tutelage(*level, *words, "--run", tmp_path / "other")
        assert (code, said in err) == (2, True), err
    assert not (tmp_path / "other").exists()


def test_episodes_of_somebody_else(tutelage, expert: Path, tmp_path: Path) -> None:
    policy = new_policy(make_environments("CartPole-v1", 1), (4,), seeded("file"))
    path = tmp_path / "mine.npz"
    save_episodes(path, record(policy, make_environments("CartPole-v1", 2), 4, 0))
    words = ["imitate", *QUICK[:2], *QUICK[4:], *SHORT["bc"], "--method", "bc", "--expert", path]
    words += ["--run", tmp_path / "run"]
    assert tutelage(*words)[0] == 0
    assert not (tmp_path / "run" / "expert.npz").exists()
    code, _, err = tutelage(*words[:-1], tmp_path / "run", "--seed", "1")
    assert code == 2
    assert "was begun with seed = 0, not 1" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--method bc --expert nowhere", "There is no file or folder nowhere."),
        ("--method bc --expert {tmp}", "{tmp} holds no policy for control: give a folder with"),
        ("--method bc --expert {tmp}/empty.npz", "{tmp}/empty.npz holds no steps"),
        ("--method bc --expert {tmp}/text.npz", "{tmp}/text.npz is no file of episodes."),
        ("--method bc --expert {tmp}/other.npz", "the shape (2, 3), but this environment's"),
        ("--method dagger --expert {tmp}/good.npz", "DAgger asks the expert what it would do"),
        ("--method bc --expert {tmp}/good.npz --env Nothing-v0", "cannot make the environment"),
        ("--method bc --expert {tmp}/good.npz --episodes 0", "episodes must be a number above 0"),
        ("--method clone --expert x", "'bc', 'dagger', 'gail', 'max_ent_irl', got 'clone'"),
        (
            "--method max_ent_irl --expert {tmp}/good.npz",
            "a table needs states and actions counted",
        ),
        ("--method max_ent_irl --expert x --discount 1", "discount must lie in [0, 1), got 1.0"),
        (
            "--method max_ent_irl --expert x --hidden 8",
            "hidden does nothing with method max_ent_irl",
        ),
        (
            "--method bc --expert {tmp}/good.npz --sampled",
            "sampled does nothing with {tmp}/good.npz",
        ),
        (
            "--method bc --expert {tmp}/good.npz --episodes 9",
            "episodes does nothing with {tmp}/good",
        ),
        ("--method dagger --expert x --sampled", "sampled does nothing with method dagger"),
        (
            "--method bc --expert x --rounds 3",
            "rounds does nothing with method bc, but with dagger",
        ),
        ("--method bc --expert x --env-options [1]", "env_options must be a JSON object"),
        (
            "--method bc --expert {tmp}/good.npz --env MiniGrid-Empty-5x5-v0 --hidden 8",
            "hidden does nothing in MiniGrid-Empty-5x5-v0: the networks that read grid worlds",
        ),
        ("--method bc", "tutelage imitate needs --expert FILE_OR_RUN"),
    ],
)
def test_a_mistake_is_one_sentence_and_binds_no_folder(
    tutelage, words: str, sentence: str, tmp_path: Path
) -> None:
    def write(name: str, observations: np.ndarray) -> None:
        ends = np.arange(len(observations)) % 2 == 1
        np.savez(tmp_path / name, observations=observations, terminated=ends, truncated=~ends,
                 actions=np.zeros(len(ends), dtype=int))  # fmt: skip

    write("good.npz", np.zeros((2, 4)))
    write("other.npz", np.zeros((2, 3)))
    write("empty.npz", np.zeros((0, 4)))
    (tmp_path / "text.npz").write_text("left, right")
    run = tmp_path / "run"
    given = words.format(tmp=tmp_path).split()
    env = [] if "--env" in given else ["--env", "CartPole-v1"]
    code, out, err = tutelage("imitate", *env, *given, "--run", run)
    assert (code, out) == (2, "")
    assert sentence.format(tmp=tmp_path) in err
    assert err.count("\n") == 1
    assert not run.exists()
