"""Against a hub of our own on this machine, which speaks as much of the protocol as is needed."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import torch
from huggingface_hub import constants

from wenlu.assets import asset
from wenlu.errors import CheckpointError
from wenlu.models import FAMILIES, Model, load, save
from wenlu.models.hub import is_hub_id
from wenlu.text import Tokenizer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves the folders under `root`, each as a model at one commit."""

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root, self.served, self.down = root, list[str](), False


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        owner, name, kind, revision, *rest = (parts[2:] if api else parts) + [""] * 4
        folder, file = self.server.root / owner / name, "/".join(rest).strip("/")
        headers = {"X-Repo-Commit": COMMIT}
        if self.server.down:
            return self._send(503, b"", headers, body)
        if owner == "gated":
            return self._send(403, b"", {"X-Error-Code": "GatedRepo"}, body)
        if not folder.is_dir():
            return self._send(404, b"", {"X-Error-Code": "RepoNotFound"}, body)
        if revision not in ("main", "v1", COMMIT):
            return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"}, body)
        if api and kind == "revision":
            answer: object = {"id": f"{owner}/{name}", "sha": COMMIT, "siblings": []}
            return self._send(200, json.dumps(answer).encode(), headers, body)
        if api and kind == "tree":
            answer = [
                {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": _tag(path)}
                for path in sorted(folder.iterdir())
            ]
            return self._send(200, json.dumps(answer).encode(), headers, body)
        assert kind == "resolve", self.path
        if body:
            self.server.served.append(file)
        headers["ETag"] = f'"{_tag(folder / file)}"'
        return self._send(200, (folder / file).read_bytes(), headers, body)

    def _send(self, code: int, content: bytes, headers: dict[str, str], body: bool) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _tag(path: Path) -> str:
    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub(tmp_path / "hub")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.chdir(tmp_path)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def model(hub: Hub) -> Model:
    tokenizer = Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))
    made = Model(
        FAMILIES["bert"](
            vocabulary=len(tokenizer), width=8, heads=2, layers=1, inner_width=8, max_length=16
        )
    )
    folder = hub.root / "somebody" / "tiny"
    save(folder, made, tokenizer)
    (folder / "modeling_tiny.py").write_text("raise SystemExit('code of a stranger')\n")
    (folder / "flax_model.msgpack").write_bytes(b"x" * 1000)
    (folder / "pytorch_model.bin").write_bytes(b"x" * 1000)
    return made


def test_a_model_is_fetched_once_and_then_from_the_cache(hub: Hub, model: Model) -> None:
    for _ in range(2):
        loaded, tokenizer = load("somebody/tiny")
        for name, tensor in model.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], tensor)
        assert tokenizer.tokens(tokenizer.encode("你好").ids) == ["你", "好"]
    assert len(set(hub.served)) == len(hub.served)
    assert {"config.json", "model.safetensors"} <= set(hub.served)
    unwanted = {"modeling_tiny.py", "flax_model.msgpack", "pytorch_model.bin"}
    assert not unwanted & set(hub.served)
    hub.down = True
    assert load("somebody/tiny@main").tokenizer.tokens([2]) == ["[CLS]"]


@pytest.mark.usefixtures("model")
def test_weights_of_the_old_kind_are_fetched_where_there_are_no_others(hub: Hub) -> None:
    folder = hub.root / "somebody" / "tiny"
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin"):  # ours is no pickle
        load("somebody/tiny@v1")
    assert "pytorch_model.bin" in hub.served


@pytest.mark.usefixtures("model")
def test_what_cannot_be_had_is_said(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointError, match=r"no model 'a/b'.*none of that name, or it is priv"):
        load("a/b")
    with pytest.raises(CheckpointError, match=r"no model 'gated/b'.*agreed to its terms"):
        load("gated/b")
    with pytest.raises(CheckpointError, match=r"tiny@v2'.*it has no revision 'v2'"):
        load("somebody/tiny@v2")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointError, match=r"cannot be reached, and the cache does not have it"):
        load("somebody/tiny")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(CheckpointError, match=r"cannot be reached, and the cache does not have it"):
        load("somebody/tiny")
    assert hub.served == []


def test_what_reads_as_an_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    for name in ("hfl/rbt3", "IDEA-CCNL/Erlangshen-1.3B@main", "a/b@refs/pr/1", "models/mini"):
        assert is_hub_id(name), name
    for name in (
        "runs/mini",
        "rbt3",
        "a/b/c",
        "/a/b",
        "./b",
        "../b",
        "a/",
        "a/b@",
        "a b/c",
        "中/b",
    ):
        assert not is_hub_id(name), name
