"""Each family through a hub on 127.0.0.1, and from its client's cache when the hub is gone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.config.encoders import ENCODERS, EncoderConfig, resolve_encoder
from core.encoders import load_encoder
from core.workspace import ROOT
from tests.hub import serving
from tests.test_encoders import noise
from tests.towers.repositories import BIOBERT, BIOMEDBERT, CLIP, CXR_BERT, RESNET, SENTENCES, TEXTS, VIT, poison

PAIRS = {
    "clip-transformers": (f"clip:{CLIP}", f"clip:{CLIP}"),
    "resnet and biobert": (f"timm:{RESNET}", f"bert:{BIOBERT}"),
    "vit and pubmedbert": (f"timm:timm/{VIT}", f"bert:{BIOMEDBERT}"),
    "clip and cxr-bert": (f"clip:{CLIP}", f"bert:{CXR_BERT}"),
    "resnet and sentences": (f"timm:hf-hub:timm/{RESNET}", f"bert:hf-hub:{SENTENCES}"),
}
"""What is asked of the hub."""
FAILING = [
    *("clip:evil/clip", f"clip:{BIOBERT}", "clip:tiny/none", "clip:tiny/no-weights"),
    *("timm:evil/timm+lite", "timm:tiny/none+lite", "timm:tiny/no-weights+lite"),
    *("lite+bert:evil/bert", "lite+bert:tiny/none", "lite+bert:tiny/no-weights"),
]


@pytest.fixture(scope="module")
def clients(hub_root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a client found while the hub answered, and what one found with its cache when it no longer did."""
    folder = tmp_path_factory.mktemp("clients")
    root = Path(shutil.copytree(hub_root, folder / "root"))
    traps = []
    for name, source in {"evil/clip": CLIP, "evil/timm": f"timm/{RESNET}", "evil/bert": BIOBERT}.items():
        traps.append(poison(Path(shutil.copytree(root / source, root / name))))
    (root / "tiny/no-weights").mkdir()
    for file in ("config.json", "vocab.txt"):
        shutil.copy(root / BIOBERT / file, root / "tiny/no-weights")
    configs = {name: resolve_encoder("+".join(pair)) for name, pair in PAIRS.items()}
    configs["clip-transformers"] = ENCODERS["clip-transformers"]
    configs |= {key: resolve_encoder(key) for key in FAILING}
    with serving(root) as address:
        live = client(folder, "live", address, configs)
    dead = client(folder, "dead", "http://127.0.0.1:9", configs)
    return {"folder": folder, "live": live, "dead": dead, "traps": [*traps, root / CXR_BERT / "ran"]}


def client(folder: Path, where: str, address: str, encoders: dict[str, EncoderConfig]) -> dict[str, Any]:
    own = folder / where
    own.mkdir()
    sides: dict[str, Any] = {"160": noise(3, 160, 160), "64": noise(3, 64, 64), "large": noise(1, 224, 224)}
    np.savez(own / "given.npz", **sides)
    files = {file_of(name): config.to_json() for name, config in encoders.items()}
    (own / "jobs.json").write_text(json.dumps({"encoders": files, "by_name": False, "texts": TEXTS}))
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment |= {"HF_ENDPOINT": address, "HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_TELEMETRY": "1"}
    environment.pop("HF_HUB_OFFLINE", None)
    command = [sys.executable, "-m", "tests.hub_client", str(own)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=400, stdin=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads((own / "results.json").read_text())
    return found


def file_of(name: str) -> str:
    return name.replace("/", "-").replace(":", "-")


@pytest.mark.parametrize("name", PAIRS)
class TestHub:
    def of_folders(self, hub_root: Path, name: str) -> EncoderConfig:
        """The same pair, out of folders."""
        image, text = PAIRS[name]
        places = []
        for key in (image, text):
            family, _, repository = key.partition(":")
            repository = repository.removeprefix("hf-hub:")
            places.append(f"{family}:{hub_root / ('' if '/' in repository else 'timm') / repository}")
        return resolve_encoder("+".join(places))

    def test_it_is_what_lies_there(self, clients: dict[str, Any], hub_root: Path, name: str) -> None:
        """Every weight bit for bit, and the same features, also from the cache alone."""
        encoder = load_encoder(self.of_folders(hub_root, name), torch.device("cpu"))
        images, texts = encoder.embed_images(noise(3, *(2 * [encoder.image.recipe.side]))), encoder.embed_texts(TEXTS)
        for where in ("live", "dead"):
            told = clients[where][name]
            assert told["fingerprint"] == [encoder.image_weights, encoder.text_weights]
            assert told["widths"] == [encoder.image_width, encoder.text_width] and not told["training"]
            assert told["aligned"] == (name == "clip-transformers")
            found: dict[str, NDArray[np.float32]] = dict(np.load(clients["folder"] / where / f"{name}.npz"))
            assert np.allclose(found["images"], images, rtol=1e-5, atol=1e-5)
            assert np.allclose(found["texts"], texts, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("where", ["live", "dead"])
@pytest.mark.parametrize("key", FAILING)
def test_what_does_not_load(clients: dict[str, Any], key: str, where: str) -> None:
    told = clients[where][file_of(key)]
    repository = key.removeprefix("lite+").removesuffix("+lite").partition(":")[2]
    assert told["seconds"] < 60
    for word in (repository, f"`hf download {repository}`", "HF_HOME", "config.json", "'lite'"):
        assert word in told["error"]


def test_nothing_of_a_repository_was_run(clients: dict[str, Any]) -> None:
    assert not [trap for trap in clients["traps"] if trap.exists()]
    assert not list((clients["folder"] / "home").rglob("*.incomplete"))
    assert not list((clients["folder"] / "home").rglob("*.py"))  # nor even fetched
