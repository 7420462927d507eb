"""The API under OpenAI's own client, and by hand where the client would not let us."""

from __future__ import annotations

import math
from collections.abc import Iterator

import openai
import pytest
import torch

from tests.web.serving import served
from tutelage.labelling import accounts, sessions
from tutelage.model.checkpoint import load_policy
from tutelage.rollout.sampler import ModelSampler, Sampling
from tutelage.schema import Message
from tutelage.text.packing import plain
from tutelage.web.site import Site, SiteOptions

HELLO = [{"role": "user", "content": "count the lines"}]


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    with served(site) as address:
        yield address


@pytest.fixture
def api(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as api:
        yield api


def test_models_are_the_stages_that_speak(api) -> None:
    assert [model.id for model in api.models.list()] == ["pretrain", "sft", "ppo_1"]
    assert api.models.retrieve("sft").id == "sft"


def test_a_greedy_reply_is_the_engines(api, run_folder) -> None:
    asked = api.chat.completions.create(
        model="sft", messages=HELLO, temperature=0, max_tokens=12, logprobs=True, top_logprobs=3
    )
    gpt, tokenizer = load_policy(run_folder / "checkpoints" / "sft")
    prompt = tokenizer.encode_prompt((Message("user", "count the lines"),))
    sampling = Sampling(max_new_tokens=12, temperature=0)
    [[sample]] = ModelSampler(gpt, frozenset({tokenizer.end})).sample(
        [prompt], 1, sampling, torch.Generator()
    )
    [choice] = asked.choices
    assert choice.message.content == tokenizer.decode_reply(sample.tokens)
    found = [token.logprob for token in choice.logprobs.content]
    assert found == pytest.approx(sample.logprobs, abs=1e-4)
    assert "".join(token.token for token in choice.logprobs.content) == choice.message.content
    for token in choice.logprobs.content:  # greedy: the first of the likeliest was taken
        assert token.top_logprobs[0].logprob == pytest.approx(token.logprob)
        assert len(token.top_logprobs) == 3
    assert asked.usage.prompt_tokens == len(prompt)
    assert asked.usage.completion_tokens == len(sample.tokens)


def test_streamed_is_what_is_not_streamed(api) -> None:
    same = {"model": "ppo_1", "messages": HELLO, "max_tokens": 10, "seed": 3, "n": 2}
    whole = api.chat.completions.create(**same)
    texts, ends = ["", ""], ["", ""]
    usage = None
    for chunk in api.chat.completions.create(
        **same, stream=True, stream_options={"include_usage": True}
    ):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            ends[choice.index] = choice.finish_reason or ends[choice.index]
    assert texts == [choice.message.content for choice in whole.choices]
    assert ends == [choice.finish_reason for choice in whole.choices]
    assert usage == whole.usage
    assert texts[0] != texts[1]


def test_a_stop_text_ends_the_reply_before_it(api) -> None:
    same = {"model": "sft", "messages": HELLO, "temperature": 0, "max_tokens": 12}
    whole = api.chat.completions.create(**same).choices[0].message.content
    stop = whole[2:10]  # of several tokens, of which the first must wait for the others
    for stream in (False, True):
        answer = api.chat.completions.create(**same, stop=[stop, "never"], stream=stream)
        if stream:
            text = "".join(chunk.choices[0].delta.content or "" for chunk in answer)
        else:
            text = answer.choices[0].message.content
            assert answer.choices[0].finish_reason == "stop"
        assert text == whole[: whole.index(stop)]


def test_echo_scores_a_prompt_as_the_model_does(api, run_folder) -> None:
    text = "wc -l plum.txt"
    answer = api.completions.create(
        model="pretrain", prompt=text, max_tokens=0, echo=True, logprobs=2
    )
    [choice] = answer.choices
    assert choice.text == text
    gpt, tokenizer = load_policy(run_folder / "checkpoints" / "pretrain")
    tokens = [tokenizer.document, *tokenizer.encode(text)]
    with torch.inference_mode():
        logprobs = gpt.head(gpt(plain(torch.tensor([tokens])))[0]).log_softmax(-1)
    wanted = [float(logprobs[i, token]) for i, token in enumerate(tokens[1:])]
    assert choice.logprobs.token_logprobs == pytest.approx(wanted, abs=1e-5)
    assert choice.logprobs.text_offset[0] == 0
    assert "".join(choice.logprobs.tokens) == text
    assert all(math.isfinite(value) for value in choice.logprobs.token_logprobs)


def test_several_prompts_each_have_their_choices(api) -> None:
    same = {"model": "pretrain", "max_tokens": 4, "temperature": 0}
    answer = api.completions.create(prompt=["count", "say"], n=2, **same)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    alone = api.completions.create(prompt="say", **same)
    assert answer.choices[2].text == alone.choices[0].text
    pieces = api.completions.create(prompt="say", stream=True, **same)
    assert "".join(piece.choices[0].text for piece in pieces) == alone.choices[0].text


def test_failures_have_openais_shape(api) -> None:
    with pytest.raises(openai.NotFoundError, match="There is no model 'gpt-9'") as found:
        api.chat.completions.create(model="gpt-9", messages=HELLO)
    assert found.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError, match="temperature"):
        api.chat.completions.create(model="sft", messages=HELLO, temperature=-1)
    with pytest.raises(openai.BadRequestError, match="this model reads at most 95"):
        api.chat.completions.create(model="sft", messages=[{"role": "user", "content": "a " * 500}])
    with pytest.raises(openai.BadRequestError, match="top_p is not supported"):
        api.chat.completions.create(model="sft", messages=HELLO, top_p=0.5)
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    with pytest.raises(openai.BadRequestError, match="use no tools"):
        api.chat.completions.create(model="sft", messages=HELLO, tools=[tool])
    with pytest.raises(openai.BadRequestError, match="must lie below"):
        api.completions.create(model="sft", prompt=[10**6])
    with pytest.raises(openai.NotFoundError):
        api.embeddings.create(model="sft", input="a")


def test_with_accounts_a_key_is_needed_at_this_machine_too(site, client) -> None:
    def code(key: str) -> int:
        return client.get("/v1/models", headers={"authorization": f"Bearer {key}"}).status_code

    here = accounts.local_person(site.store)
    key = sessions.make_api_key(site.store, here.id, "notebook")
    assert [code("none"), code(key)] == [200, 200]
    sessions.revoke_api_key(site.store, sessions.api_keys(site.store)[0].id, here.id)
    assert [code("none"), code(key), code("tut-guess")] == [200, 401, 401]
    accounts.create_labeler(site.store, "Ada", "admin", "correct horse battery", None)
    assert [code("none"), code("")] == [401, 401]


def test_elsewhere_a_key_is_needed(site, run_folder) -> None:
    person = accounts.create_labeler(site.store, "Ada", "admin", "correct horse battery", None)
    open_to_all = Site(store=site.store, run=run_folder, options=SiteOptions(host="0.0.0.0"))
    with served(open_to_all) as address:
        for wrong in ("none", "tut-wrong"):
            with (
                openai.OpenAI(base_url=f"{address}/v1", api_key=wrong, max_retries=0) as api,
                pytest.raises(openai.AuthenticationError, match="A key is needed"),
            ):
                api.models.list()
        key = sessions.make_api_key(site.store, person.id, "notebook")
        with openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as api:
            assert len(list(api.models.list())) == 3
    open_to_all.worlds.close()
